"""Sums over segments, and their intervals against a longer way to the same variance."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.estimators import PurchaseFit, PurchaseHistories, SpendFit, segment_value_interval

PARAMETERS = {
    "bg_nbd": {"r": 0.25, "alpha": 4.5, "a": 0.8, "b": 2.5},
    "mbg_nbd": {"r": 0.5, "alpha": 6.0, "a": 0.9, "b": 1.6},
    "pareto_nbd": {"r": 0.55, "alpha": 10.5, "s": 0.6, "beta": 11.5},
}
TERMS = {"weeks": 52, "annual_rate": 0.1}


def purchases_of(model: str) -> PurchaseFit:
    scale = np.array(list(PARAMETERS[model].values()))
    correlation = 0.7 * np.eye(4) + 0.3
    return PurchaseFit(model, PARAMETERS[model], correlation * np.outer(scale, scale) * 0.03**2, 0.0, 5000)


SPEND = SpendFit(6.0, 3.7, 15.0, np.diag([0.3, 0.1, 0.8]) ** 2, 0.0, 2000)
HISTORIES = PurchaseHistories([0, 1, 4, 0, 4], [0, 10, 30, 0, 36], [38, 30, 39, 20, 38], [100, 20, 5, 60, 3])
VALUE_SUM = np.array([np.nan, 600.0, 200.0, 0.0, 90.0])
SEGMENT = np.array([0, 0, 2, 2, 2])


@pytest.mark.parametrize("model", PARAMETERS)
def test_value_is_the_sum_over_customers(model: str) -> None:
    fit = purchases_of(model)
    found = segment_value_interval(fit, SPEND, HISTORIES, VALUE_SUM, SEGMENT, **TERMS)
    each = fit.discounted_expected_purchases(HISTORIES, **TERMS)
    value = SPEND.expected_value(HISTORIES.frequency, VALUE_SUM / HISTORIES.customers) * HISTORIES.customers
    assert found.value == pytest.approx([each[:2] @ value[:2], 0, each[2:] @ value[2:]])
    assert found.customers.tolist() == [120, 0, 68]
    assert found.mean_value[[0, 2]] == pytest.approx(found.value[[0, 2]] / [120, 68])
    assert np.isnan(found.mean_value[1]), "nobody has no mean"


def test_customers_of_one_history_may_have_different_means() -> None:
    fit = purchases_of("bg_nbd")
    together = segment_value_interval(
        fit, SPEND, PurchaseHistories([2], [20], [30], [3]), [60.0], [0], **TERMS
    )
    apart = segment_value_interval(
        fit, SPEND, PurchaseHistories([2, 2], [20, 20], [30, 30], [1, 2]), [50.0, 10.0], [0, 0], **TERMS
    )
    assert apart.value == pytest.approx(together.value)
    assert apart.standard_error == pytest.approx(together.standard_error)


@pytest.mark.parametrize("model", PARAMETERS)
def test_interval_is_that_of_drawn_parameters(model: str) -> None:
    fit, draw = purchases_of(model), np.random.default_rng(7)
    found = segment_value_interval(fit, SPEND, HISTORIES, VALUE_SUM, SEGMENT, **TERMS, level=0.9)
    drawn = [
        segment_value_interval(
            fit.with_parameters(draw.multivariate_normal(list(fit.parameters.values()), fit.covariance)),
            SPEND.with_parameters(draw.multivariate_normal(list(SPEND.parameters.values()), SPEND.covariance)),
            HISTORIES, VALUE_SUM, SEGMENT, **TERMS,
        ).value
        for _ in range(150)
    ]  # fmt: skip
    spread = np.std(drawn, axis=0)
    assert found.standard_error[[0, 2]] == pytest.approx(spread[[0, 2]], rel=0.2)
    assert found.upper - found.value == pytest.approx(1.6448536 * found.standard_error)
    assert found.value - found.lower == pytest.approx(1.6448536 * found.standard_error)


def test_no_rows_no_segments() -> None:
    empty = np.array([])
    found = segment_value_interval(
        purchases_of("mbg_nbd"), SPEND, PurchaseHistories(empty, empty, empty, empty), empty, empty, **TERMS
    )
    assert found.value.shape == found.lower.shape == (0,)
