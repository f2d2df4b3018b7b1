"""What a holdout says of expectations, and which model it prefers."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.estimators import best_model, holdout_measures


def test_measures_weigh_rows_by_their_customers() -> None:
    found = holdout_measures([0.5, 2.0], [0, 3], [4, 2])
    assert (found.customers, found.actual, found.expected) == (6, 6, 6)
    assert found.bias == 0
    assert found.mean_absolute_error == pytest.approx((4 * 0.5 + 2 * 1) / 6)
    assert found.root_mean_squared_error == pytest.approx(np.sqrt((4 * 0.25 + 2 * 1) / 6))
    assert found.poisson_deviance == pytest.approx((4 * 2 * 0.5 + 2 * 2 * (3 * np.log(1.5) - 1)) / 6)


def test_bias_is_a_share_of_what_came() -> None:
    assert holdout_measures([1.0], [2], [50]).bias == -0.5
    assert np.isnan(holdout_measures([1.0], [0], [50]).bias)


def test_the_true_expectation_wins_where_the_smallest_absolute_error_does_not() -> None:
    actual = np.random.default_rng(1).negative_binomial(0.3, 0.3, 20_000)
    customers = np.ones(len(actual))
    measures = {
        "nothing": holdout_measures(np.full(len(actual), 0.05), actual, customers),
        "truth": holdout_measures(np.full(len(actual), 0.7), actual, customers),
        "too much": holdout_measures(np.full(len(actual), 1.0), actual, customers),
    }
    assert best_model(measures) == "truth"
    assert measures["nothing"].mean_absolute_error < measures["truth"].mean_absolute_error


def test_the_first_of_equals_is_chosen() -> None:
    same = holdout_measures([1.0], [1], [1])
    assert best_model({"mbg_nbd": same, "bg_nbd": same}) == "mbg_nbd"


def test_one_who_came_back_does_not_decide() -> None:
    certain = holdout_measures([1e-200, 1.0], [1, 1], [1, 1000])
    doubtful = holdout_measures([1e-20, 1.0], [1, 1], [1, 1000])
    assert certain.poisson_deviance == doubtful.poisson_deviance < 0.02
