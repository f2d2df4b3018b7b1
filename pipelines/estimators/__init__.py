"""Estimators of customer lifetime value and their like, on arrays.

Belongs here: likelihoods, fits and predictions with NumPy and SciPy, each with the paper it comes from. Does not:
DuckDB, settings, or which estimate a company uses (``pipelines.estimates``).
"""

from pipelines.estimators.errors import (
    EstimationError,
    InfiniteMeanError,
    NoConvergenceError,
    TooLittleDataError,
)
from pipelines.estimators.histories import PurchaseHistories
from pipelines.estimators.holdout import HoldoutMeasures, best_model, holdout_measures
from pipelines.estimators.purchases import PurchaseFit, fit_bg_nbd, fit_mbg_nbd, fit_nbd, fit_pareto_nbd
from pipelines.estimators.segments import SegmentValues, segment_value_interval
from pipelines.estimators.spend import SpendFit, fit_gamma_gamma

__all__ = [
    "EstimationError",
    "HoldoutMeasures",
    "InfiniteMeanError",
    "NoConvergenceError",
    "PurchaseFit",
    "PurchaseHistories",
    "SegmentValues",
    "SpendFit",
    "TooLittleDataError",
    "best_model",
    "fit_bg_nbd",
    "fit_gamma_gamma",
    "fit_mbg_nbd",
    "fit_nbd",
    "fit_pareto_nbd",
    "holdout_measures",
    "segment_value_interval",
]
