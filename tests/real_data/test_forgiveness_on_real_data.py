"""Who comes back after a failure and who is lost, on real purchases: every number once more, from the files alone."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from .conftest import Example, real_data

pytestmark = pytest.mark.real_data

WINDOW = 180  # days: seed forgiveness_rules
RISE, SHARE, PRODUCTS = 3, 50, 5  # percent, percent, at least: the same
CHARGES = ("POST", "DOT", "C2", "AMAZONFEE", "BANK CHARGES", "CRUK", "B")  # stock codes that are no products
FEES = CHARGES[3:]


@pytest.fixture(scope="module")
def retail_lines() -> pl.DataFrame:
    """Invoice lines of known customers and of nobody, each exact duplicate once, with the day of their invoice."""
    lines = pl.read_csv(str(real_data("online_retail") / "by-day" / "*.csv"), infer_schema=False).unique()
    return lines.select(
        pl.col("InvoiceNo").alias("order_id"),
        pl.col("CustomerID").alias("customer"),
        pl.col("StockCode").alias("product"),
        pl.col("Quantity").cast(pl.Float64).alias("quantity"),
        pl.col("UnitPrice").cast(pl.Decimal(18, 4)).alias("price"),
        # an invoice spans minutes now and then
        pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S").min().over("InvoiceNo").alias("at"),
    ).with_columns(pl.col("at").dt.date().alias("day"))


@pytest.fixture(scope="module")
def retail_visits(retail_lines: pl.DataFrame) -> pl.DataFrame:
    bought = retail_lines.filter(pl.col("quantity") > 0, ~pl.col("product").is_in(CHARGES))
    return bought.drop_nulls("customer").select("customer", "day").unique()


@pytest.fixture(scope="module")
def olist_orders() -> pl.DataFrame:
    """Orders with their person."""
    folder = real_data("olist_sample")
    customers = pl.read_csv(folder / "olist_customers_dataset.csv", infer_schema=False)
    return (
        pl.read_csv(folder / "olist_orders_dataset.csv", infer_schema=False)
        .join(customers, on="customer_id")
        .select(
            "order_id",
            pl.col("customer_unique_id").alias("customer"),
            pl.col("order_status").alias("status"),
            pl.col("order_purchase_timestamp").str.to_datetime("%Y-%m-%d %H:%M:%S").dt.date().alias("day"),
        )
    )


@pytest.fixture(scope="module")
def olist_visits(olist_orders: pl.DataFrame) -> pl.DataFrame:
    items = pl.read_csv(real_data("olist_sample") / "olist_order_items_dataset.csv", infer_schema=False)
    bought = olist_orders.filter(~pl.col("status").is_in(["canceled", "unavailable"]))
    return bought.join(items, on="order_id", how="semi").select("customer", "day").unique()


def _comes_back(moments: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
    """Whether each customer buys on a later day within the window: one row per moment (``customer``, ``day``)."""
    days = (pl.col("day_later") - pl.col("day")).dt.total_days()
    later = (
        moments.join(visits.rename({"day": "day_later"}), on="customer")
        .filter(days.is_between(1, WINDOW))
        .select("customer", "day", comes_back=True)
        .unique()
    )
    return moments.join(later, on=["customer", "day"], how="left").with_columns(
        pl.col("comes_back").fill_null(False)
    )


def _lost_by_month(visits: pl.DataFrame, known_until: dt.date) -> pl.DataFrame:
    month = pl.col("day").dt.truncate("1mo")
    last = visits.group_by("customer", month.alias("month")).agg(pl.col("day").max())
    is_closed = (pl.lit(known_until) - pl.col("month").dt.month_end()).dt.total_days() >= WINDOW
    return (
        _comes_back(last, visits)
        .group_by("month")
        .agg(
            pl.len().cast(pl.Int64).alias("customers"),
            (is_closed & ~pl.col("comes_back")).sum().cast(pl.Int64).alias("lost"),
            (~is_closed).sum().cast(pl.Int64).alias("customers_window_open"),
        )
        .sort("month")
    )


LOST = (
    "select month, customers, lost, customers_window_open from kpi.kpi_lost_customers"
    " where month is not null and department = '(all)' and buyer = '(all)' order by month"
)
FAILED = (
    "select customers, customers_window_open, came_back, compared_rate, ordinary_rate, difference_lower"
    " from kpi.kpi_forgiveness where problem_kind = '(orders)' and failure_number = '1' and band = '(all)'"
)


def test_lost_customers_of_a_wholesaler(
    online_retail: Example, retail_lines: pl.DataFrame, retail_visits: pl.DataFrame
) -> None:
    published = online_retail.query(LOST)
    assert published.equals(_lost_by_month(retail_visits, retail_lines["day"].max()))
    rates = online_retail.query(
        "select buyer, lost_rate from kpi.kpi_lost_customers where period = '(last year)' and department = '(all)'"
    )
    lost = dict(rates.rows())
    assert lost["first purchase"] > 3 * lost["returning"], "many never come a second time"


def test_lost_customers_of_a_marketplace(
    olist: Example, olist_orders: pl.DataFrame, olist_visits: pl.DataFrame
) -> None:
    published = olist.query(LOST)
    assert published.equals(_lost_by_month(olist_visits, olist_orders["day"].max()))
    assert (
        published["lost"].sum() > 0.98 * (published["customers"] - published["customers_window_open"]).sum()
    )


def test_whoever_returns_goods_to_a_wholesaler_comes_back_more_often(
    online_retail: Example, retail_lines: pl.DataFrame, retail_visits: pl.DataFrame
) -> None:
    """Credit notes are all the failures that these files show: a sign of somebody who buys and not of a grudge."""
    is_credit = (pl.col("quantity") < 0) & ~pl.col("product").is_in(CHARGES)
    is_fee = (pl.col("quantity") > 0) & pl.col("product").is_in(FEES) & (pl.col("price") > 0)
    failed = (
        retail_lines.filter(is_credit | is_fee)
        .drop_nulls("customer")
        .group_by("customer")
        .agg(pl.col("day").min())
    )
    followed = failed.filter((retail_lines["day"].max() - pl.col("day")).dt.total_days() >= WINDOW)
    (row,) = online_retail.query(FAILED).to_dicts()
    assert row["customers"] == failed.height
    assert row["customers_window_open"] == failed.height - followed.height
    assert row["came_back"] == _comes_back(followed, retail_visits)["comes_back"].sum()
    assert row["difference_lower"] > 0


def test_after_a_failed_delivery_fewer_come_back_to_a_marketplace(
    olist: Example, olist_orders: pl.DataFrame, olist_visits: pl.DataFrame
) -> None:
    problems = olist.query(
        "select order_id, happened_at, happened_date as day from marts.fct_problems where is_from_order"
    )
    failed = (
        problems.join(olist_orders.select("order_id", "customer"), on="order_id")
        .sort("happened_at", "order_id")
        .unique("customer", keep="first", maintain_order=True)
        .select("customer", "day")
    )
    followed = failed.filter((olist_orders["day"].max() - pl.col("day")).dt.total_days() >= WINDOW)
    (row,) = olist.query(FAILED).to_dicts()
    assert row["customers"] == failed.height
    assert row["customers_window_open"] == failed.height - followed.height
    assert row["came_back"] == _comes_back(followed, olist_visits)["comes_back"].sum()
    assert row["compared_rate"] < row["ordinary_rate"] < 2, "almost nobody comes back, failure or not"


def test_no_rise_is_made_of_prices_that_only_differ(
    online_retail: Example, retail_lines: pl.DataFrame
) -> None:
    """The same article costs more in small quantities and by web: in no month did half of the usual prices rise."""
    assert online_retail.query("select count(*) from kpi.kpi_price_tolerance").item() == 0
    is_credit_note = pl.col("order_id").str.starts_with("C")
    charged = (
        retail_lines.filter(
            pl.col("quantity") > 0, pl.col("price") > 0, ~pl.col("product").is_in(CHARGES), ~is_credit_note
        )
        .group_by("product", pl.col("day").dt.truncate("1mo").alias("month"), "price")
        .agg(pl.len().alias("times"))
        .sort("times", "price", descending=[True, False])
    )
    usual = charged.group_by("product", "month").agg(pl.col("price").first().cast(pl.Float64))

    def around(steps: range, price: pl.Expr) -> pl.DataFrame:
        shifted = [
            usual.with_columns(pl.col("month").dt.offset_by(f"{-step}mo")).rename({"price": "other"})
            for step in steps
        ]
        return pl.concat(shifted).group_by("product", "month").agg(price)

    shares = (
        usual.join(around(range(-3, 0), pl.col("other").max().alias("before")), on=["product", "month"])
        .join(around(range(1, 3), pl.col("other").min().alias("after")), on=["product", "month"])
        .group_by("month")
        .agg(
            pl.len().alias("products"),
            (100 * (pl.min_horizontal("price", "after") >= (1 + RISE / 100) * pl.col("before")).mean()).alias(
                "risen"
            ),
        )
    )
    assert shares["products"].max() > 1_000 > PRODUCTS
    assert 0 < shares["risen"].max() < SHARE
