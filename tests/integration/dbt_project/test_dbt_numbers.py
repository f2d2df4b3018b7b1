"""Every published number of RFM, value and the monthly KPI, computed a second time from the raw rows.

In polars and plain Python, in other ways than the models take: ranks by counting lower values, the standard
error as a standard deviation, Wilson as the roots of its quadratic, identity by looking people up.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from dbt_history import AS_OF
from dbt_warehouse import Warehouse

CANCELLED = {"canceled", "cancelled"}
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

Row = dict[str, Any]


def _key(person: str) -> str:
    return hashlib.md5(f"secret{person}".encode()).hexdigest()


def _money(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)


def _local_date(column: str) -> pl.Expr:
    return pl.col(column).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo").dt.date()


class Company:
    """The raw tables of a warehouse as rows, with every customer under their key."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        customers = self._rows("raw_crm.customers")
        self.person = {row["customer_id"]: row["person_id"] or row["customer_id"] for row in customers}
        self.mailboxes: dict[str, set[str]] = defaultdict(set)
        self.telephones: dict[str, set[str]] = defaultdict(set)
        for row in customers:
            if row["email"]:
                self.mailboxes[row["email"].strip().lower()].add(self.key(row["customer_id"]))
            if row["phone"]:
                self.telephones["".join(filter(str.isdigit, row["phone"]))].add(self.key(row["customer_id"]))
        self.lines = defaultdict(list)
        for line in self._rows("raw_crm.order_lines"):
            self.lines[line["order_id"]].append(line)
        self.costs = {row["product_id"]: row["unit_cost"] for row in self._rows("raw_crm.products")}
        self.refunds: Counter[str] = Counter()
        for row in self._rows("raw_crm.returns", "returned_at"):
            self.refunds[row["order_id"]] += row["refund_amount"]
        self.all_orders = {
            row["order_id"]: row for row in self._rows("raw_crm.orders", "ordered_at", date.max)
        }
        self.tickets = {row["ticket_id"]: row for row in self._rows("raw_support.tickets")}

    def _rows(self, table: str, event: str | None = None, until: date = AS_OF) -> list[Row]:
        frame = self.warehouse.query(f"select * from {table}")
        if event is not None:
            frame = frame.with_columns(day=_local_date(event)).filter(pl.col("day") <= until)
        return frame.to_dicts()

    def key(self, account: str) -> str:
        return _key(self.person.get(account, account))

    def orders_by_customer(self) -> dict[str, list[Row]]:
        """The orders that are not cancelled, by customer, with what their lines come to."""
        by_customer: dict[str, list[Row]] = defaultdict(list)
        for order in self._rows("raw_crm.orders", "ordered_at"):
            if order["customer_id"] and (order["status"] or "").strip().lower() not in CANCELLED:
                by_customer[self.key(order["customer_id"])].append(self._with_lines(order))
        return by_customer

    def _with_lines(self, order: Row) -> Row:
        nets, costed, margins = [], [], []
        for line in self.lines[order["order_id"]]:
            net = _money(line["quantity"] * line["unit_price"]) - (line["discount_amount"] or 0)
            cost = self.costs.get(line["product_id"])
            nets.append((net, line["quantity"] < 0 and line["line_type"] in (None, "product")))
            if cost is not None:
                costed.append(abs(net))
                margins.append(net - _money(line["quantity"] * cost))
        refund = self.refunds[order["order_id"]]
        return {
            "day": order["day"],
            "is_purchase": any(
                line["quantity"] > 0 and line["line_type"] in (None, "product")
                for line in self.lines[order["order_id"]]
            ),
            "revenue": sum(net for net, _ in nets) - refund,
            "returned": refund - sum(net for net, is_return in nets if is_return),
            "discount": sum(line["discount_amount"] or 0 for line in self.lines[order["order_id"]]),
            "margin": sum(margins) - refund if margins else None,
            "moved": sum(abs(net) for net, _ in nets),
            "moved_with_cost": sum(costed),
        }

    def match(self, row: Row) -> str | None:
        """The customer_key behind an answer or ticket, by the first reference that names one person."""
        if row["customer_id"]:
            return self.key(row["customer_id"])
        order = self.all_orders.get(row["order_id"])
        if order and order["customer_id"]:
            return self.key(order["customer_id"])
        ticket = self.tickets.get(row["ticket_id"]) if "response_id" in row else None
        if ticket and (key := self.match(ticket)):
            return key
        mailbox = (row["email"] or "").strip().lower()
        telephone = "".join(filter(str.isdigit, row["phone"] or ""))
        for owners in (self.mailboxes.get(mailbox, set()), self.telephones.get(telephone, set())):
            if len(owners) == 1:
                return next(iter(owners))
        return None

    def answers(self) -> list[Row]:
        """Answered questions of customers, with the key of who answered."""
        return [
            {**row, "customer_key": self.match(row)}
            for row in self._rows("raw_survey.responses", "submitted_at")
            if row["score"] is not None and row["respondent_type"] != "internal"
        ]


