"""Tab in a real bash, and a command line that starts without what a command does not need."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.cli import completion
from pipelines.home import Home

# As bash does it when somebody presses Tab: the words so far, the last one unfinished.
PRESS_TAB = r"""
eval "$(_KIZUNA_COMPLETE=source_bash kizuna)"
while IFS= read -r line; do
    read -ra COMP_WORDS <<< "$line"; [[ $line == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 )); COMPREPLY=()
    $(complete -p kizuna | sed 's/.*-F \(\S*\).*/\1/') kizuna
    echo "${COMPREPLY[*]}" | tr '\n' ' '; echo
done
"""
VERSIONS = ["2026-09-29-20260930T020000000Z", "2026-09-30-20261001T020000000Z"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("KIZUNA_HOME", str(tmp_path))
    home = Home(tmp_path).create()
    for version in VERSIONS:
        (home.publications / version).mkdir()
        (home.publications / f".building-{version}").mkdir()
    (home.published / "current").symlink_to(home.publications / VERSIONS[0])
    home.published_file.symlink_to("current/kizuna.duckdb")
    home.lineage.parent.mkdir()
    columns = {"*": [], "nps": [], "nps_n": [], "month": []}
    pages = {"kpi.a": {"columns": columns}, "kpi.ab": {"columns": columns}}
    home.lineage.write_text(json.dumps(pages | {"staging.x": {"columns": {"y": []}}}))
    return home


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_a_real_bash_completes(home: Home) -> None:
    lines = [
        "kizuna publ",
        "kizuna run --as",
        "kizuna publication rollback 2026-09-30",
        "kizuna lineage kpi.ab",
    ]
    shown = subprocess.run(
        ["bash", "--norc", "-c", PRESS_TAB],
        input="\n".join(lines) + "\n",
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    columns = "kpi.ab.nps kpi.ab.nps_n kpi.ab.month"
    assert [line.strip() for line in shown.stdout.splitlines()] == [
        "publication",
        "--as-of",
        VERSIONS[1],
        columns,
    ]
    assert shown.stderr == ""


def test_versions_are_the_newest_first_and_say_which_is_open(home: Home) -> None:
    assert completion.versions("") == [(VERSIONS[1], "earlier or later"), (VERSIONS[0], "current")]


def test_columns_come_after_their_table(home: Home) -> None:
    assert completion.columns("") == ["kpi.a.", "kpi.ab."]  # what is published; the rest when it is asked for
    assert completion.columns("st") == ["staging.x.y"]
    assert completion.columns("kpi.a.nps") == ["kpi.a.nps", "kpi.a.nps_n"]


@pytest.mark.parametrize("text", [None, "no JSON", "[1]", '{"kpi.a": 1}'])
def test_what_cannot_be_read_offers_nothing(home: Home, text: str | None) -> None:
    home.lineage.unlink()
    if text is not None:
        home.lineage.write_text(text)
    assert completion.columns("kpi") == []


HEAVY = {"dagster", "dbt", "great_expectations", "polars", "pandas", "scipy", "altair", "sqlglot"}


@pytest.mark.parametrize(
    ("arguments", "spared"),
    [
        (["--help"], HEAVY | {"duckdb", "pydantic", "yaml"}),
        (["status"], HEAVY - {"polars"}),
        (["kpi"], HEAVY - {"polars"}),
    ],
)
def test_a_quick_command_imports_no_slow_library(
    tmp_path: Path, arguments: list[str], spared: set[str]
) -> None:
    """Dagster alone takes seconds; these are asked many times a day."""
    program = (
        "import sys; from orchestration.cli import main; sys.argv = ['kizuna', *sys.argv[1:]]\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"print(sorted({spared!r} & set(sys.modules)), file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"KIZUNA_HOME": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert ended.stderr.splitlines()[-1] == "[]"
