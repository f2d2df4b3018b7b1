"""What is planted but stands in no formula: measured on companies so large that chance has little say.

Straight from the generator's truth and exports, in polars; no model is involved.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from pipelines.demo import DEFAULT_END, generate

from .company import Truth

SEED = 1_000_003  # of no company that is tried
WINDOW_MONTHS = 3
FALL = 0.10  # of its share in revenue: three months of 4,000 customers scatter by about half as much
FALL_OF_LARGE = 0.05  # in a company whose share scatters by a hundredth
REPURCHASE_DAYS = 365
_ITEMS = tuple(f"Q_POC_{number}" for number in range(1, 7))
_HEADER_ROWS = 3


@dataclass(frozen=True)
class Reference:
    """Values that the companies' estimates are held against."""

    customers: int
    alphas: dict[dt.date, float]  # by first day of the quarter, where a relationship wave was asked
    revenue_falls: dt.date | None  # of the sinking department: first month
    resolved_rate: float  # share of customers who buy again within a year of the order they complained about
    unresolved_rate: float

    @property
    def recovery(self) -> float:
        """Points by which repurchase is higher after a resolved complaint."""
        return 100 * (self.resolved_rate - self.unresolved_rate)


@dataclass(frozen=True)
class References:
    """What a company is held against beside its own truth."""

    twin: Reference  # a larger company of the same seed: what departments go through differs between seeds
    large: Reference  # the largest company, for what is rare and does not


def reference(customers: int, seed: int = SEED) -> Reference:
    """Measure a company of its own, or one with the plan of another seed: its first customers are that company's."""
    with TemporaryDirectory(prefix="kizuna-validation-") as folder:
        exports = Path(folder) / "exports"
        generate(exports, customers=customers, seed=seed)
        truth = Truth(exports)
        resolved, unresolved = repurchase_rates(truth.frame("orders"))
        return Reference(customers, _alphas(truth), revenue_falls(truth, FALL_OF_LARGE), resolved, unresolved)


def quarter_of(day: dt.date) -> dt.date:
    return dt.date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def wave_quarters(truth: Truth) -> list[dt.date]:
    return [quarter_of(dt.date.fromisoformat(day)) for day in truth.planted["relationship_waves"]]


def alpha(answers: pl.DataFrame) -> float:
    """Cronbach's alpha (1951) of complete answers, one column per item."""
    items = answers.width
    total = answers.sum_horizontal().var()
    single = sum(answers[name].var() for name in answers.columns)
    return items / (items - 1) * (1 - single / total)


def _alphas(truth: Truth) -> dict[dt.date, float]:
    answers = pl.concat(
        pl.read_csv(
            file,
            infer_schema=False,
            truncate_ragged_lines=True,
            skip_rows_after_header=_HEADER_ROWS - 1,
            columns=["EndDate", *_ITEMS],
        )
        for file in sorted((truth.exports / "survey" / "responses").glob("*.csv"))
    )
    complete = answers.select(
        pl.col("EndDate").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False).dt.date().dt.truncate("1q"),
        pl.col(_ITEMS).cast(pl.Int64, strict=False),
    ).drop_nulls()
    return {
        quarter: alpha(complete.filter(pl.col("EndDate") == quarter).select(_ITEMS))
        for quarter in wave_quarters(truth)
    }


def revenue_falls(truth: Truth, fall: float = FALL) -> dt.date | None:
    """First month in which the sinking department's share of revenue over three months is so far below what it was.

    A share, so that seasons, campaigns and prices do not count.
    """
    sinking = truth.planted["sinking"]
    since = dt.date.fromisoformat(sinking["from"])
    months = (
        truth.frame("orders")
        .filter(~pl.col("is_cancelled"), pl.col("ordered_at").dt.date() <= DEFAULT_END)
        .group_by(pl.col("ordered_at").dt.date().dt.truncate("1mo").alias("month"))
        .agg(
            pl.col("net_amount").sum().alias("all"),
            pl.col("net_amount").filter(pl.col("department") == sinking["department"]).sum().alias("own"),
        )
        .sort("month")
    )
    before = months.filter(pl.col("month") < since)
    usual = before["own"].sum() / before["all"].sum()
    fallen = months.with_columns(
        (pl.col("own").rolling_sum(WINDOW_MONTHS) / pl.col("all").rolling_sum(WINDOW_MONTHS)).alias("share")
    ).filter(pl.col("month") >= since, pl.col("share") < (1 - fall) * usual)
    return fallen["month"].min()


def repurchase_rates(orders: pl.DataFrame) -> tuple[float, float]:
    """Of customers who complained about an order: the share who buy within a year of it, resolved and unresolved.

    Only orders old enough that the year is over, and each customer's first complaint of either kind.
    """
    bought = orders.filter(~pl.col("is_cancelled")).sort("customer_id", "ordered_at")
    following = (pl.col("ordered_at").shift(-1).over("customer_id") - pl.col("ordered_at")).dt.total_days()
    latest = dt.datetime.combine(DEFAULT_END - dt.timedelta(REPURCHASE_DAYS), dt.time())
    complaints = (
        bought.with_columns((following <= REPURCHASE_DAYS).fill_null(False).alias("buys_again"))
        .filter("complained")
        .unique(["customer_id", "is_resolved"], keep="first", maintain_order=True)
        .filter(pl.col("ordered_at") < latest)
    )
    rates = dict(complaints.group_by("is_resolved").agg(pl.col("buys_again").mean()).rows())
    return rates[True], rates[False]
