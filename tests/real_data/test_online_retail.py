"""UCI Online Retail, 541,909 invoice lines: nothing is lost, and how the files came makes no difference."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from pipelines.publication import read_manifest

from .conftest import Example, MakeExample, real_data
from .recomputed import month_end_states, moves, rfm, sorted_rfm

pytestmark = pytest.mark.real_data

AS_OF = dt.date(2011, 12, 10)
LINES, QUANTITY, AMOUNT = 541_909, Decimal(5_176_450), Decimal("9747747.934")
CHARGES = ("POST", "DOT", "C2", "AMAZONFEE", "BANK CHARGES", "CRUK", "B")  # stock codes that are no products


@pytest.fixture(scope="module")
def lines() -> pl.DataFrame:
    """The files as polars reads them, without any of our reading."""
    frame = pl.read_csv(str(real_data("online_retail") / "by-day" / "*.csv"), infer_schema=False)
    return frame.with_columns(
        pl.col("Quantity").cast(pl.Decimal(18, 4)),
        pl.col("UnitPrice").cast(pl.Decimal(18, 4)),
        pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S"),
    )


@pytest.fixture(scope="module")
def invoices(lines: pl.DataFrame) -> pl.DataFrame:
    """One row per invoice, cancellations among them; nobody in ``customer`` where the shop knows nobody."""
    bought = (pl.col("Quantity") > 0) & ~pl.col("StockCode").is_in(CHARGES)
    return (
        lines.unique()
        .group_by(pl.col("CustomerID").alias("customer"), "InvoiceNo")
        .agg(
            (pl.col("Quantity") * pl.col("UnitPrice")).sum().alias("amount"),
            bought.any().alias("is_purchase"),
            pl.col("InvoiceDate").min().dt.date().alias("date"),
        )
    )


def test_every_line_is_published_or_an_exact_duplicate(online_retail: Example, lines: pl.DataFrame) -> None:
    (accounts,) = online_retail.query(
        "select * from meta.reconciliation where table_name = 'crm.order_lines'"
    ).to_dicts()
    distinct = lines.unique()
    assert (lines.height, distinct.height) == (LINES, LINES - 5_268)
    assert accounts["rows_read"] == LINES
    assert accounts["rows_published"] == distinct.height
    assert accounts["rows_duplicate"] == LINES - distinct.height
    assert accounts["rows_quarantined"] == 0
    assert online_retail.quarantined().is_empty()


@pytest.mark.parametrize(("measure", "total"), [("quantity", QUANTITY), ("amount", AMOUNT)])
def test_units_and_money_add_up_from_the_files_to_the_fact(
    online_retail: Example, lines: pl.DataFrame, measure: str, total: Decimal
) -> None:
    column = pl.col("Quantity") if measure == "quantity" else pl.col("Quantity") * pl.col("UnitPrice")
    (accounts,) = online_retail.query(
        f"""select {measure}_read as read, {measure}_published as published, {measure}_duplicate as duplicate,
            {measure}_quarantined as quarantined, {measure}_not_published as not_published
        from meta.reconciliation where table_name = 'crm.order_lines'"""
    ).to_dicts()
    fact = "quantity" if measure == "quantity" else "gross_amount"
    (in_fact,) = online_retail.query(f"select sum({fact}) from marts.fct_order_lines").row(0)
    assert lines.select(column.sum()).item() == total
    assert accounts["read"] == total
    assert accounts["published"] == in_fact == lines.unique().select(column.sum()).item()
    assert accounts["published"] + accounts["duplicate"] == total
    assert accounts["quarantined"] == accounts["not_published"] == 0


def test_every_customer_is_published_once(online_retail: Example, lines: pl.DataFrame) -> None:
    assert lines["CustomerID"].drop_nulls().n_unique() == 4_372
    customers = online_retail.query(
        "select count(*), count(*) filter (where is_inferred) from marts.dim_customers"
    )
    assert customers.row(0) == (4_372, 0)


def test_rfm_covers_everyone_who_bought_with_the_scores_of_their_purchases(
    online_retail: Example, invoices: pl.DataFrame
) -> None:
    buyers = (
        invoices.filter(pl.col("customer").is_not_null())
        .group_by("customer")
        .agg(
            pl.col("date").filter("is_purchase").max().alias("last_purchase_date"),
            pl.col("is_purchase").sum().alias("frequency"),
            pl.col("amount").sum().alias("monetary_amount"),
        )
        .filter(pl.col("frequency") > 0)
    )
    published = online_retail.query("select * from marts.customer_rfm")
    assert published.height == buyers.height == 4_338
    assert published["segment"].null_count() == 0
    assert sorted_rfm(published) == sorted_rfm(rfm(buyers))


def test_sales_without_a_customer_are_counted_apart(
    online_retail: Example, lines: pl.DataFrame, invoices: pl.DataFrame
) -> None:
    """A quarter of all lines; the twelve days of December wait for the month to end."""
    anonymous = lines.filter(pl.col("CustomerID").is_null())
    in_fact = online_retail.query("select count(*) from marts.fct_order_lines where customer_key is null")
    assert anonymous.height == 135_080
    assert in_fact.item() == anonymous.unique().height
    of_nobody = (
        invoices.filter(pl.col("customer").is_null(), pl.col("date") < dt.date(2011, 12, 1))
        .group_by(pl.col("date").dt.truncate("1mo").alias("month"))
        .agg(pl.col("is_purchase").sum().cast(pl.Int64), pl.col("amount").sum())
        .sort("month")
    )
    published = online_retail.query(
        """select month, purchases, revenue_amount from kpi.kpi_rfm_segments_monthly
        where segment = '(anonymous)' order by month"""
    )
    assert published.rows() == of_nobody.rows()
    assert published.height == 12


def test_sales_of_a_month_are_those_of_its_segments(online_retail: Example, invoices: pl.DataFrame) -> None:
    """What was sent back by people who had not bought yet, too: its own row, with less than nothing."""
    published = online_retail.query(
        "select sum(revenue_amount), sum(purchases)::bigint from kpi.kpi_rfm_segments_monthly"
    )
    until_november = invoices.filter(pl.col("date") < dt.date(2011, 12, 1))
    assert published.row(0) == (until_november["amount"].sum(), until_november["is_purchase"].sum())
    (sent_back,) = online_retail.query(
        "select sum(revenue_amount) from kpi.kpi_rfm_segments_monthly where segment = '(no purchase)'"
    ).row(0)
    assert sent_back < 0


def test_segments_and_movements_of_every_month(online_retail: Example, invoices: pl.DataFrame) -> None:
    firsts = pl.date_range(dt.date(2010, 12, 1), dt.date(2011, 11, 1), "1mo", eager=True)
    states = month_end_states(
        invoices.filter(pl.col("customer").is_not_null()), firsts.dt.month_end().to_list()
    )
    published = online_retail.query(
        """select month, from_segment, to_segment, customers from kpi.rfm_segment_migration
        where customers > 0 order by all"""
    )
    columns = ["month", "from_segment", "to_segment", "customers"]
    assert published.rows() == moves(states).select(columns).sort(columns).rows()


def _chronological(files: list[Path]) -> list[list[Path]]:
    return [files[:100], files[100:250], files[250:]]


def _shuffled(files: list[Path]) -> list[list[Path]]:
    """Old files come late, which no incremental step may mind. Two nights: each costs half a minute."""
    files = random.Random(305).sample(files, len(files))
    return [files[:150], files[150:]]


@pytest.mark.parametrize("portions", [_chronological, _shuffled])
def test_the_files_in_portions_end_as_in_one_night(
    portions: Callable[[list[Path]], list[list[Path]]],
    online_retail: Example,
    make_example: MakeExample,
    tmp_path: Path,
) -> None:
    files = sorted((online_retail.data / "by-day").glob("*.csv"))
    assert len(files) == 305
    (tmp_path / "by-day").mkdir()
    example = make_example("online_retail", tmp_path)
    for portion in portions(files):
        for file in portion:
            (tmp_path / "by-day" / file.name).symlink_to(file)
        example.night(AS_OF)
    assert _contents(example) == _contents(online_retail)


def _contents(example: Example) -> dict[str, str]:
    """Content hash of each published table, the accounts in meta.reconciliation among them."""
    manifest = read_manifest(example.home.published_file.resolve().parent)
    return {name: table.content_hash for name, table in manifest.tables.items()}
