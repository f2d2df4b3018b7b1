"""CDNOW, 69,659 purchases of 23,570 customers: columns aligned by blanks, and no identifiers of purchases."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from .conftest import Example, real_data
from .recomputed import month_end_states, moves, rfm, sorted_rfm

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


@pytest.fixture(scope="module")
def month_ends(purchases: pl.DataFrame) -> pl.DataFrame:
    """Every customer at every month end of the 18 months, computed in polars."""
    firsts = pl.date_range(dt.date(1997, 1, 1), dt.date(1998, 6, 1), "1mo", eager=True)
    orders = purchases.group_by("customer", "date").agg(
        pl.col("value").sum().alias("amount"), is_purchase=pl.lit(True)
    )
    return month_end_states(orders, firsts.dt.month_end().to_list())


def test_buyers_of_a_single_day_score_lowest_at_every_month_end(
    cdnow: Example, month_ends: pl.DataFrame
) -> None:
    """January too, when next to nobody had come back and ntile would have spread them over four scores."""
    published = cdnow.in_warehouse(
        """select date_trunc('month', month_end)::date as month, frequency_score, frequency = 1 as bought_once,
            count(*) as customers
        from intermediate.int_rfm__month_ends group by all order by all"""
    )
    expected = (
        month_ends.group_by("month", "frequency_score", (pl.col("frequency") == 1).alias("bought_once"))
        .agg(pl.len().cast(pl.Int64).alias("customers"))
        .sort(pl.all())
    )
    assert published.rows() == expected.rows()
    assert published.filter("bought_once")["frequency_score"].unique().to_list() == [1]
    assert published.filter(pl.col("month") == dt.date(1997, 1, 1), "bought_once")["customers"].sum() > 7_000


def test_movements_between_segments_add_up(cdnow: Example, month_ends: pl.DataFrame) -> None:
    published = cdnow.query(
        """select month, from_segment, to_segment, customers, from_customers, revenue_amount
        from kpi.rfm_segment_migration order by month, from_segment, to_segment"""
    )
    assert published.filter(pl.col("customers") > 0).select(moves(month_ends).columns).rows() == (
        moves(month_ends).sort("month", "from_segment", "to_segment").rows()
    )
    assert published.filter(pl.col("from_segment") == "(new)")["customers"].sum() == 23_570
    assert published["revenue_amount"].sum() == Decimal("2500315.63")
    leavers = published.group_by("month", "from_segment").agg(
        pl.col("customers").sum(), pl.col("from_customers").first()
    )
    assert leavers["customers"].to_list() == leavers["from_customers"].to_list()
