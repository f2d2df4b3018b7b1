"""The landing zone: parts of bounded size, a manifest that is written last, exact measures."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import contracts, landing
from pipelines.formats.records import LINE
from pipelines.landing import FileOutcome, LandingWriter, LandingZone, Load, TableCounts, Tally

DEPARTMENTS = contracts.contract_named("org.departments")
LINES = contracts.contract_named("crm.order_lines")
AMOUNTS = st.decimals(-(10**6), 10**6, places=4)


def departments(*names: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "department": names,
            "name": None,
            "parent_department": None,
            LINE: range(2, len(names) + 2),
            "_version": None,
        },
        schema_overrides={"name": pl.String, "parent_department": pl.String, "_version": pl.Datetime("us")},
    ).select(
        *(pl.col(name) for name in DEPARTMENTS.column_names),
        LINE,
        "_version",
        pl.lit(None, pl.String).alias("_extra"),
    )


def manifest(load_id: int) -> Load:
    counts = TableCounts(3, 1, Tally(2, Decimal("1.5"), Decimal("2.25")), Tally(1), Tally(0))
    outcomes = (
        FileOutcome("注文.csv", "ab" * 32, 12, 2**60, "loaded", 3),
        FileOutcome("x", "", 0, 0, "rejected", 0, "why"),
    )
    return Load(load_id, "shop", outcomes, {"crm.order_lines": counts}, ("crm.order_lines",), ())


@pytest.fixture
def zone(tmp_path):
    return LandingZone(tmp_path)


def test_a_manifest_comes_back_as_it_was(zone):
    zone.write_manifest(manifest(7))
    assert zone.read_manifest(7) == manifest(7)
    assert zone.manifests() == [7]
    assert [path.name for path in (zone.root / "loads").iterdir()] == ["000007.json"]


def test_rows_are_written_in_parts_and_keep_their_order(zone, monkeypatch):
    monkeypatch.setattr(landing, "_PART_ROWS", 3)
    writer = LandingWriter(zone, 1)
    for number in range(4):
        writer.add_rows(DEPARTMENTS, f"{number}.csv", departments(f"a{number}", f"b{number}"))
    writer.add_rows(DEPARTMENTS, "none.csv", departments())
    writer.finish()
    parts = zone.parts(1, DEPARTMENTS)
    assert [part.name for part in parts] == ["000001-000.parquet", "000001-001.parquet"]
    rows = pl.concat([pl.read_parquet(part, glob=False) for part in parts])
    assert rows["_order"].to_list() == list(range(8))
    assert rows.select("department", "_file", "_line").row(5) == ("b2", "2.csv", 3)
    assert zone.parts(2, DEPARTMENTS) == []


def test_quarantined_rows_have_parts_of_their_own(zone):
    writer = LandingWriter(zone, 1)
    row = {"file": "a.csv", "line": 2, "table_name": "org.departments", "reason": "r", "original_text": "t"}
    writer.add_quarantined(pl.DataFrame([row]))
    writer.finish()
    [part] = zone.quarantine_parts(1)
    assert pl.read_parquet(part).to_dicts() == [row]


def test_only_parts_without_a_manifest_are_discarded(zone):
    for load_id in (1, 2, 1_000_000):
        writer = LandingWriter(zone, load_id)
        writer.add_rows(DEPARTMENTS, "a.csv", departments("a"))
        writer.finish()
    for load_id in (1, 1_000_000):
        zone.write_manifest(manifest(load_id))
    (zone.root / "loads" / "000003.building").write_text("{")
    zone.discard_unfinished()
    left = sorted(path.name for path in zone.root.rglob("*") if path.is_file())
    assert left == ["000001-000.parquet", "000001.json", "1000000-000.parquet", "1000000.json"]
    assert zone.manifests() == [1, 1_000_000]


def test_discarding_in_an_empty_zone(tmp_path):
    LandingZone(tmp_path / "none").discard_unfinished()


@given(st.lists(st.tuples(AMOUNTS, AMOUNTS), max_size=8))
def test_measures_are_exact(rows):
    schema = {"quantity": pl.Decimal(18, 4), "unit_price": pl.Decimal(18, 4)}
    tally = Tally()
    for part in (rows[:3], rows[3:]):
        tally.add(pl.DataFrame(part, schema=schema, orient="row"), LINES)
    assert tally == Tally(
        len(rows), sum((q for q, _ in rows), Decimal(0)), sum((q * p for q, p in rows), Decimal(0))
    )


def test_other_tables_have_no_measures_and_unusable_values_no_amount():
    tally = Tally()
    tally.add(departments("a", "b"), DEPARTMENTS)
    assert tally == Tally(2)
    schema = {"quantity": pl.Decimal(18, 4), "unit_price": pl.Decimal(18, 4)}
    tally.add(pl.DataFrame([(None, Decimal(2)), (Decimal(3), None)], schema=schema, orient="row"), LINES)
    assert tally == Tally(4, Decimal(3), Decimal(0))


def test_the_largest_amounts_fit():
    most = Decimal("99999999999999.9999")
    schema = {"quantity": pl.Decimal(18, 4), "unit_price": pl.Decimal(18, 4)}
    tally = Tally()
    tally.add(pl.DataFrame([(most, most)] * 9, schema=schema, orient="row"), LINES)
    assert tally.amount == pytest.approx(9 * most * most)
