"""How well expectations met what came: measures on purchases that the fit did not see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlogy

from pipelines.estimators.histories import total

_SURE = 0.001
"""Expectations below a thousandth of a purchase count as one in the deviance: a single customer who came back after
all must not decide between two models that both had given them up."""


@dataclass(frozen=True)
class HoldoutMeasures:
    """Expected purchases beside those that came, over customers."""

    customers: float
    actual: float
    """Sum over customers."""
    expected: float
    """Sum over customers."""
    bias: float
    """(expected - actual) / actual: -0.12 says that the model expected 12 % too few. Not a number if nothing came."""
    mean_absolute_error: float
    """Per customer. For reading only: a model that expects too little of everyone can have the smallest."""
    root_mean_squared_error: float
    """Per customer."""
    poisson_deviance: float
    """Per customer: what ``best_model`` compares."""


def holdout_measures(expected: ArrayLike, actual: ArrayLike, customers: ArrayLike) -> HoldoutMeasures:
    """Measure expectations against purchases in a holdout.

    Args:
        expected: purchases expected of one customer of each row (not negative).
        actual: purchases that each customer of the row made. Customers of one history but different purchases are
            different rows.
        customers: how many customers each row has.
    """
    mu, y, n = (np.asarray(values, dtype=np.float64) for values in (expected, actual, customers))
    people, came, foreseen = float(n.sum()), total(y, n), total(mu, n)
    likely = np.maximum(mu, _SURE)
    deviance = 2 * (xlogy(y, y / likely) - (y - likely))
    return HoldoutMeasures(
        customers=people,
        actual=came,
        expected=foreseen,
        bias=(foreseen - came) / came if came else float("nan"),
        mean_absolute_error=total(np.abs(mu - y), n) / people,
        root_mean_squared_error=(total((mu - y) ** 2, n) / people) ** 0.5,
        poisson_deviance=total(deviance, n) / people,
    )


def best_model(measures: Mapping[str, HoldoutMeasures]) -> str:
    """The model whose expectations met the holdout best, by its Poisson deviance; the first among equals.

    The deviance, like the squared error, is smallest for whoever states the true expectation, whatever the
    distribution of purchases (Gneiting 2011, JASA 106), and a few heavy buyers do not decide it alone.
    """
    return min(measures, key=lambda model: measures[model].poisson_deviance)
