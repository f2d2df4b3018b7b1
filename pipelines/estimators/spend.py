"""Gamma-Gamma: how much a purchase of a customer is worth (Fader and Hardie 2013, The Gamma-Gamma Model of Monetary
Value; Colombo and Jiang 1999).

A customer's purchases are worth Gamma(p, nu) each, nu is Gamma(q, v) among customers, and neither has to do with how
often they buy: where spend and frequency correlate, the model says less than it seems to.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from pipelines.estimators.histories import Floats


@dataclass(frozen=True)
class SpendFit:
    """The model of spend with the parameters that make the mean values likeliest. ``covariance`` is of p, q, v."""

    p: float
    q: float
    v: float
    """In the unit of the values."""
    covariance: Floats
    log_likelihood: float
    customers: float

    @property
    def parameters(self) -> dict[str, float]:
        return {"p": self.p, "q": self.q, "v": self.v}

    @property
    def standard_errors(self) -> dict[str, float]:
        raise NotImplementedError

    @property
    def population_mean(self) -> float:
        """Expected value of a purchase of a customer about whom nothing is known: p v / (q - 1)."""
        return self.p * self.v / (self.q - 1)

    def expected_value(self, frequency: ArrayLike, mean_value: ArrayLike) -> Floats:
        """Expected value of a customer's next purchases: their own mean, shrunken to that of all. Shape: groups.

        Args:
            frequency: purchases behind the mean; with 0 the population's mean is given, whatever the mean is.
            mean_value: mean value of these purchases.
        """
        raise NotImplementedError


def fit_gamma_gamma(frequency: ArrayLike, mean_value: ArrayLike, customers: ArrayLike) -> SpendFit:
    """Fit Gamma-Gamma to customers who bought again: groups of one frequency and one mean value.

    Args:
        frequency: purchases behind each mean: the repeat purchases x. Groups with 0 are left out.
        mean_value: mean value per purchase; groups whose mean is not positive are left out.
        customers: how many customers each group has.

    Raises:
        TooLittleDataError: fewer repeat buyers than parameters.
        NoConvergenceError: the data do not determine the parameters.
        InfiniteMeanError: q is 1 or less: spend spreads so far that it has no mean.
    """
    raise NotImplementedError
