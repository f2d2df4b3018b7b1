"""What the chosen model says of the customers who share a history, and of the segments.

Belongs here: the rows of ``estimates.clv_groups`` and ``estimates.clv_segments``. dbt joins them to the customers:
no prediction is made for one customer at a time.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.estimates.candidates import Fits
from pipelines.estimates.histories import DAYS_PER_WEEK, as_histories
from pipelines.estimators import SpendFit, segment_value_interval
from pipelines.estimators.histories import Floats

ALL_SEGMENTS = "(all)"


def spend_line(spend: SpendFit, frequency: Floats) -> tuple[Floats, Floats]:
    """What a purchase is worth, as a line: intercept and slope by what the repeat purchases came to.

    Gamma-Gamma's expectation is linear in a customer's mean value, and so in the sum behind the mean; a sum over
    customers of one history needs no more than the sum of theirs.
    """
    intercept = spend.expected_value(frequency, np.zeros_like(frequency))
    rise = spend.expected_value(frequency, np.ones_like(frequency)) - intercept
    return intercept, rise / np.maximum(frequency, 1)  # without a repeat the line is flat


def group_predictions(fits: Fits, model: str, horizon_days: int, annual_discount_rate: float) -> pl.DataFrame:
    """One row per history in a dataset."""
    assert fits.spend is not None  # a model is chosen only where spending could be fitted
    fit, groups = fits.purchases[model], fits.dataset.groups
    histories, weeks = as_histories(groups), horizon_days / DAYS_PER_WEEK
    intercept, slope = spend_line(fits.spend, histories.frequency)
    return groups.with_columns(
        pl.lit(fits.dataset.name).alias("dataset"),
        pl.lit(model).alias("model"),
        pl.Series("p_alive", fit.p_alive(histories)),
        pl.Series("expected_purchases", fit.expected_purchases(histories, weeks)),
        pl.Series(
            "discounted_expected_purchases",
            fit.discounted_expected_purchases(histories, weeks, annual_discount_rate),
        ),
        pl.Series("spend_intercept", intercept),
        pl.Series("spend_slope", slope),
    )


def segment_values(current: Fits, model: str, horizon_days: int, annual_discount_rate: float) -> pl.DataFrame:
    """One row per RFM segment and one of all: lifetime value of their customers, with what the parameters'
    uncertainty makes of it. How single customers will differ from their expectation is not in it."""
    assert current.spend is not None
    # All together have an interval of their own: the segments' errors are those of the same parameters.
    rows = pl.concat([current.dataset.rows, current.dataset.rows.with_columns(segment=pl.lit(ALL_SEGMENTS))])
    names = rows["segment"].unique().sort()
    repeats = np.maximum(rows["frequency"].to_numpy(), 1)
    values = segment_value_interval(
        current.purchases[model],
        current.spend,
        as_histories(rows),
        rows["repeat_value"].to_numpy() / repeats,
        rows["segment"].replace_strict(names, range(len(names)), return_dtype=pl.Int64).to_numpy(),
        weeks=horizon_days / DAYS_PER_WEEK,
        annual_rate=annual_discount_rate,
    )
    return pl.DataFrame(
        {
            "segment": names,
            "model": [model] * len(names),
            "customers": values.customers,
            "clv_amount": values.value,
            "standard_error": values.standard_error,
            "clv_lower": values.lower,
            "clv_upper": values.upper,
        }
    ).with_columns(pl.col("customers").cast(pl.Int64))
