"""Every published number of RFM, value and the monthly KPI, computed a second time from the raw rows.

In polars and plain Python, in other ways than the models take: ranks by counting lower values, the standard
error as a standard deviation, Wilson as the roots of its quadratic, identity by looking people up.
"""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import pytest
from dbt_company import Company, Row, customer_key
from dbt_history import AS_OF
from dbt_warehouse import Warehouse

MINIMUM_ANSWERS = 3
Z = 1.959963984540054
SEGMENTS = {
    "hibernating": [(1, 1), (1, 2), (2, 1), (2, 2)],
    "at risk": [(1, 3), (1, 4), (2, 3), (2, 4)],
    "can't lose": [(1, 5), (2, 5)],
    "about to sleep": [(3, 1), (3, 2)],
    "need attention": [(3, 3)],
    "loyal customers": [(3, 4), (3, 5), (4, 4), (4, 5)],
    "promising": [(4, 1)],
    "new customers": [(5, 1)],
    "potential loyalists": [(4, 2), (4, 3), (5, 2), (5, 3)],
    "champions": [(5, 4), (5, 5)],
}


def _quintile(value: Any, everybody: list[Any]) -> int:
    if len(everybody) == 1:
        return 1
    lower = sum(other < value for other in everybody)
    return min(5, 1 + (5 * lower) // (len(everybody) - 1))


def test_customer_rfm(built: Warehouse, company: Company) -> None:
    buyers = {}
    for key, orders in company.orders_by_customer().items():
        days = [order["day"] for order in orders if order["is_purchase"]]
        if days:
            buyers[key] = (min(days), max(days), len(days), sum(order["revenue"] for order in orders))
    lasts, counts, sums = ([buyer[index] for buyer in buyers.values()] for index in (1, 2, 3))
    segment_of = {cell: name for name, cells in SEGMENTS.items() for cell in cells}
    assert len(segment_of) == 25
    expected = set()
    for key, (first, latest, count, money) in buyers.items():
        scores = (_quintile(latest, lasts), _quintile(count, counts), _quintile(money, sums))
        recency_days = (AS_OF - latest).days
        expected.add((key, AS_OF, first, latest, recency_days, count, money, *scores, segment_of[scores[:2]]))
    published = set(built.query("select * from marts.customer_rfm").rows())
    assert published == expected
    assert len({row[-1] for row in published}) >= 8  # the history is rich enough to mean something


def test_customer_value(built: Warehouse, company: Company) -> None:
    expected = {}
    for key, orders in company.orders_by_customer().items():
        margins = [order["margin"] for order in orders if order["margin"] is not None]
        moved = sum(order["moved"] for order in orders)
        first = min(order["day"] for order in orders)
        expected[key] = {
            "as_of_date": AS_OF,
            "first_order_date": first,
            "last_order_date": max(order["day"] for order in orders),
            "tenure_days": (AS_OF - first).days,
            "order_count": sum(order["is_purchase"] for order in orders),
            "revenue_amount": sum(order["revenue"] for order in orders),
            "returned_amount": sum(order["returned"] for order in orders),
            "return_order_count": sum(order["returned"] > 0 for order in orders),
            "discount_amount": sum(order["discount"] for order in orders),
            "margin_amount": sum(margins) if margins else None,
            "margin_known_share": (
                pytest.approx(float(sum(order["moved_with_cost"] for order in orders) / moved))
                if moved
                else None
            ),
        }
    # What they get for what they give is computed again in test_dbt_value.py.
    columns = ", ".join(next(iter(expected.values())))
    published = {
        row.pop("customer_key"): row
        for row in built.query(f"select customer_key, {columns} from marts.customer_value").to_dicts()
    }
    assert published == expected
    assert any(row["margin_amount"] is None for row in published.values())


def _nps_numbers(scores: list[int]) -> dict[str, float]:
    sides = np.array([1 if score >= 9 else -1 if score <= 6 else 0 for score in scores])
    weights = np.concatenate([np.ones(len(sides)), [0.75, 1.5, 0.75]])
    adjusted = np.concatenate([sides, [1, 0, -1]])
    centre = np.average(adjusted, weights=weights)
    spread = math.sqrt(np.average((adjusted - centre) ** 2, weights=weights) / weights.sum())
    return {
        "nps": 100 * sides.mean(),
        "nps_standard_error": 100 * sides.std() / math.sqrt(len(sides)),
        "nps_lower": max(-100.0, 100 * (centre - Z * spread)),
        "nps_upper": min(100.0, 100 * (centre + Z * spread)),
    }


def _share_numbers(name: str, successes: int, n: int) -> dict[str, float]:
    share = successes / n
    lower, upper = sorted(np.roots([1 + Z**2 / n, -(2 * share + Z**2 / n), share**2]).real)
    return {name: 100 * share, f"{name}_lower": 100 * lower, f"{name}_upper": 100 * upper}


def _is_in_top_boxes(answer: Row) -> bool:
    """4 of 5 and 6 of 7, and as far up on any other scale."""
    top, cut = {"csat": (5, Decimal("0.75")), "ces": (7, Decimal(5) / 6)}[answer["metric"]]
    lowest, highest = answer["scale_min"] or 1, answer["scale_max"] or top
    return (answer["score"] - lowest) / (highest - lowest) >= cut


def _levels(month: date, row: Row) -> list[tuple]:
    """The eight rows that an answer or invitation counts in."""
    dimensions = ("department", "touchpoint", "locale")
    return [
        (
            month,
            "_".join(["month", *(name for name in dimensions if name in kept)]),
            *((row[name] or "(unknown)") if name in kept else "(all)" for name in dimensions),
        )
        for size in range(4)
        for kept in combinations(dimensions, size)
    ]


def test_kpi_loyalty_monthly(built: Warehouse, company: Company) -> None:
    cells: dict[tuple, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for answer in company.answers():
        if answer["metric"] in ("nps", "csat", "ces"):
            value = int(answer["score"]) if answer["metric"] == "nps" else _is_in_top_boxes(answer)
            for cell in _levels(answer["day"].replace(day=1), answer):
                cells[cell][answer["metric"]].append(value)
    # whether they were answered is computed a second time in test_dbt_surveys
    for invitation in built.query(
        "select * from marts.fct_survey_invitations where respondent_type = 'external'"
    ).to_dicts():
        is_open = not invitation["is_answered"] and invitation["sent_date"] > AS_OF - timedelta(days=30)
        for cell in _levels(invitation["sent_date"].replace(day=1), invitation):
            cells[cell]["invitations"].append((invitation["is_answered"], is_open))
    expected = {}
    for cell, given in cells.items():
        nps, csat, ces, invitations = (given[name] for name in ("nps", "csat", "ces", "invitations"))
        answered = sum(is_answered for is_answered, _ in invitations)
        numbers: dict[str, float] = {}
        if len(nps) >= MINIMUM_ANSWERS:
            numbers |= _nps_numbers(nps)
        for name, successes, n in (
            ("csat", sum(csat), len(csat)),
            ("ces", sum(ces), len(ces)),
            ("response_rate", answered, len(invitations)),
        ):
            if n >= MINIMUM_ANSWERS:
                numbers |= _share_numbers(name, successes, n)
        expected[cell] = {
            "invitations": len(invitations),
            "invitations_answered": answered,
            "invitations_open": sum(is_open for _, is_open in invitations),
            "nps_n": len(nps),
            "nps_promoters": sum(score >= 9 for score in nps),
            "nps_passives": sum(score in (7, 8) for score in nps),
            "nps_detractors": sum(score <= 6 for score in nps),
            "csat_n": len(csat),
            "csat_top_two": sum(csat),
            "ces_n": len(ces),
            "ces_easy": sum(ces),
            **{name: pytest.approx(value, abs=6e-5) for name, value in numbers.items()},
        }
    published = {}
    for row in built.query("select * from kpi.kpi_loyalty_monthly").to_dicts():
        cell = tuple(row.pop(column) for column in ("month", "level", "department", "touchpoint", "locale"))
        published[cell] = row
    empty = dict.fromkeys(next(iter(published.values())))
    assert published == {cell: empty | row for cell, row in expected.items()}
    for score in ("nps", "csat", "ces", "response_rate", "invitations_open"):
        assert {not row[score] for row in published.values()} == {True, False}, score


def test_every_row_is_accounted_for(built: Warehouse) -> None:
    """What is not published is named: dated later, or waiting for its order."""
    lines = built.query("select * from meta.reconciliation where table_name = 'crm.order_lines'").to_dicts()[
        0
    ]
    raw = built.query(
        "select count(*) as n, sum(quantity * unit_price) as money from raw_crm.order_lines"
    ).row(0)
    assert lines["rows_read"] == lines["rows_in_warehouse"] == raw[0]
    assert lines["rows_without_order"] == 1
    assert lines["rows_after_as_of"] >= 1
    assert lines["rows_published"] == raw[0] - lines["rows_without_order"] - lines["rows_after_as_of"]
    assert lines["amount_published"] + lines["amount_not_published"] == raw[1]


@pytest.mark.parametrize(
    ("response", "person", "match"),
    [
        ("q1", "p1", "customer_id"),
        ("q2", "a3", "order"),
        ("q3", "p5", "ticket"),
        ("q4", "p5", "email"),
        ("q5", None, "shared email"),
        ("q6", "a3", "phone"),
        ("q7", None, "anonymous order"),
        ("q8", None, "unknown order"),
        ("q10", None, "colleague"),
        ("q12", None, "no reference"),
    ],
)
def test_identity(built: Warehouse, response: str, person: str | None, match: str) -> None:
    found = built.query(
        f"select distinct customer_key, customer_match from marts.fct_survey_responses where response_id = '{response}'"
    ).rows()
    assert found == [(customer_key(person) if person else None, match)]


def test_tickets_tell_their_story(built: Warehouse) -> None:
    """t1 by its assignments and its own columns, t2 by events of two nights, t3 by what was known by the date."""
    told = built.query(
        "select ticket_id, times_from, first_reply_hours, resolution_hours, waiting_for_us_hours, reopen_count,"
        " assignment_count, distinct_department_count, handoff_count, department"
        " from marts.fct_support_tickets where ticket_id in ('t1', 't2', 't3') order by 1"
    )
    assert told.rows() == [
        ("t1", "ticket", 1.5, 1512.0, None, None, 5, 2, 2, "help"),
        ("t2", "events", 2.0, 36.0, 21.0, 1, 2, 2, 1, "help"),
        ("t3", "ticket", None, None, None, None, 1, 1, 0, "shop"),
    ]


def test_people_with_two_accounts_are_one(built: Warehouse) -> None:
    one = built.query(
        "select account_count, country, acquisition_channel from marts.dim_customers"
        f" where customer_key = '{customer_key('p1')}'"
    ).rows()
    assert one == [(2, "GB", "web")]
    messages = built.query(
        f"select message_number from marts.fct_campaign_contacts where customer_key = '{customer_key('p1')}' order by 1"
    )
    assert messages["message_number"].to_list() == [1, 2]


def test_the_dates_have_no_gap(built: Warehouse) -> None:
    days = built.query("select * from marts.dim_dates order by date_day")
    first, latest = days["date_day"].min(), days["date_day"].max()
    # The oldest answer is of March 2022, so in a fiscal year that began in April 2021; the last one ends in March 2025.
    assert (first, latest) == (date(2021, 1, 1), date(2025, 12, 31))
    assert days.height == (latest - first).days + 1


def test_a_day_says_what_polars_says_of_it(built: Warehouse) -> None:
    day = pl.col("date_day")
    months = day.dt.year() * 12 + day.dt.month()
    now = AS_OF.year * 12 + AS_OF.month
    fiscal = day.dt.offset_by("-3mo")  # the company's year begins in April
    whole = now - (0 if (AS_OF + timedelta(days=1)).day == 1 else 1)
    year_ago = AS_OF.replace(year=AS_OF.year - 1)
    expected = {
        "date_key": day.dt.strftime("%Y%m%d").cast(pl.Int32),
        "year": day.dt.year(),
        "quarter": day.dt.quarter(),
        "quarter_label": pl.format("{} Q{}", day.dt.year(), day.dt.quarter()),
        "quarter_start": day.dt.truncate("1q"),
        "quarter_end": day.dt.truncate("1q").dt.offset_by("3mo").dt.offset_by("-1d"),
        "month_start": day.dt.month_start(),
        "month_end": day.dt.month_end(),
        "month_of_year": day.dt.month(),
        "month_label": day.dt.strftime("%Y-%m"),
        "month_name": day.dt.strftime("%B"),
        "day_of_month": day.dt.day(),
        "is_month_end": day == day.dt.month_end(),
        "week_start": day.dt.truncate("1w"),
        "iso_year": day.dt.iso_year(),
        "iso_week": day.dt.week(),
        "day_of_week": day.dt.weekday(),
        "day_name": day.dt.strftime("%A"),
        "is_weekend": day.dt.weekday() >= 6,
        "fiscal_year": fiscal.dt.year(),
        "fiscal_year_label": pl.format(
            "{}/{}", fiscal.dt.year(), fiscal.dt.offset_by("1y").dt.strftime("%y")
        ),
        "fiscal_quarter": fiscal.dt.quarter(),
        "fiscal_month": fiscal.dt.month(),
        "days_before_as_of": (pl.lit(AS_OF) - day).dt.total_days(),
        "weeks_before_as_of": (pl.lit(AS_OF).dt.truncate("1w") - day.dt.truncate("1w")).dt.total_days() // 7,
        "months_before_as_of": now - months,
        "is_after_as_of": day > AS_OF,
        "is_current_month": months == now,
        "is_last_whole_month": months == whole,
        "is_last_12_whole_months": months.is_between(whole - 11, whole),
        "is_year_to_date": day.is_between(date(AS_OF.year, 1, 1), AS_OF),
        "is_same_period_last_year": day.is_between(date(AS_OF.year - 1, 1, 1), year_ago),
        "is_fiscal_year_to_date": day.is_between(date(AS_OF.year, 4, 1), AS_OF),
        "is_same_fiscal_period_last_year": day.is_between(date(AS_OF.year - 1, 4, 1), year_ago),
    }
    days = built.query("select * from marts.dim_dates order by date_day")
    assert set(days.columns) == {"date_day", *expected}
    recomputed = days.select(expression.alias(name) for name, expression in expected.items())
    wrong = [name for name in expected if days[name].to_list() != recomputed[name].to_list()]
    assert wrong == []


KEYED_FACTS = {
    "fct_orders": ("department", "campaign"),
    "fct_order_lines": ("department", "campaign"),
    "fct_survey_responses": ("department",),
    "fct_survey_invitations": ("department",),
    "fct_support_tickets": ("department",),
    "fct_campaign_contacts": ("campaign",),
    "fct_customer_events": ("department", "campaign"),
    "fct_problems": ("department",),
    "fct_sales_quality": ("department", "campaign"),
}


@pytest.mark.parametrize("fact", KEYED_FACTS)
def test_an_inner_join_with_a_dimension_drops_no_fact(built: Warehouse, fact: str) -> None:
    joins = " ".join(
        f"join marts.dim_{dimension}s using ({dimension}_key)" for dimension in KEYED_FACTS[fact]
    )
    counted = f"select count(*) from marts.{fact}"
    assert built.query(f"{counted} {joins}").item() == built.query(counted).item() > 0


def test_what_names_no_department_or_campaign_has_a_row_for_it(built: Warehouse) -> None:
    rows = built.query(
        "select department_key, department, department_name, is_inferred from marts.dim_departments"
        " where department_key = '(unknown)'"
        " union all select campaign_key, campaign_id, campaign_name, is_inferred from marts.dim_campaigns"
        " where campaign_key = '(none)'"
    )
    assert rows.rows() == [
        ("(unknown)", "(unknown)", "(unknown)", False),
        ("(none)", "(none)", "(none)", False),
    ]
    unnamed = built.query(
        "select distinct department, department_key from marts.fct_orders where department is null"
    )
    assert set(unnamed.rows()) <= {(None, "(unknown)")}
    without = built.query("select distinct campaign_key from marts.fct_orders where campaign_id is null")
    assert without.rows() == [("(none)",)]
    kpi = "select distinct department from kpi.kpi_loyalty_monthly where department <> '(all)'"
    known = "select department_key from marts.dim_departments"
    assert built.query(f"{kpi} except {known}").rows() == []
