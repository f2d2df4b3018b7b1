"""What scripts and new users rely on: the JSON that docs/cli.md describes, exit codes, help that is right."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import typer
from fixtures.command_line import Kizuna
from rich.console import Console
from typer.exceptions import TyperException

from orchestration.cli.main import app
from orchestration.cli.progress import step_progress
from orchestration.cli.summary import night_summary
from orchestration.history import Night
from orchestration.night import NightResult
from pipelines.home import Home
from pipelines.publication import TableDoc, current_version, publish
from pipelines.scorecard.headlines import Headline
from pipelines.turn import turn

ROOT = Path(__file__).parents[3]
SETTINGS = """
company: {name: x}
privacy: {customer_key: {public: p}}
publication: {folder: %s}
sources:
  customers:
    files: "customers*.csv"
    format: csv
    tables: [{table: crm.customers, columns: {customer_id: id, registered_at: at}}]
"""


@pytest.fixture
def home(kizuna: Kizuna, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A shop with a file that was read, and two versions published."""
    monkeypatch.setenv("KIZUNA_HOME", str(tmp_path / "home"))
    (tmp_path / "kizuna.yml").write_text(SETTINGS % (tmp_path / "shared"), encoding="utf-8")
    (tmp_path / "customers.csv").write_text("id,at\n1,2026-01-01\n", encoding="utf-8")
    home = Home(tmp_path / "home").create()
    from pipelines.ingest import ingest_source
    from pipelines.settings import load_settings

    ingest_source(home, load_settings(tmp_path / "kizuna.yml"), "customers")
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create schema kpi; create table kpi.total as select 1 as night")
    docs = {"kpi.total": TableDoc("One.", {"night": "N."})}
    for day in (29, 30):
        publish(home, as_of=dt.date(2026, 9, day), run_id="r", docs=docs, checks=[], keep_versions=2)
    return home


def documented() -> dict[str, set[str]]:
    """By command and part, the keys that docs/cli.md names outside of parentheses."""
    text = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    found, command = {}, ""
    for line in text[text.index("## JSON") : text.index("Examples:")].splitlines():
        if not line.startswith("| ") or "---" in line or "| key |" in line:
            continue
        named, part, keys = (cell.strip() for cell in line.strip("|").split("|"))
        command = named.strip("`").removeprefix("kizuna ") or command
        found[f"{command} {part.strip('`')}".strip()] = set(
            re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", keys))
        )
    return found


def test_json_has_the_documented_keys(home: Home, kizuna: Kizuna) -> None:
    told = documented()
    status = kizuna("status", "--json").json
    assert set(status) == told["status"]
    assert set(status["ingestion"][0]) == told["status ingestion[]"]
    assert set(status["pages"]) == told["status pages"]
    assert set(Night.__dataclass_fields__) == told["status nights[]"]
    assert set(Headline.__dataclass_fields__) == told["kpi headlines[]"]
    assert set(kizuna("doctor", "--json").json[0]) == told["doctor []"]
    versions = kizuna("publication", "list", "--json").json
    assert [version["as_of"] for version in versions] == ["2026-09-30", "2026-09-29"]
    assert set(versions[0]) == told["publication list []"]
    back = kizuna("publication", "rollback", versions[1]["name"], "--json").json
    assert set(back) == told["publication list []"]
    assert current_version(home).name == back["name"]
    exported = kizuna("publication", "export", "--json").json
    assert set(exported) == told["publication export"]
    assert exported["version"] == back["name"]
    assert set(kizuna("source", "list", "--json").json[0]) == told["source list []"]
    result = NightResult("run", dt.date(2026, 9, 30))
    assert set(night_summary(home, result)) == told["run"]


@pytest.mark.parametrize(
    ("published", "succeeded", "code"), [("v", True, 0), (None, False, 1), ("v", False, 3)]
)
def test_a_night_ends_with_what_it_came_to(
    home: Home,
    kizuna: Kizuna,
    monkeypatch: pytest.MonkeyPatch,
    published: str | None,
    succeeded: bool,
    code: int,
) -> None:
    result = NightResult("run", dt.date(2026, 9, 30), published=published, succeeded=succeeded)
    monkeypatch.setattr("orchestration.night.run_night", lambda *_, **__: result)
    ended = kizuna("run", "--as-of", "2026-09-30", "--json")
    assert ended.returncode == code
    assert json.loads(ended.stdout)["published"] == published


def test_another_run_at_work_has_an_exit_code_of_its_own(home: Home, kizuna: Kizuna) -> None:
    with turn(home):
        ended = kizuna("publication", "export", "--json")
        assert (ended.returncode, ended.stdout) == (4, "")
        assert "another run is at work" in ended.stderr
        assert kizuna("status", "--json").json["at_work"].startswith("process ")


def test_a_place_that_cannot_be_written_is_named(home: Home, kizuna: Kizuna) -> None:
    (home.root.parent / "shared").touch()
    ended = kizuna("publication", "export")
    assert ended.returncode == 1
    assert "is published, but publication.folder" in ended.stderr


