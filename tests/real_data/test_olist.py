"""Olist, 8,135 orders with their reviews: persons behind accounts, and what they say month by month."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from .conftest import Example, real_data
from .recomputed import rfm, sorted_rfm, wilson

pytestmark = pytest.mark.real_data

MINIMUM_ANSWERS = 10  # the default of thresholds.minimum_answers, which the example keeps
CANCELLED = ("canceled", "unavailable")


def _table(name: str) -> pl.DataFrame:
    return pl.read_csv(real_data("olist_sample") / f"olist_{name}_dataset.csv", infer_schema=False)


def _time(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime("%Y-%m-%d %H:%M:%S")


@pytest.fixture(scope="module")
def orders() -> pl.DataFrame:
    """Orders beside the person who placed them."""
    return _table("orders").join(_table("customers"), on="customer_id")


@pytest.fixture(scope="module")
def reviews(orders: pl.DataFrame) -> pl.DataFrame:
    return _table("order_reviews").join(orders, on="order_id")


def test_8016_people_stand_behind_8135_accounts(olist: Example, orders: pl.DataFrame) -> None:
    found = olist.query(
        "select count(*), sum(account_count), count(*) filter (where is_inferred) from marts.dim_customers"
    )
    assert found.row(0) == (8_016, 8_135, 0)
    accounts = orders.group_by("customer_unique_id").len()["len"]
    published = olist.query("select account_count from marts.dim_customers")["account_count"]
    assert sorted(published) == sorted(accounts)


def test_items_and_freight_are_the_file_s(olist: Example) -> None:
    items = _table("order_items").select(pl.col("price", "freight_value").cast(pl.Decimal(18, 4)).sum())
    sums = olist.query("select sum(gross_amount), sum(fee_amount), count(*) from marts.fct_order_lines")
    assert items.row(0) == (Decimal("1093264.35"), Decimal("172288.39"))
    assert sums.row(0) == (*items.row(0), 8_365)
    assert olist.quarantined().is_empty()


def test_every_review_is_linked_to_its_order_and_person(olist: Example, reviews: pl.DataFrame) -> None:
    published = olist.query(
        "select response_id, order_id, customer_key, customer_match, score from marts.fct_survey_responses"
    )
    joined = reviews.join(
        published,
        left_on=pl.col("review_id") + "/" + pl.col("order_id"),
        right_on="response_id",
        validate="1:1",
        suffix="_published",
    )
    assert joined.height == published.height == reviews.height == 8_225
    assert (joined["order_id"] == joined["order_id_published"]).all()
    assert (joined["review_score"].cast(pl.Decimal(18, 4)) == joined["score"]).all()
    assert joined["customer_match"].unique().to_list() == ["order"]
    pairs = joined.select("customer_unique_id", "customer_key").unique()
    assert pairs.height == pairs["customer_unique_id"].n_unique() == pairs["customer_key"].n_unique() == 8_016


def test_monthly_csat_and_its_interval_follow_from_the_reviews(olist: Example, reviews: pl.DataFrame) -> None:
    satisfied = pl.col("review_score").cast(pl.Int64) >= 4
    months = (
        reviews.group_by(_time("review_answer_timestamp").dt.date().dt.truncate("1mo").alias("month"))
        .agg(pl.len().cast(pl.Int64).alias("csat_n"), satisfied.sum().cast(pl.Int64).alias("csat_top_two"))
        .with_columns(
            (100 * pl.col("csat_top_two") / pl.col("csat_n")).alias("csat"),
            wilson("csat_top_two", "csat_n", -1).alias("csat_lower"),
            wilson("csat_top_two", "csat_n", 1).alias("csat_upper"),
        )
        .with_columns(pl.when(pl.col("csat_n") >= MINIMUM_ANSWERS).then(pl.col("^csat(_lower|_upper)?$")))
        .sort("month")
    )
    published = olist.query(
        """select month, csat_n, csat_top_two, csat, csat_lower, csat_upper
        from kpi.kpi_loyalty_monthly where level = 'month' order by month"""
    )
    assert published.height == 25
    assert published["csat_n"].sum() == 8_225
    assert published["csat"].null_count() == 1, "October 2018 has 8 answers"
    assert published.select("month", "csat_n", "csat_top_two").equals(
        months.select("month", "csat_n", "csat_top_two")
    )
    for name in ("csat", "csat_lower", "csat_upper"):
        assert published[name].to_list() == pytest.approx(months[name].to_list(), abs=1e-4, nan_ok=True)


def test_every_roll_up_has_all_reviews_and_what_was_never_asked_is_empty(olist: Example) -> None:
    """The shop sends no invitations to us and asks neither for a recommendation nor how easy it was."""
    levels = olist.query(
        """select level, cast(sum(csat_n) as bigint) as csat_n, cast(sum(csat_top_two) as bigint) as csat_top_two
        from kpi.kpi_loyalty_monthly group by level order by level"""
    )
    assert levels.height == 8
    assert levels["csat_n"].to_list() == [8_225] * 8
    assert levels["csat_top_two"].n_unique() == 1
    never_asked = olist.query(
        """select max(invitations), max(nps_n), max(ces_n), count(response_rate), count(nps), count(ces)
        from kpi.kpi_loyalty_monthly"""
    )
    assert never_asked.row(0) == (0,) * 6
    assert olist.query("select count(is_alert) from kpi.kpi_indicator_divergence").item() == 0


def test_delivery_is_late_by_days_of_the_shop_s_calendar(olist: Example, orders: pl.DataFrame) -> None:
    """Also where the promised midnight does not exist, because the clocks of Brazil went forward at 0:00."""
    delays = orders.select(
        "order_id",
        (_time("order_delivered_customer_date").dt.date() - _time("order_estimated_delivery_date").dt.date())
        .dt.total_days()
        .cast(pl.Int32)
        .alias("delay"),
    ).sort("order_id")
    published = olist.query(
        "select order_id, delivery_delay_days as delay from marts.fct_orders order by order_id"
    )
    assert published.equals(delays)
    assert (published["delay"] > 0).sum() == 343


def test_buying_once_has_one_frequency_score_and_coming_back_the_highest(
    olist: Example, orders: pl.DataFrame
) -> None:
    amounts = (
        _table("order_items")
        .group_by("order_id")
        .agg(pl.col("price").cast(pl.Decimal(18, 4)).sum().alias("amount"))
    )
    buyers = (
        orders.filter(~pl.col("order_status").is_in(CANCELLED))
        .join(amounts, on="order_id")
        .group_by("customer_unique_id")
        .agg(
            _time("order_purchase_timestamp").max().dt.date().alias("last_purchase_date"),
            pl.len().alias("frequency"),
            pl.col("amount").sum().alias("monetary_amount"),
        )
    )
    published = olist.query("select * from marts.customer_rfm")
    assert sorted_rfm(published) == sorted_rfm(rfm(buyers))
    scores = (
        published.select("frequency_score", pl.col("frequency").clip(upper_bound=2))
        .unique()
        .sort("frequency")
    )
    assert scores.rows() == [(1, 1), (5, 2)]


def test_an_index_of_reviews_alone_says_how_little_it_knows(olist: Example, reviews: pl.DataFrame) -> None:
    """Satisfaction is a fifth of the index, and one answer to it repeats with 0.3 (seed loyalty_index_weights)."""
    score = pl.col("review_score").cast(pl.Int64)
    recent = _time("review_answer_timestamp").dt.date() > pl.date(2017, 10, 31)
    customers = reviews.group_by("customer_unique_id").agg(
        (25 * (score.filter(recent).mean() - 1)).round(4).alias("loyalty_index"),
        recent.sum().cast(pl.Int32).alias("loyalty_index_answers"),
        pl.len().cast(pl.Int32).alias("answer_count"),
    )
    answers = pl.col("loyalty_index_answers")
    expected = customers.select(
        "loyalty_index",
        "loyalty_index_answers",
        "answer_count",
        pl.when(answers > 0).then(0.2).otherwise(0.0).alias("loyalty_index_weight_share"),
        pl.when(answers > 0)
        .then((answers / (answers + 0.7 / 0.3)).round(4))
        .alias("loyalty_index_reliability"),
    )
    published = olist.query("select * from marts.customer_loyalty").select(expected.columns)
    assert published.height == 8_016
    assert published.sort(expected.columns).equals(expected.sort(expected.columns))
    assert published["loyalty_index"].null_count() > 0, "people who answered long ago have no index"
    for table in ("kpi_points_of_connection", "kpi_relationship_transitions"):
        assert olist.query(f"select * from kpi.{table}").is_empty(), "nobody was asked, and the night goes on"
