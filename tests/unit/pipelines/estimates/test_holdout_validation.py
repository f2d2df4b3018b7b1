"""What came in the holdout beside what was expected: parts of one whole, customers with equal expectations together."""

from __future__ import annotations

import duckdb
import numpy as np
import polars as pl
import pytest
from estimates_warehouse import HOLDOUT_DAYS, warehouse

from pipelines.estimates import refresh_lifetime_value
from pipelines.estimates.histories import read_holdout_weeks
from pipelines.estimates.validation import _decile
from pipelines.settings import LifetimeValue


def test_totals_are_what_came(fitted) -> None:
    connection, outcome = fitted
    came = connection.execute(
        """select count(*), sum(holdout_purchases), sum(holdout_value_amount)
        from intermediate.int_customers__purchase_histories where dataset = 'calibration'"""
    ).fetchall()
    totals = outcome.validation.filter(pl.col("level") == "total")
    assert totals.height == 4
    assert totals.select("customers", "actual_purchases", "actual_value").unique().rows() == came
    assert outcome.validation.filter(pl.col("level") != "total")["model"].unique().to_list() == [
        outcome.model
    ]


@pytest.mark.parametrize(("level", "parts"), [("decile", 10), ("week", 26)])
def test_tenths_and_weeks_are_parts_of_the_total(fitted, level: str, parts: int) -> None:
    _, outcome = fitted
    rows, total = outcome.part(level), outcome.total
    assert rows["position"].to_list() == list(range(1, parts + 1))
    assert rows["actual_purchases"].sum() == total["actual_purchases"]
    assert rows["actual_value"].sum() == total["actual_value"]
    for measure in ("predicted_purchases", "predicted_value"):
        assert rows[measure].sum() == pytest.approx(total[measure])
    if level == "decile":
        assert rows["customers"].sum() == total["customers"]
        each = (rows["predicted_purchases"] / rows["customers"]).to_list()
        assert each == sorted(each)


def test_predicted_value_is_the_sum_over_customers(fitted) -> None:
    connection, outcome = fitted
    [[value]] = connection.execute(
        """select sum(expected_purchases * (spend_intercept + spend_slope * repeat_value_amount::double))
        from intermediate.int_customers__purchase_histories
        inner join estimates.clv_groups using (dataset, frequency, recency_days, age_days)
        where dataset = 'calibration'"""
    ).fetchall()
    assert outcome.total["predicted_value"] == pytest.approx(value)


def test_equal_expectations_are_never_parted() -> None:
    """Six of ten customers are alike: nobody is below them, six tenths are below the next."""
    expected, customers = np.array([0.5, 0.1, 0.2, 0.1]), np.array([1.0, 4.0, 3.0, 2.0])
    assert _decile(expected, customers).tolist() == [10, 1, 7, 1]


def test_a_single_group_is_in_the_first_tenth() -> None:
    assert _decile(np.array([0.3]), np.array([50.0])).tolist() == [1]


def test_the_first_day_after_the_calibration_is_in_the_first_week(fitted) -> None:
    """And a week in which nobody came is missing here; the validation fills it with zero."""
    last = 728 - HOLDOUT_DAYS
    connection = warehouse(
        [("a", last, 1.0), ("a", last + 1, 2.0), ("a", last + 7, 4.0), ("a", last + 8, 8.0)]
    )
    weeks = read_holdout_weeks(connection)
    assert [(row["week"], row["purchases"], float(row["value"])) for row in weeks.to_dicts()] == [
        (1, 2, 6.0),
        (2, 1, 8.0),
    ]


def test_who_first_comes_in_the_holdout_is_not_expected_and_not_counted() -> None:
    last = 728 - HOLDOUT_DAYS
    assert read_holdout_weeks(warehouse([("new", last + 1, 2.0), ("known", last, 1.0)])).is_empty()


def test_days_left_over_are_a_shorter_last_week(unfitted: duckdb.DuckDBPyConnection) -> None:
    """The horizon of the histories is 182 days, that of the settings 180: only the predictions follow it."""
    outcome = refresh_lifetime_value(unfitted, LifetimeValue(holdout_days=180))
    weeks = outcome.part("week")
    assert weeks.height == 26
    predicted = weeks["predicted_purchases"].to_list()
    assert predicted[-1] == pytest.approx(predicted[-2] * 5 / 7, rel=0.02)
    assert sum(predicted) == pytest.approx(outcome.total["predicted_purchases"])
