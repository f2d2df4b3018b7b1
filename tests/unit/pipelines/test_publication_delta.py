"""A version that starts from the one before holds what a version written whole holds, and costs less."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.home import Home
from pipelines.publication import Published, TableDoc, Tuning, publish, read_manifest

COLUMNS = {"id": "bigint", "day": "date", "amount": "decimal(18, 4)", "note": "varchar", "score": "double"}
DOCS = {
    "marts.fct": TableDoc("One row per event.", dict.fromkeys(COLUMNS, "A value."), date_column="day"),
    "kpi.small": TableDoc("One row per group.", {"grp": "The group.", "total": "Its sum."}),
}
# Always split, and never rebuild for size or share: small test files are mostly overhead.
DELTA = Tuning(rows_to_split=1, changed_share_to_rebuild=1.0, bloat_to_rebuild=1000.0)

DAYS = st.one_of(
    st.none(),
    st.dates(dt.date(2023, 1, 1), dt.date(2023, 4, 30)),
    st.sampled_from([dt.date(1, 1, 1), dt.date(999, 12, 31), dt.date(9999, 12, 31), dt.date(2024, 2, 29)]),
)
ROWS = st.lists(
    st.tuples(
        st.integers(-5, 5),
        DAYS,
        st.one_of(st.none(), st.decimals(-1000, 1000, places=4)),
        st.one_of(st.none(), st.sampled_from(["", "é", "お客", "it's"]), st.text(max_size=20)),
        st.one_of(st.none(), st.floats(allow_nan=False, width=64)),
    ),
    max_size=25,
)
GROUPS = st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(-9, 9)), max_size=4)


def new_home(folder: str | Path) -> Home:
    return Home(Path(folder)).create()


def fill(home: Home, rows: list[tuple], groups: list[tuple]) -> None:
    """Replace what the warehouse holds, as a night's build does."""
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create schema if not exists marts; create schema if not exists kpi")
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        con.execute(f"create or replace table marts.fct ({columns})")
        con.execute("create or replace table kpi.small (grp varchar, total bigint)")
        frames = {"marts.fct": (rows, COLUMNS), "kpi.small": (groups, ("grp", "total"))}
        for table, (records, names) in frames.items():
            frame = pl.DataFrame(records, schema=list(names), orient="row", infer_schema_length=None)  # noqa: F841
            con.execute(f"insert into {table} from frame")


def night(home: Home, tuning: Tuning = DELTA) -> Published:
    return publish(
        home, as_of=dt.date(2023, 4, 30), run_id="run", docs=DOCS, checks=[], keep_versions=2, tuning=tuning
    )


def content(path: Path) -> dict[str, list[tuple]]:
    with duckdb.connect(str(path), read_only=True) as con:
        return {name: con.execute(f"from {name} order by all").fetchall() for name in DOCS}


def in_parquet(published: Published, table: str) -> list[tuple]:
    pattern = published.version.folder / "parquet" / table.replace(".", "/") / "*.parquet"
    return duckdb.sql(f"from read_parquet('{pattern}', hive_partitioning = false) order by all").fetchall()


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(ROWS, GROUPS), min_size=2, max_size=3))
def test_any_sequence_of_nights_publishes_what_the_warehouse_holds(nights):
    with tempfile.TemporaryDirectory() as folder:
        home = new_home(Path(folder, "a"))
        for rows, groups in nights:
            fill(home, rows, groups)
            published = night(home)
            held = content(home.warehouse)
            assert content(home.published_file) == held
            assert {table: in_parquet(published, table) for table in DOCS} == held
        apart = new_home(Path(folder, "b"))
        fill(apart, list(reversed(rows)), list(reversed(groups)))
        whole = night(apart, Tuning(rows_to_split=10**9))
        assert whole.build == "whole"
        assert published.content_hashes == whole.content_hashes
        assert published.version.content_hash == whole.version.content_hash


MONTHS = [(i, dt.date(2023, 1 + i % 4, 1 + i % 28), 1, "x", 0.5) for i in range(400)]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = new_home(tmp_path / "state")
    fill(home, MONTHS, [("a", 1)])
    night(home)
    return home


def changed(rows: list[tuple], row: int, **values) -> list[tuple]:
    names = list(COLUMNS)
    new = list(rows[row])
    for name, value in values.items():
        new[names.index(name)] = value
    return [*rows[:row], tuple(new), *rows[row + 1 :]]


def test_a_night_writes_the_changed_month_and_links_the_others(home):
    fill(home, changed(MONTHS, 1, amount=2), [("a", 1)])  # row 1 is of February
    published = night(home)
    assert (published.build, published.rows_written) == ("delta", 100)
    files = published.version.folder / "parquet/marts/fct"
    links = {path.stem: path.stat().st_nlink for path in files.iterdir()}
    assert links == {"2023-01": 2, "2023-02": 1, "2023-03": 2, "2023-04": 2}
    assert content(home.published_file) == content(home.warehouse)


def test_a_row_that_moves_to_another_month_changes_both(home):
    fill(home, changed(MONTHS, 1, day=dt.date(2023, 3, 31)), [("a", 1)])
    published = night(home)
    assert (published.build, published.rows_written) == ("delta", 99 + 101)
    assert content(home.published_file) == content(home.warehouse)


