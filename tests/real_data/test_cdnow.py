"""CDNOW, 69,659 purchases of 23,570 customers: columns aligned by blanks, and no identifiers of purchases."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from .conftest import Example, real_data
from .recomputed import rfm, sorted_rfm

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def purchases() -> pl.DataFrame:
    text = (real_data("cdnow") / "CDNOW_master.txt").read_text(encoding="ascii")
    return pl.DataFrame(
        [line.split() for line in text.splitlines()[1:]],
        schema=["customer", "date", "cds", "value"],
        orient="row",
    ).with_columns(pl.col("date").str.to_date("%Y%m%d"), pl.col("value").cast(pl.Decimal(18, 4)))


def test_every_purchase_counts_the_repeated_ones_too(cdnow: Example, purchases: pl.DataFrame) -> None:
    assert purchases.height - purchases.unique().height == 255
    lines = cdnow.query(
        "select count(*), sum(gross_amount), count(*) filter (where gross_amount = 0) from marts.fct_order_lines"
    )
    assert lines.row(0) == (69_659, Decimal("2500315.63"), 80)
    assert lines.row(0) == (purchases.height, purchases["value"].sum(), (purchases["value"] == 0).sum())
    assert cdnow.quarantined().is_empty()


def test_what_somebody_buys_on_one_day_is_one_order(cdnow: Example, purchases: pl.DataFrame) -> None:
    days = purchases.group_by("customer", "date").agg(pl.len())
    orders = cdnow.query("select count(*), max(line_count) from marts.fct_orders where is_purchase")
    assert orders.row(0) == (days.height, days["len"].max()) == (67_591, 16)


def test_leading_zeros_are_part_of_who_a_customer_is(cdnow: Example, purchases: pl.DataFrame) -> None:
    customers = cdnow.query("select count(*), max(registered_date) from marts.dim_customers")
    firsts = purchases.group_by("customer").agg(pl.col("date").min())
    assert customers.row(0) == (firsts.height, firsts["date"].max())
    assert firsts.height == 23_570


def test_all_who_bought_once_share_one_frequency_score(cdnow: Example, purchases: pl.DataFrame) -> None:
    customers = purchases.group_by("customer").agg(
        pl.col("date").max().alias("last_purchase_date"),
        pl.col("date").n_unique().alias("frequency"),
        pl.col("value").sum().alias("monetary_amount"),
    )
    published = cdnow.query("select * from marts.customer_rfm")
    once = published.filter(pl.col("frequency") == 1)
    assert once.height == 12_054  # "12,054 have no repeat purchase" (Fader, Hardie, Lee)
    assert once["frequency_score"].unique().to_list() == [1]
    assert published.filter(pl.col("frequency") > 1)["frequency_score"].min() == 3
    assert sorted_rfm(published) == sorted_rfm(rfm(customers))
