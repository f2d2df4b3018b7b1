"""The models of purchases against the archived ``lifetimes`` on CDNOW, and at the corners where formulas break."""

from __future__ import annotations

import warnings
from functools import cache
from itertools import product

import lifetimes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifetimes.datasets import load_cdnow_summary
from scipy.special import betaln, digamma, hyp2f1, polygamma

from pipelines.estimators import (
    NoConvergenceError,
    PurchaseFit,
    PurchaseHistories,
    TooLittleDataError,
    fit_bg_nbd,
    fit_mbg_nbd,
    fit_pareto_nbd,
)
from pipelines.estimators.beta_geometric import _until_leaving, _until_leaving_by_integral
from pipelines.estimators.purchases import MODELS

FITS = {"bg_nbd": fit_bg_nbd, "mbg_nbd": fit_mbg_nbd, "pareto_nbd": fit_pareto_nbd}
ORACLES = {
    "bg_nbd": lifetimes.BetaGeoFitter,
    "mbg_nbd": lifetimes.ModifiedBetaGeoFitter,
    "pareto_nbd": lifetimes.ParetoNBDFitter,
}
every_model = pytest.mark.parametrize("model", FITS)


@cache
def cdnow() -> tuple[PurchaseHistories, np.ndarray]:
    summary = load_cdnow_summary()
    return PurchaseHistories.grouped(summary["frequency"], summary["recency"], summary["T"])


@cache
def fitted(model: str) -> PurchaseFit:
    return FITS[model](cdnow()[0])


@cache
def oracle(model: str):
    summary = load_cdnow_summary()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # it starts anywhere: a loose search would end a little elsewhere each time
        return ORACLES[model]().fit(summary["frequency"], summary["recency"], summary["T"], tol=1e-7)


def one(x: float, t_x: float, age: float) -> PurchaseHistories:
    return PurchaseHistories([x], [t_x], [age], [1])


@every_model
def test_parameters_agree_with_lifetimes(model: str) -> None:
    expected = oracle(model).params_
    assert fitted(model).parameters == pytest.approx(dict(expected), rel=2e-5)


