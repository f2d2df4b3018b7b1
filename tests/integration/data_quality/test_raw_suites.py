"""Each expectation on what came in, held against a batch made wrong on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest
from breakages import Gate, failing

from data_quality.results import GateResult
from data_quality.suites.raw import raw_suites
from pipelines.settings import Thresholds

ORDERS, LINES, RESPONSES, TICKETS, EVENTS = (
    "raw_crm.orders",
    "raw_crm.order_lines",
    "raw_survey.responses",
    "raw_support.tickets",
    "raw_support.ticket_events",
)
LOADS = "ingest.loads"
SUITES = {suite.table: suite for suite in raw_suites(Thresholds())}

ERRORS = [
    (LOADS, "update {t} set rows_read = 401 where table_name = 'crm.orders'",
     "rows read = loaded + quarantined + duplicate", "1"),
    (LOADS, f"delete from {ORDERS} where order_id = 'o7'", "the raw tables hold what was loaded", "-1"),
    (LOADS, f"update {ORDERS} set _source = 'other' where order_id = 'o7'",
     "the raw tables hold what was loaded", None),
    (LOADS, "update {t} set rows_read = 1000, rows_quarantined = 600 where table_name = 'crm.orders'",
     "less than 50% of a table is quarantined", "600 of 1000"),
    ("ops.run_settings", "delete from {t}", "there is exactly one row", "0"),
    ("ops.run_settings", "insert into {t} select * from {t}", "there is exactly one row", "2"),
    ("ops.run_settings", "update {t} set as_of_date = null", "as_of_date is never empty", "null"),
]  # fmt: skip

TIME = "is after 1990-01-01 and not in the future"
WARNINGS = [
    (LOADS, "update {t} set rows_read = 408, rows_quarantined = 8 where table_name = 'crm.orders'",
     "at most 1% of a table is quarantined", "8 of 408"),
    ("raw_crm.customers", "update {t} set registered_at = timestamp '1900-01-01'", f"registered_at {TIME}",
     "1900-01-01 00:00:00"),
    ("raw_crm.customers", "update {t} set email = 'jane.doe'", "e-mail addresses have an @", ""),
    (ORDERS, "update {t} set ordered_at = timestamp '2026-07-03' where order_id = 'o7'", f"ordered_at {TIME}",
     "2026-07-03 00:00:00"),
    (ORDERS, "update {t} set delivered_at = ordered_at - interval 1 day",
     "nothing is delivered before it is ordered", None),
    (ORDERS, "update {t} set currency = 'GBP' where order_id = 'o7'", "all orders are in one currency", "EUR, GBP"),
    (ORDERS, "update {t} set customer_id = null", "at most 50% are orders without a customer", "400 of 400"),
    (LINES, "update {t} set unit_price = -11062.06 where order_id = 'o7'", "prices are not negative", "-11062.06"),
    (LINES, "update {t} set quantity = 0 where order_id = 'o7'", "quantities are not zero", ""),
    (LINES, "update {t} set unit_price = 0", "at most 5% are lines for nothing", "1200 of 1200"),
    (RESPONSES, "update {t} set score = 1 where score = 0",
     "a survey with recommendation scores of 1 and 2 has some of 0", "84 scores of 1 and 2, none of 0"),
    (RESPONSES, "update {t} set score = null", "less than 90% of a metric is unanswered", "300 of 300 unanswered"),
    (RESPONSES, "update {t} set customer_id = null",
     "at most 50% are answers of customers without any reference", "600 of 600"),
    (TICKETS, "update {t} set resolved_at = opened_at - interval 1 hour",
     "nothing is answered or solved before it is opened", None),
    (TICKETS, "update {t} set customer_id = null", "at most 50% are tickets without any reference", "30 of 30"),
    (EVENTS, "update {t} set occurred_at = timestamp '1970-01-01'", f"occurred_at {TIME}", "1970-01-01 00:00:00"),
    (EVENTS, "update {t} set ticket_id = 'x' || ticket_id",
     "at most 50% are events of tickets that are not there", "30 of 30"),
    ("raw_crm.products", "insert into {t} (product_id, list_price, _load_id) values ('p1', -1, 1)",
     "list prices are not negative", "-1"),
]  # fmt: skip


def _check(gate: Gate, table: str, *breakages: str, newer_than: int = 0) -> GateResult:
    suites = tuple(suite for suite in raw_suites(Thresholds(), newer_than) if suite.table == table)
    return gate(suites, *(breakage.format(t=table) for breakage in breakages))


def test_everything_holds_in_a_sound_warehouse(gate: Gate) -> None:
    assert gate(raw_suites(Thresholds())).summary() == ""


@pytest.mark.parametrize(
    ("severity", "table", "breakage", "expectation", "observed"),
    [*(("error", *case) for case in ERRORS), *(("warning", *case) for case in WARNINGS)],
)
def test_what_is_broken_is_found(
    gate: Gate, severity: str, table: str, breakage: str, expectation: str, observed: str | None
) -> None:
    found = failing(gate, SUITES[table], expectation, breakage, severity=severity)
    assert observed is None or found.observed == observed


def test_a_small_batch_that_is_half_unreadable_is_a_warning(gate: Gate) -> None:
    result = _check(
        gate,
        LOADS,
        "update {t} set rows_read = 90, rows_quarantined = 60 where table_name = 'support.tickets'",
    )
    assert result.passed
    assert [warning.observed for warning in result.warnings] == ["60 of 90"]


def test_old_rows_are_not_looked_at_again(gate: Gate) -> None:
    broken = "update {t} set unit_price = -1 where order_id = 'o7'"
    assert _check(gate, LINES, broken, newer_than=1).summary() == ""
    found = _check(
        gate, LINES, "update {t} set _load_id = 2 where order_id = 'o7' and line_number = 1", newer_than=1
    )
    assert [(warning.unexpected_count, warning.row_count) for warning in found.warnings] == [(1, 1)]


def test_a_row_is_named_by_file_and_line_and_nobody_is(gate: Gate, tmp_path: Path) -> None:
    result = gate(
        raw_suites(Thresholds()),
        "update raw_crm.customers set email = 'nobody.at.example', full_name = 'Jane Doe', "
        "registered_at = timestamp '1900-01-01' where customer_id = 'c7'",
        f"update {RESPONSES} set email = 'jane@example.com', comment = 'Call me', "
        "submitted_at = timestamp '2030-01-01' where response_id = 'r7'",
    )
    assert [warning.failing_keys for warning in result.warnings] == [
        ("_file=customers.csv, _line=9",),
        ("_file=customers.csv, _line=9",),
        ("_file=answers.csv, _line=9",),
    ]
    pages = "".join(page.read_text(encoding="utf-8") for page in (tmp_path / "quality").rglob("*.html"))
    for secret in ("nobody.at", "Jane", "jane", "Call me", "example.com"):
        assert secret not in result.summary() + repr(result) + pages
