"""Online Retail: cancellations as bad sales, and every month to the penny."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from .conftest import Example, real_data

pytestmark = pytest.mark.real_data

CANCELLATIONS = 9_288  # lines of invoices whose number begins with C; 37 of them stand there twice
SHIPPING, FEES = ("POST", "DOT", "C2"), ("AMAZONFEE", "BANK CHARGES", "CRUK", "B")
WINDOW, TENTH = 60, Decimal("0.1")  # seed sales_quality_rules


@pytest.fixture(scope="module")
def lines() -> pl.DataFrame:
    """Distinct lines with the time of their invoice and their type, as polars reads them."""
    frame = (
        pl.read_csv(str(real_data("online_retail") / "by-day" / "*.csv"), infer_schema=False)
        .with_columns(
            pl.col("Quantity").cast(pl.Decimal(18, 4)),
            pl.col("UnitPrice").cast(pl.Decimal(18, 4)),
            pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S"),
        )
        .unique()
    )
    code = pl.col("StockCode")
    return frame.with_columns(
        pl.col("InvoiceDate").min().over("InvoiceNo").alias("at"),
        (pl.col("Quantity") * pl.col("UnitPrice")).cast(pl.Decimal(18, 4)).alias("amount"),
        pl.when(code.is_in(SHIPPING))
        .then(pl.lit("shipping"))
        .when(code.is_in(FEES))
        .then(pl.lit("fee"))
        .otherwise(pl.lit("product"))
        .alias("line_type"),
    ).with_row_index("line")


@pytest.fixture(scope="module")
def reversed_sales(lines: pl.DataFrame) -> pl.DataFrame:
    """Which product lines came back to which invoice: the same one, otherwise the customer's latest before."""
    goods = lines.filter(pl.col("line_type") == "product")
    back = goods.filter(pl.col("Quantity") < 0)
    sold = goods.filter(pl.col("Quantity") > 0)
    of_customer = back.join(sold, on=["CustomerID", "StockCode"], suffix="_sold").filter(
        pl.col("at_sold") <= pl.col("at"), pl.col("InvoiceNo_sold") != pl.col("InvoiceNo")
    )
    same = back.join(sold, on=["InvoiceNo", "StockCode"], suffix="_sold")
    latest = of_customer.sort("at_sold", "InvoiceNo_sold").group_by("line").agg(pl.col("at_sold").last())
    return (
        pl.concat([latest, same.group_by("line").agg(pl.col("at_sold").last())])
        .unique("line", keep="last", maintain_order=True)
        .join(back, on="line")
    )


def test_every_month_adds_up_to_the_penny(online_retail: Example, lines: pl.DataFrame) -> None:
    totals = dict(
        lines.group_by(pl.col("at").dt.date().dt.truncate("1mo")).agg(pl.col("amount").sum()).rows()
    )
    accounts = online_retail.query("select * from meta.sales_reconciliation order by month").to_dicts()
    assert len(accounts) == 13
    for row in accounts:
        assert row["good_amount"] + row["bad_amount"] + row["undecided_amount"] == totals[row["month"]]
        assert row["net_sales"] == row["crm_total"] == totals[row["month"]]


def test_cancellations_are_judged_with_their_sale_or_bad(
    online_retail: Example, lines: pl.DataFrame, reversed_sales: pl.DataFrame
) -> None:
    raw = pl.read_csv(str(real_data("online_retail") / "by-day" / "*.csv"), infer_schema=False)
    assert raw.filter(pl.col("InvoiceNo").str.starts_with("C")).height == CANCELLATIONS
    back = lines.filter(pl.col("line_type") == "product", pl.col("Quantity") < 0)
    published = online_retail.query(
        """
        select reversed_order_id is not null as is_known, decided_by, count(*) as lines, sum(net_amount) as amount
        from marts.fct_sales_quality where is_return group by all
        """
    )
    assert published["lines"].sum() == back.height
    assert published.filter("is_known")["lines"].sum() == reversed_sales.height
    unknown = published.filter(~pl.col("is_known"))
    assert set(unknown["decided_by"]) == {"reversal"}
    assert unknown["amount"].sum() == back.join(reversed_sales, on="line", how="anti")["amount"].sum()


def test_what_came_back_of_cancelled_goods_was_a_bad_sale(online_retail: Example) -> None:
    """Both sides of a cancellation have one verdict, and who has sent most of a line back in time made it bad."""
    (row,) = online_retail.query(
        f"""
        select count(*) as pairs, count(*) filter (where back.quality <> sale.quality) as apart,
            count(*) filter (
                where back.order_date - sale.order_date <= {WINDOW} and -back.quantity >= {TENTH} * sale.quantity
                    and sale.decided_by <> 'refund'
            ) as missed
        from marts.fct_sales_quality as back
        join marts.fct_sales_quality as sale
            on back.reversed_order_id = sale.order_id and back.reversed_line_number = sale.line_number
        """
    ).to_dicts()
    assert row["pairs"] > 7_000
    assert row["apart"] == row["missed"] == 0


def test_who_bought_stays_unknown_of_a_quarter_of_the_lines(
    online_retail: Example, lines: pl.DataFrame
) -> None:
    anonymous = lines.filter(pl.col("CustomerID").is_null())
    goods = anonymous.filter(
        pl.col("line_type") != "fee", (pl.col("Quantity") > 0) | (pl.col("line_type") == "shipping")
    )
    (row,) = online_retail.query(
        """
        select count(*) filter (where decided_by = 'anonymous') as forever,
            count(*) filter (where decided_by is null) as still_open,
            count(*) filter (where quality = 'good') as good
        from marts.fct_sales_quality where customer_key is null
        """
    ).to_dicts()
    assert row["good"] == 0
    refunded = online_retail.query(
        "select count(*) from marts.fct_sales_quality"
        " where customer_key is null and not is_return and decided_by = 'refund'"
    ).item()
    known_return = online_retail.query(
        "select count(*) from marts.fct_sales_quality"
        " where customer_key is null and is_return and decided_by <> 'reversal'"
    ).item()
    assert row["forever"] + row["still_open"] == goods.height - refunded - known_return
