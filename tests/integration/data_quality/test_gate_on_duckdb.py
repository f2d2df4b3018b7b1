"""The gate's mechanism, on tables small enough to see what is wrong with them."""

from __future__ import annotations

import socket
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import NoReturn

import duckdb
import pytest

from data_quality.expectations import (
    Expectation,
    Suite,
    between,
    finds_nothing,
    no_email_address,
    no_personal_column,
    no_row,
    not_null,
    one_of,
)
from data_quality.gate import run_gate
from data_quality.results import ExpectationResult, GateResult

PROTECTS = "Readers see scores that exist, i.e. x < y & z."
KEYS = ("month", "department")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("""
            create schema kpi;
            create table kpi.scores as
                select date '2026-01-01' + cast(30 * i as integer) as month, 'shop' as department,
                    cast(10 * i as double) as nps, case when i < 20 then 'low' else 'high' end as grade
                from range(24) as numbers (i);
            create table kpi.empty as select * from kpi.scores limit 0;
        """)
    return path


def check(database: Path, *expectations: Expectation, table: str = "kpi.scores", **suite: str) -> GateResult:
    suites = (Suite(table, KEYS, expectations, **suite),)
    return run_gate(database, suites, database.parent / "quality", "test")


def only(result: GateResult) -> ExpectationResult:
    (found,) = (found for table in result.tables for found in table.results)
    return found


@pytest.mark.parametrize(
    ("passing", "failing", "unexpected", "observed"),
    [
        (between("nps", 0, 230, protects=PROTECTS), between("nps", 10, 220, protects=PROTECTS), 2, "0"),
        (
            one_of("grade", ("low", "high"), protects=PROTECTS),
            one_of("grade", ("low", "it's"), protects=PROTECTS),
            4,
            "high",
        ),
        (
            no_row("nps is positive", "nps < 0", protects=PROTECTS),
            no_row("nps is small", "nps > 205", shows="nps", protects=PROTECTS),
            3,
            "210",
        ),
        (
            finds_nothing("grades agree", "select 1 where false", protects=PROTECTS),
            finds_nothing(
                "grades agree",
                "select grade, count(*) as observed from kpi.scores group by grade",
                protects=PROTECTS,
            ),
            2,
            "4",
        ),
    ],
    ids=["between", "one_of", "no_row", "finds_nothing"],
)
def test_expectations_pass_and_fail(
    database: Path, passing: Expectation, failing: Expectation, unexpected: int, observed: str
) -> None:
    assert only(check(database, passing)).success
    found = only(check(database, failing))
    assert not found.success
    assert (found.unexpected_count, found.observed) == (unexpected, observed)
    assert found.checked


def test_not_null_passes_and_fails(database: Path) -> None:
    expectation = not_null("department", protects=PROTECTS)
    assert only(check(database, expectation)).success
    with duckdb.connect(str(database)) as connection:
        connection.execute("update kpi.scores set department = null")  # all: also a column without any value
    found = only(check(database, expectation))
    assert (found.success, found.unexpected_count, found.row_count, found.observed) == (False, 24, 24, "null")


def test_a_failure_shows_the_first_value_and_five_keys_in_order(database: Path) -> None:
    found = only(check(database, no_row("nps is small", "nps > 100", shows="nps", protects=PROTECTS)))
    assert (found.unexpected_count, found.row_count, found.observed) == (13, 24, "110")
    assert len(found.failing_keys) == 5
    assert found.failing_keys[0] == "month=2026-11-27, department=shop"
    assert found.failing_keys == tuple(sorted(found.failing_keys))


def test_a_query_limits_what_is_looked_at(database: Path) -> None:
    result = check(
        database,
        between("nps", 0, 100, protects=PROTECTS),
        query="select * from kpi.scores where month < date '2026-05-01'",
    )
    assert only(result).success
    assert only(result).row_count == 4  # every 30 days from the first of January


def test_an_empty_table_has_no_wrong_row(database: Path) -> None:
    result = check(
        database,
        between("nps", 0, 1, protects=PROTECTS),
        not_null("grade", protects=PROTECTS),
        no_row("nps is small", "nps > 205", protects=PROTECTS),
        table="kpi.empty",
    )
    assert result.passed


@pytest.mark.parametrize(
    "expectation",
    [
        between("score", 0, 1, protects=PROTECTS),
        not_null("score", protects=PROTECTS),
        no_row("score is small", "score > 1", protects=PROTECTS),
        finds_nothing("scores agree", "select score from kpi.scores", protects=PROTECTS),
    ],
    ids=["between", "not_null", "no_row", "finds_nothing"],
)
def test_a_missing_column_is_an_error_that_names_it(database: Path, expectation: Expectation) -> None:
    result = check(database, expectation)
    assert not result.passed
    assert not only(result).checked
    assert "score" in only(result).observed
    assert "\n" not in result.summary()


def test_an_expectation_of_warning_severity_that_cannot_be_checked_is_an_error(database: Path) -> None:
    result = check(database, no_row("x", "score > 1", severity="warning", protects=PROTECTS))
    assert [found.severity for found in result.errors] == ["error"]


def test_values_in_an_error_of_the_database_are_not_repeated(database: Path) -> None:
    result = check(database, no_row("grades are numbers", "cast(grade as integer) > 1", protects=PROTECTS))
    assert "Conversion Error" in only(result).observed
    assert "'low'" not in result.summary()
    assert "'low'" not in _all_pages(database)


