"""Why there is no estimate. Each says what a person can do about it; none holds data of a customer."""

from __future__ import annotations


class EstimationError(ValueError):
    """No estimate can be given. Callers fall back to what was observed, and say so."""


class TooLittleDataError(EstimationError):
    """Fewer customers than any estimate of so many parameters could rest on."""


class NoConvergenceError(EstimationError):
    """The likelihood has no maximum inside the parameters' range, or none that could be told from its neighbours."""


class InfiniteMeanError(EstimationError):
    """The fitted distribution of spend has no finite mean."""
