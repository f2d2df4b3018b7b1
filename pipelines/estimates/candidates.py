"""The models that compete for a company's customers, fitted to both datasets, and which of them is taken.

Belongs here: what has to be there for a fit, the fits, the choice by holdout. Does not: the models themselves
(``pipelines.estimators``), and the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl

from pipelines.estimates.histories import DAYS_PER_WEEK, Dataset, as_histories
from pipelines.estimators import (
    EstimationError,
    HoldoutMeasures,
    PurchaseFit,
    PurchaseHistories,
    SpendFit,
    best_model,
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_mbg_nbd,
    fit_nbd,
    fit_pareto_nbd,
    holdout_measures,
)
from pipelines.settings import LifetimeValue

# In the order in which equals are taken: MBG/NBD says something of those who bought once, too.
PURCHASE_MODELS: dict[str, Callable[[PurchaseHistories], PurchaseFit]] = {
    "MBG/NBD": fit_mbg_nbd,
    "BG/NBD": fit_bg_nbd,
    "Pareto/NBD": fit_pareto_nbd,
    "NBD": fit_nbd,
}
# In which nobody ever leaves. It stands in where no other can be fitted and never wins against one that can: a short
# holdout hardly shows who leaves, a horizon of a year does.
LOYAL_MODEL = "NBD"
SPEND_MODEL = "Gamma-Gamma"


@dataclass
class Fits:
    """What could be fitted to one dataset, and why the rest could not."""

    dataset: Dataset
    purchases: dict[str, PurchaseFit] = field(default_factory=dict)
    spend: SpendFit | None = None
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """The model that is taken, or None, with the reason in words; and how each met the holdout."""

    model: str | None
    reason: str
    measures: Mapping[str, HoldoutMeasures] = field(default_factory=dict)


def missing(calibration: Dataset, current: Dataset, settings: LifetimeValue) -> str | None:
    """What stands in the way of any fit, in words for whoever may change it; None: nothing."""
    if calibration.days < settings.holdout_days:
        return (
            f"the purchases before the holdout cover {calibration.days} days, fewer than the holdout's "
            f"{settings.holdout_days}: wait, or shorten lifetime_value.holdout_days"
        )
    for dataset, when in ((calibration, "before the holdout"), (current, "so far")):
        if dataset.repeat_buyers < settings.minimum_repeat_buyers:
            return (
                f"{dataset.repeat_buyers:,} customers bought on more than one day {when}, fewer than "
                f"lifetime_value.minimum_repeat_buyers ({settings.minimum_repeat_buyers:,})"
            )
    if not _bought(calibration).sum():
        return f"nobody known before bought in the last {settings.holdout_days} days: are all sources up to date?"
    return None


def fit_all(dataset: Dataset, progress: Callable[[], None]) -> Fits:
    """Fit every model; a model that cannot be fitted leaves its reason."""
    fits = Fits(dataset)
    histories = as_histories(dataset.rows)
    for name, fit in PURCHASE_MODELS.items():
        try:
            fits.purchases[name] = fit(histories)
        except EstimationError as error:
            fits.failures[name] = str(error)
        progress()
    try:
        fits.spend = fit_gamma_gamma(*(dataset.spend[name].to_numpy() for name in dataset.spend.columns))
    except EstimationError as error:
        fits.failures[SPEND_MODEL] = str(error)
    progress()
    return fits


def choose(calibration: Fits, current: Fits, holdout_days: int) -> Choice:
    """The model that met the holdout best, among those that could be fitted before it and now."""
    rows = calibration.dataset.rows
    histories, bought = as_histories(rows), _bought(calibration.dataset)
    weeks = holdout_days / DAYS_PER_WEEK
    measures = {
        name: holdout_measures(fit.expected_purchases(histories, weeks), bought, rows["customers"].to_numpy())
        for name, fit in calibration.purchases.items()
    }
    eligible = {name: found for name, found in measures.items() if name in current.purchases}
    leaving = {name: found for name, found in eligible.items() if name != LOYAL_MODEL}
    if not eligible:
        return Choice(
            None, f"no model of purchases could be fitted: {_failures(calibration, current)}", measures
        )
    if calibration.spend is None or current.spend is None:
        return Choice(None, f"spending could not be fitted: {_failures(calibration, current)}", measures)
    if not leaving:
        reason = f"nobody is expected to leave, as no leaving can be seen ({_failures(calibration, current)})"
        return Choice(LOYAL_MODEL, reason, measures)
    model = best_model(leaving)
    return Choice(model, _why(model, leaving, holdout_days), measures)


def _bought(calibration: Dataset) -> pl.Series:
    return calibration.rows["holdout_purchases"]


def _why(model: str, measures: Mapping[str, HoldoutMeasures], holdout_days: int) -> str:
    deviances = ", ".join(f"{name} {found.poisson_deviance:.5f}" for name, found in measures.items())
    return (
        f"{model} met the purchases of the last {holdout_days} days best "
        f"(Poisson deviance per customer, the lower the better: {deviances})"
    )


def _failures(calibration: Fits, current: Fits) -> str:
    """Why each model could not be fitted; once, where it is the same for both datasets."""
    return "; ".join(
        dict.fromkeys(
            f"{name}: {reason}" for fits in (calibration, current) for name, reason in fits.failures.items()
        )
    )