def test_a_missing_table_is_an_error_and_the_others_are_checked(database: Path) -> None:
    suites = [
        Suite(table, KEYS, (not_null("nps", protects=PROTECTS),)) for table in ("kpi.nowhere", "kpi.scores")
    ]
    result = run_gate(database, suites, database.parent / "quality", "test")
    assert [table.passed for table in result.tables] == [False, True]
    assert "kpi.nowhere: the table can be read: could not be checked: Catalog Error" in result.summary()


def test_a_missing_file_is_an_exception(tmp_path: Path) -> None:
    with pytest.raises(duckdb.IOException):
        check(tmp_path / "missing.duckdb", not_null("nps", protects=PROTECTS))


def test_an_address_is_found_in_any_text_column_and_not_shown(database: Path) -> None:
    assert only(check(database, no_email_address())).success
    with duckdb.connect(str(database)) as connection:
        connection.execute("update kpi.scores set department = 'ask jane.doe@example.com' where nps = 50")
        connection.execute("update kpi.scores set grade = 'a grade @ best' where nps = 60")
    result = check(database, no_email_address())
    found = only(result)
    assert (found.success, found.unexpected_count, found.observed) == (False, 1, "department")
    assert found.failing_keys == ()
    assert "jane" not in repr(result) + _all_pages(database)


def test_a_column_of_a_person_is_found_by_its_name(database: Path) -> None:
    assert only(check(database, no_personal_column())).success
    with duckdb.connect(str(database)) as connection:
        connection.execute("alter table kpi.scores add column email varchar")
    assert only(check(database, no_personal_column())).observed == "email"


def test_the_file_is_free_after_a_gate(database: Path) -> None:
    check(database, between("nps", 0, 1, protects=PROTECTS), no_row("x", "score > 1", protects=PROTECTS))
    program = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('create table written (n integer)')"
    subprocess.run([sys.executable, "-c", program, str(database)], check=True)
    with duckdb.connect(str(database)) as connection:
        connection.execute("drop table written")


def test_a_gate_changes_nothing(database: Path) -> None:
    before = database.read_bytes()
    check(database, between("nps", 0, 1, protects=PROTECTS))
    assert database.read_bytes() == before


def test_the_same_tables_give_the_same_result(database: Path) -> None:
    expectations = (
        between("nps", 0, 1, protects=PROTECTS),
        not_null("score", protects=PROTECTS),
        no_row("y", "nps > 5", shows="nps", protects=PROTECTS),
    )
    first, pages = check(database, *expectations), _all_pages(database)
    assert check(database, *expectations) == first
    assert _all_pages(database) == pages


def test_nothing_is_sent_anywhere(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("the gate opened a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert not check(database, between("nps", 0, 1, protects=PROTECTS)).passed


def test_nothing_is_printed(database: Path, capfd: pytest.CaptureFixture[str]) -> None:
    check(database, between("nps", 0, 1, protects=PROTECTS), no_row("x", "score > 1", protects=PROTECTS))
    assert capfd.readouterr() == ("", "")


class _References(HTMLParser):
    """What a page asks the browser for, or takes its reader to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.found += [
            value for name, value in attrs if name in ("src", "href", "srcset", "data", "action") and value
        ]


def test_data_docs_open_offline(database: Path) -> None:
    suites = [
        Suite(
            "kpi.scores", KEYS, (between("nps", 0, 1, protects=PROTECTS), not_null("x", protects=PROTECTS))
        ),
        Suite("kpi.nowhere", KEYS, (not_null("nps", protects=PROTECTS),)),
    ]
    run_gate(database, suites, database.parent / "quality", "test")
    folder = database.parent / "quality" / "test"
    assert {path.name for path in folder.iterdir()} == {"index.html", "kpi.scores.html", "kpi.nowhere.html"}
    for page in folder.iterdir():
        text = page.read_text(encoding="utf-8")
        references = _References()
        references.feed(text)
        assert references.scripts == 0
        assert "http:" not in text
        assert "https:" not in text
        assert "@import" not in text
        assert "url(" not in text
        for reference in references.found:
            assert reference == "data:," or (folder / reference).is_file()
    page = (folder / "kpi.scores.html").read_text(encoding="utf-8")
    assert "nps between 0 and 1: 23 of 24 rows, observed 10" in page
    assert "i.e. x &lt; y &amp; z." in page


def test_data_docs_hold_no_values_and_no_paths_of_the_machine(database: Path) -> None:
    check(
        database,
        no_row("grades are low", "grade <> 'l' || 'ow'", protects=PROTECTS),
        not_null("score", protects=PROTECTS),
    )
    pages = _all_pages(database)
    assert "high" not in pages
    assert str(database.parent) not in pages
    assert "Traceback" not in pages


def test_data_docs_of_the_last_gate_replace_those_before(database: Path) -> None:
    check(database, not_null("nps", protects=PROTECTS), table="kpi.empty")
    check(database, not_null("nps", protects=PROTECTS))
    names = {path.name for path in (database.parent / "quality" / "test").iterdir()}
    assert names == {"index.html", "kpi.scores.html"}


def _all_pages(database: Path) -> str:
    return "".join(page.read_text(encoding="utf-8") for page in (database.parent / "quality").rglob("*.html"))
