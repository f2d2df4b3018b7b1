"""Purchase histories as sufficient statistics, and sums over the values that they share.

Belongs here: what every model of purchases reads. Does not: any model, and how histories come out of orders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class PurchaseHistories:
    """Groups of customers with one history each, as arrays of one length.

    A day with purchases counts as one purchase, and the first one starts the clock: it is no repeat. Times are in
    one unit throughout, weeks by convention; the models' parameters come out in that unit.
    """

    frequency: Floats
    """x: repeat purchases, a whole number."""
    recency: Floats
    """t_x: time from the first to the last purchase; 0 without a repeat."""
    age: Floats
    """T: time from the first purchase to the end of what was observed."""
    customers: Floats
    """How many customers share this history."""

    def __post_init__(self) -> None:
        for name in ("frequency", "recency", "age", "customers"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        x, t_x, age, n = self.frequency, self.recency, self.age, self.customers
        if x.ndim != 1 or not x.shape == t_x.shape == age.shape == n.shape:
            raise ValueError(
                "frequency, recency, age and customers must be arrays of one dimension and one length"
            )
        if not np.all(np.isfinite(x) & np.isfinite(t_x) & np.isfinite(age) & np.isfinite(n)):
            raise ValueError("a history has a value that is missing or infinite")
        if np.any((x < 0) | (x != np.floor(x)) | (n <= 0)):
            raise ValueError("frequency must be whole and not negative, customers must be positive")
        if np.any((t_x > age) | ((x == 0) != (t_x == 0)) | (t_x < 0)):
            raise ValueError(
                "recency must lie between 0 and age, and be 0 for those without a repeat and no others"
            )

    @classmethod
    def grouped(cls, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> tuple[Self, Integers]:
        """Histories of single customers, put together where they are equal.

        Returns:
            The histories, and the number of each customer's history (shape: customers).
        """
        arrays = [np.asarray(values, dtype=np.float64) for values in (frequency, recency, age)]
        first, group, customers = distinct(*arrays)
        return cls(*(values[first] for values in arrays), customers=customers), group

    def rows(self, rows: Integers) -> Self:
        """Some of the histories, by their numbers."""
        return type(self)(self.frequency[rows], self.recency[rows], self.age[rows], self.customers[rows])

    def __len__(self) -> int:
        return len(self.frequency)

    def sum_of_frequency(self, function: Callable[[Floats], Floats]) -> Floats:
        """The sum over customers of what depends on their frequency alone.

        Args:
            function: takes numbers of purchases, shape (numbers,), and gives (..., numbers).

        Returns:
            Shape (...).
        """
        customers = np.bincount(self.frequency.astype(np.int64), self.customers)
        return (function(np.arange(len(customers), dtype=np.float64)) * customers).sum(axis=-1)

    @property
    def total_customers(self) -> float:
        return float(self.customers.sum())

    @property
    def repeat_buyers(self) -> float:
        """Customers with at least one repeat purchase: what can be learnt, is learnt from them."""
        return float(self.customers[self.frequency > 0].sum())


def total(values: Floats, weights: Floats) -> float:
    """The weighted sum. Not by ``@``: the threads of its library wait for each other on a busy machine, and the last
    digits depend on how many they are."""
    return float((values * weights).sum())


def distinct(*columns: Floats) -> tuple[Integers, Integers, Integers]:
    """The distinct rows of some columns.

    What depends on them alone is worked out once for each: a million customers share some ten thousand.

    Returns:
        Where each distinct row stands first, which distinct row each row is, and how many rows each has.
    """
    code = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:  # codes stay below rows squared: each step makes them dense again
        values, position = np.unique(column, return_inverse=True)
        code = np.unique(code * len(values) + position, return_inverse=True)[1]
    _, first, group, count = np.unique(code, return_index=True, return_inverse=True, return_counts=True)
    return first, group, count
