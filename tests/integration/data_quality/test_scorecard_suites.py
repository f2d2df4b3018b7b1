"""Each check on the department scorecard is tried on a table made wrong."""

from __future__ import annotations

import pytest

from data_quality.suites.published import scorecard

TABLE = "kpi.kpi_department_scorecard"


@pytest.mark.parametrize(
    ("statement", "expectation", "passes"),
    [
        ("update {t} set status = null where kpi = 'nps'", "status is never empty", False),
        ("update {t} set n = -1 where kpi = 'nps'", "nobody counts backwards", False),
        (
            "update {t} set status = 'unknown kpi' where kpi = 'nps'",
            "a target is of a KPI that is measured",
            True,
        ),
        (
            "update {t} set status = 'reached' where kpi = 'return_rate'",
            "reached and missed are told from the side that is better",
            False,
        ),
        ("update {t} set actual = 60 where kpi = 'nps'", "the value lies within its interval", False),
    ],
)
def test_what_is_wrong_on_the_scorecard_is_found(gate, statement, expectation, passes):
    result = gate((scorecard.kpi_department_scorecard(),), statement.format(t=TABLE))
    failed = [found.expectation for table in result.tables for found in table.results if not found.success]
    assert failed == [expectation]
    assert result.passed is passes


def test_a_sound_table_passes_without_a_warning(gate):
    assert gate((scorecard.kpi_department_scorecard(),)).summary() == ""
