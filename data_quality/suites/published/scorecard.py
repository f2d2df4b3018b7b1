"""Departments against their targets."""

from __future__ import annotations

from data_quality.expectations import Suite, no_row, not_null
from data_quality.suites.published.shared import nobody_identified

KEYS = ("month", "department", "kpi")


def kpi_department_scorecard() -> Suite:
    return Suite(
        table="kpi.kpi_department_scorecard",
        keys=KEYS,
        expectations=(
            not_null("status", protects="Every row says how the department stands."),
            no_row(
                "nobody counts backwards",
                "n < 0",
                shows="n",
                column="n",
                protects="A value has as many cases behind it as it says.",
            ),
            no_row(
                "a target is of a KPI that is measured",
                "status = 'unknown kpi'",
                shows="kpi",
                column="status",
                protects="A target that nobody is held against was written for nothing.",
                severity="warning",
            ),
            no_row(
                "reached and missed are told from the side that is better",
                "status in ('reached', 'missed') and (status = 'reached') <> (ahead_of_target >= 0)",
                shows="ahead_of_target",
                column="status",
                protects="No department is praised for a miss.",
            ),
            no_row(
                "the value lies within its interval",
                "actual not between actual_lower - 0.0001 and actual_upper + 0.0001",
                shows="actual",
                column="actual",
                protects="The interval belongs to the value beside it; amounts of money have none.",
            ),
            *nobody_identified(),
        ),
    )
