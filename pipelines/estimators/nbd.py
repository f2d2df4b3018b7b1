"""NBD: customers buy at random and never stop (Ehrenberg 1959, The Pattern of Consumer Purchases, Appl. Statistics 8).

While BG/NBD and its kin ask who has left, here nobody does: a customer buys as a Poisson process with a rate of their
own, Gamma(r, alpha) among customers. It is what the other models become where the purchases show no leaving, as in a
history shorter than people stay; their own parameters of leaving then run away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from pipelines.estimators.errors import TooLittleDataError
from pipelines.estimators.histories import Floats, PurchaseHistories, total
from pipelines.estimators.likelihood import highest_point, maximum, representative
from pipelines.estimators.purchases import PurchaseFit

_NAMES = ("r", "alpha")
_STARTS = ((1.0, 1.0), (0.3, 1.0), (2.0, 3.0))  # alpha in tenths of the longest age


@dataclass(frozen=True)
class NbdFit(PurchaseFit):
    """NBD with its parameters: read like the others. Its probability of being alive is an assumption, 1 for all."""

    def p_alive(self, histories: PurchaseHistories) -> Floats:
        """1 for everybody, by construction: never show it as loyalty. Shape: groups."""
        return np.ones(len(histories))

    def _if_alive(self, histories: PurchaseHistories, spans: list[float]) -> Floats:
        r, alpha = self._values
        rate = (r + histories.frequency) / (alpha + histories.age)
        return np.array(spans)[:, np.newaxis] * rate


def fit_nbd(histories: PurchaseHistories) -> NbdFit:
    """Fit NBD: parameters r and alpha (a time).

    Raises:
        TooLittleDataError: fewer repeat buyers than parameters.
        NoConvergenceError: the data do not determine the parameters.
    """
    if histories.repeat_buyers < len(_NAMES):
        raise TooLittleDataError(
            f"{histories.repeat_buyers:.0f} customers bought again: too few for {len(_NAMES)} parameters"
        )
    starts = [np.array(start) * (1.0, histories.age.max() / 10) for start in _STARTS]
    rows = representative(histories.frequency, histories.recency, histories.age)
    start = highest_point(lambda values: _log_likelihood(values, histories.rows(rows)), starts)
    found = maximum(lambda values: _log_likelihood(values, histories), start, _NAMES)
    return NbdFit(
        "nbd",
        dict(zip(_NAMES, found.parameters.tolist(), strict=True)),
        found.covariance,
        found.log_likelihood,
        histories.total_customers,
    )


def _log_likelihood(parameters: Floats, histories: PurchaseHistories) -> tuple[float, Floats]:
    """Log-likelihood of all customers, and its gradient by r and alpha; on the scale of the other models."""
    r, alpha = parameters
    x, until_end, customers = histories.frequency, alpha + histories.age, histories.customers
    waited = np.log(alpha / until_end)
    value = gammaln(r + x) - gammaln(r) + r * waited - x * np.log(until_end)
    by_r = digamma(r + x) - digamma(r) + waited
    by_alpha = r / alpha - (r + x) / until_end
    return total(value, customers), np.array([total(by_r, customers), total(by_alpha, customers)])
