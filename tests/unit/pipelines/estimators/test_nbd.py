"""NBD: the edge of the other models where nobody leaves."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.estimators import PurchaseFit, PurchaseHistories, TooLittleDataError, fit_nbd
from pipelines.estimators.nbd import log_likelihood
from pipelines.estimators.purchases import MODELS

HISTORIES = PurchaseHistories(
    np.array([0.0, 1.0, 3.0, 7.0]),
    np.array([0, 10, 30, 51.0]),
    np.array([50, 40, 52, 52.0]),
    np.array([9, 4, 3, 1.0]),
)


def fit_with(r: float, alpha: float) -> PurchaseFit:
    return PurchaseFit("nbd", {"r": r, "alpha": alpha}, np.eye(2), 0.0, 17.0)


def simulated(customers: int = 20_000) -> PurchaseHistories:
    """Customers with r = 0.7 and alpha = 9 weeks who never leave."""
    draw = np.random.default_rng(5)
    age = draw.uniform(20, 60, customers)
    x = draw.poisson(draw.gamma(0.7, 1 / 9, customers) * age).astype(float)
    last = np.where(x > 0, age * draw.beta(np.maximum(x, 1), 1), 0.0)
    return PurchaseHistories(x, last, age, np.ones(customers))


def test_the_truth_of_customers_who_never_leave_is_found() -> None:
    fit = fit_nbd(simulated())
    for name, truth in (("r", 0.7), ("alpha", 9.0)):
        assert abs(fit.parameters[name] - truth) < 3 * fit.standard_errors[name]
        assert fit.standard_errors[name] < 0.05 * truth


@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd"])
def test_it_is_what_the_others_become_where_nobody_leaves(model: str) -> None:
    """With a probability of leaving that goes to zero: the same likelihood, and the same expectation."""
    loyal = np.array([0.7, 9.0, 1e-9, 1.0])
    value, gradient = MODELS[model].log_likelihood(loyal, HISTORIES)
    own_value, own_gradient = log_likelihood(loyal[:2], HISTORIES)
    assert own_value == pytest.approx(value, rel=1e-7)
    assert own_gradient == pytest.approx(gradient[:2], rel=1e-6)
    rate = (0.7 + HISTORIES.frequency) / (9.0 + HISTORIES.age)
    assert fit_with(0.7, 9.0).expected_purchases(HISTORIES, 13.0) == pytest.approx(13.0 * rate)
    assert fit_with(0.7, 9.0).p_alive(HISTORIES).tolist() == [1.0] * 4


def test_the_gradient_is_that_of_the_likelihood() -> None:
    at, step = np.array([0.7, 9.0]), 1e-6
    for number in range(2):
        move = np.eye(2)[number] * step
        slope = (log_likelihood(at + move, HISTORIES)[0] - log_likelihood(at - move, HISTORIES)[0]) / (
            2 * step
        )
        assert log_likelihood(at, HISTORIES)[1][number] == pytest.approx(slope, rel=1e-5)


def test_discounting_and_other_parameters_work_as_for_the_others() -> None:
    """A year at ten per cent: the purchases come evenly, so they lose what the middle of each step loses."""
    fit = fit_with(0.7, 9.0)
    whole = fit.expected_purchases(HISTORIES, 52.0)
    assert fit.discounted_expected_purchases(HISTORIES, 52.0, 0.0) == pytest.approx(whole)
    share = fit.discounted_expected_purchases(HISTORIES, 52.0, 0.10) / whole
    assert share == pytest.approx(0.9538, abs=2e-4)
    moved = fit.with_parameters(np.array([1.4, 9.0]))
    assert moved.expected_purchases(HISTORIES, 52.0)[0] == pytest.approx(2 * whole[0])


def test_without_repeat_buyers_there_is_no_fit() -> None:
    once = PurchaseHistories(np.zeros(2), np.zeros(2), np.array([9.0, 8.0]), np.array([50.0, 50.0]))
    with pytest.raises(TooLittleDataError, match="0 customers bought again"):
        fit_nbd(once)
