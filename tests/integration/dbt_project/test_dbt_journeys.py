"""The sequence of events and the tables of support, computed a second time from the raw rows.

By walking through each ticket with the desk and the state in hand, where the models compare rows by windows; ranks by
counting, least squares from the library, Wilson as the roots of its quadratic.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pytest
from dbt_tickets import nights
from dbt_warehouse import Warehouse, failures
from scipy import stats

AS_OF = date(2024, 6, 30)
NIGHTS = (date(2024, 6, 15), date(2024, 6, 29), AS_OF)
MINIMUM_ANSWERS = 3
CLOSE = {"abs": 6e-5}
MODELS = ("fct_customer_events", "customer_event_coverage", "kpi_support_journey", "kpi_loyalty_by_handoffs")

Row = dict[str, Any]


def _key(person: str | None) -> str | None:
    return person and hashlib.md5(f"secret{person}".encode()).hexdigest()


def _day(moment: datetime) -> date:
    return (moment + timedelta(hours=9)).date()  # Tokyo


@dataclass
class Journey:
    """A ticket's way by the business date."""

    ticket: Row
    desks: list[str] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)  # hand-offs, resolutions and reopenings
    replies: list[datetime] = field(default_factory=list)
    open_seconds: list[float] = field(default_factory=list)
    state: str | None = None
    has_status_times: bool = False

    @property
    def handoffs(self) -> list[Row]:
        return [step for step in self.steps if step["event_kind"] == "hand_off"]

    @property
    def is_over(self) -> bool:
        return self.state in ("solved", "closed")

    @property
    def resolved_at(self) -> datetime | None:
        if self.has_status_times:
            over = [
                step["at"] for step in self.steps if step["event_kind"] == "ticket_resolved" and step["at"]
            ]
            return max(over) if self.is_over else None
        told = self.ticket["resolved_at"] or self.ticket["closed_at"]
        return told if told and _day(told) <= AS_OF else None

    @property
    def first_reply_at(self) -> datetime | None:
        told = self.ticket["first_replied_at"]
        return min(self.replies, default=told if told and _day(told) <= AS_OF else None)

    @property
    def first_desk(self) -> str | None:
        return self.desks[0] if self.desks else self.ticket["department"]

    @property
    def reopened(self) -> int | None:
        if self.state is None:
            return self.ticket["reopen_count"]
        return sum(step["event_kind"] == "ticket_reopened" for step in self.steps)


class Company:
    def __init__(self, warehouse: Warehouse) -> None:
        rows: Callable[[str], list[Row]] = lambda table: warehouse.query(f"select * from {table}").to_dicts()  # noqa: E731
        self.person = {
            row["customer_id"]: row["person_id"] or row["customer_id"] for row in rows("raw_crm.customers")
        }
        self.orders = [
            row | {"lines": []}
            for row in rows("raw_crm.orders")
            if row["status"] != "cancelled" and _day(row["ordered_at"]) <= AS_OF
        ]
        by_id = {row["order_id"]: row for row in self.orders}
        for line in rows("raw_crm.order_lines"):
            if line["order_id"] in by_id:
                by_id[line["order_id"]]["lines"].append(line)
        self.returns = [
            row | {"order": by_id[row["order_id"]]}
            for row in rows("raw_crm.returns")
            if row["order_id"] in by_id and _day(row["returned_at"]) <= AS_OF
        ]
        self.contacts = [row for row in rows("raw_crm.campaign_contacts") if _day(row["sent_at"]) <= AS_OF]
        self.answers = [row for row in rows("raw_survey.responses") if _day(row["submitted_at"]) <= AS_OF]
        tickets = rows("raw_support.tickets")
        self.tickets = {row["ticket_id"]: row for row in tickets}
        events: dict[str, list[Row]] = defaultdict(list)
        assigned: dict[str, list[Row]] = defaultdict(list)
        for row in rows("raw_support.ticket_events"):
            if row["occurred_at"] is None or _day(row["occurred_at"]) <= AS_OF:
                events[row["ticket_id"]].append(row | {"at": row["occurred_at"]})
        for row in rows("raw_support.ticket_assignments"):
            if _day(row["assigned_at"]) <= AS_OF:
                about = {"at": row["assigned_at"], "event_id": f"assignment {row['sequence_number']}"}
                assigned[row["ticket_id"]].append(row | about | {"kind": "assigned", "status": None})
        self.journeys = {}
        for ticket in tickets:
            if _day(ticket["opened_at"]) <= AS_OF:
                told = events[ticket["ticket_id"]]
                if not any(event["department"] for event in told):
                    told = told + assigned[ticket["ticket_id"]]
                self.journeys[ticket["ticket_id"]] = _walk(ticket, told)

    def key(self, customer: str | None) -> str | None:
        return _key(self.person.get(customer, customer)) if customer else None

    def key_of_answer(self, answer: Row) -> str | None:
        ticket = self.tickets.get(answer["ticket_id"])
        return self.key(answer["customer_id"]) or (self.key(ticket["customer_id"]) if ticket else None)