@pytest.mark.parametrize(
    ("rights", "state", "said"),
    [
        (None, "ok", "will be made by the next night"),
        (0o2750, "ok", "readable by the group"),
        (0o755, "ok", "readable by everybody"),
        (0o700, "warning", "chmod 2750"),
    ],
)
def test_doctor_says_who_reads_a_folder(
    home: Home, kizuna: Kizuna, rights: int | None, state: str, said: str
) -> None:
    folder = home.root.parent / "shared"
    if rights is not None:
        folder.mkdir()
        folder.chmod(rights)
    [found] = [
        finding for finding in kizuna("doctor", "--json").json if finding["subject"] == "publication.folder"
    ]
    assert found["state"] == state
    assert said in found["text"]


def test_doctor_warns_of_a_folder_that_nobody_can_reach(home: Home, kizuna: Kizuna) -> None:
    (home.root.parent / "kizuna.yml").write_text(
        SETTINGS % "shared", encoding="utf-8"
    )  # within the state folder
    [found] = [
        finding for finding in kizuna("doctor", "--json").json if finding["subject"] == "publication.folder"
    ]
    assert (found["state"], "name one outside" in found["text"]) == ("warning", True)


def test_going_back_says_what_does_not_follow_by_itself(home: Home, kizuna: Kizuna) -> None:
    name = kizuna("publication", "list", "--json").json[1]["name"]
    assert "kizuna publication export" in kizuna("publication", "rollback", name).stdout
    (home.root.parent / "kizuna.yml").write_text("company: [", encoding="utf-8")  # and never fails for it
    ended = kizuna("publication", "rollback", name)
    assert ended.returncode == 0
    assert "export" not in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--jsn"], "--json"),
        (["publication", "rollbck"], "rollback"),
        (["run", "--as-of", "yesterday"], "%Y-%m-%d"),
        (["demo", "--customers", "5"], "100"),
    ],
)
def test_a_slip_of_the_pen_is_met_with_what_was_meant(
    kizuna: Kizuna, arguments: list[str], said: str
) -> None:
    ended = kizuna(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr


def test_a_settings_file_that_is_not_there_is_named_with_both_ways_out(
    kizuna: Kizuna, tmp_path: Path
) -> None:
    ended = kizuna("run", "--config", str(tmp_path / "none.yml"))
    assert ended.returncode == 1
    assert all(text in ended.stderr for text in ("none.yml", "--config", "kizuna init"))


def test_the_version_is_told(kizuna: Kizuna) -> None:
    assert re.match(r"kizuna \d+\.\d+", kizuna("--version").stdout)


def test_who_types_the_name_alone_sees_where_to_begin(kizuna: Kizuna) -> None:
    ended = kizuna()
    assert all(text in ended.stdout + ended.stderr for text in ("Start here", "kizuna demo", "kizuna init"))


def commands(
    group: typer.core.TyperGroup, *path: str
) -> Iterator[tuple[tuple[str, ...], typer.core.TyperCommand]]:
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


COMMANDS = dict(commands(typer.main.get_command(app)))


def accepts(line: str) -> None:
    """Fail where a command line names a command or an option that there is not."""
    words = shlex.split(re.split(r" && | \|\|? | > ", line)[0], comments=True)
    words = words[words.index("kizuna") + 1 :]
    path = next(path for path in COMMANDS if tuple(words[: len(path)]) == path)
    COMMANDS[path].make_context(" ".join(path), words[len(path) :])


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_fits_a_terminal_and_its_example_is_one(path: tuple[str, ...], kizuna: Kizuna) -> None:
    shown = kizuna(*path, "--help", columns=80).stdout
    assert max(map(len, shown.splitlines())) <= 80
    examples = re.findall(r"^Example: (.*)", COMMANDS[path].help, re.MULTILINE)
    assert examples
    for example in examples:
        assert " ".join(("kizuna", *path)) in example
        accepts(example)


PAGES = ["README.md", *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_the_documentation_are_ones(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = re.findall(r"^ {4}(?:\w+=\S+ )*(?:\.venv/bin/)?(kizuna [a-z].*)", text, re.MULTILINE)
    for line in lines + re.findall(r"`(kizuna [a-z][^`]*)`", text):
        if re.search(r"\.\.\.|…|\[|^kizuna (source|publication)$", line):
            continue
        try:
            accepts(line)
        except TyperException as error:  # in a sentence, a command may stand without its argument
            if not re.search("Missing|requires an argument", str(error)):
                raise


def test_progress_is_for_terminals() -> None:
    shown = io.StringIO()
    with step_progress(Console(file=shown)) as display:
        display.report("generating", 1, 2)
    assert shown.getvalue() == ""
    with step_progress(Console(file=shown, force_terminal=True)) as display:
        display.report("generating", 1, 2)
    assert "generating" in shown.getvalue()
