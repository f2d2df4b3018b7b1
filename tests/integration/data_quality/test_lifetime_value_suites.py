"""Each expectation on the tables of lifetime value, held against a table made wrong on purpose."""

from __future__ import annotations

import pytest
from breakages import Gate, failing

from data_quality.suites.published import lifetime_value

PARAMETERS, VALIDATION, SEGMENTS = "kpi.clv_model_parameters", "kpi.clv_validation", "kpi.clv_segments"
SUITES = {
    suite.table: suite
    for suite in (
        lifetime_value.clv_model_parameters(),
        lifetime_value.clv_validation(),
        lifetime_value.clv_segments(),
    )
}
FITTED = "a fitted parameter has an estimate above zero, a standard error and a likelihood"
NOT_FITTED = "what could not be fitted says why, and is not chosen"
ONE_MODEL = "one model of purchases at most is chosen, the same for both datasets"
PARTS = "tenths and weeks add up to the total"
INTERVAL = "a prediction lies within its interval, and an observation has none"
MBG = "model = 'MBG/NBD'"

# table, what breaks it, the expectation that says so
BROKEN = [
    (PARAMETERS, "update {t} set dataset = 'tomorrow'", "dataset is a known value"),
    (PARAMETERS, "update {t} set model = 'a guess'", "model is a known value"),
    (PARAMETERS, "update {t} set value_basis = 'money'", "value_basis is a known value"),
    (PARAMETERS, f"update {{t}} set estimate = 0 where {MBG}", FITTED),
    (PARAMETERS, f"update {{t}} set estimate = 'nan' where {MBG}", FITTED),
    (PARAMETERS, f"update {{t}} set standard_error = null where {MBG}", FITTED),
    (PARAMETERS, f"update {{t}} set log_likelihood = '-infinity' where {MBG}", FITTED),
    (PARAMETERS, "update {t} set reason = null where status = 'not_fitted'", NOT_FITTED),
    (PARAMETERS, "update {t} set is_chosen = true where status = 'not_fitted'", NOT_FITTED),
    (PARAMETERS, "update {t} set is_chosen = true", ONE_MODEL),
    (PARAMETERS, f"update {{t}} set is_chosen = false where dataset = 'current' and {MBG}", ONE_MODEL),
    (VALIDATION, "update {t} set level = 'year'", "level is a known value"),
    (VALIDATION, "update {t} set model = 'a guess'", "model is a known value"),
    (VALIDATION, "update {t} set status = 'believed'", "status is a known value"),
    (VALIDATION, "update {t} set value_basis = 'money'", "value_basis is a known value"),
    (VALIDATION, f"update {{t}} set predicted_purchases = -1 where {MBG}", "purchases are not negative"),
    (
        VALIDATION,
        "update {t} set purchases_bias_percent = 12",
        "the bias follows from what was predicted and what came",
    ),
    (VALIDATION, "delete from {t} where level = 'week' and position = 2", PARTS),
    (
        VALIDATION,
        "update {t} set predicted_purchases = predicted_purchases + 1 where level = 'decile'",
        PARTS,
    ),
    (VALIDATION, "update {t} set actual_value = actual_value + 1 where level = 'week'", PARTS),
    (
        VALIDATION,
        f"update {{t}} set actual_purchases = 99 where level = 'total' and {MBG}",
        "all models met the same holdout",
    ),
    (VALIDATION, "update {t} set is_chosen = false", "exactly one total is the chosen one"),
    (VALIDATION, "update {t} set is_chosen = true", "exactly one total is the chosen one"),
    (SEGMENTS, "delete from {t}", "holds every customer with a segment and a lifetime value"),
    (
        SEGMENTS,
        "update {t} set customers = customers + 1",
        "holds every customer with a segment and a lifetime value",
    ),
    (SEGMENTS, "update {t} set clv_status = 'believed'", "clv_status is a known value"),
    (SEGMENTS, "update {t} set value_basis = 'money'", "value_basis is a known value"),
    (SEGMENTS, "update {t} set p_alive_mean = 1.1", "p_alive_mean between 0 and 1"),
    (SEGMENTS, "update {t} set clv_lower = clv_amount + 1", INTERVAL),
    (SEGMENTS, "update {t} set clv_upper = null", INTERVAL),
    (SEGMENTS, "update {t} set clv_status = 'observed'", INTERVAL),
    (SEGMENTS, "update {t} set clv_mean = clv_mean + 1", "the mean is that of the segment's customers"),
    (
        SEGMENTS,
        "update {t} set clv_status = 'observed', reason = null",
        "an observation says why nothing is predicted",
    ),
]


def test_sound_tables_pass(gate: Gate) -> None:
    result = gate(tuple(SUITES.values()))
    assert [failed.line for failed in (*result.errors, *result.warnings)] == []


@pytest.mark.parametrize(("table", "breakage", "expectation"), BROKEN)
def test_what_is_broken_is_found(gate: Gate, table: str, breakage: str, expectation: str) -> None:
    failing(gate, SUITES[table], expectation, breakage)


def test_nothing_fitted_is_no_mistake(gate: Gate) -> None:
    """A young company publishes, with the reason in every table."""
    result = gate(
        tuple(SUITES.values()),
        f"delete from {PARAMETERS} where status = 'fitted'",
        f"delete from {VALIDATION} where model <> '(as before)'",
        f"update {VALIDATION} set is_chosen = true, status = 'observed'",
        f"update {SEGMENTS} set clv_status = 'observed', p_alive_mean = null, clv_lower = null, clv_upper = null",
    )
    assert [failed.line for failed in (*result.errors, *result.warnings)] == []