def _walk(ticket: Row, events: list[Row]) -> Journey:
    journey = Journey(ticket)
    events.sort(key=lambda e: (e["at"] or datetime.min, e["sequence_number"], e["event_id"]))
    for number, event in enumerate(events, start=1):
        desk = journey.desks[-1] if journey.desks else None
        was_over = journey.is_over
        if event["department"] not in (None, desk):
            journey.desks.append(event["department"])
            if desk:
                journey.steps.append(
                    {"event_kind": "hand_off", "at": event["at"], "number": number, "from_department": desk}
                    | {"department": event["department"]}
                )
        if event["status"]:
            journey.state = event["status"]
            journey.has_status_times |= event["at"] is not None
            if journey.is_over != was_over:
                kind = "ticket_resolved" if journey.is_over else "ticket_reopened"
                now = journey.desks[-1] if journey.desks else None
                journey.steps.append(
                    {"event_kind": kind, "at": event["at"], "number": number, "department": now}
                )
        if event["kind"] == "agent_replied" and event["at"] and event["at"] > ticket["opened_at"]:
            journey.replies.append(event["at"])
        if journey.state in ("new", "open") and number < len(events) and event["at"]:
            journey.open_seconds.append((events[number]["at"] - event["at"]).total_seconds())
    return journey


def _money(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)


def _expected_events(company: Company) -> list[Row]:
    """All events, of unknown people too, without their numbers."""
    found: list[Row] = []
    for order in company.orders:
        goods = [line for line in order["lines"] if line["line_type"] in (None, "product")]
        net = {
            line["line_number"]: _money(line["quantity"] * line["unit_price"])
            - (line["discount_amount"] or 0)
            for line in order["lines"]
        }
        back = -sum((net[line["line_number"]] for line in goods if line["quantity"] < 0), Decimal(0))
        total = sum(net.values(), Decimal(0))
        is_sale = any(line["quantity"] > 0 for line in goods)
        about = {"customer_key": company.key(order["customer_id"]), "order_id": order["order_id"]}
        about |= {
            "department": order["department"],
            "channel": order["sales_channel"],
            "at": order["ordered_at"],
        }
        if is_sale:
            found.append(about | {"event_kind": "purchase", "amount": total + back})
        if back:
            found.append(about | {"event_kind": "return", "amount": -back if is_sale else total})
        found += [
            about | {"event_kind": "return", "amount": -row["refund_amount"], "at": row["returned_at"]}
            for row in company.returns
            if row["order"] is order
        ]
    for contact in company.contacts:
        about = {"customer_key": company.key(contact["customer_id"]), "campaign_id": contact["campaign_id"]}
        found.append(about | {"event_kind": "campaign_contact", "channel": "mail", "at": contact["sent_at"]})
    for journey in company.journeys.values():
        found += _ticket_events(company, journey)
    return found + _questionnaires(company)


