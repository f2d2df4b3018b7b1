"""Lifetime value of segments of customers, with its interval.

Belongs here: sums over segments, and what the uncertain parameters make of them. Does not: which segments there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from pipelines.estimators.histories import Floats, PurchaseHistories
from pipelines.estimators.purchases import PurchaseFit
from pipelines.estimators.spend import SpendFit

_Fit = TypeVar("_Fit", PurchaseFit, SpendFit)

_STEP = 1e-4
"""Step of the central differences, as a share of the parameter."""


@dataclass(frozen=True)
class SegmentValues:
    """One entry per segment, in the order of their numbers. Amounts are in the unit of the values."""

    customers: Floats
    value: Floats
    """Sum of the lifetime values of the segment's customers; 0 where a number has no customers."""
    standard_error: Floats
    lower: Floats
    upper: Floats

    @property
    def mean_value(self) -> Floats:
        """Lifetime value per customer; its interval is that of the sum over the customers. NaN without any."""
        return np.divide(
            self.value, self.customers, out=np.full_like(self.value, np.nan), where=self.customers > 0
        )


def segment_value_interval(
    purchases: PurchaseFit,
    spend: SpendFit,
    histories: PurchaseHistories,
    value_sum: ArrayLike,
    segment: ArrayLike,
    *,
    weeks: float,
    annual_rate: float,
    level: float = 0.95,
) -> SegmentValues:
    """Lifetime value per segment, with an interval by the delta method from both covariance matrices.

    The value of a customer is their discounted expected purchases times their expected value of a purchase. The
    latter is linear in the customer's mean value, so that sums per segment and history suffice, and no customer is
    looked at.

    Args:
        purchases: says how often they will buy.
        spend: says for how much.
        histories: one row per segment and history, with the number of its customers (a history may be in several).
        value_sum: sum over these customers of their mean value per repeat purchase (not read where frequency is 0).
        segment: the segment's number, 0, 1, 2 ..., of each row.
        weeks: horizon, from the end of the histories.
        annual_rate: discount rate of a year.
        level: of the interval.
    """
    number = np.asarray(segment, dtype=np.int64)
    worth = np.asarray(value_sum, dtype=np.float64)
    segments = int(number.max(initial=-1)) + 1

    def by_segment(rows: Floats) -> Floats:
        return np.bincount(number, rows, minlength=segments)

    def bought(fit: PurchaseFit) -> Floats:
        return fit.discounted_expected_purchases(histories, weeks, annual_rate)

    def spent(fit: SpendFit) -> Floats:
        """Sum over a row's customers of the expected value of a purchase."""
        return histories.customers * fit.expected_value(histories.frequency, worth / histories.customers)

    each, purchase = bought(purchases), spent(spend)
    variance = _variance(purchases, lambda fit: by_segment(bought(fit) * purchase))
    variance += _variance(spend, lambda fit: by_segment(each * spent(fit)))
    value, error = by_segment(each * purchase), np.sqrt(variance)
    margin = ndtri((1 + level) / 2) * error
    return SegmentValues(by_segment(histories.customers), value, error, value - margin, value + margin)


def _variance(fit: _Fit, values: Callable[[_Fit], Floats]) -> Floats:
    """Variance of some values by the delta method. Shape: that of what ``values`` returns."""
    at = np.array(list(fit.parameters.values()))
    steps = np.diag(_STEP * at)
    gradient = np.array(
        [
            (values(fit.with_parameters(at + step)) - values(fit.with_parameters(at - step)))
            / (2 * step.sum())
            for step in steps
        ]
    )
    return np.einsum("is,ij,js->s", gradient, fit.covariance, gradient)
