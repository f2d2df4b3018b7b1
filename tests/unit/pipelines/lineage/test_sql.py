"""What a select's columns are made of."""

from __future__ import annotations

import pytest
from sqlglot.errors import SqlglotError

from pipelines.lineage.sql import ROWS, Origin, read_origins

TABLES = {
    "raw.orders": ["order_id", "customer_id", "amount", "status"],
    "raw.customers": ["customer_id", "country"],
    "ops.settings": ["minimum"],
}


def origins(sql: str) -> dict[str, set[str]]:
    """By column, its origins as people write them."""
    return {name: {str(origin) for origin in found} for name, found in read_origins(sql, TABLES).items()}


def test_a_column_goes_through_expressions_and_named_subqueries() -> None:
    found = origins(
        """with paid as (select customer_id as buyer, amount * 2 as doubled from warehouse.raw.orders)
        select buyer, sum(doubled) as total from paid group by buyer"""
    )
    assert found["buyer"] == {"raw.orders.customer_id"}
    assert found["total"] == {"raw.orders.amount"}


def test_columns_without_a_table_are_found_where_they_are() -> None:
    found = origins("select country, amount from raw.orders left join raw.customers using (customer_id)")
    assert found["country"] == {"raw.customers.country"}
    assert found["amount"] == {"raw.orders.amount"}


def test_a_star_is_every_column() -> None:
    assert list(origins("select * from (select * from raw.orders) as o")) == [*TABLES["raw.orders"], ROWS]


def test_a_union_is_both_sides_by_their_place() -> None:
    found = origins(
        "select order_id as id, amount from raw.orders union all select customer_id, 0 from raw.customers"
    )
    assert found["id"] == {"raw.orders.order_id", "raw.customers.customer_id"}
    assert found["amount"] == {"raw.orders.amount"}
    assert found[ROWS] == {"rows of raw.orders", "rows of raw.customers"}


def test_a_subquery_in_an_expression_has_tables_of_its_own() -> None:
    found = origins(
        """select case when count(*) >= (select minimum from ops.settings) then avg(amount) end as mean
        from raw.orders"""
    )
    assert found["mean"] == {"rows of raw.orders", "ops.settings.minimum", "raw.orders.amount"}


def test_a_subquery_sees_the_row_around_it() -> None:
    found = origins(
        """select (select max(c.country || o.status) from raw.customers as c where c.customer_id = o.customer_id) as x
        from raw.orders as o"""
    )
    assert found["x"] == {"raw.customers.country", "raw.orders.status"}


def test_a_count_of_rows_comes_from_the_rows_it_counts() -> None:
    found = origins(
        """with counted as (
            select country, count(*) as n from raw.orders join raw.customers using (customer_id) group by all
        )
        select n, 1 as one from counted"""
    )
    assert found["n"] == {"rows of raw.orders"}
    assert found["one"] == set()


def test_an_expression_that_reads_itself_ends() -> None:
    found = origins(
        """with recursive days as (
            select amount as day from raw.orders union all select day + 1 from days where day < 9
        )
        select day from days"""
    )
    assert found["day"] == {"raw.orders.amount"}


def test_a_list_that_is_taken_apart_is_where_its_elements_are_from() -> None:
    found = origins("select unnested.part from raw.orders cross join unnest([amount, 1]) as unnested(part)")
    assert found["part"] == {"raw.orders.amount"}


def test_what_is_no_sql_is_an_error() -> None:
    with pytest.raises(SqlglotError):
        origins("select from where (")


def test_rows_are_written_as_people_say_it() -> None:
    assert str(Origin("raw.orders", ROWS)) == "rows of raw.orders"
