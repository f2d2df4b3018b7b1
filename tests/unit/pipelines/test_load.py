"""Loads against a model in plain Python: which version of a row wins, and that every row is counted."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import contracts
from pipelines.formats.records import LINE
from pipelines.landing import FileOutcome, LandingWriter, LandingZone, Load, TableCounts
from pipelines.load import last_load_id, load
from pipelines.warehouse import create_tables

LINES = contracts.contract_named("crm.order_lines")
EPOCH = dt.datetime(2024, 1, 1)


@dataclass(frozen=True)
class Row:
    """A version of an order line, as much of it as matters here."""

    key: int
    version: int | None
    quantity: int
    price: Decimal = Decimal("1.25")


@dataclass
class Batch:
    source: str
    rows: list[Row]
    oldest: bool = False
    unversioned: bool = False
    gone: list[int] = field(default_factory=list)


ROWS = st.builds(
    Row,
    key=st.integers(1, 3),
    version=st.none() | st.integers(1, 3),
    quantity=st.integers(-1, 2),
)
BATCHES = st.lists(st.builds(Batch, st.sampled_from(["shop", "web"]), st.lists(ROWS, max_size=6)), max_size=5)
FAST = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def tables() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    create_tables(connection)
    return connection


@contextmanager
def warehouse() -> Iterator[tuple[duckdb.DuckDBPyConnection, LandingZone]]:
    """An empty one; made once and emptied again, because Hypothesis asks for hundreds."""
    connection = tables()
    for table in (LINES.raw_name, "ingest.loads", "ingest.files", "quarantine.rows"):
        connection.execute(f"truncate {table}")
    with tempfile.TemporaryDirectory() as folder:
        yield connection, LandingZone(Path(folder))


def land(connection: duckdb.DuckDBPyConnection, zone: LandingZone, batch: Batch) -> Load:
    load_id = last_load_id(connection) + 1
    content = pl.DataFrame(
        {
            "order_id": ["o"] * len(batch.rows),
            "line_number": [row.key for row in batch.rows],
            "product_id": ["p"] * len(batch.rows),
            "quantity": [Decimal(row.quantity) for row in batch.rows],
            "unit_price": [row.price for row in batch.rows],
            "_version": [row.version and EPOCH + dt.timedelta(days=row.version) for row in batch.rows],
            LINE: range(2, len(batch.rows) + 2),
        },
        schema_overrides={"_version": pl.Datetime("us"), LINE: pl.Int64},
    )
    frame = content.select(
        *(
            (pl.col(c.name) if c.name in content.columns else pl.lit(None)).cast(c.kind.polars).alias(c.name)
            for c in LINES.columns
        ),
        LINE,
        "_version",
        pl.lit(None, pl.String).alias("_extra"),
    )
    writer = LandingWriter(zone, load_id)
    writer.add_rows(LINES, f"{load_id}.csv", frame)
    writer.add_deleted(
        LINES,
        pl.DataFrame(
            {"order_id": ["o"] * len(batch.gone), "line_number": batch.gone},
            schema_overrides={"line_number": pl.Int32},
        ),
    )
    writer.finish()
    counts = TableCounts(records_read=len(batch.rows))
    counts.read.add(frame, LINES)
    manifest = Load(
        load_id,
        batch.source,
        (FileOutcome(f"{load_id}.csv", f"hash{load_id}", 1, 1, "loaded", len(batch.rows)),),
        {LINES.name: counts},
        (LINES.name,) if batch.oldest else (),
        (LINES.name,) if batch.unversioned else (),
    )
    zone.write_manifest(manifest)
    return manifest


def night(connection: duckdb.DuckDBPyConnection, zone: LandingZone, batch: Batch) -> None:
    load(connection, zone, land(connection, zone, batch))


def raw(connection: duckdb.DuckDBPyConnection) -> dict[int, tuple[int | None, int]]:
    rows = connection.execute(
        f"select line_number, date_diff('day', timestamp '{EPOCH}', _version), quantity::int from {LINES.raw_name}"
    ).fetchall()
    assert len({row[0] for row in rows}) == len(rows)  # one row for each key
    return {key: (version, quantity) for key, version, quantity in rows}


def assert_every_row_is_counted(connection: duckdb.DuckDBPyConnection) -> None:
    wrong = connection.execute(
        """select * from ingest.loads where rows_read <> rows_loaded + rows_quarantined + rows_duplicate
        or quantity_read <> quantity_loaded + quantity_quarantined + quantity_duplicate
        or amount_read <> amount_loaded + amount_quarantined + amount_duplicate"""
    ).fetchall()
    assert wrong == []
    counted = connection.execute(
        """select source, sum(rows_loaded) - sum(rows_superseded) - sum(rows_deleted),
            sum(quantity_loaded) - sum(quantity_superseded) - sum(quantity_deleted),
            sum(amount_loaded) - sum(amount_superseded) - sum(amount_deleted)
        from ingest.loads group by source having sum(rows_loaded) > 0"""
    ).fetchall()
    there = connection.execute(
        f"""select source, count(t._source), coalesce(sum(quantity), 0), coalesce(sum(quantity * unit_price), 0)
        from (select distinct source from ingest.loads) left join {LINES.raw_name} t on _source = source group by all"""
    ).fetchall()
    held = {source: tuple(values) for source, *values in there}
    for source, *values in counted:
        assert held.pop(source) == tuple(values)
    assert all(values == (0, 0, 0) for values in held.values())


@dataclass
class Model:
    """What the documentation says, row by row: a later row wins unless its version is older."""

    rows: dict[int, Row] = field(default_factory=dict)

    def take(self, batch: Batch) -> None:
        ordered = sorted(batch.rows, key=lambda row: row.version or 0)  # within a load first by version
        for row in ordered[::-1] if batch.oldest else ordered:
            known = self.rows.get(row.key)
            age = (row.version or 0) - (known.version or 0 if known else 0)
            fresh = batch.unversioned or (age < 0 if batch.oldest else age >= 0)
            if known is None or fresh:
                self.rows[row.key] = row
        for key in batch.gone:
            self.rows.pop(key, None)

    @property
    def content(self) -> dict[int, tuple[int | None, int]]:
        return {key: (row.version, row.quantity) for key, row in self.rows.items()}


@given(BATCHES)
@FAST
def test_the_newest_version_wins_and_every_row_is_counted(batches):
    model = Model()
    with warehouse() as (connection, zone):
        for batch in batches:
            night(connection, zone, batch)
            model.take(batch)
            assert raw(connection) == model.content
            assert_every_row_is_counted(connection)


@given(st.lists(st.tuples(st.lists(ROWS, max_size=6), st.lists(st.integers(1, 4), max_size=3)), max_size=5))
@FAST
def test_what_is_gone_is_deleted_counted_and_new_when_it_comes_back(nights):
    """A key may be gone that was never there, or that comes in the same load: the deletion is the last word."""
    model = Model()
    with warehouse() as (connection, zone):
        for rows, gone in nights:
            batch = Batch("shop", rows, gone=gone)
            night(connection, zone, batch)
            model.take(batch)
            assert raw(connection) == model.content
            assert_every_row_is_counted(connection)
        for table in (LINES.raw_name, "ingest.loads"):
            connection.execute(f"truncate {table}")
        for load_id in zone.manifests():  # a rebuild
            load(connection, zone, zone.read_manifest(load_id))
        assert raw(connection) == model.content


def test_a_source_deletes_no_row_of_another():
    with warehouse() as (connection, zone):
        night(connection, zone, Batch("shop", [Row(1, 1, 1), Row(2, 1, 1)]))
        night(connection, zone, Batch("web", [Row(2, 2, 5)]))
        night(connection, zone, Batch("shop", [], gone=[1, 2]))
        assert raw(connection) == {2: (2, 5)}
        assert_every_row_is_counted(connection)


@given(BATCHES)
@FAST
def test_rows_without_versions_are_newer_by_arrival(batches):
    """Where a mapping gives no version at all."""
    batches = [replace(b, rows=[replace(r, version=None) for r in b.rows], unversioned=True) for b in batches]
    arrived = {row.key: (None, row.quantity) for batch in batches for row in batch.rows}
    with warehouse() as (connection, zone):
        for batch in batches:
            night(connection, zone, batch)
        assert raw(connection) == arrived
        assert_every_row_is_counted(connection)


@given(BATCHES)
@FAST
def test_the_oldest_version_stays_where_the_mapping_says_so(batches):
    """Of equal ones the first to arrive."""
    expected: dict[int, tuple[int | None, int]] = {}
    for row in (row for batch in batches for row in batch.rows):
        if row.key not in expected or (row.version or 0) < (expected[row.key][0] or 0):
            expected[row.key] = (row.version, row.quantity)
    with warehouse() as (connection, zone):
        for batch in batches:
            night(connection, zone, replace(batch, oldest=True))
        assert raw(connection) == expected
        assert_every_row_is_counted(connection)


@given(st.lists(ROWS, max_size=12), st.data(), st.booleans())
@FAST
def test_the_rows_do_not_depend_on_how_they_are_spread_over_loads(rows, data, oldest):
    """For one source, in one order of arrival, any versions, also none for some rows."""
    cuts = sorted(data.draw(st.sets(st.integers(0, len(rows)), max_size=3)))
    pieces = [rows[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    found = []
    for batches in ([rows], pieces):
        with warehouse() as (connection, zone):
            for batch in batches:
                night(connection, zone, Batch("shop", batch, oldest))
            found.append(raw(connection))
            assert_every_row_is_counted(connection)
    assert found[0] == found[1]


@given(st.lists(ROWS, min_size=1, max_size=8))
@FAST
def test_the_same_rows_again_change_nothing(rows):
    with warehouse() as (connection, zone):
        night(connection, zone, Batch("shop", rows))
        before = connection.execute(f"from {LINES.raw_name} order by all").fetchall()
        night(connection, zone, Batch("shop", list(before_rows(connection))))
        assert connection.execute(f"from {LINES.raw_name} order by all").fetchall() == before
        [counts] = connection.execute(
            "select rows_loaded, rows_superseded, rows_duplicate from ingest.loads where load_id = 2"
        ).fetchall()
        assert counts == (0, 0, len(before))


def before_rows(connection: duckdb.DuckDBPyConnection) -> Iterable[Row]:
    for key, (version, quantity) in sorted(raw(connection).items()):
        yield Row(key, version, quantity)


def test_a_version_that_says_nothing_new_moves_the_version_but_not_the_load():
    """What is built from the row need not be built again."""
    with warehouse() as (connection, zone):
        night(connection, zone, Batch("shop", [Row(1, 1, 5)]))
        night(connection, zone, Batch("shop", [Row(1, 2, 5)]))
        assert origins(connection) == [(1, "shop", "2.csv")]
        assert raw(connection) == {1: (2, 5)}
        assert_every_row_is_counted(connection)


def test_a_row_that_another_source_now_tells_is_built_anew():
    """Models carry the source of a row."""
    with warehouse() as (connection, zone):
        night(connection, zone, Batch("shop", [Row(1, 1, 5)]))
        night(connection, zone, Batch("web", [Row(1, 2, 5)]))
        assert origins(connection) == [(2, "web", "2.csv")]
        assert_every_row_is_counted(connection)


def origins(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str, str]]:
    return connection.execute(f"select _load_id, _source, _file from {LINES.raw_name}").fetchall()


def test_a_late_row_without_a_version_is_the_oldest():
    """Many sources leave updated_at empty until the first change; such a row is no news."""
    with warehouse() as (connection, zone):
        night(connection, zone, Batch("shop", [Row(1, 2, 7)]))
        night(connection, zone, Batch("shop", [Row(1, None, 5)]))
        assert raw(connection) == {1: (2, 7)}


def test_an_error_in_the_midst_leaves_everything_as_it_was():
    with warehouse() as (connection, zone):
        night(connection, zone, Batch("shop", [Row(1, 1, 1)]))
        tables = (LINES.raw_name, "ingest.loads", "ingest.files", "quarantine.rows")
        before = [connection.execute(f"from {table}").fetchall() for table in tables]
        manifest = land(connection, zone, Batch("shop", [Row(1, 2, 9), Row(2, 1, 9)]))
        (zone.root / "quarantine").mkdir()
        (zone.root / "quarantine" / "000002-000.parquet").write_text("no Parquet")
        with pytest.raises(duckdb.Error):
            load(connection, zone, manifest)
        assert [connection.execute(f"from {table}").fetchall() for table in tables] == before
        (zone.root / "quarantine" / "000002-000.parquet").unlink()
        load(connection, zone, manifest)
        assert raw(connection) == {1: (2, 9), 2: (1, 9)}
        assert_every_row_is_counted(connection)


def test_a_table_of_another_source_is_told_what_it_lost():
    with warehouse() as (connection, zone):
        night(connection, zone, Batch("shop", [Row(1, 1, 2), Row(2, 1, 2)]))
        night(connection, zone, Batch("web", [Row(1, 2, 3)]))
        rows = connection.execute(
            """select source, rows_read, rows_loaded, rows_superseded, quantity_superseded, amount_superseded
            from ingest.loads where load_id = 2 order by source"""
        ).fetchall()
        assert rows == [
            ("shop", 0, 0, 1, Decimal(2), Decimal("2.5")),
            ("web", 1, 1, 0, Decimal(0), Decimal(0)),
        ]
