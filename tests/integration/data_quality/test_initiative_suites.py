"""Each check on initiatives is tried on tables made wrong."""

from __future__ import annotations

import pytest

from data_quality.suites.published import initiatives

IMPACT, TIMELINE = "kpi.kpi_initiative_impact", "kpi.kpi_initiative_timeline"
SUITES = {
    suite.table: suite
    for suite in (initiatives.kpi_initiative_impact(), initiatives.kpi_initiative_timeline())
}

BROKEN = [
    (
        IMPACT,
        "update {t} set status = null where outcome = 'margin' and initiative_id = 'lights'",
        "status is never empty",
    ),
    (IMPACT, "update {t} set verdict = null where initiative_id = 'lights'", "verdict is never empty"),
    (IMPACT, "update {t} set pretrend_p_value = 1.2", "pretrend_p_value between 0 and 1"),
    (IMPACT, "update {t} set q_value = -0.1 where initiative_id = 'lights'", "q_value between 0 and 1"),
    (IMPACT, "update {t} set effect = 21 where outcome = 'nps'", "effect lies within its interval"),
    (IMPACT, "update {t} set margin_gain_upper = 700", "margin_gain lies within its interval"),
    (IMPACT, "update {t} set roi_lower = 1", "roi lies within its interval"),
    (
        IMPACT,
        "update {t} set effect = null, effect_lower = null, effect_upper = null where status = 'no effect seen'",
        "what cannot be told has no number",
    ),
    (
        IMPACT,
        "update {t} set status = 'loss' where initiative_id = 'lights' and outcome = 'nps'",
        "gain and loss are beyond chance among all outcomes",
    ),
    (IMPACT, "update {t} set comparison_units = 0 where outcome = 'nps'", "nobody counts backwards"),
    (
        IMPACT,
        "update {t} set treated_n = 101 where outcome = 'margin'",
        "the margin gained is the effect on all who were treated",
    ),
    (
        IMPACT,
        "update {t} set cost = 501 where initiative_id = 'calls'",
        "roi is what is left of the gain per unit of cost",
    ),
    (
        IMPACT,
        "update {t} set q_value = 0.2 where initiative_id = 'calls'",
        "gain and loss are beyond chance among all outcomes",
    ),
    (
        IMPACT,
        "update {t} set status = 'no effect seen' where initiative_id = 'calls'",
        "one initiative has one verdict, and a gain or loss behind a loud one",
    ),
    (
        IMPACT,
        "update {t} set cost = 1000, roi = -0.2, roi_lower = -0.92, roi_upper = 0.52 where initiative_id = 'calls'",
        "a success story has paid back",
    ),
    (
        IMPACT,
        "update {t} set scope_kind = '(unknown)' where initiative_id = 'lights'",
        "the scope can be read",
    ),
    (
        IMPACT,
        "delete from {t} where initiative_id = 'lights'",
        "every initiative of the company is here",
    ),
    (TIMELINE, "update {t} set effect_upper = effect - 1", "effect lies within its interval"),
    (
        TIMELINE,
        "update {t} set treated_value = 31",
        "the treated are at what they would be at, and the effect",
    ),
    (TIMELINE, "update {t} set comparison_n = 0 where month_from_start = 1", "nobody counts backwards"),
    (
        TIMELINE,
        "update {t} set month_from_start = 4 where month_from_start = 3",
        "months are those that were measured",
    ),
]


@pytest.mark.parametrize(("table", "statement", "expectation"), BROKEN)
def test_what_is_broken_is_found(gate, table, statement, expectation):
    result = gate((SUITES[table],), statement.format(t=table))
    failed = [found.expectation for table in result.tables for found in table.results if not found.success]
    assert failed == [expectation]


@pytest.mark.parametrize("table", SUITES)
def test_what_is_sound_passes(gate, table):
    assert gate((SUITES[table],)).summary() == ""