def _ticket_events(company: Company, journey: Journey) -> list[Row]:
    ticket = journey.ticket
    about = {"customer_key": company.key(ticket["customer_id"]), "ticket_id": ticket["ticket_id"]}
    about |= {"channel": ticket["channel"], "at": ticket["opened_at"], "department": journey.first_desk}
    found = [about | {"event_kind": "ticket_opened", "ticket_event_number": 0}]
    steps = list(journey.steps)
    if not journey.has_status_times and journey.resolved_at:
        untimed = [step for step in steps if step["event_kind"] == "ticket_resolved"]
        steps = [step for step in steps if step not in untimed[-1:]]
        desk = ticket["department"] or (journey.desks[-1] if journey.desks else None)
        steps.append({"event_kind": "ticket_resolved", "at": journey.resolved_at, "department": desk})
    for step in steps:
        found.append(
            about
            | {name: value for name, value in step.items() if name not in ("at", "number")}
            | {"at": step["at"] or ticket["opened_at"], "is_time_known": step["at"] is not None}
            | {"ticket_event_number": step.get("number")}
        )
    return found


def _questionnaires(company: Company) -> list[Row]:
    given: dict[str, list[Row]] = defaultdict(list)
    for answer in company.answers:
        if answer["respondent_type"] != "internal":
            given[answer["response_id"]].append(answer)
    found = []
    for response, answers in given.items():
        if all(a["score"] is None and not (a["comment"] or "").strip() for a in answers):
            continue
        answered = [a for a in answers if a["score"] is not None or (a["comment"] or "").strip()]
        found.append(
            {
                "customer_key": company.key_of_answer(answers[0]),
                "event_kind": "survey_answer",
                "response_id": response,
                "at": answered[0]["submitted_at"],
                "department": answered[0]["department"],
                "touchpoint": answered[0]["touchpoint"],
                "ticket_id": answered[0]["ticket_id"],
            }
            | {f"{a['metric']}_score": a["score"] for a in answered if a["metric"] != "open_text"}
        )
    return found


RANK = {"campaign_contact": 1, "purchase": 2, "return": 3, "survey_answer": 5}


def _numbered(events: Iterable[Row], columns: list[str]) -> set[tuple[Any, ...]]:
    by_customer: dict[str, list[Row]] = defaultdict(list)
    for event in events:
        if event["customer_key"]:
            by_customer[event["customer_key"]].append(
                {"is_time_known": True}
                | event
                | {"occurred_at": event["at"], "event_date": _day(event["at"])}
                | {"department_key": event.get("department") or "(unknown)"}
                | {"campaign_key": event.get("campaign_id") or "(none)"}
            )
    rows = set()
    for own in by_customer.values():
        own.sort(
            key=lambda e: (
                e["occurred_at"],
                RANK.get(e["event_kind"], 4),
                e.get("ticket_id") or "",
                math.inf if e.get("ticket_event_number") is None else e["ticket_event_number"],
                e["event_kind"],
            )
        )
        for number, event in enumerate(own, start=1):
            rows.add(tuple((event | {"event_number": number}).get(column) for column in columns))
    return rows


