"""Gamma-Gamma: how much a purchase of a customer is worth (Fader and Hardie 2013, The Gamma-Gamma Model of Monetary
Value; Colombo and Jiang 1999).

A customer's purchases are worth Gamma(p, nu) each, nu is Gamma(q, v) among customers, and neither has to do with how
often they buy: where spend and frequency correlate, the model says less than it seems to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma, gammaln

from pipelines.estimators.errors import InfiniteMeanError, TooLittleDataError
from pipelines.estimators.histories import Floats, distinct, total
from pipelines.estimators.likelihood import LogLikelihood, highest_point, maximum, representative

_NAMES = ("p", "q", "v")


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
        return dict(zip(self.parameters, np.sqrt(np.diag(self.covariance)).tolist(), strict=True))

    def with_parameters(self, values: Floats) -> SpendFit:
        """The same model with other p, q and v: what an error of the estimates would do."""
        p, q, v = values.tolist()
        return replace(self, p=p, q=q, v=v)

    @property
    def population_mean(self) -> float:
        """Expected value of a purchase of a customer about whom nothing is known: p v / (q - 1)."""
        return self.p * self.v / (self.q - 1)

    def expected_value(self, frequency: ArrayLike, mean_value: ArrayLike) -> Floats:
        """Expected value of a customer's next purchases: their own mean, shrunken to that of all. Shape: groups.

        Args:
            frequency: purchases behind the mean; with 0 the population's mean is given, whatever the mean is.
            mean_value: mean value of these purchases. One that is not positive is outside the model; it is shrunken
                by the same weights, as any credibility estimate is, so that a loss shows as less.
        """
        x = np.asarray(frequency, dtype=np.float64)
        total = np.where(x > 0, x * np.asarray(mean_value, dtype=np.float64), 0.0)
        return self.p * (self.v + total) / (self.p * x + self.q - 1)


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
    x, mean, n = (np.asarray(values, dtype=np.float64) for values in (frequency, mean_value, customers))
    used = (x > 0) & (mean > 0)
    x, mean, n = x[used], mean[used], n[used]
    if n.sum() < len(_NAMES):
        raise TooLittleDataError(
            f"{n.sum():.0f} customers bought again: too few for {len(_NAMES)} parameters"
        )
    typical = total(mean, n) / n.sum()
    starts = [np.array([p, q, (q - 1) / p * typical]) for p, q in ((5.0, 4.0), (1.0, 2.0), (20.0, 10.0))]

    rows = representative(x, mean)
    start = highest_point(_log_likelihood(x[rows], mean[rows], n[rows]), starts)
    found = maximum(_log_likelihood(x, mean, n), start, _NAMES)
    p, q, v = found.parameters.tolist()
    if q <= 1:
        raise InfiniteMeanError(
            f"spend per purchase spreads so far that its mean is infinite (q = {q:.3f}, it must exceed 1): "
            "look for a few values far above all others"
        )
    return SpendFit(p, q, v, found.covariance, found.log_likelihood, float(n.sum()))


def _log_likelihood(x: Floats, mean: Floats, n: Floats) -> LogLikelihood:
    """The log-likelihood of groups of customers, and its gradient by p, q and v.

    What depends on the number of purchases alone is worked out once for each, and so is what is free of parameters.
    """
    first, group, _ = distinct(x)
    by_x, customers = x[first], np.bincount(group, n)
    spent, purchases = x * mean, n * x
    constant, slope = -total(np.log(mean), n), total(np.log(spent), purchases)

    def log_likelihood(parameters: Floats) -> tuple[float, Floats]:
        p, q, v = parameters
        log_spread = np.log(v + spent)
        all_spread, bought_spread = total(log_spread, n), total(log_spread, purchases)
        of_sums, of_parts, of_q = gammaln(p * by_x + q), gammaln(p * by_x), gammaln(q)
        value = (
            total(of_sums - of_parts - of_q + q * np.log(v), customers) - p * bought_spread - q * all_spread
        )
        rises = digamma(p * by_x + q)
        by_p = total(by_x * (rises - digamma(p * by_x)), customers) - bought_spread + slope
        by_q = total(rises - digamma(q) + np.log(v), customers) - all_spread
        by_v = n.sum() * q / v - total(1 / (v + spent), p * purchases + q * n)
        return value + p * slope + constant, np.array([by_p, by_q, by_v])

    return log_likelihood
