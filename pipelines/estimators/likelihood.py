"""The maximum of a log-likelihood and the precision of what maximises it.

Belongs here: optimisation, and the covariance by the observed information. Does not: any likelihood.

Every parameter of these models is positive and is sought as its logarithm. That keeps it positive, makes the surface
nearly quadratic, and makes a change of the unit of time or money a shift that the optimiser does not notice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from pipelines.estimators.errors import NoConvergenceError
from pipelines.estimators.histories import Floats, Integers

LogLikelihood = Callable[[Floats], tuple[float, Floats]]
"""Parameters -> the log-likelihood and its gradient by the parameters (not by their logarithms)."""

_RANGE = 14.0
"""Logarithms are sought this far around where they start: a factor of a million. Beyond it a parameter is infinite
or zero for every purpose."""

_STEP = 1e-4
"""Step of the central differences of the gradient, in logarithms: error and rounding balance about here."""

_NEWTON_STEPS = 30

_CLOSE_ENOUGH = 1e-8
"""Squared distance to the maximum, in standard errors: a ten-thousandth of one."""

_SAME_PLACE = 1e-3
"""After a shorter step, in logarithms, the information is that of where the step began."""

_LEAST_CURVATURE = 1 / 5.0**2
"""Less means a standard error above 5 in some direction of the logarithms, a factor of 150 either way: no estimate."""

_NOISE = 1e-6
"""Curvature below this share of the steepest is rounding: the differences of a sum over a million customers give it
any sign."""

_NOTICEABLE = 0.1
"""A parameter with this share in the flattest direction is named where that one is too flat."""

_NO_GAIN = 1e-2
"""A step that raises the log-likelihood by less leads nowhere that the data would tell from where it began."""

_ROUNDING = 1e-12
"""A value that is lower by this share is not lower."""

_ENOUGH_TO_START = 5_000
"""The search begins on so many rows of the data; Newton's method then moves to the maximum of all."""


@dataclass(frozen=True)
class Maximum:
    """Where the log-likelihood is highest, how high it is, and the covariance of the parameters there."""

    parameters: Floats
    covariance: Floats
    log_likelihood: float


def representative(*columns: Floats) -> Integers:
    """Rows to begin a search on, where there are many: every so many in the order of their values.

    They are as various as all rows, and the same every night.
    """
    step = max(1, len(columns[0]) // _ENOUGH_TO_START)
    return np.lexsort(columns[::-1])[::step]


def highest_point(log_likelihood: LogLikelihood, starts: Sequence[Floats]) -> Floats:
    """The parameters of the highest point that a coarse quasi-Newton search (BFGS) reaches from some starts.

    Args:
        log_likelihood: gives value and gradient.
        starts: positive parameters to start from, each of shape (parameters,).
    """
    return max((_climb(log_likelihood, start) for start in starts), key=lambda found: found[0])[1]


def maximum(log_likelihood: LogLikelihood, start: Floats, names: Sequence[str]) -> Maximum:
    """The maximum near a start by Newton's method, until it moves by no more than a fraction of a standard error.

    The covariance is the inverse of the observed information: the Hessian by central differences of the analytic
    gradient, in logarithms, brought to the parameters by the delta method.

    Args:
        log_likelihood: gives value and gradient.
        start: positive parameters, shape (parameters,).
        names: of the parameters, for what an error says.

    Raises:
        NoConvergenceError: a parameter runs away, or the data do not determine it.
    """

    def by_logs(logs: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, gradient = log_likelihood(parameters)
        return value, gradient * parameters

    logs = np.log(start)
    value, gradient = by_logs(logs)
    for _ in range(_NEWTON_STEPS):
        curvature, axes = np.linalg.eigh(_information(by_logs, logs))
        is_flat = curvature[0] < max(_LEAST_CURVATURE, _NOISE * curvature[-1])
        # where the surface is flat or bends the wrong way, the floor makes the step go uphill, and not too far
        inverse = axes / np.maximum(curvature, _LEAST_CURVATURE) @ axes.T
        step = inverse @ gradient
        step /= max(1.0, float(np.abs(step).max()))
        reached, gradient = by_logs(logs + step)
        while reached < value - abs(value) * _ROUNDING:
            step /= 2
            reached, gradient = by_logs(logs + step)
        gain = reached - value
        logs, value = logs + step, reached
        if np.abs(step).max() < _SAME_PLACE and gradient @ inverse @ gradient < _CLOSE_ENOUGH:
            break
        if is_flat and gain < _NO_GAIN:
            break  # a plateau, on which it would wander off without end
    else:
        is_flat = True  # it never settled
    if is_flat:
        flat = [name for name, share in zip(names, axes[:, 0], strict=True) if abs(share) > _NOTICEABLE]
        raise NoConvergenceError(
            f"the data do not determine {' and '.join(flat)}: these customers differ too little from each other"
        )
    parameters = np.exp(logs)
    return Maximum(parameters, inverse * np.outer(parameters, parameters), value)


def _climb(log_likelihood: LogLikelihood, start: Floats) -> tuple[float, Floats]:
    """The highest point reached from one start: its height and its parameters."""
    scale = max(abs(log_likelihood(start)[0]), 1.0)
    low, high = np.log(start) - _RANGE, np.log(start) + _RANGE

    def loss(logs: Floats) -> tuple[float, Floats]:
        within = np.clip(logs, low, high)
        parameters = np.exp(within)
        value, gradient = log_likelihood(parameters)
        return -value / scale, np.where(within == logs, -gradient * parameters / scale, 0.0)

    # Not L-BFGS-B: on a busy machine the threads of its linear algebra cost six times what four parameters need.
    found = minimize(loss, np.log(start), jac=True, method="BFGS", options={"gtol": 1e-5, "maxiter": 200})
    return -found.fun * scale, np.exp(np.clip(found.x, low, high))


def _information(by_logs: LogLikelihood, logs: Floats) -> Floats:
    """The observed information, minus the Hessian, by the logarithms of the parameters."""
    steps = _STEP * np.eye(len(logs))
    hessian = np.array([(by_logs(logs + step)[1] - by_logs(logs - step)[1]) / (2 * _STEP) for step in steps])
    return -(hessian + hessian.T) / 2