@pytest.fixture(scope="module")
def company(built: Warehouse) -> Company:
    return Company(built)


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
    published = {
        row.pop("customer_key"): row for row in built.query("select * from marts.customer_value").to_dicts()
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


def _csat_numbers(satisfied: list[bool]) -> dict[str, float]:
    n, share = len(satisfied), sum(satisfied) / len(satisfied)
    lower, upper = sorted(np.roots([1 + Z**2 / n, -(2 * share + Z**2 / n), share**2]).real)
    return {"csat": 100 * share, "csat_lower": 100 * lower, "csat_upper": 100 * upper}


def _is_satisfied(answer: Row) -> bool:
    lowest, highest = answer["scale_min"] or 1, answer["scale_max"] or 5
    return (answer["score"] - lowest) / (highest - lowest) >= Decimal("0.75")


def test_kpi_loyalty_monthly(built: Warehouse, company: Company) -> None:
    cells: dict[tuple, dict[str, list]] = defaultdict(lambda: {"nps": [], "csat": []})
    for answer in company.answers():
        if answer["metric"] not in ("nps", "csat"):
            continue
        month = answer["day"].replace(day=1)
        department, touchpoint, locale = (
            answer[c] or "(unknown)" for c in ("department", "touchpoint", "locale")
        )
        value = int(answer["score"]) if answer["metric"] == "nps" else _is_satisfied(answer)
        for cell in (
            (month, "month", "(all)", "(all)", "(all)"),
            (month, "month_department", department, "(all)", "(all)"),
            (month, "month_department_touchpoint_locale", department, touchpoint, locale),
        ):
            cells[cell][answer["metric"]].append(value)
    nothing = dict.fromkeys(("nps", "nps_standard_error", "nps_lower", "nps_upper"))
    nothing |= dict.fromkeys(("csat", "csat_lower", "csat_upper"))
    expected = {}
    for cell, given in cells.items():
        row: Row = {
            "nps_n": len(given["nps"]),
            "nps_promoters": sum(score >= 9 for score in given["nps"]),
            "nps_passives": sum(score in (7, 8) for score in given["nps"]),
            "nps_detractors": sum(score <= 6 for score in given["nps"]),
            "csat_n": len(given["csat"]),
            "csat_top_two": sum(given["csat"]),
            **nothing,
        }
        if row["nps_n"] >= MINIMUM_ANSWERS:
            row |= {
                name: pytest.approx(value, abs=6e-5) for name, value in _nps_numbers(given["nps"]).items()
            }
        if row["csat_n"] >= MINIMUM_ANSWERS:
            row |= {
                name: pytest.approx(value, abs=6e-5) for name, value in _csat_numbers(given["csat"]).items()
            }
        expected[cell] = row
    published = {}
    for row in built.query("select * from kpi.kpi_loyalty_monthly").to_dicts():
        cell = tuple(row.pop(column) for column in ("month", "level", "department", "touchpoint", "locale"))
        published[cell] = row
    assert published == expected
    assert sum(row["nps"] is None for row in published.values()) > 0
    assert sum(row["nps"] is not None for row in published.values()) > 0


def test_customer_loyalty(built: Warehouse, company: Company) -> None:
    """Latest answers, means and the satisfied detractor, by sorting each customer's answers."""
    by_customer: dict[str, list[Row]] = defaultdict(list)
    for answer in company.answers():
        if answer["customer_key"]:
            by_customer[answer["customer_key"]].append(answer)
    published = {
        row["customer_key"]: row for row in built.query("select * from marts.customer_loyalty").to_dicts()
    }
    assert set(published) == set(by_customer)
    flags = []
    for key, given in by_customer.items():
        given.sort(key=lambda answer: (answer["submitted_at"], answer["response_id"], answer["question_id"]))
        row = published[key]
        assert row["answer_count"] == len(given)
        assert row["last_answer_touchpoint"] == given[-1]["touchpoint"]
        nps = [answer for answer in given if answer["metric"] == "nps"]
        csat = [answer for answer in given if answer["metric"] == "csat"]
        recent_nps = [answer for answer in nps if answer["day"] > date(2023, 6, 30)]
        recent_csat = [answer for answer in csat if answer["day"] > date(2023, 6, 30)]
        assert row["nps_latest"] == (nps[-1]["score"] if nps else None)
        assert row["nps_answers_12m"] == len(recent_nps)
        mean = sum(answer["score"] for answer in recent_nps) / len(recent_nps) if recent_nps else None
        assert row["nps_12m_mean"] == (pytest.approx(float(mean)) if recent_nps else None)
        flag = (
            recent_nps[-1]["score"] <= 6 and _is_satisfied(recent_csat[-1])
            if recent_nps and recent_csat
            else None
        )
        assert row["is_satisfied_detractor"] == flag
        flags.append(flag)
    assert {True, False, None} == set(flags)


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
    assert found == [(_key(person) if person else None, match)]


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
        f" where customer_key = '{_key('p1')}'"
    ).rows()
    assert one == [(2, "GB", "web")]
    messages = built.query(
        f"select message_number from marts.fct_campaign_contacts where customer_key = '{_key('p1')}' order by 1"
    )
    assert messages["message_number"].to_list() == [1, 2]


def test_the_dates_have_no_gap(built: Warehouse) -> None:
    days = built.query("select date_day, day_of_week, is_weekend from marts.dim_dates order by date_day")
    first, latest = days["date_day"].min(), days["date_day"].max()
    assert latest == AS_OF
    assert first == date(2022, 3, 1)  # the month of the oldest answer
    assert days.height == (latest - first).days + 1
    assert days["day_of_week"].to_list() == days["date_day"].dt.weekday().to_list()
    assert days["is_weekend"].to_list() == (days["date_day"].dt.weekday() >= 6).to_list()