@pytest.fixture(scope="module")
def wandering(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Three nights, each with its own business date."""
    warehouse = Warehouse(tmp_path_factory.mktemp("wandering")).create()
    for load_id, (as_of, tables) in enumerate(zip(NIGHTS, nights(), strict=True), start=1):
        warehouse.load(load_id, tables)
        _build(warehouse, as_of)
    return warehouse


def _build(warehouse: Warehouse, as_of: date, *arguments: str) -> None:
    warehouse.set_run(as_of, minimum_answers=MINIMUM_ANSWERS)
    selection = [f"+{model}" for model in MODELS]
    only = ("--resource-type", "model", "--resource-type", "seed")
    assert failures(warehouse.dbt("build", "--select", *selection, *only, *arguments)) == {}


@pytest.fixture(scope="module")
def company(wandering: Warehouse) -> Company:
    return Company(wandering)


EVENTS = "marts.fct_customer_events"


def test_the_sequence_of_every_customer(wandering: Warehouse, company: Company) -> None:
    """After three nights, one customer become another and late rows in the middle of old sequences."""
    events = _expected_events(company)
    published = wandering.query(f"select * from {EVENTS}")
    assert set(published.rows()) == _numbered(events, published.columns)
    assert published.height == len(set(published.rows()))
    assert not published["is_time_known"].all()
    assert set(published["event_kind"]) == {event["event_kind"] for event in events}
    assert len(set(published["event_kind"])) == 8


def test_events_of_unknown_people_are_counted(wandering: Warehouse, company: Company) -> None:
    counts: dict[str, Counter[bool]] = defaultdict(Counter)
    for event in _expected_events(company):
        counts[event["event_kind"]][event["customer_key"] is not None] += 1
    published = wandering.query(
        "select event_kind, events, events_of_customers, events_of_unknown_people from meta.customer_event_coverage"
    )
    assert set(published.rows()) == {
        (kind, count[True] + count[False], count[True], count[False]) for kind, count in counts.items()
    }
    assert sum(count[False] for count in counts.values()) > 0


def test_a_quiet_night_writes_nothing_and_a_changed_customer_alone_is_written(wandering: Warehouse) -> None:
    """Rows that are written again have other places in the file."""
    places = f"select rowid, customer_key, event_number from {EVENTS} order by all"
    before = wandering.query(places)
    content = wandering.query(f"select * from {EVENTS} order by all")
    _build(wandering, AS_OF)
    assert before.equals(wandering.query(places))
    somebody = before["customer_key"][0]
    wandering.execute(f"update {EVENTS} set department = 'nowhere' where customer_key = '{somebody}'")
    wandering.execute(
        f"update {EVENTS} set customer_key = 'ghost' where rowid = (select max(rowid) from {EVENTS})"
    )
    _build(wandering, AS_OF)
    assert content.equals(wandering.query(f"select * from {EVENTS} order by all"))
    _build(wandering, AS_OF, "--full-refresh")
    assert content.equals(wandering.query(f"select * from {EVENTS} order by all"))


def _share(successes: int, n: int) -> tuple[Any, ...]:
    if n < MINIMUM_ANSWERS:
        return None, None, None
    z, p = stats.norm.ppf(0.975), successes / n
    lower, upper = sorted(np.roots([1 + z**2 / n, -(2 * p + z**2 / n), p**2]).real)
    return tuple(pytest.approx(100 * value, **CLOSE) for value in (p, lower, upper))


def _quantile(values: list[float], percent: int) -> Any:
    """Of all, those that wait without end included: the lowest value that so many per cent do not exceed."""
    if len(values) < MINIMUM_ANSWERS:
        return None
    found = sorted(values)[-(-len(values) * percent // 100) - 1]
    return None if math.isinf(found) else pytest.approx(found, **CLOSE)


def _hours(since: datetime, until: datetime | None) -> float:
    return (until - since).total_seconds() / 3600 if until else math.inf


def _journey_numbers(group: list[Journey]) -> Row:
    told = [len(journey.handoffs) for journey in group if journey.desks]
    over = [journey for journey in group if journey.resolved_at]
    judged = [journey for journey in over if journey.desks and journey.reopened is not None]
    at_once = [
        journey
        for journey in judged
        if not journey.handoffs and not journey.reopened and len(journey.replies) <= 1
    ]
    once_over = [j for j in group if j.reopened is not None and (j.resolved_at or j.reopened)]
    again = [journey for journey in once_over if journey.reopened]
    answered = [journey for journey in group if journey.first_reply_at or not journey.resolved_at]
    replies = [_hours(journey.ticket["opened_at"], journey.first_reply_at) for journey in answered]
    ends = [_hours(journey.ticket["opened_at"], journey.resolved_at) for journey in group]
    waits = [
        sum(journey.open_seconds) / 3600 for journey in group if journey.is_over and journey.open_seconds
    ]
    row: Row = {
        "tickets": len(group),
        "resolved": len(over),
        "handoffs": sum(told),
        "handoffs_0": told.count(0),
        "handoffs_1": told.count(1),
        "handoffs_2": told.count(2),
        "handoffs_3_or_more": sum(count >= 3 for count in told),
        "first_reply_n": len(answered),
        "first_replied": sum(journey.first_reply_at is not None for journey in answered),
        "waiting_n": len(waits),
    }
    for name, part, successes, n in (
        ("handed_off", "handed_off", sum(count > 0 for count in told), len(told)),
        ("first_contact", "first_contact_resolved", len(at_once), len(judged)),
        ("reopened", "reopened", len(again), len(once_over)),
    ):
        row |= {part: successes, f"{name}_n": n}
        names = (f"{name}_share", f"{name}_share_lower", f"{name}_share_upper")
        row |= dict(zip(names, _share(successes, n), strict=True))
    for name, values in (("first_reply", replies), ("resolution", ends), ("waiting_for_us", waits)):
        row |= {f"{name}_hours_{q}": _quantile(values, p) for q, p in (("median", 50), ("p90", 90))}
    return row


def test_kpi_support_journey(wandering: Warehouse, company: Company) -> None:
    groups: dict[tuple[Any, ...], list[Journey]] = defaultdict(list)
    for journey in company.journeys.values():
        month = _day(journey.ticket["opened_at"]).replace(day=1)
        groups[month, "month", "(all)"].append(journey)
        groups[month, "month_department", journey.first_desk or "(unknown)"].append(journey)
    published = {
        tuple(row.pop(column) for column in ("month", "level", "department")): row
        for row in wandering.query("select * from kpi.kpi_support_journey").to_dicts()
    }
    assert published == {cell: _journey_numbers(group) for cell, group in groups.items()}
    for column in (
        "first_contact_share",
        "first_reply_hours_p90",
        "resolution_hours_p90",
        "waiting_for_us_hours_p90",
    ):
        assert {row[column] is None for row in published.values()} == {True, False}, column


def _nps(scores: np.ndarray) -> tuple[Any, ...]:
    sides = np.where(scores >= 9, 1, np.where(scores <= 6, -1, 0))
    weights = np.concatenate([np.ones(len(sides)), [0.75, 1.5, 0.75]])
    adjusted = np.concatenate([sides, [1, 0, -1]])
    centre = np.average(adjusted, weights=weights)
    spread = math.sqrt(np.average((adjusted - centre) ** 2, weights=weights) / weights.sum())
    z = stats.norm.ppf(0.975)
    values = (sides.mean(), sides.std() / math.sqrt(len(sides)), max(-1, centre - z * spread))
    return tuple(pytest.approx(100 * value, **CLOSE) for value in (*values, min(1, centre + z * spread)))


def _loyalty_numbers(metric: str, group: list[tuple[int, float]], is_all: bool) -> tuple[Any, ...]:
    x, y = (np.array(values, dtype=float) for values in zip(*group, strict=True))
    n = len(y)
    means: tuple[Any, ...] = (None,) * 4
    nps: tuple[Any, ...] = (None,) * 4
    line: tuple[Any, ...] = (None,) * 4
    parts = ((y >= 9).sum(), ((y >= 7) & (y <= 8)).sum(), (y <= 6).sum()) if metric == "nps" else (None,) * 3
    if n >= MINIMUM_ANSWERS:
        error = y.std(ddof=1) / math.sqrt(n)
        reach = stats.t.ppf(0.975, n - 1) * error
        means = tuple(pytest.approx(v, abs=0.01 * reach + 6e-5) for v in (y.mean(), error, y.mean() - reach))
        means += (pytest.approx(y.mean() + reach, abs=0.01 * reach + 6e-5),)
        if metric == "nps":
            nps = _nps(y)
        if is_all:
            fit = stats.linregress(x, y)
            reach = stats.t.ppf(0.975, n - 2) * fit.stderr
            values = (fit.slope, fit.stderr, fit.slope - reach, fit.slope + reach)
            line = tuple(pytest.approx(value, **CLOSE) for value in values)
    return (n, *means, *parts, *nps, *line)


def test_kpi_loyalty_by_handoffs(wandering: Warehouse, company: Company) -> None:
    groups: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    for answer in company.answers:
        journey = company.journeys.get(answer["ticket_id"])
        if (
            not journey
            or not journey.desks
            or answer["score"] is None
            or answer["respondent_type"] == "internal"
        ):
            continue
        before = sum(step["at"] is None or step["at"] <= answer["submitted_at"] for step in journey.handoffs)
        for handoffs in ("(all)", str(before) if before < 3 else "3 or more"):
            groups[answer["metric"], handoffs].append((before, float(answer["score"])))
    published = {
        row[:2]: row[2:] for row in wandering.query("select * from kpi.kpi_loyalty_by_handoffs").rows()
    }
    expected = {cell: _loyalty_numbers(cell[0], group, cell[1] == "(all)") for cell, group in groups.items()}
    assert published == expected
    assert {cell[1] for cell in published} == {"(all)", "0", "1", "2", "3 or more"}
