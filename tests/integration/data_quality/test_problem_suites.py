"""Each expectation on the tables about problems, held against a table made wrong on purpose."""

from __future__ import annotations

import pytest
from breakages import Gate, failing

from data_quality.suites.published import problems

FACTS, SILENT, RECOVERY = "marts.fct_problems", "kpi.kpi_silent_customers", "kpi.kpi_service_recovery"
SUITES = {
    suite.table: suite
    for suite in (problems.fct_problems(), problems.kpi_silent_customers(), problems.kpi_service_recovery())
}
ONE = "problem_id = 'order o3'"
COMPLAINED = "who complained did so in a ticket, and nobody else did"
LATER = "the next purchase comes after the problem"
TOTALS = "every total counts every problem"
CLAIM = "the verdict on the claim is that of the interval"

# table, what breaks it, the expectation that says so
BROKEN = [
    (FACTS, f"update {{t}} set customer_key = 'account 4711' where {ONE}", "customer_key is a keyed hash"),
    (FACTS, f"update {{t}} set customer_key = null where {ONE}", "a problem has a customer"),
    (FACTS, f"update {{t}} set problem_kind = 'bad luck' where {ONE}", "problem_kind is a known value"),
    (FACTS, f"update {{t}} set outcome = 'forgotten' where {ONE}", "outcome is a known value"),
    (
        FACTS,
        f"update {{t}} set happened_date = '2026-07-01' where {ONE}",
        "happened_date is not after the business date",
    ),
    (FACTS, f"update {{t}} set outcome = 'never_voiced' where {ONE}", COMPLAINED),
    (FACTS, f"update {{t}} set complaint_count = 0 where {ONE}", COMPLAINED),
    (FACTS, f"update {{t}} set first_complaint_date = null where {ONE}", COMPLAINED),
    (FACTS, "update {t} set next_purchase_date = happened_date - 1", LATER),
    (FACTS, "update {t} set followed_days = followed_days + 1", LATER),
    (
        FACTS,
        "update {t} set complaint_ticket_id = 't1' where complaint_count = 1",
        "a complaint is about one problem",
    ),
    (SILENT, "update {t} set problem_kind = 'bad luck'", "problem_kind is a known value"),
    (
        SILENT,
        "update {t} set complaint_rate_upper = complaint_rate - 1",
        "complaint_rate lies within its interval",
    ),
    (
        SILENT,
        "update {t} set silent_per_complaint_lower = silent_per_complaint_upper",
        "silent_per_complaint lies within its interval",
    ),
    (SILENT, "update {t} set complaint_rate = 101", "complaint_rate between 0 and 100"),
    (
        SILENT,
        "update {t} set complaints = problems + 1",
        "complaints and what was told in surveys are problems",
    ),
    (
        SILENT,
        "update {t} set customers_silent = customers_silent + 1",
        "customers who complained or were silent had a problem",
    ),
    (
        SILENT,
        "update {t} set problems_voiced = problems",
        "about what customers wrote nobody was silent",
    ),
    (
        SILENT,
        "update ops.run_settings set minimum_answers = 1000",
        "the rate is shown from the minimum of problems on",
    ),
    (
        SILENT,
        "update {t} set complaints_matched_share = 81",
        "the rate and the ratio follow from their counts",
    ),
    (SILENT, "update {t} set is_claim_within_interval = not is_claim_within_interval", CLAIM),
    (
        SILENT,
        "update {t} set period = '2026-03'",
        "a month is its first day, not after the business date, and named by its period",
    ),
    (SILENT, "update {t} set problems = problems + 1, problems_undecided = problems_undecided + 1", TOTALS),
    (SILENT, f"delete from {FACTS} where {ONE}", TOTALS),
    (RECOVERY, "update {t} set outcome = 'forgotten'", "outcome is a known value"),
    (RECOVERY, "update {t} set problem_kind = 'bad luck'", "problem_kind is a known value"),
    (RECOVERY, "update {t} set repurchase_rate = -1", "repurchase_rate between 0 and 100"),
    (RECOVERY, "update {t} set repurchase_rate_lower = null", "repurchase_rate lies within its interval"),
    (RECOVERY, "update {t} set at_risk = customers + 1", "who is at risk has not bought again"),
    (
        RECOVERY,
        "update {t} set at_risk = 0",
        "the rate is shown from the minimum of customers on, and only as far as somebody was followed",
    ),
    (RECOVERY, "update {t} set is_claim_within_interval = not is_claim_within_interval", CLAIM),
    (
        RECOVERY,
        "update {t} set repurchase_rate = 0, repurchase_rate_lower = 0 where day = 90",
        "who has bought again stays so",
    ),
]


@pytest.mark.parametrize(
    ("table", "breakage", "expectation"),
    BROKEN,
    ids=[f"{table}: {expectation}" for table, _, expectation in BROKEN],
)
def test_what_is_broken_is_found(gate: Gate, table: str, breakage: str, expectation: str) -> None:
    failing(gate, SUITES[table], expectation, breakage)
