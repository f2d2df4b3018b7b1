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

RANGE = 14.0
"""Logarithms are sought this far around where they start: a factor of a million. Beyond it a parameter is infinite
or zero for every purpose."""

_STEP = 1e-4
"""Step of the central differences of the gradient, in logarithms: error and rounding balance about here."""

_CLOSE_ENOUGH = 1e-8
"""Squared distance to the maximum, in standard errors: a ten-thousandth of one."""


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
    highest = max((_climb(log_likelihood, np.log(start)) for start in starts), key=lambda found: found[0])
    logs = highest[1]
    _refuse_edges(logs, starts, names)
    for _ in range(20):
        gradient, information = _derivatives(log_likelihood, logs)
        try:
            root = np.linalg.cholesky(information)
        except np.linalg.LinAlgError:
            raise NoConvergenceError(
                f"the data do not determine {', '.join(names)}: the likelihood is flat at its highest point"
            ) from None
        step = np.linalg.solve(root.T, np.linalg.solve(root, gradient))
        if gradient @ step < _CLOSE_ENOUGH:
            break
        logs = logs + step / max(1.0, float(np.abs(step).max()))
        _refuse_edges(logs, starts, names)
    else:
        raise NoConvergenceError(f"the search for {', '.join(names)} does not settle")
    parameters = np.exp(logs)
    covariance = np.linalg.inv(information) * np.outer(parameters, parameters)
    return Maximum(parameters, covariance, log_likelihood(parameters)[0])


def _climb(log_likelihood: LogLikelihood, start: Floats) -> tuple[float, Floats]:
    """The maximum reached from one start: its height and the logarithms of the parameters."""
    scale = max(abs(log_likelihood(np.exp(start))[0]), 1.0)

    def loss(logs: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, gradient = log_likelihood(parameters)
        return -value / scale, -gradient * parameters / scale

    bounds = [(at - RANGE, at + RANGE) for at in start]
    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-9},
    )
    return -found.fun * scale, found.x


def _derivatives(log_likelihood: LogLikelihood, logs: Floats) -> tuple[Floats, Floats]:
    """Gradient and observed information (minus the Hessian) by the logarithms of the parameters."""

    def gradient(at: Floats) -> Floats:
        parameters = np.exp(at)
        return log_likelihood(parameters)[1] * parameters

    steps = _STEP * np.eye(len(logs))
    hessian = np.array([(gradient(logs + step) - gradient(logs - step)) / (2 * _STEP) for step in steps])
    return gradient(logs), -(hessian + hessian.T) / 2


def _refuse_edges(logs: Floats, starts: Sequence[Floats], names: Sequence[str]) -> None:
    away = np.min([np.abs(logs - np.log(start)) for start in starts], axis=0)
    if gone := [name for name, distance in zip(names, away, strict=True) if distance > RANGE - 1]:
        raise NoConvergenceError(
            f"{', '.join(gone)} of the model runs away: these customers differ too little in what it describes"
        )
