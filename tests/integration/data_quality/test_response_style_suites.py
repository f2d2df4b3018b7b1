"""Each expectation on answering styles and non-response, held against a table made wrong on purpose."""

from __future__ import annotations

import pytest
from breakages import Gate, failing

from data_quality.suites.published import published_suites

SILENCE, REWEIGHTED = "kpi.kpi_non_response", "kpi.kpi_loyalty_reweighted"
STYLE, STRETCH, ADJUSTED = (
    "kpi.kpi_response_style",
    "kpi.kpi_response_stretch",
    "kpi.kpi_loyalty_adjusted",
)
SUITES = {suite.table: suite for suite in published_suites()}

# table, what breaks it, the expectation that says so
BROKEN = [
    (STYLE, "update {t} set middle_share = 101, middle_share_upper = 102", "middle_share between 0 and 100"),
    (STYLE, "update {t} set extreme_share = -1", "extreme_share between 0 and 100"),
    (
        STYLE,
        "update {t} set middle_share_lower = middle_share + 1",
        "middle_share lies within its interval",
    ),
    (STYLE, "update {t} set extreme_share_upper = null", "extreme_share lies within its interval"),
    (
        STYLE,
        "update {t} set middle_n = n - extreme_n + 1",
        "an answer is in the middle, at an end or neither",
    ),
    (
        STYLE,
        "update {t} set extreme_share = extreme_share / 2",
        "shares are shown from the minimum of answers on and follow from their counts",
    ),
    (
        STYLE,
        "update ops.run_settings set minimum_answers = 10000",
        "shares are shown from the minimum of answers on and follow from their counts",
    ),
    (STYLE, "update {t} set spread = 0", "opinions have some spread"),
    (
        STYLE,
        "update {t} set n = n + 1 where locale <> '(all)'",
        "locales have all answers of the company, question by question",
    ),
    (STRETCH, "update {t} set method = 'hunch'", "method is a known value"),
    (STRETCH, "update {t} set verdict = 'why not'", "verdict is a known value"),
    (
        STRETCH,
        "update {t} set stretch_estimate_lower = 1.6",
        "stretch_estimate lies within its interval",
    ),
    (STRETCH, "update {t} set stretch = 1.1", "only what is adjusted is stretched"),
    (STRETCH, "update {t} set verdict = 'within chance'", "only what is adjusted is stretched"),
    (STRETCH, "update {t} set evidence_n = 20", "nobody is adjusted on a few answers"),
    (STRETCH, "update {t} set reference_locale = 'ja-JP'", "the reference is left as it is"),
    (
        STRETCH,
        "update {t} set evidence_returned = 901",
        "a stretch is positive, and who returned answered",
    ),
    (
        STRETCH,
        "delete from {t} where method = 'later_behaviour'",
        "every locale with an NPS answer has each method once",
    ),
    (ADJUSTED, "update {t} set method = 'hunch'", "method is a known value"),
    (ADJUSTED, "update {t} set nps = 101, nps_upper = 101", "nps between -100 and 100"),
    (
        ADJUSTED,
        "update {t} set nps_adjusted = -101, nps_adjusted_lower = -101",
        "nps_adjusted between -100 and 100",
    ),
    (ADJUSTED, "update {t} set nps_lower = nps + 1", "nps lies within its interval"),
    (
        ADJUSTED,
        "update {t} set nps_adjusted_upper = nps - 1",
        "nps_adjusted lies within its interval",
    ),
    (
        ADJUSTED,
        "update {t} set nps = null",
        "scores are shown from the minimum of answers on, both or none",
    ),
    (
        ADJUSTED,
        "update {t} set adjusted_promoters = adjusted_promoters + 1",
        "both scores follow from their counts",
    ),
    (
        ADJUSTED,
        "update {t} set nps_adjusted_upper = 99.5",
        "what is not adjusted is the raw score",
    ),
    (
        ADJUSTED,
        "delete from {t} where locale = 'en-GB' and period = '(all)'",
        "each method counts every NPS answer of customers, by locale and period too",
    ),
    (
        ADJUSTED,
        "update {t} set nps_n = nps_n + 1 where locale <> '(all)'",
        "each method counts every NPS answer of customers, by locale and period too",
    ),
    (SILENCE, "update {t} set segment = 'whales'", "segment is one of the seed"),
    (SILENCE, "update {t} set asked_share = 101", "asked_share between 0 and 100"),
    (SILENCE, "update {t} set answered_share = -1", "answered_share between 0 and 100"),
    (SILENCE, "update {t} set answered_share_lower = 99", "answered_share lies within its interval"),
    (SILENCE, "update {t} set response_rate_lower = 99", "response_rate lies within its interval"),
    (
        SILENCE,
        "update {t} set response_rate = response_rate / 2",
        "shares are shown from the minimum on and follow from their counts",
    ),
    (
        SILENCE,
        "update {t} set answered = asked + 1",
        "who answered was asked, and who was asked is a customer",
    ),
    (
        SILENCE,
        "update {t} set answered_share = answered_share / 2",
        "shares are shown from the minimum on and follow from their counts",
    ),
    (
        SILENCE,
        "update ops.run_settings set minimum_answers = 10000",
        "shares are shown from the minimum on and follow from their counts",
    ),
    (
        SILENCE,
        "update {t} set customers = customers + 1 where segment <> '(all)'",
        "every customer who bought is counted once at each level",
    ),
    (REWEIGHTED, "update {t} set nps = 101, nps_upper = 102", "nps between -100 and 100"),
    (REWEIGHTED, "update {t} set nps_lower = 50", "nps lies within its interval"),
    (
        REWEIGHTED,
        "update {t} set nps_reweighted = 101, nps_reweighted_upper = 102",
        "nps_reweighted between -100 and 100",
    ),
    (REWEIGHTED, "update {t} set nps_reweighted_upper = 20", "nps_reweighted lies within its interval"),
    (
        REWEIGHTED,
        "update ops.run_settings set minimum_answers = 18",
        "scores are shown from the minimum of voices on",
    ),
    (REWEIGHTED, "update {t} set nps_promoters = 13", "the raw score follows from its counts"),
    (
        REWEIGHTED,
        "update {t} set effective_n = 21",
        "weights add no evidence, and none is beyond the limit",
    ),
    (
        REWEIGHTED,
        "update {t} set largest_weight = 6",
        "weights add no evidence, and none is beyond the limit",
    ),
    (REWEIGHTED, "update {t} set pooled_n = 21", "voices are those of customers"),
    (
        REWEIGHTED,
        "update {t} set nps_n = 21 where locale = '(all)'",
        "locales have all customers and voices of the company",
    ),
]


@pytest.mark.parametrize(
    ("table", "breakage", "expectation"),
    BROKEN,
    ids=[f"{table}: {expectation}" for table, _, expectation in BROKEN],
)
def test_what_is_broken_is_found(gate: Gate, table: str, breakage: str, expectation: str) -> None:
    failing(gate, SUITES[table], expectation, breakage)
