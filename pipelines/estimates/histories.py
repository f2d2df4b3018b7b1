"""Purchase histories out of the warehouse, as the estimators read them.

Belongs here: the aggregates, one row per history that customers share, in a fixed order (sums of floating-point
numbers depend on it). Does not: what a purchase and its value are, which dbt has decided.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import polars as pl

from pipelines.estimators import PurchaseHistories

DAYS_PER_WEEK = 7  # the literature's unit of time; parameters are comparable with it

_HISTORIES = "intermediate.int_customers__purchase_histories"
HISTORY = ["frequency", "recency_days", "age_days"]

_REPEAT_VALUE = "sum(repeat_value_amount)::double as repeat_value"

_CALIBRATION = f"""
    select frequency, recency_days, age_days, holdout_purchases, count(*) as customers, {_REPEAT_VALUE},
        sum(holdout_value_amount)::double as holdout_value
    from {_HISTORIES}
    where dataset = 'calibration'
    group by all
    order by all"""

_CURRENT = f"""
    select frequency, recency_days, age_days, segment, count(*) as customers, {_REPEAT_VALUE}
    from {_HISTORIES}
    inner join intermediate.int_customers__segments using (customer_key)
    where dataset = 'current'
    group by all
    order by all"""

_SPEND = f"""
    select frequency, repeat_value_amount::double / frequency as mean_value, count(*) as customers
    from {_HISTORIES}
    where dataset = $dataset and frequency > 0 and repeat_value_amount > 0
    group by all
    order by all"""

_WEEKS = f"""
    select (days_in - 1) // {DAYS_PER_WEEK} + 1 as week, count(*) as purchases, sum(value_amount) as value
    from (
        select days.value_amount, settings.holdout_days - (settings.as_of_date - days.purchase_date) as days_in
        from intermediate.int_customers__purchase_days as days
        cross join ops.run_settings as settings
        inner join {_HISTORIES} as known
            on known.customer_key = days.customer_key and known.dataset = 'calibration'
        where days.dataset = 'current'
    )
    where days_in > 0
    group by all
    order by all"""


@dataclass(frozen=True)
class Dataset:
    """What is known at one date: ``rows`` with ``frequency``, ``recency_days``, ``age_days``, ``customers`` and
    ``repeat_value``, and ``spend`` with the mean values of those who bought again."""

    name: str
    rows: pl.DataFrame
    spend: pl.DataFrame

    @property
    def customers(self) -> int:
        return int(self.rows["customers"].sum())

    @property
    def repeat_buyers(self) -> int:
        return int(self.rows.filter(pl.col("frequency") > 0)["customers"].sum())

    @property
    def days(self) -> int:
        """From the first purchase to the end, both included."""
        return (self.rows["age_days"].max() or 0) + 1 if self.rows.height else 0

    @property
    def groups(self) -> pl.DataFrame:
        """One row per history, for predictions."""
        return self.rows.group_by(HISTORY).agg(pl.col("customers").sum()).sort(HISTORY)


def read_calibration(connection: duckdb.DuckDBPyConnection) -> Dataset:
    """Histories up to the holdout; customers who made different numbers of purchases in it are different rows."""
    return Dataset("calibration", connection.sql(_CALIBRATION).pl(), _spend(connection, "calibration"))


def read_current(connection: duckdb.DuckDBPyConnection) -> Dataset:
    """Histories up to the business date, by segment."""
    return Dataset("current", connection.sql(_CURRENT).pl(), _spend(connection, "current"))


def read_holdout_weeks(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Purchases and their value in each week of the holdout in which there were any, of customers known before it."""
    return connection.sql(_WEEKS).pl()


def as_histories(rows: pl.DataFrame) -> PurchaseHistories:
    """The rows in weeks."""
    return PurchaseHistories(
        rows["frequency"].to_numpy().astype(np.float64),
        rows["recency_days"].to_numpy() / DAYS_PER_WEEK,
        rows["age_days"].to_numpy() / DAYS_PER_WEEK,
        rows["customers"].to_numpy().astype(np.float64),
    )


def _spend(connection: duckdb.DuckDBPyConnection, dataset: str) -> pl.DataFrame:
    return connection.sql(_SPEND, params={"dataset": dataset}).pl()
