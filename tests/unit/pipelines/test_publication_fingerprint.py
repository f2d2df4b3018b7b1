"""Content hashes: equal for equal rows in any order, different for anything else, and additive by month."""

from __future__ import annotations

import datetime as dt

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.publication import TableDoc
from pipelines.publication.fingerprint import UNDATED, WHOLE, Fingerprint, fingerprints, rows_of, together
from pipelines.publication.relations import Relation

COLUMNS = {"id": "BIGINT", "other": "BIGINT", "day": "DATE", "note": "VARCHAR"}
RELATION = Relation("main", "fct", COLUMNS, TableDoc("Events.", dict.fromkeys(COLUMNS, "A value."), "day"))

DAYS = st.one_of(st.none(), st.dates(), st.dates(dt.date(2023, 1, 1), dt.date(2023, 3, 31)))
SMALL = st.one_of(st.none(), st.integers(-2, 2))
ROWS = st.lists(
    st.tuples(SMALL, SMALL, DAYS, st.one_of(st.none(), st.sampled_from(["", "a", "b"]))), max_size=8
)


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        yield con


def table(con: duckdb.DuckDBPyConnection, rows: list[tuple]) -> None:
    schema = {"id": pl.Int64, "other": pl.Int64, "day": pl.Date, "note": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")  # noqa: F841 - DuckDB finds it by name
    con.execute("create or replace table fct as from frame")


def hashed(
    con: duckdb.DuckDBPyConnection, rows: list[tuple], rows_to_split: int = 1
) -> dict[str, Fingerprint]:
    table(con, rows)
    return fingerprints(con, RELATION, "memory", rows_to_split)


def in_order(rows: list[tuple]) -> list[tuple]:
    return sorted(rows, key=repr)


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, other=ROWS, data=st.data())
def test_equal_hashes_are_equal_rows_in_any_order(con, rows, other, data):
    shuffled = data.draw(st.permutations(rows))
    one, same, another = (together(hashed(con, each).values()) for each in (rows, shuffled, other))
    assert one == same
    assert (one == another) == (in_order(rows) == in_order(other))


@settings(max_examples=100, deadline=None)
@given(rows=ROWS.filter(bool))
def test_slices_part_the_rows_and_add_up_to_the_whole(con, rows):
    slices = hashed(con, rows)
    for name, found in slices.items():
        [[count]] = con.execute(f"select count(*) from fct where {rows_of([name], 'day')}").fetchall()
        assert count == found.rows
    assert con.execute(f"select count(*) from fct where not {rows_of(slices, 'day')}").fetchone() == (0,)
    assert hashed(con, rows, rows_to_split=1000) == {WHOLE: together(slices.values())}


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("date '2023-12-31'", "2023-12"),
        ("date '2024-02-29'", "2024-02"),
        ("null::date", UNDATED),
        ("date 'infinity'", UNDATED),
        ("date '-infinity'", UNDATED),
        ("date '0999-12-31'", UNDATED),
        ("date '0044-03-15 (BC)'", UNDATED),
        ("timestamp '2023-12-31 23:59:59.999999'", "2023-12"),
        ("timestamp 'infinity'", UNDATED),
        ("timestamptz '2023-12-31 23:30:00-01'", "2024-01"),
    ],
)
def test_every_date_has_its_slice(con, value, name):
    con.execute(f"create or replace table fct as select 1 as id, 2 as other, {value} as day, 'x' as note")
    assert list(fingerprints(con, RELATION, "memory", 1)) == [name]
    assert con.execute(f"select count(*) from fct where {rows_of([name], 'day')}").fetchone() == (1,)


def test_rows_that_swap_a_value_have_another_hash(con):
    """A plain sum of DuckDB's row hashes is close to linear in its columns; the second hash is not."""
    day = dt.date(2023, 1, 1)
    hashes = {
        together(hashed(con, rows).values())
        for rows in ([(1, 2, day, "a"), (3, 4, day, "a")], [(1, 4, day, "a"), (3, 2, day, "a")])
    }
    assert len(hashes) == 2


def test_a_value_is_not_taken_for_its_neighbours(con):
    assert hashed(con, [(1, None, None, "a")]) != hashed(con, [(None, 1, None, "a")])
    assert hashed(con, [(1, 1, None, "")]) != hashed(con, [(1, 1, None, None)])


def test_an_empty_table_has_one_empty_slice(con):
    assert hashed(con, []) == {WHOLE: Fingerprint(0, 0)}
