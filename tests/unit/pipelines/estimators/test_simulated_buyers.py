"""The estimators find the truth of customers who were drawn from their models, and know how well they know it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from fixtures.simulated_buyers import SPEND_TRUTH, TRUTH, Buyers, simulated_buyers, simulated_spend

from pipelines.estimators import (
    PurchaseFit,
    PurchaseHistories,
    SpendFit,
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_mbg_nbd,
    fit_pareto_nbd,
    segment_value_interval,
)

FITS = {"bg_nbd": fit_bg_nbd, "mbg_nbd": fit_mbg_nbd, "pareto_nbd": fit_pareto_nbd}
MANY, LATER_WEEKS = 100_000, 39
every_model = pytest.mark.parametrize("model", FITS)


@cache
def buyers(model: str) -> Buyers:
    return simulated_buyers(model, MANY, seed=1, later_weeks=LATER_WEEKS)


def histories_of(found: Buyers) -> PurchaseHistories:
    return PurchaseHistories(found.frequency, found.recency, found.age, np.ones(len(found.age)))


@cache
def fitted(model: str) -> PurchaseFit:
    return FITS[model](histories_of(buyers(model)))


def errors(fit: PurchaseFit | SpendFit, truth: dict[str, float]) -> np.ndarray:
    """Distance of each parameter to the truth, in standard errors."""
    return np.array([(fit.parameters[name] - truth[name]) / fit.standard_errors[name] for name in truth])


@every_model
def test_finds_the_truth_of_100_000_customers(model: str) -> None:
    assert np.all(np.abs(errors(fitted(model), TRUTH[model])) < 3)
    relative = np.array(list(fitted(model).standard_errors.values())) / list(
        fitted(model).parameters.values()
    )
    assert np.all(relative < 0.2)


@every_model
def test_foresees_what_they_buy_later_and_who_is_alive(model: str) -> None:
    found, fit = buyers(model), fitted(model)
    expected, alive = (
        fit.expected_purchases(histories_of(found), LATER_WEEKS),
        fit.p_alive(histories_of(found)),
    )
    for x in (0, 1, 2, 3, 5):
        some = found.frequency == x
        noise = found.later[some].std() / np.sqrt(some.sum())
        assert expected[some].mean() == pytest.approx(found.later[some].mean(), abs=4 * noise)
        noise = np.sqrt(np.mean(alive[some] * (1 - alive[some])) / some.sum())
        assert alive[some].mean() == pytest.approx(found.is_alive[some].mean(), abs=4 * noise + 1e-9)


def test_finds_the_truth_of_spend() -> None:
    x = buyers("bg_nbd").frequency
    fit = fit_gamma_gamma(x, simulated_spend(x, seed=2), np.ones(MANY))
    assert np.all(np.abs(errors(fit, SPEND_TRUTH)) < 3)
    assert np.all(np.array(list(fit.standard_errors.values())) / list(fit.parameters.values()) < 0.05)


@pytest.mark.parametrize(
    "model", ["bg_nbd", "mbg_nbd"]
)  # Pareto/NBD's errors come out of the same code, slower
def test_standard_errors_cover_the_truth_as_often_as_they_say(model: str) -> None:
    companies = [simulated_buyers(model, 8_000, seed) for seed in range(100)]
    grouped = [PurchaseHistories.grouped(each.frequency, each.recency, each.age)[0] for each in companies]
    distances = np.array([errors(FITS[model](histories), TRUTH[model]) for histories in grouped])
    assert 0.90 <= np.mean(np.abs(distances) < 1.96) <= 0.99
    assert 0.8 < np.sqrt(np.mean(distances**2)) < 1.2


def test_standard_errors_of_spend_cover_the_truth_as_often_as_they_say() -> None:
    x = np.tile(np.arange(1, 6), 400)
    fits = [fit_gamma_gamma(x, simulated_spend(x, seed), np.ones(2000)) for seed in range(60)]
    assert 0.90 <= np.mean([np.abs(errors(fit, SPEND_TRUTH)) < 1.96 for fit in fits]) <= 0.99


def test_intervals_of_segments_cover_what_the_true_parameters_give() -> None:
    """The interval is that of the expectation: it answers how well the parameters are known, as it says."""
    covered = []
    for seed in range(25):
        found = simulated_buyers("mbg_nbd", 3000, seed, age_days=(261, 273))
        mean_value = simulated_spend(found.frequency, 1000 + seed)
        histories, segment = histories_of(found), np.minimum(found.frequency, 3).astype(int)
        fit = fit_mbg_nbd(histories)
        spend = fit_gamma_gamma(found.frequency, mean_value, np.ones(3000))
        values = segment_value_interval(fit, spend, histories, mean_value, segment, weeks=52, annual_rate=0.1)
        true_fit = fit.with_parameters(np.array(list(TRUTH["mbg_nbd"].values())))
        true_spend = spend.with_parameters(np.array(list(SPEND_TRUTH.values())))
        each = true_fit.discounted_expected_purchases(histories, 52, 0.1)
        truth = np.bincount(segment, each * true_spend.expected_value(found.frequency, mean_value))
        covered.append((values.lower <= truth) & (truth <= values.upper))
    assert 0.88 <= np.mean(covered) <= 0.99
    assert np.all(np.mean(covered, axis=0) >= 0.8)
