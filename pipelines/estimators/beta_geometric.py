"""BG/NBD and MBG/NBD: customers buy at random, and after a purchase some never come back.

While alive a customer buys as a Poisson process with a rate of their own, Gamma(r, alpha) among customers. After a
purchase they leave for good with a probability of their own, Beta(a, b) among customers. In BG/NBD (Fader, Hardie and
Lee 2005, "Counting Your Customers" the Easy Way, Marketing Science 24) nobody leaves at their first purchase; in
MBG/NBD (Batislam, Denizel and Filiztekin 2007, IJRM 24; Wagner and Hoppe 2008) they may.

Two consequences keep a million customers cheap: gammas and digammas depend on the number of purchases alone, and what
is expected of a living customer on the number of purchases and the age alone, so both are worked out once for each
distinct value.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, betaln, digamma, expit, gammaln, hyp2f1, polygamma

from pipelines.estimators.histories import Floats, PurchaseHistories, total

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(400)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2

_CANCELS = 1e-5
"""So near to 0 / 0 the closed form has lost more digits than the integral."""

_CHUNK = 1_024
"""Values integrated at a time, to bound memory."""


def log_likelihood(
    parameters: Floats, histories: PurchaseHistories, leaves_at_first: bool
) -> tuple[float, Floats]:
    """Log-likelihood of all customers, and its gradient by r, alpha, a and b (shape: 4)."""
    r, alpha, a, b = parameters
    x, customers, n = histories.frequency, histories.customers, histories.total_customers
    until_end, until_last = alpha + histories.age, alpha + histories.recency
    chances = _chances(x, leaves_at_first)

    def of_frequency(frequency: Floats) -> Floats:
        passed = b + _chances(frequency, leaves_at_first)
        value = gammaln(r + frequency) - gammaln(r) + betaln(a, passed) - betaln(a, b)
        by_a = digamma(a + b) - digamma(a + passed)
        return np.array(
            [value, digamma(r + frequency) - digamma(r), by_a, by_a + digamma(passed) - digamma(b)]
        )

    value, by_r, by_a, by_b = histories.sum_of_frequency(of_frequency)
    log_end, log_last = np.log(until_end), np.log(until_last)
    alive = -(r + x) * log_end
    gone = _log_gone(parameters, x, chances, log_last)
    left = customers * expit(gone - alive)
    here = customers - left
    gradient = [
        by_r + n * np.log(alpha) - total(log_end, here) - total(log_last, left),
        n * r / alpha - total((r + x) / until_end, here) - total((r + x) / until_last, left),
        by_a + left.sum() / a,
        by_b - total(1 / np.where(chances > 0, b + chances - 1, 1.0), left),
    ]
    value += n * r * np.log(alpha) + total(np.logaddexp(alive, gone), customers)
    return float(value), np.array(gradient)


def p_alive(parameters: Floats, histories: PurchaseHistories, leaves_at_first: bool) -> Floats:
    """Probability that a customer with this history still buys at the end of it. Shape: groups."""
    r, alpha, *_ = parameters
    x = histories.frequency
    gone = _log_gone(parameters, x, _chances(x, leaves_at_first), np.log(alpha + histories.recency))
    return expit(-(r + x) * np.log(alpha + histories.age) - gone)


def purchases_if_alive(
    parameters: Floats, frequency: Floats, age: Floats, time: float, leaves_at_first: bool
) -> Floats:
    """Purchases expected in a time to come of customers who are alive at its start. Shape: that of frequency."""
    r, alpha, a, b = parameters
    return _until_leaving(r + frequency, a, b + _chances(frequency, leaves_at_first), time / (alpha + age))


def _chances(frequency: Floats, leaves_at_first: bool) -> Floats:
    """How often a customer who still buys has had the chance to leave, and has not."""
    return frequency + 1 if leaves_at_first else frequency


def _log_gone(parameters: Floats, x: Floats, chances: Floats, log_last: Floats) -> Floats:
    """Logarithm of the part of the likelihood in which the customer left after the last purchase."""
    r, _, a, b = parameters
    leaves = np.log(a / np.where(chances > 0, b + chances - 1, 1.0))
    return np.where(chances > 0, leaves - (r + x) * log_last, -np.inf)


def _until_leaving(rate_shape: Floats, a: float, b: Floats, odds: Floats) -> Floats:
    """E[(1 - (1 + p z)^-R) / p] over p ~ Beta(a, b): purchases until a customer leaves or the time z is over."""
    share = odds / (1 + odds)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        # Euler's transformation of the published form: there both upper parameters grow with x, and 2F1 overflows.
        still = (1 + odds) ** (1 - a) * hyp2f1(a + b - 1 - rate_shape, a - 1, a + b - 1, share)
        purchases = (a + b - 1) / (a - 1) * (1 - still)
    # Where a or a + b is 1 the form is 0 / 0, and with a in the hundreds it overflows after all.
    lost = np.flatnonzero(~np.isfinite(purchases) | (abs(a - 1) < _CANCELS) | (np.abs(a + b - 1) < _CANCELS))
    for start in range(0, len(lost), _CHUNK):
        chunk = lost[start : start + _CHUNK]
        purchases[chunk] = _until_leaving_by_integral(rate_shape[chunk], a, b[chunk], odds[chunk])
    return purchases


def _until_leaving_by_integral(rate_shape: Floats, a: float, b: Floats, odds: Floats) -> Floats:
    """The same by Gauss-Legendre over the log-odds of p, for every a and b: slower, and exact to nine digits.

    Below and above the range what is expected no longer depends on p, so that the Beta's tails close it.
    """

    def purchases(p: Floats, rate: Floats, z: Floats) -> Floats:
        return -np.expm1(-rate * np.log1p(p * z)) / p

    centre, spread = digamma(a) - digamma(b), np.sqrt(polygamma(1, a) + polygamma(1, b))
    low = np.maximum(centre - 45 * spread, -40 - np.log1p(rate_shape * odds))
    high = np.minimum(centre + 45 * spread, 40.0)
    at = low[:, None] + (high - low)[:, None] * _NODES
    log_p, log_q = -np.logaddexp(0, -at), -np.logaddexp(0, at)
    density = (
        np.exp(a * log_p + b[:, None] * log_q - betaln(a, b)[:, None]) * (high - low)[:, None] * _WEIGHTS
    )
    inside = (density * purchases(np.exp(log_p), rate_shape[:, None], odds[:, None])).sum(axis=1)
    below = betainc(a, b, expit(low)) * purchases(expit(low), rate_shape, odds)
    above = betainc(b, a, expit(-high)) * purchases(expit(high), rate_shape, odds)
    return below + inside + above
