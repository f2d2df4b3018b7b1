"""NBD: customers buy at random and never stop (Ehrenberg 1959, The Pattern of Consumer Purchases, Appl. Statistics 8).

While BG/NBD and its kin ask who has left, here nobody does: a customer buys as a Poisson process with a rate of their
own, Gamma(r, alpha) among customers. It is what the other models become where the purchases show no leaving, as in a
history shorter than people stay; their own parameters of leaving then run away.
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, gammaln

from pipelines.estimators.histories import Floats, PurchaseHistories, total


def log_likelihood(parameters: Floats, histories: PurchaseHistories) -> tuple[float, Floats]:
    """Log-likelihood of all customers, and its gradient by r and alpha; on the scale of the other models."""
    r, alpha = parameters
    x, until_end, customers = histories.frequency, alpha + histories.age, histories.customers
    waited = np.log(alpha / until_end)
    value = gammaln(r + x) - gammaln(r) + r * waited - x * np.log(until_end)
    by_r = digamma(r + x) - digamma(r) + waited
    by_alpha = r / alpha - (r + x) / until_end
    return total(value, customers), np.array([total(by_r, customers), total(by_alpha, customers)])


def p_alive(parameters: Floats, histories: PurchaseHistories) -> Floats:
    """1 for everybody, by assumption: never show it as loyalty. Shape: groups."""
    del parameters
    return np.ones(len(histories))


def purchases_if_alive(parameters: Floats, frequency: Floats, age: Floats, time: float) -> Floats:
    """Purchases expected in a time to come. Shape: that of frequency."""
    r, alpha = parameters
    return time * (r + frequency) / (alpha + age)
