"""The command line as people meet it: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def kizuna(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("KIZUNA", "DAGSTER"))}
    return subprocess.run(
        [str(Path(sys.executable).with_name("kizuna")), *arguments],
        cwd=cwd,
        env=clean | environment | {"COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_init_writes_settings_that_are_valid_and_never_overwrites(tmp_path: Path) -> None:
    from pipelines.settings import load_settings

    first = kizuna("init", "shop", cwd=tmp_path)
    assert first.returncode == 0
    assert load_settings(tmp_path / "shop" / "kizuna.yml").sources
    second = kizuna("init", "shop", cwd=tmp_path)
    assert second.returncode == 1
    assert "exists already" in second.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("company: {name: x}\nsurces: {}", "surces: unknown key"),
        ("company: {name: [1]}\nsources: {}", "company.name"),
        (
            "company: {name: '${NOWHERE}'}\nsources: {}",
            "company.name: the environment variable NOWHERE is not set",
        ),
        ("company: {name: x", "no YAML"),
    ],
)
def test_a_mistake_in_the_settings_is_one_message_with_file_key_and_mend(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "kizuna.yml").write_text(text, encoding="utf-8")
    found = kizuna("run", cwd=tmp_path)
    assert found.returncode == 1
    assert message in found.stderr
    assert "kizuna.yml" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_missing_file_says_how_to_write_one(tmp_path: Path) -> None:
    found = kizuna("run", cwd=tmp_path)
    assert found.returncode == 1
    assert "kizuna init" in found.stderr


def test_a_missing_secret_is_told_before_anything_is_read(tmp_path: Path) -> None:
    kizuna("init", cwd=tmp_path)
    found = kizuna("run", cwd=tmp_path)
    assert found.returncode == 1
    assert "KIZUNA_CUSTOMER_KEY is not set" in found.stderr
    assert not (tmp_path / ".kizuna" / "warehouse.duckdb").exists()


def test_doctor_names_each_fault_and_exits_with_one(tmp_path: Path) -> None:
    kizuna("init", cwd=tmp_path)
    found = kizuna("doctor", cwd=tmp_path)
    assert found.returncode == 1
    assert "KIZUNA_CUSTOMER_KEY" in found.stdout
    mended = kizuna("doctor", cwd=tmp_path, KIZUNA_CUSTOMER_KEY="long and random")
    assert mended.returncode == 0, mended.stdout


def test_status_and_list_before_the_first_night(tmp_path: Path) -> None:
    kizuna("init", cwd=tmp_path)
    assert "Nothing has been published yet" in kizuna("status", cwd=tmp_path).stdout
    assert kizuna("publication", "list", cwd=tmp_path).returncode == 0
    missing = kizuna("publication", "rollback", "nowhere", cwd=tmp_path)
    assert missing.returncode == 1
    assert "Traceback" not in missing.stderr


def test_a_second_demo_with_other_numbers_is_refused_and_the_same_one_is_found(tmp_path: Path) -> None:
    assert kizuna("demo", "--customers", "200", cwd=tmp_path).returncode == 0
    assert "there already" in kizuna("demo", "--customers", "200", cwd=tmp_path).stdout
    other = kizuna("demo", "--customers", "300", cwd=tmp_path)
    assert other.returncode == 1
    assert "another demo company" in other.stderr


def test_rebuild_is_a_dry_run_unless_told(tmp_path: Path) -> None:
    found = kizuna("rebuild", cwd=tmp_path)
    assert found.returncode == 0
    assert "Would remove" in found.stdout


ONE_SOURCE = """
company: {name: x}
privacy: {customer_key: {public: p}}
sources:
  a:
    files: "*.csv"
    format: csv
    tables: [{table: crm.customers, columns: {customer_id: a, registered_at: b}}]
"""


def test_square_brackets_in_a_message_are_text(tmp_path: Path) -> None:
    """Rich takes them for its markup: it would swallow some, and raise at others."""
    text = ONE_SOURCE.replace("*.csv", "[/x].csv")
    (tmp_path / "kizuna.yml").write_text(text, encoding="utf-8")
    assert "[/x].csv" in kizuna("doctor", cwd=tmp_path).stdout
    (tmp_path / "kizuna.yml").write_text(text.replace("customer_id: a", "customer_id: {sql: sum(a)}"))
    assert "number_within: [column, ...]" in kizuna("run", cwd=tmp_path).stderr


def test_a_first_night_without_files_says_so(tmp_path: Path) -> None:
    (tmp_path / "kizuna.yml").write_text(ONE_SOURCE, encoding="utf-8")
    found = kizuna("run", cwd=tmp_path)
    assert found.returncode == 1
    assert "no file matches" in found.stderr
    assert "Nothing was published" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_state_folder_that_cannot_be_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    found = kizuna("demo", "--customers", "100", cwd=tmp_path, KIZUNA_HOME=str(tmp_path / "taken"))
    assert found.returncode == 1
    assert "KIZUNA_HOME" in found.stderr
    assert "Traceback" not in found.stderr
