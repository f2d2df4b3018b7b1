"""The command line as people meet it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures.command_line import Kizuna


def test_init_writes_settings_that_are_valid_and_never_overwrites(kizuna: Kizuna, tmp_path: Path) -> None:
    from pipelines.settings import load_settings

    first = kizuna("init", "shop")
    assert first.returncode == 0
    assert load_settings(tmp_path / "shop" / "kizuna.yml").sources
    second = kizuna("init", "shop")
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
    kizuna: Kizuna, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "kizuna.yml").write_text(text, encoding="utf-8")
    found = kizuna("run")
    assert found.returncode == 1
    assert message in found.stderr
    assert "kizuna.yml" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_missing_file_says_how_to_write_one(kizuna: Kizuna, tmp_path: Path) -> None:
    found = kizuna("run")
    assert found.returncode == 1
    assert "kizuna init" in found.stderr


def test_a_missing_secret_is_told_before_anything_is_read(kizuna: Kizuna, tmp_path: Path) -> None:
    kizuna("init")
    found = kizuna("run")
    assert found.returncode == 1
    assert "KIZUNA_CUSTOMER_KEY is not set" in found.stderr
    assert not (tmp_path / ".kizuna" / "warehouse.duckdb").exists()


def test_doctor_names_each_fault_and_exits_with_one(kizuna: Kizuna, tmp_path: Path) -> None:
    kizuna("init")
    found = kizuna("doctor")
    assert found.returncode == 1
    assert "KIZUNA_CUSTOMER_KEY" in found.stdout
    mended = kizuna("doctor", KIZUNA_CUSTOMER_KEY="long and random")
    assert mended.returncode == 0, mended.stdout


def test_status_and_list_before_the_first_night(kizuna: Kizuna, tmp_path: Path) -> None:
    kizuna("init")
    assert "Nothing has been published yet" in kizuna("status").stdout
    assert kizuna("publication", "list").returncode == 0
    missing = kizuna("publication", "rollback", "nowhere")
    assert missing.returncode == 1
    assert "Traceback" not in missing.stderr


def test_a_second_demo_with_other_numbers_is_refused_and_the_same_one_is_found(
    kizuna: Kizuna, tmp_path: Path
) -> None:
    assert kizuna("demo", "--customers", "200").returncode == 0
    assert "there already" in kizuna("demo", "--customers", "200").stdout
    other = kizuna("demo", "--customers", "300")
    assert other.returncode == 1
    assert "another demo company" in other.stderr


def test_rebuild_is_a_dry_run_unless_told(kizuna: Kizuna, tmp_path: Path) -> None:
    found = kizuna("rebuild")
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


def test_square_brackets_in_a_message_are_text(kizuna: Kizuna, tmp_path: Path) -> None:
    """Rich takes them for its markup: it would swallow some, and raise at others."""
    text = ONE_SOURCE.replace("*.csv", "[/x].csv")
    (tmp_path / "kizuna.yml").write_text(text, encoding="utf-8")
    assert "[/x].csv" in kizuna("doctor").stdout
    (tmp_path / "kizuna.yml").write_text(text.replace("customer_id: a", "customer_id: {sql: sum(a)}"))
    assert "number_within: [column, ...]" in kizuna("run").stderr


def test_a_first_night_without_files_says_so(kizuna: Kizuna, tmp_path: Path) -> None:
    (tmp_path / "kizuna.yml").write_text(ONE_SOURCE, encoding="utf-8")
    found = kizuna("run")
    assert found.returncode == 1
    assert "no file matches" in found.stderr
    assert "Nothing was published" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_state_folder_that_cannot_be_is_one_message(kizuna: Kizuna, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    found = kizuna("demo", "--customers", "100", KIZUNA_HOME=str(tmp_path / "taken"))
    assert found.returncode == 1
    assert "KIZUNA_HOME" in found.stderr
    assert "Traceback" not in found.stderr
