"""What the models said of the holdout beside what came in it.

Belongs here: the rows of ``estimates.clv_validation``. Sums only; dbt makes ratios of them.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.estimates.candidates import Choice, Fits
from pipelines.estimates.histories import DAYS_PER_WEEK, as_histories
from pipelines.estimates.predictions import spend_line
from pipelines.estimators import PurchaseFit
from pipelines.estimators.histories import Floats

TOTAL, DECILE, WEEK = "total", "decile", "week"
_DECILES = 10


def holdout_validation(
    calibration: Fits, choice: Choice, came_by_week: pl.DataFrame, holdout_days: int
) -> pl.DataFrame:
    """One row for the whole holdout per model, and the chosen model's deciles and weeks.

    Args:
        came_by_week: see ``histories.read_holdout_weeks``.
    """
    rows = calibration.dataset.rows
    histories, value_if_one = as_histories(rows), _value_if_one(calibration)
    customers, parts = histories.customers, []
    for model, fit in calibration.purchases.items():
        expected = fit.expected_purchases(histories, holdout_days / DAYS_PER_WEEK)
        found = choice.measures[model]
        parts.append(
            _sums(rows, expected, value_if_one, np.zeros(len(rows), dtype=np.int64)).with_columns(
                pl.lit(TOTAL).alias("level"),
                pl.lit(found.poisson_deviance).alias("poisson_deviance"),
                pl.lit(found.mean_absolute_error).alias("mean_absolute_error"),
                pl.lit(model).alias("model"),
            )
        )
        if model == choice.model:
            parts += [
                _sums(rows, expected, value_if_one, _decile(expected, customers)).with_columns(
                    pl.lit(DECILE).alias("level"), pl.lit(model).alias("model")
                ),
                _by_week(rows, fit, value_if_one, came_by_week, holdout_days).with_columns(
                    pl.lit(WEEK).alias("level"), pl.lit(model).alias("model")
                ),
            ]
    if not parts:
        return pl.DataFrame()
    return pl.concat(parts, how="diagonal_relaxed").with_columns(
        pl.col("predicted_value").fill_nan(None), (pl.col("model") == (choice.model or "")).alias("is_chosen")
    )


def _value_if_one(calibration: Fits) -> Floats:
    """What the customers of each row would bring if each bought once; not a number without a model of spending."""
    rows = calibration.dataset.rows
    if calibration.spend is None:
        return np.full(len(rows), np.nan)
    frequency = rows["frequency"].to_numpy().astype(np.float64)
    intercept, slope = spend_line(calibration.spend, frequency)
    return intercept * rows["customers"].to_numpy() + slope * rows["repeat_value"].to_numpy()


def _decile(expected: Floats, customers: Floats) -> np.ndarray:
    """1 (fewest purchases expected) to 10, per row: how large a share of all customers is expected to buy less, in
    tenths. Customers with equal expectations are never parted."""
    levels, level = np.unique(expected, return_inverse=True)
    on_level = np.bincount(level, customers, minlength=len(levels))
    below = np.cumsum(on_level) - on_level
    return np.minimum(1 + (_DECILES * below[level] / customers.sum()).astype(np.int64), _DECILES)


def _sums(rows: pl.DataFrame, expected: Floats, value_if_one: Floats, position: np.ndarray) -> pl.DataFrame:
    """The rows added up by position, one after the other: the same sums every night."""
    positions, place = np.unique(position, return_inverse=True)
    customers = rows["customers"].to_numpy()

    def added(values: np.ndarray) -> np.ndarray:
        return np.bincount(place, values, minlength=len(positions))

    return pl.DataFrame(
        {
            "position": positions,
            "customers": added(customers).astype(np.int64),
            "actual_purchases": added(rows["holdout_purchases"].to_numpy() * customers).astype(np.int64),
            "predicted_purchases": added(expected * customers),
            "actual_value": added(rows["holdout_value"].to_numpy()),
            "predicted_value": added(expected * value_if_one),
        }
    )


def _by_week(
    rows: pl.DataFrame, fit: PurchaseFit, value_if_one: Floats, came: pl.DataFrame, holdout_days: int
) -> pl.DataFrame:
    """What came and what was expected in each week; the last one is shorter where days are left over."""
    histories = as_histories(rows)
    ends = [
        min(week * DAYS_PER_WEEK, holdout_days) for week in range(1, -(-holdout_days // DAYS_PER_WEEK) + 1)
    ]
    by_end = [fit.expected_purchases(histories, end / DAYS_PER_WEEK) for end in ends]
    weeks = pl.DataFrame(
        {
            "position": range(1, len(ends) + 1),
            "customers": [int(histories.customers.sum())] * len(ends),
            "predicted_purchases": np.diff(
                [float(histories.customers @ each) for each in by_end], prepend=0.0
            ),
            "predicted_value": np.diff([float(value_if_one @ each) for each in by_end], prepend=0.0),
        }
    )
    actual = came.select(
        pl.col("week").cast(pl.Int64).alias("position"),
        pl.col("purchases").cast(pl.Int64).alias("actual_purchases"),
        pl.col("value").cast(pl.Float64).alias("actual_value"),
    )
    return weeks.join(actual, on="position", how="left", maintain_order="left").with_columns(
        pl.col("actual_purchases", "actual_value").fill_null(0)
    )
