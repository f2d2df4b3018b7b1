"""Pareto/NBD: customers buy at random and leave at a random moment (Schmittlein, Morrison and Colombo 1987, Management
Science 33; Fader and Hardie 2005, A Note on Deriving the Pareto/NBD Model).

While alive a customer buys as a Poisson process with a rate of their own, Gamma(r, alpha) among customers, and leaves
after an exponential time with a rate of their own, Gamma(s, beta) among customers.

The likelihood of having left between the last purchase and the end is published as a difference of two 2F1, which
cancel or overflow for busy customers. Here the integral that they stand for is added up instead: its terms are all
positive, and the same pass gives the gradient.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.special import digamma, expit, exprel, gammaln

from pipelines.estimators.histories import Floats, PurchaseHistories, total

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2

_NEGLIGIBLE = 37.0
"""A density that has fallen by this power of e no longer counts in double precision."""

_CHUNK = 2_048
"""Histories integrated at a time: as many as stay in the processor's cache, whatever the number of customers."""


def log_likelihood(parameters: Floats, histories: PurchaseHistories) -> tuple[float, Floats]:
    """Log-likelihood of all customers, and its gradient by r, alpha, s and beta (shape: 4)."""
    r, alpha, s, beta = parameters
    customers, n = histories.customers, histories.total_customers
    value, by_r = histories.sum_of_frequency(
        lambda frequency: np.array([gammaln(r + frequency) - gammaln(r), digamma(r + frequency) - digamma(r)])
    )
    alive = _log_alive(parameters, histories)
    gone, by_gone = _log_gone(parameters, histories)
    left = customers * expit(gone - alive)
    here = customers - left
    until_alpha, until_beta = alpha + histories.age, beta + histories.age
    of_those_here = [
        by_r + n * np.log(alpha) - total(np.log(until_alpha), here),
        n * r / alpha - total((r + histories.frequency) / until_alpha, here),
        n * np.log(beta) - total(np.log(until_beta), here),
        n * s / beta - total(s / until_beta, here),
    ]
    value += n * (r * np.log(alpha) + s * np.log(beta)) + total(np.logaddexp(alive, gone), customers)
    return float(value), np.array(of_those_here) + (by_gone * left).sum(axis=1)


def p_alive(parameters: Floats, histories: PurchaseHistories) -> Floats:
    """Probability that a customer with this history still buys at the end of it. Shape: groups."""
    gone, _ = _log_gone(parameters, histories)
    return expit(_log_alive(parameters, histories) - gone)


def purchases_if_alive(parameters: Floats, frequency: Floats, age: Floats, time: float) -> Floats:
    """Purchases expected in a time to come of customers who are alive at its start. Shape: that of frequency."""
    r, alpha, s, beta = parameters
    log_odds = np.log1p(time / (beta + age))
    return (r + frequency) * (beta + age) / (alpha + age) * log_odds * exprel((1 - s) * log_odds)


def _log_alive(parameters: Floats, histories: PurchaseHistories) -> Floats:
    r, alpha, s, beta = parameters
    return -(r + histories.frequency) * np.log(alpha + histories.age) - s * np.log(beta + histories.age)


def _log_gone(parameters: Floats, histories: PurchaseHistories) -> tuple[Floats, Floats]:
    """Logarithm of the integral of s (alpha + u)^-(r+x) (beta + u)^-(s+1) over u from t_x to T, and its gradient.

    Returns:
        Shapes (groups,) and (4, groups).
    """
    value, gradient = np.empty(len(histories)), np.empty((4, len(histories)))

    def integrate(start: int) -> None:
        chunk = slice(start, start + _CHUNK)
        value[chunk], gradient[:, chunk] = _integral(
            parameters, histories.frequency[chunk], histories.recency[chunk], histories.age[chunk]
        )

    starts = range(0, len(histories), _CHUNK)
    if len(starts) > 1:
        # NumPy works on each chunk without the interpreter's lock.
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(integrate, starts))
    else:
        for start in starts:
            integrate(start)
    return value, gradient


def _integral(parameters: Floats, x: Floats, t_x: Floats, age: Floats) -> tuple[Floats, Floats]:
    """Gauss-Legendre over the logarithm of time since the nearer of the two poles, up to where it is negligible."""
    r, alpha, s, beta = parameters
    rate, leaving = r + x, s + 1.0
    from_alpha, from_beta = alpha + t_x, beta + t_x
    nearer = np.minimum(from_alpha, from_beta)
    reach = np.minimum(
        from_alpha * np.expm1(np.minimum(_NEGLIGIBLE / rate, 700.0)),
        from_beta * np.expm1(_NEGLIGIBLE / leaving),
    )
    length = np.log1p(np.minimum(age - t_x, reach) / nearer)

    y = length[:, None] * _NODES
    grown = np.expm1(y)  # (pole + u) / (pole + t_x) - 1, of the nearer pole
    if alpha <= beta:
        grown_alpha, grown_beta = grown, grown * (nearer / from_beta)[:, None]
        log_alpha, log_beta = y, np.log1p(grown_beta)
    else:
        grown_alpha, grown_beta = grown * (nearer / from_alpha)[:, None], grown
        log_alpha, log_beta = np.log1p(grown_alpha), y
    density = np.exp(y - rate[:, None] * log_alpha - leaving * log_beta) * _WEIGHTS
    mass = density.sum(axis=1)
    density /= mass[:, None]

    with np.errstate(divide="ignore"):  # nobody can have left where the last purchase was the last moment
        scale = np.log(s * nearer * length)
    value = scale + np.log(mass) - rate * np.log(from_alpha) - leaving * np.log(from_beta)
    gradient = [
        -np.log(from_alpha) - (density * log_alpha).sum(axis=1),
        -rate / from_alpha * (density / (1 + grown_alpha)).sum(axis=1),
        1 / s - np.log(from_beta) - (density * log_beta).sum(axis=1),
        -leaving / from_beta * (density / (1 + grown_beta)).sum(axis=1),
    ]
    return value, np.array(gradient)
