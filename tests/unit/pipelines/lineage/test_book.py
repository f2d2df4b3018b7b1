"""What is remembered of the tables' columns, and the way back from one of them."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest

from pipelines.lineage import ROWS, LineageBook, Origin
from pipelines.lineage import book as book_module


@pytest.fixture
def book(tmp_path: Path) -> LineageBook:
    return written(tmp_path / "dbt" / "lineage.json")


def written(
    path: Path, kpi: str = "select sum(amount) as total, count(*) as n from staging.orders"
) -> LineageBook:
    book = LineageBook(path)
    book.know("raw.orders", ["order_id", "amount"])
    book.learn("staging.orders", "select order_id, amount from raw.orders", ["raw.orders"])
    book.learn("kpi.sales", kpi, ["staging.orders"])
    book.save()
    return book


def test_a_kpi_goes_back_to_the_raw_column(book: LineageBook) -> None:
    steps = [(str(step.origin), step.depth) for step in book.chain(Origin("kpi.sales", "total"))]
    assert steps == [("kpi.sales.total", 0), ("staging.orders.amount", 1), ("raw.orders.amount", 2)]
    assert book.sources(Origin("kpi.sales", "total")) == {Origin("raw.orders", "amount")}


def test_a_count_goes_back_to_the_rows(book: LineageBook) -> None:
    assert book.sources(Origin("kpi.sales", "n")) == {Origin("raw.orders", ROWS)}


def test_what_was_told_is_not_told_again(tmp_path: Path) -> None:
    book = written(
        tmp_path / "lineage.json",
        "select amount + a2 as total from (select amount, amount as a2 from staging.orders)",
    )
    book.learn(
        "kpi.twice",
        "select total + amount as t from kpi.sales, staging.orders",
        ["kpi.sales", "staging.orders"],
    )
    known = [step for step in book.chain(Origin("kpi.twice", "t")) if step.is_known]
    assert [str(step.origin) for step in known] == ["staging.orders.amount"]


def test_only_what_changed_is_read_again(book: LineageBook, tmp_path: Path) -> None:
    path = tmp_path / "dbt" / "lineage.json"
    with patch.object(book_module, "read_origins", side_effect=AssertionError):
        again = written(path)
    assert again.tables == {"staging.orders": ["order_id", "amount"], "kpi.sales": ["total", "n"]}
    changed = written(path, "select max(order_id) as newest from staging.orders")
    assert changed.sources(Origin("kpi.sales", "newest")) == {Origin("raw.orders", "order_id")}


def test_a_table_that_stands_since_the_night_before_is_not_read_again(tmp_path: Path) -> None:
    """A first night learns a model before anybody knows the columns of its table, the next one after."""
    written(tmp_path / "lineage.json")
    again = LineageBook(tmp_path / "lineage.json")
    again.know("raw.orders", ["order_id", "amount"])
    again.know("staging.orders", ["amount", "order_id"])
    with patch.object(book_module, "read_origins", side_effect=AssertionError):
        again.learn("staging.orders", "select order_id, amount from raw.orders", ["raw.orders"])


def test_a_changed_parent_is_read_with_what_it_has_now(tmp_path: Path) -> None:
    book = LineageBook(tmp_path / "lineage.json")
    for columns in (["a"], ["a", "b"]):
        book.know("raw.t", columns)
        book.learn("staging.t", "select * from raw.t", ["raw.t"])
        assert book.tables["staging.t"] == columns


def test_an_incremental_model_does_not_come_from_itself(book: LineageBook) -> None:
    sql = "select coalesce(o.amount, s.total) as total from staging.orders as o left join kpi.sales as s on true"
    book.learn("kpi.sales", sql, ["staging.orders"])
    assert book.before(Origin("kpi.sales", "total")) == (Origin("staging.orders", "amount"),)


def test_what_sqlglot_does_not_understand_comes_from_its_tables(book: LineageBook) -> None:
    book.learn("kpi.odd", "select from where (", ["staging.orders"])
    assert book.before(Origin("kpi.odd", "any")) == (Origin("staging.orders", ROWS),)
    assert book.sources(Origin("kpi.odd", "any")) == {Origin("raw.orders", ROWS)}


def test_tables_that_are_gone_are_forgotten(book: LineageBook) -> None:
    book.keep_only({"staging.orders"})
    assert set(book.tables) == {"staging.orders"}


def test_a_damaged_book_is_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "lineage.json"
    path.write_text("{", encoding="utf-8")
    assert LineageBook(path).tables == {}
