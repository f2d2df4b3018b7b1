"""Lifetime value of segments of customers, with its interval.

Belongs here: sums over segments, and what the uncertain parameters make of them. Does not: which segments there are.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from pipelines.estimators.histories import Floats, PurchaseHistories
from pipelines.estimators.purchases import PurchaseFit
from pipelines.estimators.spend import SpendFit


@dataclass(frozen=True)
class SegmentValues:
    """One entry per segment, in the order of their numbers. Amounts are in the unit of the values."""

    customers: Floats
    value: Floats
    """Sum of the lifetime values of the segment's customers."""
    standard_error: Floats
    lower: Floats
    upper: Floats

    @property
    def mean_value(self) -> Floats:
        """Lifetime value per customer; its interval is that of the sum over the customers."""
        return self.value / self.customers


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
    raise NotImplementedError