@every_model
def test_log_likelihood_agrees_with_lifetimes_formula(model: str) -> None:
    """At our parameters: lifetimes states its own log-likelihood in a unit of time of its own."""
    summary = load_cdnow_summary()
    x, t_x, age = (summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    values = np.array(list(fitted(model).parameters.values()))
    if model == "pareto_nbd":
        theirs = oracle(model)._conditional_log_likelihood(values, x, t_x, age).sum()
    else:
        theirs = -len(x) * ORACLES[model]._negative_log_likelihood(
            np.log(values), x, t_x, age, np.ones_like(x), 0
        )
    assert fitted(model).log_likelihood == pytest.approx(theirs, rel=1e-9)


@every_model
def test_what_is_expected_of_each_customer_agrees_with_lifetimes(model: str) -> None:
    summary, (histories, group) = load_cdnow_summary(), cdnow()
    arguments = summary["frequency"], summary["recency"], summary["T"]
    expected = oracle(model).conditional_expected_number_of_purchases_up_to_time(39, *arguments)
    alive = np.asarray(oracle(model).conditional_probability_alive(*arguments)).ravel()
    assert fitted(model).expected_purchases(histories, 39)[group] == pytest.approx(
        np.asarray(expected), rel=3e-4, abs=1e-6
    )
    assert fitted(model).p_alive(histories)[group] == pytest.approx(alive, abs=2e-5)


@every_model
def test_what_is_expected_of_the_new_agrees_with_lifetimes(model: str) -> None:
    weeks = np.array([[0.1429, 1.0, 3.0], [31.8571, 39.0, 100.0]])
    expected = oracle(model).expected_number_of_purchases_up_to_time(weeks.ravel()).reshape(weeks.shape)
    assert fitted(model).expected_purchases_of_new(weeks) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd"])
def test_standard_errors_agree_with_lifetimes(model: str) -> None:
    theirs = oracle(model).summary["se(coef)"].to_dict()
    assert fitted(model).standard_errors == pytest.approx(theirs, rel=0.02)


@every_model
def test_gradient_is_that_of_the_log_likelihood(model: str) -> None:
    histories = PurchaseHistories(
        [0, 0, 1, 3, 12, 80], [0, 0, 0.5, 20, 30, 38], [1, 39, 39, 21, 30.5, 38], [1] * 6
    )
    at = np.array([0.7, 5.0, 0.9, 3.0])
    for row in range(len(histories)):
        one_of_them = histories.rows(np.array([row]))
        _, gradient = MODELS[model].log_likelihood(at, one_of_them)
        for parameter, step in enumerate(1e-6 * np.diag(at)):
            above, below = (
                MODELS[model].log_likelihood(at + side * step, one_of_them)[0] for side in (1, -1)
            )
            assert gradient[parameter] == pytest.approx(
                (above - below) / (2 * step.sum()), rel=1e-6, abs=1e-7
            )


@every_model
def test_histories_count_as_often_as_they_have_customers(model: str) -> None:
    histories, group = cdnow()
    each = PurchaseHistories(
        histories.frequency[group], histories.recency[group], histories.age[group], np.ones(len(group))
    )
    again = FITS[model](each)
    assert again.parameters == pytest.approx(fitted(model).parameters, rel=1e-6)
    assert again.log_likelihood == pytest.approx(fitted(model).log_likelihood, rel=1e-10)
    assert again.customers == fitted(model).customers == 2357


@every_model
def test_days_and_weeks_say_the_same(model: str) -> None:
    weeks, _ = cdnow()
    days = PurchaseHistories(weeks.frequency, weeks.recency * 7, weeks.age * 7, weeks.customers)
    by_day, by_week = FITS[model](days), fitted(model)
    times = MODELS[model].times
    in_days = {name: value * (7 if name in times else 1) for name, value in by_week.parameters.items()}
    errors = {name: value * (7 if name in times else 1) for name, value in by_week.standard_errors.items()}
    assert by_day.parameters == pytest.approx(in_days, rel=1e-4)
    assert by_day.standard_errors == pytest.approx(errors, rel=1e-3)
    assert by_day.expected_purchases(days, 39 * 7) == pytest.approx(
        by_week.expected_purchases(weeks, 39), rel=1e-4
    )
    assert by_day.p_alive(days) == pytest.approx(by_week.p_alive(weeks), abs=1e-5)


def test_who_bought_once_is_alive_for_certain_in_bg_nbd_alone() -> None:
    once = one(0, 0, 500)
    assert fitted("bg_nbd").p_alive(once) == 1
    assert fitted("mbg_nbd").p_alive(once) < 0.5
    assert fitted("pareto_nbd").p_alive(once) < 0.5
    informs = {model: fitted(model).p_alive_informs_about_one_time_buyers for model in FITS}
    assert informs == {"bg_nbd": False, "mbg_nbd": True, "pareto_nbd": True}


@every_model
def test_discounting_is_between_nothing_and_the_whole_year(model: str) -> None:
    histories, _ = cdnow()
    whole = fitted(model).expected_purchases(histories, 52)
    assert fitted(model).discounted_expected_purchases(histories, 52, 0) == pytest.approx(whole)
    discounted = fitted(model).discounted_expected_purchases(histories, 52, 0.1)
    assert np.all((whole / 1.1 < discounted) & (discounted < whole))


def test_discounting_in_steps_is_near_discounting_each_purchase_at_its_time() -> None:
    histories, fit = one(5, 30, 35), fitted("mbg_nbd")
    ends = np.linspace(0, 104, 2_001)
    expected = np.array([fit.expected_purchases(histories, end)[0] for end in ends])
    middle = (ends[1:] + ends[:-1]) / 2
    exact = float(np.diff(expected) @ 1.15 ** (-middle / (365.25 / 7)))
    assert fit.discounted_expected_purchases(histories, 104, 0.15)[0] == pytest.approx(exact, rel=1e-4)


@every_model
@pytest.mark.parametrize(
    ("x", "t_x", "age"),
    [(500, 0.05, 0.06), (500, 52, 52), (500, 1, 1e6), (0, 0, 0), (0, 0, 1e6), (1, 1e6, 1e6), (1, 1e-3, 1e4)],
)
def test_corners_are_finite(model: str, x: float, t_x: float, age: float) -> None:
    histories, fit = one(x, t_x, age), fitted(model)
    value, gradient = MODELS[model].log_likelihood(np.array(list(fit.parameters.values())), histories)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert 0 <= fit.p_alive(histories)[0] <= 1
    soon, later = fit.expected_purchases(histories, 1)[0], fit.expected_purchases(histories, 5000)[0]
    assert 0 <= soon <= later < np.inf


def test_busy_customers_overflow_the_published_form_and_not_ours() -> None:
    """Somebody with 500 purchases in a day: 110 a week until they leave, which they do after some hundreds."""
    r, alpha, a, b = values = np.array([0.25, 4.4, 0.8, 2.5])
    x, age, weeks = np.array([500.0]), np.array([0.1]), 400.0
    assert hyp2f1(r + x, b + x, a + b + x - 1, weeks / (alpha + age + weeks)) == np.inf
    chances = np.random.default_rng(1).beta(a, b + 500, 400_000)
    rates = np.random.default_rng(2).gamma(r + 500, 1 / (alpha + 0.1), 400_000)
    drawn = -np.expm1(-rates * chances * weeks) / chances
    exact, error = drawn.mean(), drawn.std() / np.sqrt(400_000)
    assert MODELS["bg_nbd"].purchases_if_alive(values, x, age, weeks)[0] == pytest.approx(
        exact, abs=4 * error
    )


def test_every_shape_of_leaving_is_exact() -> None:
    """Against the trapezoid rule on the log-odds of p, wherever the closed form cancels or overflows."""
    for r, a, b, x, z in product(
        (0.05, 3), (0.02, 1, 1 + 1e-7, 300), (0.02, 1e-9 + 0.98, 200), (0, 500), (1e-3, 1e4)
    ):
        rate, shape, odds = np.array([r + x]), np.array([b + x]), np.array([z])
        spread = np.sqrt(polygamma(1, a) + polygamma(1, shape[0]))
        centre = digamma(a) - digamma(shape[0])
        low, high = max(centre - 45 * spread, -60 - 60 / a), min(centre + 45 * spread, 60 + 60 / shape[0])
        y = np.linspace(low, high, int((high - low) / min(spread / 10, 0.2)))
        log_p = -np.logaddexp(0, -y)
        density = np.exp(a * log_p - shape * np.logaddexp(0, y) - betaln(a, shape))
        p = np.maximum(np.exp(log_p), 1e-300)
        exact = float((density * -np.expm1(-rate * np.log1p(p * z)) / p).sum() * (y[1] - y[0]))
        assert _until_leaving(rate, a, shape, odds)[0] == pytest.approx(exact, rel=2e-6), (r, a, b, x, z)
        assert _until_leaving_by_integral(rate, a, shape, odds)[0] == pytest.approx(exact, rel=2e-6)


def test_too_few_who_bought_again() -> None:
    histories = PurchaseHistories([0, 1, 2], [0, 3, 5], [10, 10, 10], [1000, 2, 1])
    with pytest.raises(TooLittleDataError, match="3 customers bought again: too few for 4"):
        fit_bg_nbd(histories)


@every_model
def test_customers_who_are_all_alike_determine_nothing(model: str) -> None:
    histories = PurchaseHistories([4], [40], [50], [1000])
    with pytest.raises(NoConvergenceError, match=r"do not determine|determine"):
        FITS[model](histories)


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        (([1], [5], [4], [1]), "between 0 and age"),
        (([0], [1], [4], [1]), "between 0 and age"),
        (([1], [0], [4], [1]), "between 0 and age"),
        (([1.5], [2], [4], [1]), "whole"),
        (([1], [2], [4], [0]), "positive"),
        (([1], [2], [np.nan], [1]), "missing"),
        (([1, 2], [2], [4], [1]), "one length"),
    ],
)
def test_impossible_histories_are_refused(columns: tuple[list[float], ...], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        PurchaseHistories(*columns)


def test_grouping_counts_equal_histories_and_finds_them_again() -> None:
    x, t_x, age = np.array(
        [[0, 0, 9], [2, 4, 9], [0, 0, 9], [2, 5, 9], [2, 4, 9.5], [0, 0, 9]], dtype=float
    ).T
    histories, group = PurchaseHistories.grouped(x, t_x, age)
    assert len(histories) == 4
    assert histories.customers[group].tolist() == [3, 1, 3, 1, 1, 3]
    assert histories.age[group].tolist() == age.tolist()
    assert (histories.total_customers, histories.repeat_buyers) == (6, 3)


def parameters_of(model: str) -> st.SearchStrategy[PurchaseFit]:
    shape, time = st.floats(0.05, 20), st.floats(0.1, 100)
    strategies = [time if name in MODELS[model].times else shape for name in MODELS[model].parameters]

    def fit(values: tuple[float, ...]) -> PurchaseFit:
        named = dict(zip(MODELS[model].parameters, values, strict=True))
        return PurchaseFit(model, named, np.eye(4), 0.0, 1)

    return st.tuples(*strategies).map(fit)


fits = st.sampled_from(list(FITS)).flatmap(parameters_of)


@settings(max_examples=150, deadline=None)
@given(fits, st.integers(0, 500), st.floats(0.01, 1), st.floats(0.2, 500))
def test_silence_never_makes_likelier_to_be_alive(fit: PurchaseFit, x: int, share: float, age: float) -> None:
    silence = np.linspace(0, 3, 7)
    last = share * age if x else 0.0
    alive = fit.p_alive(PurchaseHistories(np.full(7, x), np.full(7, last), last + age * silence, np.ones(7)))
    assert np.all((alive >= 0) & (alive <= 1))
    assert np.all(np.diff(alive) <= 1e-12)


@settings(max_examples=150, deadline=None)
@given(fits, st.integers(0, 500), st.floats(0.01, 1), st.floats(0.2, 500))
def test_more_time_never_brings_fewer_purchases(fit: PurchaseFit, x: int, share: float, age: float) -> None:
    histories = one(x, share * age if x else 0.0, age)
    expected = np.array([fit.expected_purchases(histories, weeks)[0] for weeks in (0, 0.1, 1, 10, 100, 1000)])
    assert expected[0] == 0
    assert np.all(np.diff(expected) >= -1e-9 * expected[1:])
    rate = (fit.parameters["r"] + x) / (fit.parameters["alpha"] + age)  # of a customer who never leaves
    assert np.all(expected <= rate * np.array([0, 0.1, 1, 10, 100, 1000]) * (1 + 1e-6))
