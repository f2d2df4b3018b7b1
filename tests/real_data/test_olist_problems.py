"""Olist: late deliveries against scores, who said nothing, and who came back after a low score."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from .conftest import Example, real_data

pytestmark = pytest.mark.real_data

DECIDED_AFTER = 44  # days to complain and to resolve: seed problem_rules
LOST_AFTER = 30  # days after the promised one: the same


def _table(name: str) -> pl.DataFrame:
    return pl.read_csv(real_data("olist_sample") / f"olist_{name}_dataset.csv", infer_schema=False)


def _time(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime("%Y-%m-%d %H:%M:%S")


@pytest.fixture(scope="module")
def reviews() -> pl.DataFrame:
    words = pl.concat_str("review_comment_title", "review_comment_message", ignore_nulls=True)
    return _table("order_reviews").select(
        "order_id",
        pl.col("review_score").cast(pl.Int64).alias("score"),
        (words.str.strip_chars().str.len_chars() > 0).fill_null(False).alias("has_words"),
        _time("review_answer_timestamp").alias("answered_at"),
    )


@pytest.fixture(scope="module")
def orders() -> pl.DataFrame:
    """Orders with their person and how many days they are overdue, by the last day that the export knows."""
    promised = _time("order_estimated_delivery_date").dt.date()
    delivered = _time("order_delivered_customer_date").dt.date()
    ordered_at = _time("order_purchase_timestamp")
    return (
        _table("orders")
        .join(_table("customers"), on="customer_id")
        .select(
            "order_id",
            pl.col("customer_unique_id").alias("person"),
            pl.col("order_status").alias("status"),
            ordered_at.alias("ordered_at"),
            _time("order_estimated_delivery_date").alias("promised_at"),
            delivered.is_not_null().alias("is_delivered"),
            (delivered.fill_null(ordered_at.max().dt.date()) - promised)
            .dt.total_days()
            .alias("overdue_days"),
        )
    )


@pytest.fixture(scope="module")
def problems(orders: pl.DataFrame, reviews: pl.DataFrame) -> pl.DataFrame:
    """One row per order with a problem: its kind, when it began, and whether a low score came with words."""
    low_scores = (
        reviews.filter(pl.col("score") <= 2)
        .group_by("order_id")
        .agg(pl.col("answered_at").min().alias("low_score_at"), pl.col("has_words").any())
    )
    is_void = pl.col("status").is_in(["canceled", "unavailable"])
    is_late = (pl.col("overdue_days") >= 1) & (pl.col("is_delivered") | ~is_void)
    is_lost = is_late & ~pl.col("is_delivered") & (pl.col("overdue_days") >= LOST_AFTER)
    is_sold_out = pl.col("status") == "unavailable"
    last_day = orders["ordered_at"].max().date()
    return (
        orders.join(low_scores, on="order_id", how="left")
        .with_columns(
            pl.when(is_sold_out | is_lost)
            .then(pl.lit("failed_delivery"))
            .when(is_late)
            .then(pl.lit("late_delivery"))
            .when(pl.col("low_score_at").is_not_null())
            .then(pl.lit("low_score"))
            .alias("kind"),
            pl.min_horizontal(
                pl.when(is_sold_out).then("ordered_at"), pl.when(is_late).then("promised_at"), "low_score_at"
            ).alias("happened_at"),
            pl.col("has_words").fill_null(False),
        )
        .filter(pl.col("kind").is_not_null())
        .with_columns(
            ((last_day - pl.col("happened_at").dt.date()).dt.total_days() >= DECIDED_AFTER).alias(
                "is_decided"
            )
        )
    )


def test_late_deliveries_have_lower_scores(
    olist: Example, orders: pl.DataFrame, reviews: pl.DataFrame
) -> None:
    delivered = reviews.join(orders.filter("is_delivered"), on="order_id").group_by(
        (pl.col("overdue_days") > 0).alias("is_late")
    )
    means = delivered.agg(
        pl.len().cast(pl.Int64).alias("answers"), pl.col("score").mean().round(4).alias("mean")
    ).sort("is_late")
    published = olist.query(
        """
        select orders.delivery_delay_days > 0 as is_late, count(*) as answers,
            round(cast(sum(responses.standard_score) as double) / count(*), 4) as mean
        from marts.fct_survey_responses as responses
        join marts.fct_orders as orders using (order_id)
        where orders.delivery_delay_days is not null and responses.metric = 'csat'
        group by is_late order by is_late
        """
    )
    assert published.equals(means)
    in_time, late = published["mean"]
    assert late < in_time - 1, "a late parcel costs more than one of five points"


def test_who_was_silent_is_told_by_the_reviews(olist: Example, problems: pl.DataFrame) -> None:
    """Nobody could complain here but in a review, so that there is no rate of complaints, and no ratio."""
    decided = problems.filter("is_decided")
    by_person = decided.group_by("kind", "person").agg(pl.col("has_words").any())
    counted = (
        decided.group_by("kind")
        .agg(
            pl.len().cast(pl.Int64).alias("problems"), pl.col("has_words").sum().cast(pl.Int64).alias("told")
        )
        .join(
            by_person.group_by("kind").agg(
                pl.len().cast(pl.Int64).alias("customers"),
                (~pl.col("has_words")).sum().cast(pl.Int64).alias("silent"),
            ),
            on="kind",
        )
        .join(
            problems.group_by("kind").agg((~pl.col("is_decided")).sum().cast(pl.Int64).alias("undecided")),
            on="kind",
        )
        .sort("kind")
    )
    published = olist.query(
        """
        select problem_kind as kind, problems, told_in_survey as told, customers_with_problem as customers,
            customers_silent as silent, problems_undecided as undecided
        from kpi.kpi_silent_customers
        where period = '(all)' and department = '(all)' and problem_kind not in ('(all)', '(orders)')
        order by kind
        """
    )
    assert published.equals(counted)
    assert published["kind"].to_list() == ["failed_delivery", "late_delivery", "low_score"]
    rates = olist.query(
        "select count(complaint_rate) + count(silent_per_complaint) + count(is_claim_within_interval) as shown"
        " from kpi.kpi_silent_customers"
    )
    assert rates.item() == 0


def test_almost_nobody_comes_back_whatever_they_said(
    olist: Example, orders: pl.DataFrame, problems: pl.DataFrame
) -> None:
    """A marketplace where 97 % buy once: fewer than one in ten come back after a low score, for other reasons too."""
    first = (
        problems.filter(pl.col("is_decided") & (pl.col("kind") == "low_score"))
        .sort("happened_at", "order_id")
        .unique("person", keep="first", maintain_order=True)
    )
    purchases = orders.filter(~pl.col("status").is_in(["canceled", "unavailable"])).join(
        _table("order_items").select("order_id").unique(), on="order_id"
    )
    later = (
        first.join(purchases, on="person", suffix="_next")
        .filter(
            pl.col("ordered_at_next") > pl.col("happened_at"), pl.col("order_id_next") != pl.col("order_id")
        )
        .group_by("person")
        .agg(pl.col("ordered_at_next").min().dt.date().alias("next"))
    )
    lives = first.join(later, on="person", how="left")
    last_day = orders["ordered_at"].max().date()
    days = (lives["next"].fill_null(last_day) - lives["happened_at"].dt.date()).dt.total_days().to_numpy()
    bought = lives["next"].is_not_null().to_numpy()
    published = olist.query(
        "select day, customers, at_risk, repurchased, repurchase_rate from kpi.kpi_service_recovery"
        " where outcome = '(all)' and problem_kind = 'low_score' order by day"
    )
    for day, customers, at_risk, repurchased, rate in published.iter_rows():
        factors = [
            1 - (bought & (days == event)).sum() / (days >= event).sum()
            for event in np.unique(days[bought & (days <= day)])
        ]
        assert customers == len(days)
        assert (at_risk, repurchased) == ((days >= day).sum(), (bought & (days <= day)).sum())
        assert rate == pytest.approx(100 * (1 - np.prod(factors)), abs=6e-5)
    assert 0 < published["repurchase_rate"][-1] < 10
