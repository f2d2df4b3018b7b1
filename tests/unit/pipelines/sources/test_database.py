"""Errors that repeat nothing, SQL of each system, and positions that only ever fall behind."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines import extensions
from pipelines.settings import Watermark
from pipelines.sources.database.errors import DatabaseError, Place, explained
from pipelines.sources.database.session import Session, open_session
from pipelines.sources.database.systems import SYSTEMS, Column, WatermarkKind
from pipelines.sources.database.watermarks import Position, WatermarkReader

PLACE = Place("crm", "CRM", "public.orders")
NOON = dt.datetime(2024, 6, 1, 12)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            'Unable to connect to Postgres at "host=permission-denied password=x": connection to server at "h", '
            'port 5432 failed: FATAL:  password authentication failed for user "bob"',
            "the password is wrong or has expired",
        ),
        (
            'Failed to prepare query "select 1 as \\"syntax error\\"": ERROR:  relation "public.nope" does not exist\n'
            "LINE 1: select password authentication failed",
            "no such table or view as public.nope",
        ),
        ('ERROR:  column "bob@example.com" does not exist', "a column that is not there. Correct"),
        ("FATAL:  remaining connection slots are reserved", "takes no more connections"),
        ("FATAL:  the database system is starting up", "is starting or stopping"),
        ("ERROR:  canceling statement due to statement timeout", "cancelled the read"),
        ('ERROR:  invalid input syntax for type integer: "bob@example.com"', "fails for a row"),
        ("IO Error: Failed to fetch result row: ERROR:  division by zero\n", "fails for a row"),
        (
            'Failed to prepare query "select id from a join b": ERROR:  column reference "id" is ambiguous\n'
            "LINE 2: select id",
            "two of its tables have",
        ),
        (
            'Binder Error: Failed to prepare query "select f(x)": ERROR:  function f(integer) does not exist\n'
            "LINE 2: select f(x)",
            "the server does not accept the query",
        ),
    ],
)
def test_an_error_is_told_in_our_words(text, says):
    told = str(explained(duckdb.IOException(text), PLACE))
    assert told.startswith("source crm, public.orders: ")
    assert says in told
    assert [word for word in ("bob", "password=x", "5432") if word in told] == []


def test_what_was_asked_does_not_decide_what_went_wrong():
    text = 'Failed to prepare COPY "COPY (select 1 as "permission denied for") TO STDOUT": ERROR:  division by zero'
    assert "fails for a row" in str(explained(duckdb.Error(text), PLACE))


@pytest.mark.parametrize(
    ("system", "type_", "expected"),
    [
        ("postgres", "BIGINT", 'q."a""b"'),
        ("postgres", "DECIMAL(12,2)", 'q."a""b"::text'),
        ("postgres", "INTEGER[]", 'to_jsonb(q."a""b")::text'),
        ("mysql", "DECIMAL(12,2)", 'cast(q.`a"b` as char)'),
        ("mysql", "TIMESTAMP WITH TIME ZONE", "concat(cast(q.`a\"b` as char), '+00:00')"),
    ],
)
def test_a_column_is_asked_for_without_loss(system, type_, expected):
    assert SYSTEMS[system].selected(Column('a"b', type_)) == expected


@pytest.mark.parametrize(
    ("given", "expected_end"),
    [
        ("host=h connect_timeout=3", "host=h connect_timeout=3"),
        ("postgresql://h/db?sslmode=require", "?sslmode=require&connect_timeout=30"),
        ("postgresql://h/db", "?connect_timeout=30"),
    ],
)
def test_a_connection_waits_no_longer_than_it_says(given, expected_end):
    completed = SYSTEMS["postgres"].connection_string(given)
    assert completed.count("connect_timeout") == 1
    assert expected_end in completed


def test_a_bound_is_of_the_column_s_own_type():
    postgres, mysql, sqlite = (SYSTEMS[name] for name in ("postgres", "mysql", "sqlite"))
    assert postgres.literal(NOON, WatermarkKind.INSTANT) == "timestamptz '2024-06-01 12:00:00+00'"
    assert postgres.literal(NOON, WatermarkKind.DATE) == "date '2024-06-01'"
    assert mysql.literal(NOON, WatermarkKind.LOCAL_TIME) == "timestamp '2024-06-01 12:00:00'"
    assert sqlite.literal(NOON, WatermarkKind.LOCAL_TIME) <= "'2024-06-01T12:00:00.000+00:00'"
    assert sqlite.literal(NOON, WatermarkKind.LOCAL_TIME) <= "'2024-06-01 12:00:00.5'"
    assert {system.literal(7, WatermarkKind.INTEGER) for system in (postgres, mysql, sqlite)} == {"7"}


# ---- watermarks


def reader(
    type_: str = "TIMESTAMP", since: Position | None = None, overlap: object = "1h", zone: str = "UTC"
):
    return WatermarkReader(
        Session(duckdb.connect(), SYSTEMS["postgres"], PLACE),
        Column("changed", type_),
        "orders as q",
        Watermark.model_validate({"column": "changed", "overlap": overlap}),
        clock=NOON,
        zone=zone,
        since=since,
        mapping="m",
    )


def seen(watermark: WatermarkReader, *values: object) -> object:
    watermark.see(pl.DataFrame({"changed": list(values)}))
    return watermark.position and watermark.position.newest


def test_a_position_is_the_newest_value_up_to_the_clock():
    early = NOON - dt.timedelta(days=1)
    assert seen(reader(), early, early - dt.timedelta(days=1), None) == early
    assert seen(reader(), early, dt.datetime(2099, 1, 1)) == NOON
    assert seen(reader(zone="Asia/Tokyo"), dt.datetime(2099, 1, 1)) == NOON + dt.timedelta(hours=9)
    assert seen(reader(), None) is None
    assert seen(reader("BIGINT", overlap=0), 5, 99) == 99


def test_a_position_never_goes_back():
    before = Position(NOON - dt.timedelta(hours=1), "m")
    assert seen(reader(since=before), NOON - dt.timedelta(hours=5)) == before.newest


def test_a_condition_takes_the_overlap_and_what_has_no_value():
    assert reader().condition is None
    since = Position(NOON, "m")
    assert reader(since=since).condition == (
        '(q."changed" >= timestamp \'2024-06-01 11:00:00\' or q."changed" is null)'
    )
    assert reader("BIGINT", Position(50, "m"), 10).condition == '(q."changed" >= 40 or q."changed" is null)'


def test_a_saved_position_is_of_one_mapping():
    saved = Position(NOON, "m").cursor()
    assert Position.parsed(saved, "m") == Position(NOON, "m")
    assert Position.parsed(saved, "another") is None
    assert Position.parsed(None, "m") is None
    assert json.loads(Position(7, "m").cursor()) == {"newest": 7, "mapping": "m"}


# ---- extensions


def test_an_extension_comes_from_the_wheel_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with (
        pytest.raises(DatabaseError),
        open_session(SYSTEMS["postgres"], "host=127.0.0.1 port=1", PLACE, tmp_path / "x"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_extension_that_cannot_be_had_names_its_package(tmp_path, monkeypatch):
    monkeypatch.setattr(extensions, "_file_in_wheel", lambda _: Path("/nowhere/at/all"))
    with pytest.raises(DatabaseError, match="pip install duckdb-extension-sqlite-scanner==") as caught:
        open_session(SYSTEMS["sqlite"], "x", PLACE, tmp_path).__enter__()
    assert caught.value.__suppress_context__
