"""Gamma-Gamma against the archived ``lifetimes`` on CDNOW, and what it says of customers it knows little about."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifetimes import GammaGammaFitter
from lifetimes.datasets import load_cdnow_summary_data_with_monetary_value
from scipy.special import gammaln

from pipelines.estimators import (
    InfiniteMeanError,
    NoConvergenceError,
    SpendFit,
    TooLittleDataError,
    fit_gamma_gamma,
)


@pytest.fixture(scope="module")
def summary() -> pd.DataFrame:
    return load_cdnow_summary_data_with_monetary_value()


@pytest.fixture(scope="module")
def fit(summary: pd.DataFrame) -> SpendFit:
    return fit_gamma_gamma(summary["frequency"], summary["monetary_value"], np.ones(len(summary)))


def test_agrees_with_lifetimes(summary: pd.DataFrame, fit: SpendFit) -> None:
    repeat = summary[summary["frequency"] > 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])
    assert fit.parameters == pytest.approx(dict(theirs.params_), rel=1e-5)
    assert fit.standard_errors == pytest.approx(theirs.summary["se(coef)"].to_dict(), rel=0.02)
    assert fit.log_likelihood == pytest.approx(-theirs._negative_log_likelihood_ * len(repeat), rel=1e-8)
    assert fit.customers == len(repeat) == 946
    expected = theirs.conditional_expected_average_profit(repeat["frequency"], repeat["monetary_value"])
    ours = fit.expected_value(repeat["frequency"], repeat["monetary_value"])
    assert ours == pytest.approx(expected.to_numpy(), rel=1e-6)


def test_log_likelihood_is_that_of_the_paper(summary: pd.DataFrame, fit: SpendFit) -> None:
    repeat = summary[summary["frequency"] > 0]
    x, m = repeat["frequency"].to_numpy(float), repeat["monetary_value"].to_numpy()
    p, q, v = fit.p, fit.q, fit.v
    densities = (
        gammaln(p * x + q) - gammaln(p * x) - gammaln(q)
        + q * np.log(v) + (p * x - 1) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(x * m + v)
    )  # fmt: skip
    assert fit.log_likelihood == pytest.approx(densities.sum(), rel=1e-12)


def test_who_has_not_bought_again_is_expected_to_spend_what_all_do(fit: SpendFit) -> None:
    expected = fit.expected_value([0, 0, 0], [0.0, 90.0, np.nan])
    assert expected == pytest.approx(fit.population_mean)
    assert fit.population_mean == pytest.approx(35.17, abs=0.005)


def test_the_more_purchases_the_more_ones_own_mean_counts(fit: SpendFit) -> None:
    expected = fit.expected_value([1, 2, 10, 1000], 100.0)
    assert np.all(np.diff(expected) > 0)
    assert fit.population_mean < expected[0] < 100
    assert expected[-1] == pytest.approx(100, abs=0.1)


def test_a_loss_is_shrunken_as_a_gain_is(fit: SpendFit) -> None:
    """Credibility: the weight of one's own mean depends on the number of purchases alone."""
    mean = fit.population_mean
    above, below = fit.expected_value([3, 3], [mean + 60, mean - 60])
    assert above - mean == pytest.approx(mean - below)
    assert below < 0


def test_one_time_buyers_and_values_that_are_not_positive_are_left_out(
    summary: pd.DataFrame, fit: SpendFit
) -> None:
    x = [*summary["frequency"], 3, 2]
    again = fit_gamma_gamma(x, [*summary["monetary_value"], 0.0, -5.0], np.ones(len(x)))
    assert again.customers == 946
    assert again.parameters == pytest.approx(fit.parameters)


def test_groups_count_as_often_as_they_have_customers(summary: pd.DataFrame) -> None:
    x, mean = summary["frequency"].to_numpy(), summary["monetary_value"].to_numpy()
    twice = fit_gamma_gamma(np.tile(x, 2), np.tile(mean, 2), np.ones(2 * len(x)))
    counted = fit_gamma_gamma(x, mean, np.full(len(x), 2))
    assert counted.parameters == pytest.approx(twice.parameters, rel=1e-6)
    assert counted.standard_errors == pytest.approx(twice.standard_errors, rel=1e-4)


def test_spend_without_a_mean_is_refused() -> None:
    draw = np.random.default_rng(3)
    nu = draw.gamma(0.6, 1, 3000)
    with pytest.raises(InfiniteMeanError, match="must exceed 1"):
        fit_gamma_gamma(np.full(3000, 4), draw.gamma(4 * 2, 1 / (4 * nu)), np.ones(3000))


def test_equal_spend_determines_nothing() -> None:
    with pytest.raises(NoConvergenceError):
        fit_gamma_gamma(np.full(200, 3), np.full(200, 20.0), np.ones(200))


def test_too_few_who_bought_again() -> None:
    with pytest.raises(TooLittleDataError, match="2 customers bought again"):
        fit_gamma_gamma([0, 1, 2, 3], [10, 10, 20, 0], [100, 1, 1, 50])


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-4, 1e6))
def test_currency_changes_v_alone(rate: float) -> None:
    draw = np.random.default_rng(5)
    x = draw.integers(1, 8, 300)
    mean = draw.gamma(3.0 * x, 1 / (x * draw.gamma(4, 1 / 30, 300)))
    plain = fit_gamma_gamma(x, mean, np.ones(300))
    changed = fit_gamma_gamma(x, mean * rate, np.ones(300))
    assert (changed.p, changed.q) == pytest.approx((plain.p, plain.q), rel=1e-4)
    assert changed.v == pytest.approx(plain.v * rate, rel=1e-4)
    assert changed.log_likelihood == pytest.approx(plain.log_likelihood - 300 * np.log(rate), rel=1e-8)
