"""Value in both directions on real sales: what is known is the same by another way, and what is not known is empty."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from .conftest import Example, real_data

pytestmark = pytest.mark.real_data

OLIST_SINCE = dt.date(2017, 10, 31)  # a year before the night's business date
RETAIL_SINCE = dt.date(2010, 12, 10)
LOST_AFTER = 30  # days after the promised one: seed problem_rules
CHARGES = ("POST", "DOT", "C2", "AMAZONFEE", "BANK CHARGES", "CRUK", "B")  # stock codes that are no products
UNTOLD = (
    "list_amount_12m",
    "contacts_12m",
    "resolution_wait_hours_12m",
    "hand_offs_12m",
    "result_12m_mean",
    "process_12m_mean",
    "list_paid_score",
    "contacts_score",
    "process_score",
)


def _olist(name: str) -> pl.DataFrame:
    return pl.read_csv(real_data("olist_sample") / f"olist_{name}_dataset.csv", infer_schema=False)


def _day(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime("%Y-%m-%d %H:%M:%S").dt.date()


def _sorted(frame: pl.DataFrame) -> list[tuple]:
    """Rows that can be compared: what is published carries no account to join by."""
    return sorted(frame.rows(), key=str)


@pytest.fixture(scope="module")
def olist_people() -> pl.DataFrame:
    """One row per person who ever kept an order: their last twelve months, by the files alone."""
    items = (
        _olist("order_items")
        .group_by("order_id")
        .agg(
            pl.col("price").cast(pl.Decimal(18, 4)).sum().alias("goods"),
            pl.col("freight_value").cast(pl.Decimal(18, 4)).sum().alias("freight"),
        )
    )
    orders = (
        _olist("orders")
        .join(_olist("customers"), on="customer_id")
        .join(items, on="order_id", how="left")
        .with_columns(
            pl.col("customer_unique_id").alias("person"),
            _day("order_purchase_timestamp").alias("day"),
            _day("order_estimated_delivery_date").alias("promised"),
            _day("order_delivered_customer_date").alias("delivered"),
            pl.col("order_status").is_in(["canceled", "unavailable"]).alias("is_void"),
        )
    )
    overdue = (pl.col("delivered").fill_null(orders["day"].max()) - pl.col("promised")).dt.total_days()
    sold_out = pl.col("order_status") == "unavailable"
    recent = (
        orders.filter(pl.col("day") > OLIST_SINCE, ~pl.col("is_void") | sold_out)
        .with_columns(
            overdue.alias("overdue"),
            (sold_out | pl.col("delivered").is_null() & (overdue >= LOST_AFTER)).alias("failed"),
            (~pl.col("is_void") & pl.col("goods").is_not_null()).alias("is_purchase"),
            (~pl.col("is_void") & (pl.col("delivered").is_not_null() | (overdue > 0))).alias("is_promised"),
        )
        .with_columns(
            (
                pl.col("is_purchase") & (pl.col("delivered").is_not_null() | pl.col("failed"))
                | pl.col("failed") & sold_out
            ).alias("judged")
        )
        .group_by("person")
        .agg(
            pl.col("is_purchase").sum().cast(pl.Int32).alias("purchases_12m"),
            pl.max_horizontal(pl.col("judged").sum(), pl.col("failed").sum()).cast(pl.Int32).alias("judged"),
            pl.col("failed").sum().cast(pl.Int32),
            pl.col("goods").filter(~pl.col("is_void")).sum(),
            pl.col("freight").filter(~pl.col("is_void")).sum(),
            pl.col("overdue").filter("is_promised").clip(lower_bound=0).sum().cast(pl.Int32).alias("late"),
            pl.col("is_promised").any(),
        )
    )
    scores = (
        _olist("order_reviews")
        .filter(_day("review_answer_timestamp") > OLIST_SINCE)
        .join(orders.select("order_id", "person"), on="order_id")
        .group_by("person")
        .agg(
            pl.col("review_score").cast(pl.Int64).mean().round(9).alias("score"),
            pl.len().cast(pl.Int32).alias("answers"),
        )
    )
    return (
        orders.filter(~pl.col("is_void"))
        .select("person")
        .unique()
        .join(recent, on="person", how="left")
        .join(scores, on="person", how="left")
    )


def test_olist_in_its_units(olist: Example, olist_people: pl.DataFrame) -> None:
    expected = olist_people.select(
        pl.col("purchases_12m").fill_null(0),
        pl.col("judged").fill_null(0),
        (pl.col("judged") - pl.col("failed")).alias("kept"),
        pl.when(pl.col("goods") > 0).then("goods"),
        pl.when(pl.col("goods") > 0).then("freight"),
        pl.when("is_promised").then("late"),
        "score",
        pl.col("answers").fill_null(0),
    )
    published = olist.query(
        """
        select purchases_12m, judged_orders_12m, kept_orders_12m, goods_amount_12m, charged_amount_12m, late_days_12m,
            round(satisfaction_12m_mean, 9) as score, satisfaction_answers_12m
        from marts.customer_value
        """
    )
    assert _sorted(published) == _sorted(expected)
    assert published["satisfaction_answers_12m"].sum() > 4_000
    assert published["late_days_12m"].null_count() > 1_000, "who did not order waited for nothing"


def test_olist_knows_a_quarter_of_either_side(olist: Example) -> None:
    """Reviews and deliveries, freight and delays; list prices, contacts and colleagues are in no file."""
    known = olist.query(
        f"select {', '.join(f'count({name}) as {name}' for name in UNTOLD)} from marts.customer_value"
    )
    assert known.row(0) == (0,) * len(UNTOLD)
    (given, taken) = olist.query(
        "select max(value_given_weight_share), max(value_taken_weight_share) from marts.customer_value"
    ).row(0)
    assert (given, taken) == (0.25, 0.25)


def test_olist_short_changed_are_those_who_waited_and_said_so(olist: Example) -> None:
    """Both sides of the balance are in the reviews and in the parcels of those whom it calls short-changed."""
    by_quadrant = olist.query(
        """
        select value_quadrant, count(*) as customers, avg(satisfaction_12m_mean) as score,
            avg(cast(late_days_12m > 0 as integer)) as late, avg(clv_amount) as worth,
            sum(charged_amount_12m) / sum(goods_amount_12m) as freight
        from marts.customer_value where value_quadrant is not null group by value_quadrant
        """
    ).rows_by_key("value_quadrant", named=True, unique=True)
    assert len(by_quadrant) == 4
    short, loyal = by_quadrant["valuable but short-changed"], by_quadrant["loyal and valuable"]
    little, served = by_quadrant["little either way"], by_quadrant["well served, little value yet"]
    for worse, better in ((short, loyal), (little, served)):
        assert worse["score"] < better["score"] - 1
        assert worse["late"] > better["late"] + 0.1
        assert worse["freight"] > better["freight"]
    assert min(short["worth"], loyal["worth"]) > max(little["worth"], served["worth"])


@pytest.fixture(scope="module")
def retail_customers() -> pl.DataFrame:
    """One row per customer of the gift shop: orders kept and given back in the last twelve months, and charges."""
    lines = (
        pl.read_csv(str(real_data("online_retail") / "by-day" / "*.csv"), infer_schema=False)
        .unique()
        .filter(pl.col("CustomerID").is_not_null())
        .with_columns(
            pl.col("Quantity").cast(pl.Decimal(18, 4)),
            (pl.col("Quantity").cast(pl.Decimal(18, 4)) * pl.col("UnitPrice").cast(pl.Decimal(18, 4))).alias(
                "net"
            ),
            _day("InvoiceDate").alias("day"),
            pl.col("StockCode").is_in(CHARGES).alias("is_charge"),
        )
    )
    is_goods = ~pl.col("is_charge") & (pl.col("Quantity") > 0)
    orders = lines.group_by("CustomerID", "InvoiceNo").agg(
        pl.col("day").min(),
        is_goods.any().alias("is_purchase"),
        (pl.col("net").filter(~pl.col("is_charge") & (pl.col("Quantity") < 0)).sum() < 0).alias("gave_back"),
        pl.col("net").filter(is_goods).sum().alias("goods"),
        pl.col("net").filter("is_charge").sum().alias("charged"),
    )
    recent = (
        orders.filter(pl.col("day") > RETAIL_SINCE)
        .group_by("CustomerID")
        .agg(
            pl.col("is_purchase").sum().cast(pl.Int32).alias("purchases"),
            pl.col("gave_back").sum().cast(pl.Int32),
            pl.when(pl.col("is_purchase").any()).then(pl.col("goods").sum()).alias("goods"),
            pl.col("charged").sum(),
        )
    )
    return orders.select("CustomerID").unique().join(recent, on="CustomerID", how="left")


def test_online_retail_in_its_units(online_retail: Example, retail_customers: pl.DataFrame) -> None:
    """A "C" invoice names no purchase: it says that an older one was not kept, and is no order more."""
    judged = pl.max_horizontal("purchases", "gave_back")
    expected = retail_customers.select(
        pl.col("purchases").fill_null(0),
        judged.fill_null(0).alias("judged"),
        (judged - pl.col("gave_back")).alias("kept"),
        pl.col("goods").cast(pl.Decimal(18, 4)),
        pl.col("charged").cast(pl.Decimal(18, 4)),
    )
    published = online_retail.query(
        "select purchases_12m, judged_orders_12m, kept_orders_12m, goods_amount_12m, charged_amount_12m"
        " from marts.customer_value"
    )
    assert _sorted(published) == _sorted(expected)


def test_online_retail_asked_nobody_and_classes_nobody(online_retail: Example) -> None:
    """Who gave back and who paid postage is known and scored; that does not make anybody loyal or short-changed."""
    quadrants = online_retail.query(
        "select quadrant, is_quadrant, customers, value_balance_n from kpi.kpi_value_quadrants where group_kind = 'all'"
    ).rows_by_key("quadrant", named=True, unique=True)
    assert not any(row["is_quadrant"] for row in quadrants.values())
    unasked = quadrants["no answer, and records alone do not tell"]
    assert unasked["customers"] > 4_000
    assert unasked["value_balance_n"] == unasked["customers"]
    assert quadrants["(all)"]["customers"] == 4_372
    answered = online_retail.query("select count(value_given_answered_score) from marts.customer_value")
    assert answered.item() == 0
