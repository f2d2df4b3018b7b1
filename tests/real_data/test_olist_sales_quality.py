"""Olist: sales that low reviews speak against, in money."""

from __future__ import annotations

import polars as pl
import pytest

from .conftest import Example, real_data

pytestmark = pytest.mark.real_data

WINDOW, HALF_YEAR = 60, 180  # days: seed sales_quality_rules


def _table(name: str) -> pl.DataFrame:
    return pl.read_csv(real_data("olist_sample") / f"olist_{name}_dataset.csv", infer_schema=False)


def _day(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime("%Y-%m-%d %H:%M:%S").dt.date()


@pytest.fixture(scope="module")
def sales() -> pl.DataFrame:
    """One row per order that was not cancelled: its goods in money, and what decides whether it was a good sale."""
    amounts = (
        _table("order_items")
        .group_by("order_id")
        .agg(pl.len().alias("lines"), pl.col("price").cast(pl.Decimal(38, 4)).sum().alias("amount"))
    )
    all_orders = _table("orders").join(_table("customers"), on="customer_id")
    orders = all_orders.filter(~pl.col("order_status").is_in(["canceled", "unavailable"])).select(
        "order_id",
        pl.col("customer_unique_id").alias("person"),
        _day("order_purchase_timestamp").alias("day"),
    )
    bought = orders.join(amounts, on="order_id")
    score = pl.col("review_score").cast(pl.Int64)
    said = (
        _table("order_reviews")
        .with_columns(_day("review_answer_timestamp").alias("said_on"))
        .join(orders, on="order_id")
        .filter((pl.col("said_on") - pl.col("day")).dt.total_days() <= WINDOW)
        .group_by("order_id")
        .agg((score <= 2).any().alias("is_low"), (score >= 4).any().alias("is_high"))
    )
    again = (
        bought.join(bought.select("person", pl.col("day").alias("next")), on="person")
        .filter((pl.col("next") - pl.col("day")).dt.total_days().is_between(1, HALF_YEAR))
        .select("order_id", pl.lit(True).alias("is_repeat"))
        .unique()
    )
    last_day = all_orders.select(_day("order_purchase_timestamp").max()).item()
    age = (pl.lit(last_day) - pl.col("day")).dt.total_days()
    return (
        bought.join(said, on="order_id", how="left")
        .join(again, on="order_id", how="left")
        .with_columns(
            pl.when("is_low")
            .then(pl.lit("dissatisfied"))
            .when("is_high")
            .then(pl.lit("satisfied"))
            .when("is_repeat")
            .then(pl.lit("repeat"))
            .when(age >= WINDOW)
            .then(pl.lit("kept"))
            .otherwise(pl.lit("(open)"))
            .alias("decided_by"),
            pl.col("day").dt.truncate("1mo").alias("month"),
        )
    )


def test_low_reviews_make_bad_sales(olist: Example, sales: pl.DataFrame) -> None:
    expected = (
        sales.group_by("month", "decided_by")
        .agg(pl.col("lines").sum().cast(pl.Int64), pl.col("amount").sum())
        .sort("month", "decided_by")
    )
    published = olist.query(
        "select month, decided_by, lines, net_amount from kpi.kpi_sales_quality_reasons_monthly"
        " where level = 'month' order by month, decided_by"
    )
    assert published.rows() == expected.rows()


def test_a_third_of_what_is_decided_was_sold_to_people_who_were_dissatisfied(
    olist: Example, sales: pl.DataFrame
) -> None:
    """Every order here has a review, so that silence hides little; a shop that asks fewer sees fewer bad sales."""
    (row,) = olist.query(
        """
        select sum(good_amount) as good, sum(bad_amount) as bad, sum(undecided_amount) as undecided,
            sum(net_amount) as net
        from kpi.kpi_sales_quality_monthly where level = 'month'
        """
    ).to_dicts()
    assert row["good"] + row["bad"] + row["undecided"] == row["net"] == sales["amount"].sum()
    assert row["bad"] == sales.filter(pl.col("decided_by") == "dissatisfied")["amount"].sum()
    assert 0.3 < row["bad"] / (row["good"] + row["bad"]) < 0.35
