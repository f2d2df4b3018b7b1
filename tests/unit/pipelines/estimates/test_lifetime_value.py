"""From histories in the warehouse to tables in it: what is written, when nothing is, and that it is always the same."""

from __future__ import annotations

import re

import duckdb
import numpy as np
import pytest

from pipelines.estimates import candidates, refresh_lifetime_value
from pipelines.estimators import NoConvergenceError, PurchaseHistories, fit_mbg_nbd
from pipelines.settings import LifetimeValue

TABLES = ("clv_groups", "clv_parameters", "clv_validation", "clv_segments", "clv_outcome")


def contents(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple]]:
    return {table: connection.execute(f"from estimates.{table}").fetchall() for table in TABLES}


def one(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple:
    [row] = connection.execute(sql).fetchall()
    return row


def test_every_model_is_fitted_to_both_datasets_and_one_is_chosen(fitted) -> None:
    connection, outcome = fitted
    models = connection.execute(
        "select dataset, model, count(*), bool_and(is_chosen) from estimates.clv_parameters group by all order by all"
    ).fetchall()
    assert [row[:3] for row in models] == [
        (dataset, model, parameters)
        for dataset in ("calibration", "current")
        for model, parameters in (
            ("BG/NBD", 4),
            ("Gamma-Gamma", 3),
            ("MBG/NBD", 4),
            ("NBD", 2),
            ("Pareto/NBD", 4),
        )
    ]
    assert {row[1] for row in models if row[3]} == {outcome.model, "Gamma-Gamma"}
    assert one(connection, "from estimates.clv_outcome") == (outcome.model, "predicted", outcome.reason)


def test_the_model_with_the_lowest_deviance_is_chosen(fitted) -> None:
    connection, outcome = fitted
    totals = dict(
        connection.execute(
            "select model, poisson_deviance from estimates.clv_validation where level = 'total'"
        ).fetchall()
    )
    assert set(totals) == {"BG/NBD", "MBG/NBD", "NBD", "Pareto/NBD"}
    del totals["NBD"]  # stands in for the others, and does not compete with them
    assert outcome.model == min(totals, key=totals.__getitem__)
    assert all(f"{model} {deviance:.5f}" in outcome.reason for model, deviance in totals.items())


def test_every_history_has_one_prediction_and_it_is_the_models(fitted, settings: LifetimeValue) -> None:
    connection, _ = fitted
    assert one(
        connection,
        """select count(*), count(groups.model) from intermediate.int_customers__purchase_histories as histories
        left join estimates.clv_groups as groups using (dataset, frequency, recency_days, age_days)""",
    ) == one(connection, "select count(*), count(*) from intermediate.int_customers__purchase_histories")
    rows = connection.sql("from estimates.clv_groups where dataset = 'current' order by all").pl()
    histories = connection.sql(
        "from intermediate.int_customers__purchase_histories where dataset = 'current' order by customer_key"
    ).pl()
    ones = PurchaseHistories(
        histories["frequency"].to_numpy(),
        histories["recency_days"].to_numpy() / 7,
        histories["age_days"].to_numpy() / 7,
        np.ones(histories.height),
    )
    model = rows["model"][0]
    fit = candidates.PURCHASE_MODELS[model](ones)
    joined = histories.join(rows, on=["frequency", "recency_days", "age_days"], maintain_order="left")
    assert joined["p_alive"].to_numpy() == pytest.approx(fit.p_alive(ones), rel=1e-5)
    weeks = settings.horizon_days / 7
    assert joined["expected_purchases"].to_numpy() == pytest.approx(
        fit.expected_purchases(ones, weeks), rel=1e-5
    )
    assert joined["discounted_expected_purchases"].to_numpy() == pytest.approx(
        fit.discounted_expected_purchases(ones, weeks, 0.10), rel=1e-5
    )


def test_the_line_of_spending_is_gamma_gammas_expectation(fitted) -> None:
    connection, _ = fitted
    p, q, v = (
        one(
            connection,
            f"""select estimate from estimates.clv_parameters
            where dataset = 'current' and model = 'Gamma-Gamma' and parameter = '{name}'""",
        )[0]
        for name in ("p", "q", "v")
    )
    rows = connection.sql("from estimates.clv_groups where dataset = 'current'").pl()
    x = rows["frequency"].to_numpy()
    for mean in (0.0, 35.0):  # what somebody spent on each repeat purchase
        expected = p * (v + x * mean) / (p * x + q - 1)
        assert (rows["spend_intercept"] + rows["spend_slope"] * x * mean).to_numpy() == pytest.approx(
            expected
        )


def test_segments_add_up_to_the_sum_over_customers(fitted) -> None:
    connection, _ = fitted
    by_segment = connection.execute(
        "select segment, customers, clv_amount, clv_lower, clv_upper from estimates.clv_segments order by all"
    ).fetchall()
    by_customer = connection.execute(
        """select coalesce(segment, '(all)'), count(*), sum(discounted_expected_purchases
            * (spend_intercept + spend_slope * repeat_value_amount::double))
        from intermediate.int_customers__purchase_histories as histories
        inner join estimates.clv_groups as groups using (dataset, frequency, recency_days, age_days)
        inner join intermediate.int_customers__segments using (customer_key)
        where dataset = 'current' group by grouping sets ((segment), ()) order by 1"""
    ).fetchall()
    assert len(by_segment) == 4
    for (segment, customers, value, lower, upper), expected in zip(by_segment, by_customer, strict=True):
        assert (segment, customers) == expected[:2]
        assert value == pytest.approx(expected[2])
        assert 0 < lower < value < upper


def test_the_same_histories_give_the_same_tables_bit_for_bit(fitted, unfitted, settings) -> None:
    """In another order of rows, and in one thread."""
    connection, _ = fitted
    unfitted.execute("set threads = 1")
    unfitted.execute(
        """create or replace table intermediate.int_customers__purchase_histories as
        from intermediate.int_customers__purchase_histories order by hash(customer_key, dataset)"""
    )
    refresh_lifetime_value(unfitted, settings)
    assert contents(unfitted) == contents(connection)


@pytest.mark.parametrize(
    ("change", "update", "reason"),
    [
        (
            {"minimum_repeat_buyers": 5_000},
            "",
            r"more than one day before the holdout, fewer than .* \(5,000\)",
        ),
        ({"holdout_days": 600}, "", "cover 5.. days, fewer than the holdout's 600"),
        (
            {},
            "update intermediate.int_customers__purchase_histories set holdout_purchases = 0",
            "nobody known before bought in the last 182 days",
        ),
        (
            {},
            "update intermediate.int_customers__purchase_histories set repeat_value_amount = -1",
            "spending",
        ),
        ({}, "delete from intermediate.int_customers__purchase_histories", "cover 0 days"),
    ],
    ids=["few repeat buyers", "short history", "empty holdout", "no spending", "no customers"],
)
def test_too_little_data_leaves_a_reason_and_no_prediction(
    unfitted, settings: LifetimeValue, change: dict, update: str, reason: str
) -> None:
    refresh_lifetime_value(unfitted, settings)  # predictions of the night before must go
    if update:
        unfitted.execute(update)
    outcome = refresh_lifetime_value(unfitted, settings.model_copy(update=change))
    assert outcome.model is None
    assert outcome.bias_percent is None
    found = contents(unfitted)
    assert found["clv_outcome"] == [(None, "observed", outcome.reason)]
    assert found["clv_groups"] == found["clv_segments"] == []
    assert not any(row[7] for row in found["clv_parameters"])
    assert re.search(reason, outcome.reason)
    assert outcome.reason in outcome.verdict


def test_a_model_that_cannot_be_fitted_says_why_and_leaves_the_others(
    unfitted, settings: LifetimeValue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MBG/NBD fits before the holdout and no longer now: it is no candidate, however well it met the holdout."""
    fits = []

    def only_once(histories: PurchaseHistories):
        fits.append(histories)
        if len(fits) > 1:
            raise NoConvergenceError("flat at its highest point")
        return fit_mbg_nbd(histories)

    monkeypatch.setitem(candidates.PURCHASE_MODELS, "MBG/NBD", only_once)
    outcome = refresh_lifetime_value(unfitted, settings)
    assert outcome.model in ("BG/NBD", "Pareto/NBD")
    assert unfitted.execute(
        "select parameter, status, reason, is_chosen from estimates.clv_parameters "
        "where dataset = 'current' and model = 'MBG/NBD'"
    ).fetchall() == [(None, "not_fitted", "flat at its highest point", False)]


def test_where_nobody_seems_to_leave_nobody_is_expected_to(
    unfitted, settings: LifetimeValue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_: PurchaseHistories):
        raise NoConvergenceError("the data do not determine a and b")

    for model in ("MBG/NBD", "BG/NBD", "Pareto/NBD"):
        monkeypatch.setitem(candidates.PURCHASE_MODELS, model, never)
    outcome = refresh_lifetime_value(unfitted, settings)
    assert outcome.model == "NBD"
    assert (
        "nobody is expected to leave, as no leaving can be seen (MBG/NBD: the data do not" in outcome.reason
    )
    assert one(unfitted, "select min(p_alive), max(p_alive) from estimates.clv_groups") == (1.0, 1.0)


def test_no_model_at_all_names_all_reasons(
    unfitted, settings: LifetimeValue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_: PurchaseHistories):
        raise NoConvergenceError("flat")

    for model in list(candidates.PURCHASE_MODELS):
        monkeypatch.setitem(candidates.PURCHASE_MODELS, model, never)
    outcome = refresh_lifetime_value(unfitted, settings)
    assert outcome.model is None
    assert outcome.reason.startswith("no model of purchases could be fitted: MBG/NBD: flat; BG/NBD: flat; ")
    assert unfitted.execute("select count(*) from estimates.clv_validation").fetchall() == [(0,)]


def test_a_failure_leaves_what_was_there(
    unfitted, settings: LifetimeValue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All in one transaction: an error half way leaves the tables of the night before."""
    refresh_lifetime_value(unfitted, settings)
    before = contents(unfitted)

    def broken(_: PurchaseHistories):
        raise MemoryError

    monkeypatch.setitem(candidates.PURCHASE_MODELS, "Pareto/NBD", broken)
    with pytest.raises(MemoryError):
        refresh_lifetime_value(unfitted, settings)
    unfitted.execute("rollback")
    assert contents(unfitted) == before


def test_progress_goes_up_to_the_end(unfitted, settings: LifetimeValue) -> None:
    told = []
    refresh_lifetime_value(unfitted, settings, lambda done, total: told.append((done, total)))
    assert told == [(step, 11) for step in range(1, 12)]
