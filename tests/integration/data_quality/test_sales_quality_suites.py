"""Each expectation on good and bad sales, held against a table made wrong on purpose."""

from __future__ import annotations

import pytest
from breakages import Gate, failing

from data_quality.suites.published import sales_quality

FACTS, MONTHS, REASONS, ACCOUNTS = (
    "marts.fct_sales_quality",
    "kpi.kpi_sales_quality_monthly",
    "kpi.kpi_sales_quality_reasons_monthly",
    "meta.sales_reconciliation",
)
SUITES = {
    suite.table: suite
    for suite in (
        sales_quality.fct_sales_quality(),
        sales_quality.kpi_sales_quality_monthly(),
        sales_quality.kpi_sales_quality_reasons_monthly(),
        sales_quality.sales_reconciliation(),
    )
}
ONE_LINE = "order_id = 'o3' and line_number = 2"
ONE_MONTH = "month = '2026-03-01' and level = 'month'"
VERDICT = "a verdict has a rule, a reason and a day"
TIME = "a verdict is not of tomorrow, and what is still open is not of yesterday"
HELD = "holds the lines of the fact, with their money"
LEVELS = "every level adds up to the fact"
SHARES = "shares follow from their amounts"
ANONYMOUS = "anonymous sales are a part of the undecided and of all"
JUDGED = "good + bad + undecided = net sales"
CRM = "net sales = total of the CRM"

# table, what breaks it, the expectation that says so
BROKEN = [
    (FACTS, f"update {{t}} set quality = 'fair' where {ONE_LINE}", "quality is a known value"),
    (
        FACTS,
        f"update {{t}} set order_date = '2026-07-01' where {ONE_LINE}",
        "order_date is not after the business date",
    ),
    (FACTS, f"update {{t}} set quality = null where {ONE_LINE}", VERDICT),
    (FACTS, f"update {{t}} set decided_by = null where {ONE_LINE}", VERDICT),
    (FACTS, f"update {{t}} set reasons = 'promoter' where {ONE_LINE}", VERDICT),
    (FACTS, f"update {{t}} set decided_on = null where {ONE_LINE}", VERDICT),
    (FACTS, f"update {{t}} set decided_on = '2026-07-01' where {ONE_LINE}", TIME),
    (FACTS, f"update {{t}} set decided_on = order_date - 1 where {ONE_LINE}", TIME),
    (
        FACTS,
        "update {t} set quality = 'undecided', decided_by = null, reasons = null, decided_on = null "
        f"where {ONE_LINE}",
        TIME,
    ),
    (
        FACTS,
        f"update {{t}} set reversed_order_id = 'o1', reversed_line_number = 1 where {ONE_LINE}",
        "what came back is judged with its sale",
    ),
    (FACTS, f"delete from {{t}} where {ONE_LINE}", HELD),
    (FACTS, f"update {{t}} set net_amount = net_amount + 0.01 where {ONE_LINE}", HELD),
    (
        MONTHS,
        f"update {{t}} set undecided_amount = undecided_amount + 0.01 where {ONE_MONTH}",
        "good, bad and undecided sales are the net sales",
    ),
    (
        MONTHS,
        f"update {{t}} set good_sold_amount = good_sold_amount + 0.01 where {ONE_MONTH}",
        "they are what was sold",
    ),
    (
        MONTHS,
        f"update {{t}} set bad_reversed_amount = bad_reversed_amount - 0.01 where {ONE_MONTH}",
        "they are what was taken back",
    ),
    (
        MONTHS,
        f"update {{t}} set reversed_amount = reversed_amount - 0.01 where {ONE_MONTH}",
        "sold and taken back are the net sales",
    ),
    (
        MONTHS,
        f"update {{t}} set bad_amount = bad_amount - 1, good_amount = good_amount + 1 where {ONE_MONTH}",
        "bad sales are those sold and those taken back",
    ),
    (MONTHS, f"update {{t}} set bad_share = 101 where {ONE_MONTH}", "bad_share between 0 and 100"),
    (MONTHS, f"update {{t}} set bad_share = bad_share / 2 where {ONE_MONTH}", SHARES),
    (MONTHS, f"update {{t}} set good_share = null where {ONE_MONTH}", SHARES),
    (
        MONTHS,
        f"update {{t}} set undecided_anonymous_sold_amount = undecided_sold_amount + 1 where {ONE_MONTH}",
        ANONYMOUS,
    ),
    (MONTHS, f"update {{t}} set customers = lines + 1 where {ONE_MONTH}", ANONYMOUS),
    (MONTHS, "update {t} set month = month + 1", "a month is its first day, not after the business date"),
    (MONTHS, f"delete from {FACTS} where {ONE_LINE}", LEVELS),
    (MONTHS, "delete from {t} where level = 'month_department' and month = '2026-03-01'", LEVELS),
    (MONTHS, f"update {{t}} set refunded_amount = 1 where {ONE_MONTH}", LEVELS),
    (REASONS, "update {t} set quality = 'fair'", "quality is a known value"),
    (REASONS, "update {t} set level = 'quarter'", "level is a known value"),
    (
        REASONS,
        "update {t} set sold_amount = sold_amount + 0.01",
        "what was sold and what was taken back are the amount",
    ),
    (REASONS, "update {t} set decided_by = '(open)' where decided_by = 'kept'", "an open line is undecided"),
    (
        REASONS,
        "delete from {t} where decided_by = 'refund' and level = 'month'",
        "reasons add up to the verdicts",
    ),
    (ACCOUNTS, "update {t} set good_amount = good_amount + 0.01 where month = '2026-03-01'", JUDGED),
    (ACCOUNTS, "update {t} set difference_judged = 0.01 where month = '2026-03-01'", JUDGED),
    (ACCOUNTS, "update {t} set judged_lines = judged_lines - 1 where month = '2026-03-01'", JUDGED),
    (ACCOUNTS, "update {t} set crm_total = crm_total - 0.01 where month = '2026-03-01'", CRM),
    (ACCOUNTS, "update {t} set crm_lines = crm_lines + 1 where month = '2026-03-01'", CRM),
    (ACCOUNTS, "delete from {t} where month = '2026-03-01'", "every month of the fact is accounted for"),
    (
        ACCOUNTS,
        "update marts.fct_order_lines set net_amount = net_amount + 0.01 where order_id = 'o3' and line_number = 2",
        "every month of the fact is accounted for",
    ),
]


@pytest.mark.parametrize(
    ("table", "breakage", "expectation"),
    BROKEN,
    ids=[f"{table}: {breakage}" for table, breakage, _ in BROKEN],
)
def test_what_is_broken_is_found(gate: Gate, table: str, breakage: str, expectation: str) -> None:
    failing(gate, SUITES[table], expectation, breakage)


def test_a_cent_that_does_not_add_up_stops_the_publication(gate: Gate) -> None:
    result = gate(
        (SUITES[ACCOUNTS],),
        f"update {ACCOUNTS} set crm_total = crm_total - 0.01 where month = '2026-03-01'",
    )
    assert not result.passed
    assert [error.line for error in result.errors] == [
        "meta.sales_reconciliation: net sales = total of the CRM: 1 of 18 rows, observed 0.01 (month=2026-03-01)"
    ]