def test_two_rows_that_swap_a_value_change_the_hash(home):
    before = read_manifest(home.published_file.resolve().parent).tables["marts.fct"]
    rows = changed(MONTHS, 0, note="y")
    fill(home, rows, [("a", 1)])
    first = night(home)
    fill(home, changed(changed(rows, 0, note="x"), 4, note="y"), [("a", 1)])  # both of January
    second = night(home)
    assert (
        len({before.content_hash, first.content_hashes["marts.fct"], second.content_hashes["marts.fct"]}) == 3
    )


def test_a_month_that_vanishes_leaves_the_file(home):
    fill(home, [row for row in MONTHS if row[1].month != 4], [("a", 1)])
    published = night(home)
    assert (published.build, published.rows_written) == ("delta", 0)
    assert not (published.version.folder / "parquet/marts/fct/2023-04.parquet").exists()
    assert content(home.published_file) == content(home.warehouse)


def test_nothing_new_still_gives_a_version_with_its_own_stamp(home):
    published = night(home)
    assert (published.build, published.rows_written) == ("delta", 0)
    with duckdb.connect(str(home.published_file), read_only=True) as con:
        assert con.execute("select version from meta.publication").fetchall() == [(published.version.name,)]


def test_a_month_is_pruned_by_readers_of_parquet_in_polars(home):
    pattern = home.published_file.resolve().parent / "parquet/marts/fct/*.parquet"
    assert pl.scan_parquet(pattern).select(pl.len()).collect().item() == 400


@pytest.mark.parametrize(
    ("tuning", "reason"),
    [
        (Tuning(rows_to_split=10**9, bloat_to_rebuild=1000.0), "tables or columns differ"),
        (Tuning(rows_to_split=1, bloat_to_rebuild=0.5), "too much dead space"),
        (Tuning(rows_to_split=1, bloat_to_rebuild=1000.0, changed_share_to_rebuild=0.2), "most rows are new"),
    ],
)
def test_a_night_is_written_whole_where_that_is_better(home, tuning, reason):
    fill(home, changed(MONTHS, 1, amount=2), [("a", 1)])
    published = night(home, tuning)
    assert published.build == "whole"
    assert reason in published.reason
    assert content(home.published_file) == content(home.warehouse)


def test_other_columns_are_written_whole(home):
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("alter table kpi.small alter total type integer")
    assert "tables or columns differ" in night(home).reason


def test_another_software_version_is_written_whole(home):
    folder = home.published_file.resolve().parent
    old = read_manifest(folder).model_copy(update={"duckdb_version": "1.4.0"})
    (folder / "manifest.json").write_text(old.model_dump_json())
    assert "another version of Kizuna or DuckDB" in night(home).reason


@pytest.mark.parametrize("name", ["kizuna.duckdb", "manifest.json", "parquet/marts/fct/2023-01.parquet"])
def test_a_version_with_a_missing_file_is_no_base(home, name):
    (home.published_file.resolve().parent / name).unlink()
    published = night(home)
    assert (published.build, published.reason) == ("whole", "there is no sound version before")
    assert content(home.published_file) == content(home.warehouse)


def test_a_truncated_file_is_no_base(home):
    with home.published_file.resolve().open("r+b") as file:
        file.truncate(4096)
    assert night(home).build == "whole"


@pytest.mark.parametrize(
    "statement",
    [
        "update marts.fct set amount = 77 where id = 0",
        "create table main.notes as select 'mine' as note",
        "create table kpi.mine as select 1 as score",
    ],
)
def test_a_base_that_somebody_wrote_to_is_found_out(home, statement):
    """Its size is what the manifest says, so only the comparison with the warehouse tells."""
    path = home.published_file.resolve()
    with duckdb.connect(str(path)) as con:
        con.execute(statement)
    manifest = read_manifest(path.parent).model_copy(update={"database_bytes": path.stat().st_size})
    (path.parent / "manifest.json").write_text(manifest.model_dump_json())
    published = night(home)
    assert (published.build, published.reason) == ("whole", "the version before is damaged")
    assert content(home.published_file) == content(home.warehouse)


def test_a_base_with_overwritten_blocks_is_found_out(home):
    path = home.published_file.resolve()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(3 * 4096)  # behind the three headers
        file.write(b"\xff" * (size - 3 * 4096))
    published = night(home)
    assert (published.build, published.reason) == ("whole", "the version before is damaged")
    assert content(home.published_file) == content(home.warehouse)


def test_fifteen_nights_do_not_bloat_the_file(home):
    rows = MONTHS
    for number in range(15):
        rows = [*changed(rows, number, amount=number), (1000 + number, dt.date(2023, 4, 30), 1, "new", 0.1)]
        fill(home, rows, [("a", number)])
        published = night(home)
        assert published.build == "delta"
    manifest = read_manifest(published.version.folder)
    assert content(home.published_file) == content(home.warehouse)
    assert manifest.database_bytes < 2 * manifest.compact_bytes_per_row * manifest.rows
