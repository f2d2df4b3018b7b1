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
from pipelines.estimators.histories import Floats

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

_LEAST_CURVATURE = 1 / 5.0**2
"""Less means a standard error above 5 in some direction of the logarithms, a factor of 150 either way: no estimate."""

_NOTICEABLE = 0.1
"""A parameter with this share in the flattest direction is named where that one is too flat."""


@dataclass(frozen=True)
class Maximum:
    """Where the log-likelihood is highest, how high it is, and the covariance of the parameters there."""

    parameters: Floats
    covariance: Floats
    log_likelihood: float


def maximise(log_likelihood: LogLikelihood, starts: Sequence[Floats], names: Sequence[str]) -> Maximum:
    """Find the highest of the maxima reached from some starts, and refine it by Newton's method.

    The covariance is the inverse of the observed information: the Hessian by central differences of the analytic
    gradient, in logarithms, brought to the parameters by the delta method.

    Args:
        log_likelihood: gives value and gradient.
        starts: positive parameters to start from, each of shape (parameters,).
        names: of the parameters, for what an error says.

    Raises:
        NoConvergenceError: a parameter runs away, or the data do not determine it.
    """
    logs = np.log(highest_point(log_likelihood, starts))
    for _ in range(_NEWTON_STEPS):
        gradient, information = _derivatives(log_likelihood, logs)
        curvature, axes = np.linalg.eigh(information)
        # where the surface is flat or bends the wrong way, the floor makes the step go uphill, and not too far
        step = axes @ ((gradient @ axes) / np.maximum(curvature, _LEAST_CURVATURE))
        if gradient @ step < _CLOSE_ENOUGH:
            break
        logs = logs + step / max(1.0, float(np.abs(step).max()))
    if gradient @ step >= _CLOSE_ENOUGH or curvature[0] < _LEAST_CURVATURE:
        flat = [name for name, share in zip(names, axes[:, 0], strict=True) if abs(share) > _NOTICEABLE]
        raise NoConvergenceError(
            f"the data do not determine {' and '.join(flat)}: these customers differ too little from each other"
        )
    parameters = np.exp(logs)
    covariance = (axes / curvature) @ axes.T * np.outer(parameters, parameters)
    return Maximum(parameters, covariance, log_likelihood(parameters)[0])


def highest_point(log_likelihood: LogLikelihood, starts: Sequence[Floats]) -> Floats:
    """The parameters of the highest point that a coarse quasi-Newton search (BFGS) reaches from some starts."""
    return max((_climb(log_likelihood, start) for start in starts), key=lambda found: found[0])[1]


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


def _derivatives(log_likelihood: LogLikelihood, logs: Floats) -> tuple[Floats, Floats]:
    """Gradient and observed information (minus the Hessian) by the logarithms of the parameters."""

    def gradient(at: Floats) -> Floats:
        parameters = np.exp(at)
        return log_likelihood(parameters)[1] * parameters

    steps = _STEP * np.eye(len(logs))
    hessian = np.array([(gradient(logs + step) - gradient(logs - step)) / (2 * _STEP) for step in steps])
    return gradient(logs), -(hessian + hessian.T) / 2
