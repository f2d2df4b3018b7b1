"""The project as a whole: it builds, it documents what it publishes, and the way there leaves no trace."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

from dbt_history import AS_OF, EARLIER_AS_OF, LOADS
from dbt_warehouse import Warehouse, failures

PUBLISHED_SCHEMAS = ("marts", "kpi", "meta")


def _without_load_counts(published: dict) -> dict:
    """Everything but how many loads it took: that is what meta.reconciliation is for, and may differ."""
    return {table: rows for table, rows in published.items() if table != "meta.reconciliation"}


def test_unit_tests_pass(built: Warehouse, tmp_path: Path) -> None:
    results = built.copied(tmp_path).dbt("test", "--select", "test_type:unit")
    assert len(results) >= 20
    assert failures(results) == {}


def test_an_empty_warehouse_builds(warehouse: Warehouse) -> None:
    """The first night of a company whose exports are all empty publishes empty tables and whole years of dates."""
    warehouse.build(date(2024, 2, 29))
    published = warehouse.published()
    assert published["marts.fct_orders"] == []
    days = [row[0] for row in published["marts.dim_dates"]]
    # The company's fiscal year begins in April, so this one did in 2023.
    assert (days[0], days[-1], len(days)) == (date(2023, 1, 1), date(2024, 12, 31), 731)
    periods = warehouse.query(
        "select period, min(date_day) as first_day, max(date_day) as latest_day"
        " from (unpivot (select date_day, columns('^is_(last|year|same|fiscal|current)') from marts.dim_dates)"
        " on columns('^is_') into name period value is_in) where is_in group by period"
    )
    assert {period: (first, latest) for period, first, latest in periods.rows()} == {
        "is_current_month": (date(2024, 2, 1), date(2024, 2, 29)),
        "is_last_whole_month": (date(2024, 2, 1), date(2024, 2, 29)),  # the business date ends it
        "is_last_12_whole_months": (date(2023, 3, 1), date(2024, 2, 29)),
        "is_year_to_date": (date(2024, 1, 1), date(2024, 2, 29)),
        "is_same_period_last_year": (date(2023, 1, 1), date(2023, 2, 28)),
        "is_fiscal_year_to_date": (date(2023, 4, 1), date(2024, 2, 29)),
        "is_same_fiscal_period_last_year": (date(2023, 1, 1), date(2023, 2, 28)),
    }


def test_three_nights_equal_one(built: Warehouse, warehouse: Warehouse) -> None:
    """Late orders, late costs, corrections and people who turn out to be one: the incremental way ends at the same."""
    for night, tables in enumerate(LOADS, start=1):
        warehouse.load(night, tables)
        warehouse.build(tested=night == len(LOADS))
    assert _without_load_counts(warehouse.published()) == _without_load_counts(built.published())


def test_probable_people_come_and_go(built: Warehouse, warehouse: Warehouse) -> None:
    """Orders and answers follow a link in the night it appears, and the night it is gone nothing of it is left."""
    link = "insert into matching.people values ('c1', 'c0', 0.99, {load})"
    for night, tables in enumerate(LOADS, start=1):
        warehouse.load(night, tables)
        if night > 1:
            warehouse.execute(f"delete from matching.people; {link.format(load=night)}")
        if night == len(LOADS):
            warehouse.execute("update matching.people set same_person_id = person_id")
        warehouse.build(tested=night == 2)
        if night == 2:
            of_both = warehouse.query(
                "select customer_key, account_count from marts.dim_customers where account_count = 2"
            )
            assert hashlib.md5(b"secretc0").hexdigest() in of_both["customer_key"].to_list()
            incremental = warehouse.published()
            warehouse.build(AS_OF, "--full-refresh", tested=False)
            assert incremental == warehouse.published()
    assert _without_load_counts(warehouse.published()) == _without_load_counts(built.published())


def test_an_earlier_business_date_after_a_later_one(built: Warehouse, tmp_path: Path) -> None:
    """What a later night has left in the warehouse does not leak into the tables of an earlier date."""
    again = built.copied(tmp_path)
    again.build(EARLIER_AS_OF)
    after_a_later_one = again.published()
    again.build(EARLIER_AS_OF, "--full-refresh", tested=False)
    assert after_a_later_one == again.published()
    assert after_a_later_one != built.published()
    again.build(AS_OF, tested=False)
    assert again.published() == built.published()


def test_every_published_column_is_documented(built: Warehouse) -> None:
    manifest = json.loads((built.folder / "target" / "manifest.json").read_text())
    published = {
        node["name"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] in PUBLISHED_SCHEMAS
    }
    columns = built.query(
        "select table_name, column_name from information_schema.columns where table_schema in ('marts', 'kpi', 'meta')"
    )
    assert set(columns["table_name"]) == set(published)
    for table, column in columns.iter_rows():
        assert published[table]["columns"][column]["description"].strip(), f"{table}.{column}"
    for name, node in published.items():
        assert node["description"].startswith("One row per "), name
        assert node["contract"]["enforced"], name


def test_a_fact_loses_no_row_where_it_joins_the_star(built: Warehouse) -> None:
    """Whatever table a key stands in: docs/bi.md promises it, and a join that drops rows says nothing of it."""
    dimensions = {
        "customer_key": "dim_customers", "department_key": "dim_departments", "campaign_key": "dim_campaigns",
        "product_id": "dim_products",
    }  # fmt: skip
    columns = built.query(
        "select table_name, column_name, data_type from duckdb_columns()"
        " where schema_name = 'marts' and (table_name like 'fct_%' or table_name like 'customer_%')"
    )
    lost = {}
    for table, column, kind in columns.rows():
        if column in dimensions:
            dimension, key = dimensions[column], column
        elif kind == "DATE" and column.endswith("_date"):
            dimension, key = "dim_dates", "date_day"
        else:
            continue
        may_be_empty = key in ("customer_key", "date_day")
        unknown = f"{column} not in (select {key} from marts.{dimension})"
        unknown += "" if may_be_empty else f" or {column} is null"
        rows = built.query(f"select count(*) from marts.{table} where {unknown}").item()
        lost[f"{table}.{column}"] = rows
    assert {"fct_order_lines.campaign_key", "fct_problems.happened_date"} < lost.keys()
    assert {column: rows for column, rows in lost.items() if rows} == {}


def test_nothing_published_names_a_person(built: Warehouse) -> None:
    """No account, address, name or comment of the raw tables appears anywhere in what BI reads."""
    personal = {
        "a1",
        "stranger",
        "five@example.org",
        "c1@example.org",
        "kind people",
        "+81 3-1111-2222",
        "p1",
    }
    found = {
        (table, value)
        for table, rows in built.published().items()
        for row in rows
        for value in row
        if isinstance(value, str) and value.strip().lower() in personal
    }
    assert found == set()
