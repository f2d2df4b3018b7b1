"""The scores once more, in polars and from their definitions, for comparison with what dbt computes in SQL."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

_SEGMENTS = Path(__file__).parents[2] / "dbt_project" / "seeds" / "rfm_segments.csv"
_Z_95 = 1.959963984540054


def value_tied_quintile(column: str) -> pl.Expr:
    """1 to 5: how large a share of the others lies strictly below, in fifths. Equal values, equal scores."""
    below = pl.col(column).rank("min") - 1
    # in whole numbers: five fifths of n - 1 must not fall short of the next score by a rounding error
    return (
        (1 + (5 * below).cast(pl.Int64) // (pl.len() - 1).cast(pl.Int64)).clip(upper_bound=5).cast(pl.Int32)
    )


def rfm(customers: pl.DataFrame) -> pl.DataFrame:
    """Scores and segment of customers with ``last_purchase_date``, ``frequency`` and ``monetary_amount``."""
    return customers.with_columns(
        value_tied_quintile("last_purchase_date").alias("recency_score"),
        value_tied_quintile("frequency").alias("frequency_score"),
        value_tied_quintile("monetary_amount").alias("monetary_score"),
    ).join(
        pl.read_csv(_SEGMENTS, schema_overrides={"recency_score": pl.Int32, "frequency_score": pl.Int32}),
        on=["recency_score", "frequency_score"],
        how="left",
    )


def month_end_states(orders: pl.DataFrame, month_ends: list[dt.date]) -> pl.DataFrame:
    """Every buyer at every month end, by ``month`` (its first day), with scores and segment.

    ``orders`` has ``customer``, ``date``, ``is_purchase`` and ``amount``, one row per order.
    """
    return pl.concat(
        rfm(
            orders.filter(pl.col("date") <= month_end)
            .group_by("customer")
            .agg(
                pl.col("date").filter("is_purchase").max().alias("last_purchase_date"),
                pl.col("is_purchase").sum().cast(pl.Int64).alias("frequency"),
                pl.col("amount").sum().alias("monetary_amount"),
            )
            .filter(pl.col("frequency") > 0)
        ).with_columns(month=month_end.replace(day=1))
        for month_end in month_ends
    )


def moves(states: pl.DataFrame) -> pl.DataFrame:
    """How many customers went from segment to segment in each month; ``(new)`` who was in none before."""
    before = states.select(
        "customer", pl.col("month").dt.offset_by("1mo"), pl.col("segment").alias("from_segment")
    )
    return (
        states.join(before, on=["customer", "month"], how="left")
        .group_by("month", pl.col("from_segment").fill_null("(new)"), pl.col("segment").alias("to_segment"))
        .agg(pl.len().cast(pl.Int64).alias("customers"))
    )


RFM_COLUMNS = (
    "last_purchase_date",
    "frequency",
    "monetary_amount",
    "recency_score",
    "frequency_score",
    "monetary_score",
    "segment",
)


def sorted_rfm(customers: pl.DataFrame) -> list[tuple]:
    """The customers as comparable rows; the published ones carry no id to join by."""
    frame = customers.select(
        pl.col("last_purchase_date"),
        pl.col("frequency").cast(pl.Int64),
        pl.col("monetary_amount").cast(pl.Decimal(18, 4)),
        *(pl.col(name) for name in RFM_COLUMNS[3:]),
    )
    return sorted(frame.rows())


def wilson(successes: str, answers: str, side: int) -> pl.Expr:
    """Bound of a share in percent (Wilson 1927); ``side`` is -1 or 1."""
    n, p = pl.col(answers).cast(pl.Float64), pl.col(successes) / pl.col(answers)
    spread = _Z_95 * ((p * (1 - p) + _Z_95**2 / (4 * n)) / n).sqrt()
    return 100 * (p + _Z_95**2 / (2 * n) + side * spread) / (1 + _Z_95**2 / n)
