"""The publication as its readers and operators see it."""

from __future__ import annotations

import datetime as dt
import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pipelines.home import Home
from pipelines.publication import (
    Deprecation,
    PublicationError,
    Published,
    TableDoc,
    Tuning,
    current_version,
    list_versions,
    publish,
    read_manifest,
    rollback,
)

AS_OF = dt.date(2023, 6, 30)
SPLIT_ALL = Tuning(rows_to_split=1, bloat_to_rebuild=1000.0)  # a small test file is mostly overhead

DOCS = {
    "marts.fct_orders": TableDoc(
        "One row per order.",
        {"order_id": "The order's number.", "order_date": "Day of the order.", "amount": "What's paid."},
        date_column="order_date",
    ),
    "marts.dim_shops": TableDoc("One row per shop.", {"shop": "Its name.", "country": "Where it is."}),
    "kpi.kpi_sales": TableDoc("One row per month.", {"month": "First day.", "amount": "Sum of sales."}),
    "meta.reconciliation": TableDoc(
        "One row per source.", {"source": "Its name.", "rows_read": "Rows read."}
    ),
}
PASSED = {"table": "marts.fct_orders", "expectation": "unique", "severity": "error", "success": True}
WARNED = {"table": "kpi.kpi_sales", "expectation": "recent", "severity": "warning", "success": False}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A state folder whose warehouse holds 600 orders of six months behind views, and small tables."""
    home = Home(tmp_path / "state").create()
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create schema intermediate; create schema marts; create schema kpi; create schema meta")
        con.execute(
            """
            create table intermediate.orders as
            select i as order_id, date '2023-01-01' + (i * 180 // 600)::integer as order_date,
                (i % 97)::decimal(18, 4) as amount
            from range(600) as numbers(i)
            """
        )
        # As dbt writes it: the view names the catalog.
        con.execute('create view marts.fct_orders as select * from "warehouse"."intermediate"."orders"')
        con.execute("create table marts.dim_shops as select 'Kyoto' as shop, 'JP' as country")
        con.execute(
            """
            create view kpi.kpi_sales as
            select date_trunc('month', order_date)::date as month, sum(amount) as amount
            from intermediate.orders group by all
            """
        )
        con.execute("create table meta.reconciliation as select 'shop' as source, 600::bigint as rows_read")
    return home


def night(home: Home, tuning: Tuning = SPLIT_ALL, **changes) -> Published:
    request = {"as_of": AS_OF, "run_id": "run", "docs": DOCS, "checks": [PASSED, WARNED], "keep_versions": 3}
    return publish(home, **(request | changes), tuning=tuning)


def in_warehouse(home: Home, statement: str) -> None:
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute(statement)


def read(path: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(query).fetchall()


def test_a_reader_finds_the_published_schemas_as_tables_and_nothing_else(home):
    night(home)
    found = read(
        home.published_file,
        "select table_schema, table_name, table_type from information_schema.tables order by all",
    )
    assert found == [
        ("kpi", "kpi_sales", "BASE TABLE"),
        ("marts", "dim_shops", "BASE TABLE"),
        ("marts", "fct_orders", "BASE TABLE"),
        ("meta", "columns", "BASE TABLE"),
        ("meta", "publication", "BASE TABLE"),
        ("meta", "reconciliation", "BASE TABLE"),
        ("meta", "tables", "BASE TABLE"),
    ]
    orders = read(home.published_file, "from marts.fct_orders order by order_id")
    assert orders == read(home.warehouse, "from marts.fct_orders order by order_id")


def test_every_table_and_column_carries_its_comment(home):
    night(home)
    tables = "select count(*) from duckdb_tables() where comment is null"
    columns = "select count(*) from duckdb_columns() where not internal and comment is null"
    assert read(home.published_file, tables) == [(0,)]
    assert read(home.published_file, columns) == [(0,)]
    comment = (
        "select comment from duckdb_columns() where table_name = 'fct_orders' and column_name = 'amount'"
    )
    assert read(home.published_file, comment) == [("What's paid.",)]


@pytest.mark.parametrize(
    ("name", "doc", "named"),
    [
        ("marts.dim_shops", None, "marts.dim_shops"),
        ("marts.dim_shops", TableDoc(" ", DOCS["marts.dim_shops"].columns), "marts.dim_shops"),
        ("marts.dim_shops", TableDoc("Shops.", {"shop": "Its name."}), "marts.dim_shops.country"),
        ("kpi.kpi_sales", TableDoc("Sales.", {"month": "First day.", "amount": ""}), "kpi.kpi_sales.amount"),
    ],
)
def test_what_is_not_described_is_refused_by_name(home, name, doc, named):
    docs = {key: value for key, value in DOCS.items() if key != name} | ({name: doc} if doc else {})
    with pytest.raises(PublicationError, match=rf"no description for {named}:"):
        night(home, docs=docs)
    assert current_version(home) is None


def test_the_stamp_tells_what_the_file_is(home):
    published = night(home, run_id="run-7")
    [row] = read(
        home.published_file,
        "select as_of_date, version, run_id, duckdb_version, tables, rows, checks_passed, checks_warned "
        "from meta.publication",
    )
    assert row == (AS_OF, published.version.name, "run-7", duckdb.__version__, 4, 608, 1, 1)


def test_the_manifest_tells_rows_hashes_files_and_checks(home):
    published = night(home)
    folder = published.version.folder
    manifest = json.loads((folder / "manifest.json").read_text())
    orders = manifest["tables"]["marts.fct_orders"]
    assert orders["rows"] == 600
    assert list(orders["slices"]) == [f"2023-0{month}" for month in range(1, 7)]
    assert manifest["checks"] == [PASSED, WARNED]
    assert manifest["as_of_date"] == "2023-06-30"
    for table, entry in manifest["tables"].items():
        for part in entry["slices"].values():
            rows = duckdb.sql(f"select count(*) from '{folder / part['file']}'").fetchone()
            assert rows == (part["rows"],), table
    assert read_manifest(folder).content_hash == published.version.content_hash


def test_the_file_has_the_storage_version_of_old_clients_and_no_log(home):
    for number in range(2):  # the second starts from a copy of the first
        published = night(home)
        header = published.version.database.read_bytes()[:20]
        # DuckDB's main header: checksum (8 bytes), magic, storage version; 64 is that of 0.9 to 1.1.
        assert header[8:12] == b"DUCK", number
        assert int.from_bytes(header[12:20], "little") == 64
        names = {path.name for path in published.version.folder.iterdir()}
        assert names == {"kizuna.duckdb", "manifest.json", "parquet"}


def test_only_the_owner_reads_what_is_published(home):
    old_mask = os.umask(0)
    try:
        published = night(home)
    finally:
        os.umask(old_mask)
    for where, folders, files in os.walk(published.version.folder):
        for name in folders:
            assert stat.S_IMODE(Path(where, name).stat().st_mode) == 0o700
        for name in files:
            assert stat.S_IMODE(Path(where, name).stat().st_mode) == 0o600
    assert stat.S_IMODE(published.version.folder.stat().st_mode) == 0o700


def test_the_link_is_relative_so_the_folder_can_be_moved(home, tmp_path):
    night(home)
    home.root.rename(tmp_path / "elsewhere")
    assert read(tmp_path / "elsewhere/published/kizuna.duckdb", "select count(*) from marts.fct_orders") == [
        (600,)
    ]


def test_a_reader_keeps_the_version_it_opened_and_a_new_one_gets_the_new(home):
    night(home, keep_versions=1)
    with duckdb.connect(str(home.published_file), read_only=True) as old:
        in_warehouse(home, "delete from intermediate.orders where order_id >= 500")
        night(home, keep_versions=1)
        with duckdb.connect(str(home.published_file), read_only=True) as new:
            assert new.execute("select count(*) from marts.fct_orders").fetchone() == (500,)
        assert old.execute("select count(*), sum(amount) from marts.fct_orders").fetchone()[0] == 600


def test_the_same_date_twice_gives_two_versions_that_sort_by_time(home):
    first, second = night(home).version, night(home).version
    assert first.name.startswith("2023-06-30-")
    assert first.name < second.name
    assert [version.name for version in list_versions(home)] == [second.name, first.name]
    assert first.content_hash == second.content_hash


def test_a_clock_set_back_does_not_reorder_versions(home):
    from pipelines.publication import publishing

    first = night(home).version
    assert publishing._time_after([first]) > first.built_at
    future = dt.datetime(2999, 1, 1)
    manifest = first.folder / "manifest.json"
    manifest.write_text(read_manifest(first.folder).model_copy(update={"built_at": future}).model_dump_json())
    assert night(home).version.built_at > future


def test_the_last_versions_stay_and_the_current_one_always(home):
    first = night(home).version
    assert [night(home, keep_versions=2).removed for _ in range(2)] == [(), (first.name,)]
    oldest = list_versions(home)[-1]
    rollback(home, oldest.name)
    assert current_version(home).name == oldest.name
    newest = night(home, keep_versions=1)
    assert [version.name for version in list_versions(home)] == [newest.version.name]
    assert {path.name for path in home.publications.iterdir()} == {newest.version.name, ".lock"}


def test_a_damaged_version_goes_and_a_foreign_folder_stays(home):
    damaged = night(home).version
    (home.publications / "notes").mkdir()
    night(home)
    (damaged.folder / "manifest.json").write_text("{}")
    assert [version.name for version in list_versions(home)] == [current_version(home).name]
    assert night(home).removed == (damaged.name,)
    assert (home.publications / "notes").is_dir()


def test_rollback_switches_what_readers_open(home):
    first = night(home).version
    in_warehouse(home, "delete from intermediate.orders where order_id >= 500")
    second = night(home).version
    assert rollback(home, first.name).is_current
    assert read(home.published_file, "select count(*) from marts.fct_orders") == [(600,)]
    assert [version.is_current for version in list_versions(home)] == [False, True]
    rollback(home, second.name)
    assert read(home.published_file, "select count(*) from marts.fct_orders") == [(500,)]


def test_rollback_to_an_unknown_version_lists_the_known_ones(home):
    known = night(home).version.name
    with pytest.raises(PublicationError, match=f"no version '2020-01-01'; the known ones: {known}"):
        rollback(home, "2020-01-01")
    assert current_version(home).name == known


def test_before_the_first_publication_there_is_no_version(tmp_path):
    home = Home(tmp_path / "state")
    assert list_versions(home) == []
    assert current_version(home) is None
    home.create()
    with pytest.raises(PublicationError, match="there are none"):
        rollback(home, "2020-01-01")
    with pytest.raises(PublicationError, match="no warehouse to publish"):
        night(home)


def test_a_failed_check_of_severity_error_is_never_published(home):
    failed = PASSED | {"success": False}
    with pytest.raises(PublicationError, match=r"1 checks failed.*marts.fct_orders: unique"):
        night(home, checks=[failed, WARNED])
    assert current_version(home) is None


def test_an_error_leaves_what_readers_see_byte_for_byte(home):
    night(home)
    before = home.published_file.read_bytes()
    in_warehouse(home, "create table kpi.undescribed as select 1 as score")
    with pytest.raises(PublicationError, match=r"kpi\.undescribed"):
        night(home)
    assert home.published_file.read_bytes() == before
    assert len(list_versions(home)) == 1
    assert not list(home.publications.glob(".building-*"))


def test_a_view_that_changes_between_readings_is_refused(home):
    in_warehouse(
        home, "create or replace view kpi.kpi_sales as select current_date as month, random() as amount"
    )
    with pytest.raises(PublicationError, match=r"kpi\.kpi_sales differs from the warehouse"):
        night(home)
    assert current_version(home) is None


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("create table meta.publication (version varchar)", "meta.publication is written by the publication"),
        (
            "create or replace table marts.dim_shops as select 'Kyoto' as shop, 1::hugeint as country",
            "HUGEINT",
        ),
        (
            "drop schema marts cascade; drop schema kpi cascade; drop schema meta cascade",
            "build the marts first",
        ),
    ],
)
def test_what_cannot_be_published_is_refused_with_the_mend(home, statement, message):
    in_warehouse(home, statement)
    with pytest.raises(PublicationError, match=message):
        night(home)


def test_a_date_column_that_is_no_date_is_refused(home):
    docs = DOCS | {"marts.dim_shops": TableDoc("Shops.", DOCS["marts.dim_shops"].columns, date_column="shop")}
    with pytest.raises(PublicationError, match=r"marts\.dim_shops\.shop"):
        night(home, docs=docs)


def test_two_publications_at_once_are_refused(home):
    from pipelines.publication import versions

    with (
        versions.only_writer(home),
        pytest.raises(PublicationError, match="another publication is under way"),
    ):
        night(home)
    night(home)


def test_progress_is_told_in_words(home):
    steps: list[str] = []
    published = night(home, progress=steps.append)
    assert steps[0] == "reading what changed"
    assert steps[-1] == f"published {published.version.name}"


def test_the_dictionary_has_each_column_with_its_comment_and_since_when_it_is_published(home):
    earlier = AS_OF - dt.timedelta(days=30)
    night(home, as_of=earlier)
    in_warehouse(home, "create or replace table marts.dim_shops as select 'Kyoto' as shop, 3 as floors")
    docs = DOCS | {"marts.dim_shops": TableDoc("Shops.", {"shop": "Its name.", "floors": "How many."})}
    night(home, docs=docs)
    found = read(
        home.published_file,
        """
        select column_number, column_name, data_type, description, published_since
        from meta.columns where table_name = 'dim_shops' order by 1
        """,
    )
    assert found == [
        (1, "shop", "VARCHAR", "Its name.", earlier),
        (2, "floors", "INTEGER", "How many.", AS_OF),
    ]
    described = """
        select schema_name, table_name, column_name, column_index, data_type, comment
        from duckdb_columns() where not internal and table_name not in ('publication', 'tables', 'columns')
        order by all
    """
    listed = """
        select schema_name, table_name, column_name, column_number, data_type, description from meta.columns
    """
    assert read(home.published_file, described) == sorted(
        (schema, table, column, number, kind, text)
        for schema, table, column, number, kind, text in read(home.published_file, listed)
    )
    night(home, docs=docs, as_of=earlier - dt.timedelta(days=1))  # a backfill knows nothing later than itself
    assert read(
        home.published_file,
        "select max(published_since) < ? from meta.columns".replace("?", f"date '{AS_OF}'"),
    ) == [(True,)]


def test_the_dictionary_has_names_for_people_and_what_is_on_its_way_out(home):
    going = Deprecation(dt.date(2026, 11, 22), dt.date(2027, 2, 22), "country of dim_places")
    docs = DOCS | {
        "marts.dim_shops": replace(
            DOCS["marts.dim_shops"],
            display_name="Branches",
            display_names={"shop": "Branch"},
            deprecated_columns={"country": going},
        ),
        "kpi.kpi_sales": replace(DOCS["kpi.kpi_sales"], deprecated=going),
    }
    night(home, docs=docs, contract_version="2.1")
    told = "Deprecated since 2026-11-22, may go after 2027-02-22: use country of dim_places. Where it is."
    assert read(
        home.published_file,
        """
        select column_name, display_name, description, deprecated_since, removed_after, use_instead
        from meta.columns where table_name = 'dim_shops' order by column_number
        """,
    ) == [
        ("shop", "Branch", "Its name.", None, None, None),
        ("country", "Country", told, going.since, going.removed_after, going.use_instead),
    ]
    comment = (
        "select comment from duckdb_columns() where table_name = 'dim_shops' and column_name = 'country'"
    )
    assert read(home.published_file, comment) == [(told,)]
    assert read(
        home.published_file,
        """
        select display_name, columns, rows, use_instead from meta.tables
        where table_name in ('dim_shops', 'kpi_sales') order by 1
        """,
    ) == [
        ("Branches", 2, *read(home.published_file, "select count(*) from marts.dim_shops")[0], None),
        ("Sales", 2, *read(home.published_file, "select count(*) from kpi.kpi_sales")[0], going.use_instead),
    ]
    listed = "select schema_name, table_name, description from meta.tables order by all"
    described = """
        select schema_name, table_name, comment from duckdb_tables()
        where not internal and table_name not in ('publication', 'tables', 'columns') order by all
    """
    assert read(home.published_file, listed) == read(home.published_file, described)
    assert read(home.published_file, "select contract_version from meta.publication") == [("2.1",)]


def test_file_and_parquet_folder_lead_through_the_link_that_is_switched(home):
    first = night(home)
    assert (home.published / "current").resolve() == first.version.folder
    version = "(select version from meta.publication)"
    beside = f"(select version from '{home.published_parquet}/meta/publication/*.parquet')"
    in_warehouse(home, "create or replace table marts.dim_shops as select 'Nara' as shop, 'JP' as country")
    second = night(home)
    assert read(home.published_file, f"select {version}, {beside}") == [(second.version.name,) * 2]
    assert read(home.published_file, f"from '{home.published_parquet}/marts/dim_shops/*.parquet'") == [
        ("Nara", "JP")
    ]
    rollback(home, first.version.name)
    assert read(home.published_file, f"select {version}, {beside}") == [(first.version.name,) * 2]


def test_a_link_of_an_earlier_kizuna_is_followed_and_replaced(home):
    first = night(home)
    home.published_file.unlink()
    home.published_file.symlink_to(first.version.database)
    assert current_version(home).name == first.version.name
    second = night(home)
    assert home.published_file.readlink() == Path("current/kizuna.duckdb")
    assert current_version(home).name == second.version.name


def test_parquet_is_left_out_and_comes_back_as_the_settings_say(home):
    night(home)
    without = night(home, parquet=False)
    assert {path.name for path in without.version.folder.iterdir()} == {"kizuna.duckdb", "manifest.json"}
    assert not home.published_parquet.is_symlink()
    again = night(home)
    assert again.build == "delta"
    orders = f"select count(*) from '{home.published_parquet}/marts/fct_orders/*.parquet'"
    assert read(home.published_file, orders) == [(600,)]


def test_the_scorecard_is_made_of_its_version_and_switched_with_it(home):
    def page(database: Path) -> str:
        ((version,),) = read(database, "select version from meta.publication")
        return f"<p>{version}</p>"

    first, second = night(home, scorecard=page), night(home, scorecard=page)
    assert home.published_scorecard.read_text() == f"<p>{second.version.name}</p>"
    rollback(home, first.version.name)
    assert home.published_scorecard.read_text() == f"<p>{first.version.name}</p>"
    night(home)
    assert not home.published_scorecard.is_symlink()


def test_a_scorecard_that_cannot_be_drawn_leaves_what_readers_see(home):
    first = night(home)

    def broken(database: Path) -> str:
        raise ValueError(f"nothing to draw in {database.name}")

    with pytest.raises(ValueError, match="nothing to draw"):
        night(home, scorecard=broken)
    assert current_version(home).name == first.version.name
    assert [version.name for version in list_versions(home)] == [first.version.name]
