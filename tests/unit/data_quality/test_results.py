from __future__ import annotations

import dataclasses
import json

from data_quality.results import ExpectationResult, GateResult, TableResult

FAILED = ExpectationResult(
    table="kpi.kpi_loyalty_monthly",
    expectation="nps between -100 and 100",
    column="nps",
    severity="error",
    success=False,
    observed="140",
    expected="-100 to 100",
    unexpected_count=1,
    row_count=24,
    failing_keys=("month=2026-05-01, department=shop",),
    protects="Nobody is shown a score that cannot exist.",
)
PASSED = dataclasses.replace(
    FAILED, expectation="nps is never empty", success=True, observed="", unexpected_count=0, failing_keys=()
)


def _gate(*results: ExpectationResult) -> GateResult:
    tables = dict.fromkeys(result.table for result in results)
    return GateResult(
        "published", tuple(TableResult(t, tuple(r for r in results if r.table == t)) for t in tables)
    )


def test_a_failure_is_one_line_with_table_expectation_value_and_key() -> None:
    assert _gate(PASSED, FAILED).summary() == (
        "kpi.kpi_loyalty_monthly: nps between -100 and 100: 1 of 24 rows, observed 140 "
        "(month=2026-05-01, department=shop)"
    )


def test_a_failed_error_stops_and_a_failed_warning_does_not() -> None:
    warning = dataclasses.replace(FAILED, severity="warning", expectation="prices are not negative")
    assert _gate(PASSED, warning).passed
    assert _gate(PASSED, warning).warnings == (warning,)
    assert not _gate(warning, FAILED).passed
    assert _gate(warning, FAILED).errors == (FAILED,)
    assert _gate(warning, FAILED).summary().splitlines()[0] == FAILED.line


def test_a_table_passes_unless_an_error_failed() -> None:
    gate = _gate(FAILED, dataclasses.replace(PASSED, table="marts.fct_orders"))
    assert [table.passed for table in gate.tables] == [False, True]


def test_expectations_that_failed_for_one_reason_share_a_line() -> None:
    raised = dataclasses.replace(FAILED, checked=False, observed="no column nps", failing_keys=())
    other = dataclasses.replace(raised, expectation="nps lies within its interval")
    assert _gate(raised).summary() == (
        "kpi.kpi_loyalty_monthly: nps between -100 and 100: could not be checked: no column nps"
    )
    assert _gate(raised, other).summary() == (
        "kpi.kpi_loyalty_monthly: 2 expectations could not be checked: no column nps"
    )


def test_a_failure_of_all_rows_together_names_no_total() -> None:
    together = dataclasses.replace(FAILED, row_count=None, unexpected_count=2, failing_keys=())
    assert together.finding == "2 rows, observed 140"


def test_records_are_json() -> None:
    records = _gate(PASSED, FAILED).records()
    assert json.loads(json.dumps(records))[1]["observed"] == "140"
