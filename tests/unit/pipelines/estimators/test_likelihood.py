"""The search for a maximum, on surfaces whose maximum is known."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.estimators import NoConvergenceError
from pipelines.estimators.histories import Floats, total
from pipelines.estimators.likelihood import highest_point, maximum, representative


def gamma_like(parameters: Floats) -> tuple[float, Floats]:
    """100 log(u) - u and 400 log(w) - 2 w: highest at u = 100 and w = 200."""
    u, w = parameters
    return 100 * np.log(u) - u + 400 * np.log(w) - 2 * w, np.array([100 / u - 1, 400 / w - 2])


@pytest.mark.parametrize("start", [(90.0, 210.0), (1.0, 5000.0)])
def test_maximum_and_covariance_from_near_and_far(start: tuple[float, float]) -> None:
    found = maximum(gamma_like, np.array(start), ("u", "w"))
    assert found.parameters == pytest.approx([100, 200], rel=1e-5)
    assert found.log_likelihood == pytest.approx(gamma_like(np.array([100.0, 200.0]))[0])
    # minus the second derivatives are 100 / u^2 and 400 / w^2
    assert found.covariance == pytest.approx(np.diag([100.0, 100.0]), rel=2e-3, abs=0.1)


def two_hills(parameters: Floats) -> tuple[float, Floats]:
    """Over y = log u: hills at -2 (lower) and at 2 (higher)."""
    y = np.log(parameters[0])
    low, high = np.exp(-((y + 2) ** 2)), 2 * np.exp(-((y - 2) ** 2))
    return low + high, np.array([(-2 * (y + 2) * low - 2 * (y - 2) * high) / parameters[0]])


def test_the_highest_of_several_hills_is_taken() -> None:
    starts = [np.exp([-2.5]), np.exp([1.5])]
    assert np.log(highest_point(two_hills, starts[:1])) == pytest.approx([-2], abs=0.05)
    assert np.log(highest_point(two_hills, starts)) == pytest.approx([2], abs=0.05)


def endless_ridge(parameters: Floats) -> tuple[float, Floats]:
    """Only u / w is determined, and the larger both are the better: rises to 0 without end."""
    u, w = parameters
    apart = np.log(u / w)
    return -1000 * apart**2 - 1 / u, np.array([-2000 * apart / u + 1 / u**2, 2000 * apart / w])


def test_parameters_that_run_away_are_named() -> None:
    with pytest.raises(
        NoConvergenceError, match="do not determine u and w: these customers differ too little"
    ):
        maximum(endless_ridge, np.array([1.0, 1.0]), ("u", "w"))


def test_representative_rows_are_spread_over_all_values_whatever_their_order() -> None:
    values = np.random.default_rng(1).permutation(50_000).astype(float)
    some = values[representative(values)]
    assert len(some) == 5000
    assert np.diff(some).tolist() == [10] * 4999
    few = np.array([3.0, 1.0, 2.0])
    assert few[representative(few)].tolist() == [1, 2, 3]


def test_sums_are_weighted() -> None:
    assert total(np.array([1.0, 2.0]), np.array([10.0, 0.5])) == 11


def test_a_plateau_is_left_soon() -> None:
    asked = 0

    def ridge(parameters: Floats) -> tuple[float, Floats]:
        nonlocal asked
        asked += 1
        return endless_ridge(parameters)

    with pytest.raises(NoConvergenceError):
        maximum(ridge, np.array([10.0, 10.0]), ("u", "w"))
    # a step asks five times: the point reached, and twice for each parameter's curvature
    assert asked < 50, "a million customers take a second each time"
