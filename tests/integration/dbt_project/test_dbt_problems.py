"""Problems, silence and repurchase, computed a second time from the raw rows of a company with many problems.

In plain Python, polars and NumPy, and in other ways than the models take: problems by collecting what speaks of one
order, complaints by looking for the nearest, Kaplan and Meier as a product over the days.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import product
from random import Random

import numpy as np
import polars as pl
import pytest
from dbt_company import Row, customer_key
from dbt_warehouse import PROJECT, Warehouse, failures

AS_OF = date(2024, 6, 30)
LAST_ORDER = date(2024, 6, 20)  # the shop's export ends here
TOKYO = timedelta(hours=9)
MINIMUM_ANSWERS = 3  # of the test warehouse
WINDOW, IN_TIME = 30, 14  # days to complain, days to resolve: seed problem_rules
Z = 1.959963984540054
GRID = (30, 60, 90, 180, 365)
RANKS = {
    "failed_delivery": 1,
    "return": 2,
    "fee": 3,
    "late_delivery": 4,
    "abandoned_ticket": 5,
    "low_score": 6,
}
FROM_ORDERS = ("failed_delivery", "return", "fee", "late_delivery")

VOICED = ("abandoned_ticket",)  # what a customer wrote: nobody is silent about it

MODELS = ("fct_problems", "kpi_silent_customers", "kpi_service_recovery")

CUSTOMERS = 90


def _business_date(at: datetime) -> date:
    return (at + TOKYO).date()


def _raw_tables() -> dict[str, list[Row]]:
    """A year and a half of a shop where every third order goes wrong, seeded."""
    random = Random(4)
    tables: dict[str, list[Row]] = defaultdict(list)
    begin = datetime(2023, 1, 1)
    days = (LAST_ORDER - begin.date()).days

    def customer() -> str | None:
        return f"c{int(CUSTOMERS * random.random() ** 2)}" if random.random() > 0.08 else None

    tables["crm.customers"] = [
        {"customer_id": f"c{n}", "registered_at": begin, "email": f"c{n}@example.org"}
        for n in range(CUSTOMERS)
    ]
    tables["crm.products"] = [{"product_id": "tea", "name": "Tea"}]
    for number in range(420):
        order_id = f"o{number}"
        ordered_at = begin + timedelta(seconds=random.randrange(days * 86_400))
        if number == 0:
            ordered_at = datetime(2024, 6, 20, 3)
        promised_at = ordered_at + timedelta(days=4) if random.random() < 0.7 else None
        delivered_at = promised_at and promised_at + timedelta(hours=random.randrange(-60, 40))
        if random.random() < 0.06:
            delivered_at = None
        tables["crm.orders"].append(
            {
                "order_id": order_id,
                "customer_id": customer(),
                "ordered_at": ordered_at,
                "department": random.choice(["shop", "web", None]),
                "status": random.choice(["delivered"] * 12 + ["cancelled", "unavailable"]),
                "promised_at": promised_at,
                "delivered_at": delivered_at,
            }
        )
        kinds = [None, *(["penalty"] if random.random() < 0.04 else [])]
        kinds += ["minus"] if random.random() < 0.04 else []
        for line, kind in enumerate(kinds, start=1):
            tables["crm.order_lines"].append(
                {
                    "order_id": order_id,
                    "line_number": line,
                    "product_id": "tea",
                    "quantity": "-1" if kind == "minus" else "2",
                    "unit_price": f"{random.randrange(5, 40)}.{random.randrange(100):02}",
                    "line_type": None if kind == "minus" else kind,
                }
            )
        if random.random() < 0.12:
            tables["crm.returns"].append(
                {
                    "return_id": f"r{number}",
                    "order_id": order_id,
                    "refund_amount": "4.50",
                    "returned_at": ordered_at + timedelta(hours=random.randrange(24, 700)),
                }
            )
    for number in range(160):
        opened_at = begin + timedelta(seconds=random.randrange((days + 8) * 86_400))
        hours = random.choice([2, 30, 300, 400, None])
        order = random.choice(tables["crm.orders"])
        names_order = random.random() < 0.5
        if names_order:
            opened_at = order["ordered_at"] + timedelta(hours=random.randrange(24, 900))
        tables["support.tickets"].append(
            {
                "ticket_id": f"t{number}",
                "customer_id": order["customer_id"] if names_order else customer(),
                "order_id": order["order_id"] if names_order else None,
                "opened_at": opened_at,
                "resolved_at": hours and opened_at + timedelta(hours=hours),
                "department": "help",
                "is_complaint": random.choice([True, True, False, None]),
            }
        )
    for number in range(200):
        order, ticket = random.choice(tables["crm.orders"]), random.choice(tables["support.tickets"])
        about: Row = random.choice(
            [
                {"order_id": order["order_id"], "customer_id": order["customer_id"]},
                {"ticket_id": ticket["ticket_id"], "customer_id": ticket["customer_id"]},
                {"customer_id": customer()},
            ]
        )
        for metric, score in (("csat", random.choice(["1", "2", "3", "4", "5", None])), ("open_text", None)):
            tables["survey.responses"].append(
                {
                    "response_id": f"q{number}",
                    "question_id": metric,
                    "metric": metric,
                    "score": score,
                    "comment": "so it was" if metric == "open_text" and number % 3 == 0 else None,
                    "submitted_at": begin + timedelta(seconds=random.randrange((days + 8) * 86_400)),
                    "department": "web",
                    **about,
                }
            )
    return tables


@dataclass
class _Problem:
    """What speaks of one order, ticket or answer, and what became of it."""

    signs: list[tuple[int, datetime, str]] = field(default_factory=list)  # rank, when, kind
    customer: str = ""
    department: str | None = None
    order_id: str | None = None
    has_words: bool = False
    complaints: list[Row] = field(default_factory=list)

    @property
    def happened_at(self) -> datetime:
        return min(at for _, at, _ in self.signs)

    @property
    def day(self) -> date:
        return _business_date(self.happened_at)

    @property
    def kind(self) -> str:
        return min(self.signs)[2]

    @property
    def outcome(self) -> str:
        if not self.complaints:
            return "told_in_survey" if self.has_words else "never_voiced"
        latest = max(self.complaints, key=lambda ticket: (ticket["opened_at"], ticket["ticket_id"]))
        resolved_at = latest["resolved_at"]
        if resolved_at is None or _business_date(resolved_at) > AS_OF:
            return "unresolved"
        return "resolved" if resolved_at - latest["opened_at"] <= timedelta(days=IN_TIME) else "unresolved"

    @property
    def is_decided(self) -> bool:
        return (LAST_ORDER - self.day).days >= WINDOW + IN_TIME


class _Company:
    """The raw rows by what they are about."""

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        self.tables = tables
        self.orders = {order["order_id"]: order for order in tables["crm.orders"]}
        self.tickets = {
            ticket["ticket_id"]: self._with_customer(ticket)
            for ticket in tables["support.tickets"]
            if _business_date(ticket["opened_at"]) <= AS_OF
        }
        self.lines: dict[str, list[Row]] = defaultdict(list)
        for line in tables["crm.order_lines"]:
            self.lines[line["order_id"]].append(line)
        self.problems: dict[str, _Problem] = defaultdict(_Problem)

    def _with_customer(self, row: Row) -> Row:
        order = self.orders.get(row.get("order_id"))
        return {**row, "customer": row["customer_id"] or (order and order["customer_id"])}

    def _note(
        self,
        problem_id: str,
        kind: str,
        at: datetime,
        customer: str,
        department: str | None,
        order: str | None,
    ) -> _Problem:
        problem = self.problems[problem_id]
        sign = (RANKS[kind], at, kind)
        if not problem.signs or sign < min(problem.signs):
            problem.customer, problem.department = customer, department
        problem.signs.append(sign)
        problem.order_id = order
        return problem

    def find_problems(self) -> dict[str, _Problem]:
        for order in self.orders.values():
            if order["customer_id"]:
                self._problems_of(order)
        for ticket in self.tickets.values():
            self._abandoned(ticket)
        for response in self.tables["survey.responses"]:
            self._low_score(response)
        for ticket in self.tickets.values():
            if ticket["is_complaint"] and ticket["customer"]:
                self._attach(ticket)
        return self.problems

    def _problems_of(self, order: Row) -> None:
        def note(kind: str, at: datetime) -> None:
            problem_id = f"order {order['order_id']}"
            self._note(problem_id, kind, at, order["customer_id"], order["department"], order["order_id"])

        is_cancelled = order["status"] in ("cancelled", "unavailable")
        if order["status"] == "unavailable":
            note("failed_delivery", order["ordered_at"])
        if order["promised_at"]:
            delivered = order["delivered_at"]
            if delivered and _business_date(delivered) <= AS_OF:
                overdue = (_business_date(delivered) - _business_date(order["promised_at"])).days
                is_missing = False
            else:
                overdue = (LAST_ORDER - _business_date(order["promised_at"])).days
                is_missing = True
            if overdue >= 1 and not (is_missing and is_cancelled):
                note("late_delivery", order["promised_at"])
                if is_missing and overdue >= 30:
                    note("failed_delivery", order["promised_at"])
        if not is_cancelled:
            for line in self.lines[order["order_id"]]:
                if line["line_type"] == "penalty":
                    note("fee", order["ordered_at"])
                if Decimal(line["quantity"]) < 0:
                    note("return", order["ordered_at"])
        for refund in self.tables["crm.returns"]:
            if refund["order_id"] == order["order_id"] and _business_date(refund["returned_at"]) <= AS_OF:
                note("return", refund["returned_at"])

    def _abandoned(self, ticket: Row) -> None:
        if not ticket["customer"] or ticket["is_complaint"]:
            return
        last_opened = max(_business_date(other["opened_at"]) for other in self.tickets.values())
        if ticket["resolved_at"] and _business_date(ticket["resolved_at"]) <= AS_OF:
            days = (ticket["resolved_at"] - ticket["opened_at"]) / timedelta(days=1)
        else:
            days = (last_opened - _business_date(ticket["opened_at"])).days
        if days > 14:
            order = ticket["order_id"]
            problem_id = f"order {order}" if order else f"ticket {ticket['ticket_id']}"
            self._note(problem_id, "abandoned_ticket", ticket["opened_at"], ticket["customer"], "help", order)

    def _low_score(self, response: Row) -> None:
        ticket = self.tickets.get(response.get("ticket_id"), {})
        customer = self._with_customer(response)["customer"] or ticket.get("customer")
        is_low = response["metric"] == "csat" and response["score"] in ("1", "2")
        if not is_low or not customer or ticket.get("is_complaint"):
            return
        order = response.get("order_id") or ticket.get("order_id")
        problem_id = f"response {response['response_id']} survey_tool"
        if response.get("ticket_id"):
            problem_id = f"ticket {response['ticket_id']}"
        if order:
            problem_id = f"order {order}"
        found = self._note(problem_id, "low_score", response["submitted_at"], customer, "web", order)
        found.has_words |= int(response["response_id"][1:]) % 3 == 0

    def _attach(self, ticket: Row) -> None:
        """Give a complaint to the problem of its order or, where it names none, to the nearest of its customer."""
        if ticket["order_id"]:
            named = self.problems.get(f"order {ticket['order_id']}")
            if named:
                named.complaints.append(ticket)
            return
        near = [
            (abs(problem.happened_at - ticket["opened_at"]), problem_id)
            for problem_id, problem in self.problems.items()
            if problem.customer == ticket["customer"]
            and abs((problem.day - _business_date(ticket["opened_at"])).days) <= WINDOW
        ]
        if near:
            self.problems[min(near)[1]].complaints.append(ticket)

    def next_purchase(self, problem: _Problem) -> date | None:
        later = [
            _business_date(order["ordered_at"])
            for order in self.orders.values()
            if order["customer_id"] == problem.customer
            and order["ordered_at"] > problem.happened_at
            and order["order_id"] != problem.order_id
            and order["status"] == "delivered"
        ]
        return min(later, default=None)

    def revenue_before(self, problem: _Problem) -> Decimal:
        assert (problem.day.month, problem.day.day) != (2, 29)
        last_year = problem.day.replace(year=problem.day.year - 1)
        total = Decimal(0)
        for order in self.orders.values():
            is_theirs = order["customer_id"] == problem.customer and order["status"] == "delivered"
            if is_theirs and last_year < _business_date(order["ordered_at"]) <= problem.day:
                total += sum(
                    Decimal(line["quantity"]) * Decimal(line["unit_price"])
                    for line in self.lines[order["order_id"]]
                )
                total -= sum(
                    Decimal(refund["refund_amount"])
                    for refund in self.tables["crm.returns"]
                    if refund["order_id"] == order["order_id"]
                    and _business_date(refund["returned_at"]) <= AS_OF
                )
        return total


@pytest.fixture(scope="module")
def with_problems(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("problems")).create()
    warehouse.load(1, _raw_tables())
    warehouse.set_run(AS_OF)
    results = warehouse.dbt(
        "build",
        "--select",
        *(f"+{model}" for model in MODELS),
        "--resource-type",
        "model",
        "--resource-type",
        "seed",
    )
    assert failures(results) == {}
    return warehouse


@pytest.fixture(scope="module")
def shop() -> _Company:
    shop = _Company(_raw_tables())
    shop.find_problems()
    return shop


def test_problems(with_problems: Warehouse, shop: _Company) -> None:
    expected = {
        problem_id: {
            "customer_key": customer_key(problem.customer),
            "problem_kind": problem.kind,
            "kind_count": len({kind for _, _, kind in problem.signs}),
            "is_from_order": problem.kind in FROM_ORDERS,
            "is_voiced": problem.kind in VOICED,
            "happened_at": problem.happened_at,
            "happened_date": problem.day,
            "department": problem.department,
            "department_key": problem.department or "(unknown)",
            "order_id": problem.order_id,
            "complaint_count": len(problem.complaints),
            "outcome": problem.outcome,
            "is_decided": problem.is_decided,
            "next_purchase_date": shop.next_purchase(problem),
            "followed_days": max(0, ((shop.next_purchase(problem) or LAST_ORDER) - problem.day).days),
            "revenue_12m_before": shop.revenue_before(problem),
        }
        for problem_id, problem in shop.problems.items()
    }
    published = {
        row.pop("problem_id"): row
        for row in with_problems.query(
            "select * exclude (complaint_ticket_id, first_complaint_date) from marts.fct_problems"
        ).to_dicts()
    }
    assert published == expected
    assert {row["problem_kind"] for row in expected.values()} == set(RANKS)
    assert len({row["outcome"] for row in expected.values()}) == 4
    assert {row["complaint_count"] for row in expected.values()} > {0, 1}
    assert {row["is_decided"] for row in expected.values()} == {True, False}


def _wilson(successes: float, n: float, side: int) -> float:
    """By solving |p - successes / n| = z sqrt(p (1 - p) / n) for p."""
    roots = np.roots([1 + Z**2 / n, -(2 * successes + Z**2) / n, (successes / n) ** 2])
    return float(np.sort(roots.real)[(side + 1) // 2])


def _cells(problem: _Problem) -> Iterable[tuple[str, str, str]]:
    kinds = [problem.kind, "(all)"] + (["(orders)"] if problem.kind in FROM_ORDERS else [])
    return product((f"{problem.day:%Y-%m}", "(all)"), (problem.department or "(unknown)", "(all)"), kinds)


def _silence(problems: list[_Problem], matched: float) -> Row:
    """The columns of one cell, from its problems that are decided."""
    by_customer: dict[str, list[_Problem]] = defaultdict(list)
    for problem in problems:
        by_customer[problem.customer].append(problem)
    silent_about = {
        customer: [problem.kind not in VOICED and problem.outcome == "never_voiced" for problem in theirs]
        for customer, theirs in by_customer.items()
    }
    silent = [customer for customer, theirs in silent_about.items() if all(theirs)]
    outcomes = {
        customer: [problem.outcome for problem in theirs if problem.kind not in VOICED]
        for customer, theirs in by_customer.items()
    }
    complained = {
        customer: sum(outcome in ("resolved", "unresolved") for outcome in theirs)
        for customer, theirs in outcomes.items()
    }
    n, complaints = sum(map(len, outcomes.values())), sum(complained.values())
    row: Row = {
        "problems": len(problems),
        "problems_voiced": len(problems) - n,
        "complaints": complaints,
        "told_in_survey": sum(theirs.count("told_in_survey") for theirs in outcomes.values()),
        "customers_with_problem": len(by_customer),
        "customers_complained": sum(count > 0 for count in complained.values()),
        "customers_silent": len(silent),
    }
    rate = lower = upper = ratio = ratio_lower = ratio_upper = None
    effect = 1.0
    if n and 0 < complaints < n:
        residuals = [complained[c] - complaints / n * len(outcomes[c]) for c in by_customer]
        effect = max(1.0, sum(r * r for r in residuals) / (n * (complaints / n) * (1 - complaints / n)))
    if n >= MINIMUM_ANSWERS:
        rate = complaints / n
        lower, upper = (_wilson(complaints / effect, n / effect, side) for side in (-1, 1))
        ratio_lower = 1 / min(1, upper / matched) - 1
        if complaints:
            ratio, ratio_upper = 1 / min(1, rate / matched) - 1, 1 / min(1, lower / matched) - 1
    return row | {
        "complaint_rate": _percent(rate),
        "complaint_rate_lower": _percent(lower),
        "complaint_rate_upper": _percent(upper),
        "design_effect": _close(effect),
        "silent_per_complaint": _close(ratio),
        "silent_per_complaint_lower": _close(ratio_lower),
        "silent_per_complaint_upper": _close(ratio_upper),
        "is_claim_within_interval": None
        if ratio_lower is None
        else ratio_lower <= 26 <= (math.inf if ratio_upper is None else ratio_upper),
        "silent": {
            customer: max(by_customer[customer], key=lambda problem: problem.happened_at)
            for customer in silent
        },
    }


def _close(value: float | None) -> object:
    return None if value is None else pytest.approx(value, abs=6e-5)


def _percent(share: float | None) -> object:
    return None if share is None else pytest.approx(100 * share, abs=6e-5)


def test_silent_customers(with_problems: Warehouse, shop: _Company) -> None:
    complaints = [ticket for ticket in shop.tickets.values() if ticket["is_complaint"]]
    matched = sum(ticket["customer"] is not None for ticket in complaints) / len(complaints)
    assert 0.5 < matched < 1
    cells: dict[tuple, list[_Problem]] = defaultdict(list)
    for problem in shop.problems.values():
        for cell in _cells(problem):
            cells[cell].append(problem)
    expected = {}
    for cell, problems in cells.items():
        row = _silence([problem for problem in problems if problem.is_decided], matched)
        row["revenue_at_risk"] = sum(map(shop.revenue_before, row.pop("silent").values()))
        row["problems_undecided"] = sum(not problem.is_decided for problem in problems)
        expected[cell] = row
    published = {}
    for row in with_problems.query(
        "select * exclude (month, claimed_silent_per_complaint) from kpi.kpi_silent_customers"
    ).to_dicts():
        assert row.pop("complaints_matched_share") == _percent(matched)
        published[row.pop("period"), row.pop("department"), row.pop("problem_kind")] = row
    assert published == expected
    assert max(row["design_effect"] for row in published.values()) > 1
    assert published["(all)", "(all)", "(all)"]["customers_silent"] > 10
    written = published["(all)", "(all)", "abandoned_ticket"]
    assert written["problems"] > 10
    assert written["complaint_rate"] is written["is_claim_within_interval"] is None


def _kaplan_meier(days: np.ndarray, bought: np.ndarray, until: int) -> tuple[float, float, float]:
    """Survival and its log-log interval; 0 and 1 come without one."""
    survival, greenwood = 1.0, 0.0
    for day in np.unique(days[bought & (days <= until)]):
        at_risk, events = (days >= day).sum(), (bought & (days == day)).sum()
        survival *= 1 - events / at_risk
        greenwood += events / at_risk / (at_risk - events) if events < at_risk else math.inf
    if survival in (0.0, 1.0):
        return survival, math.nan, math.nan
    middle, spread = math.log(-math.log(survival)), Z * math.sqrt(greenwood) / math.log(survival)
    return survival, *(math.exp(-math.exp(middle + side * spread)) for side in (1, -1))


def _recovery(days: np.ndarray, bought: np.ndarray, until: int, claim: float | None) -> Row:
    at_risk, repurchased = int((days >= until).sum()), int((bought & (days <= until)).sum())
    row: Row = {"customers": len(days), "at_risk": at_risk, "repurchased": repurchased}
    survival, high, low = _kaplan_meier(days, bought, until)
    rate, lower, upper = 1 - survival, 1 - low, 1 - high
    if survival in (0.0, 1.0) and at_risk + repurchased:
        lower, upper = (min(1, max(0, _wilson(repurchased, at_risk + repurchased, side))) for side in (-1, 1))
    lower, upper = min(lower, upper), max(lower, upper)
    is_known = len(days) >= MINIMUM_ANSWERS and (at_risk > 0 or survival == 0.0)
    return row | {
        "repurchase_rate": _percent(rate if is_known else None),
        "repurchase_rate_lower": _percent(lower if is_known else None),
        "repurchase_rate_upper": _percent(upper if is_known else None),
        "claimed_repurchase_rate": claim,
        "is_claim_within_interval": None if claim is None or not is_known else lower <= claim / 100 <= upper,
    }


def _claim(outcome: str, kind: str) -> float | None:
    if outcome == "resolved":
        return 95.0
    return 10.0 if outcome != "(all)" or kind == "low_score" else None


def test_service_recovery(with_problems: Warehouse, shop: _Company) -> None:
    decided = pl.DataFrame(
        [
            {
                "outcome": outcome,
                "kind": kind,
                "customer": problem.customer,
                "happened_at": problem.happened_at,
                "problem_id": problem_id,
                "days": max(0, ((shop.next_purchase(problem) or LAST_ORDER) - problem.day).days),
                "bought": shop.next_purchase(problem) is not None,
            }
            for problem_id, problem in shop.problems.items()
            if problem.is_decided
            for outcome, kind in product((problem.outcome, "(all)"), (problem.kind, "(all)"))
        ]
    )
    first = decided.sort("happened_at", "problem_id").unique(
        ["outcome", "kind", "customer"], keep="first", maintain_order=True
    )
    expected = {
        (outcome, kind, until): _recovery(
            lives["days"].to_numpy(), lives["bought"].to_numpy(), until, _claim(outcome, kind)
        )
        for (outcome, kind), lives in first.group_by("outcome", "kind")
        for until in GRID
    }
    published = {
        (row.pop("outcome"), row.pop("problem_kind"), row.pop("day")): row
        for row in with_problems.query("select * from kpi.kpi_service_recovery").to_dicts()
    }
    assert published == expected
    lives = first.filter(outcome="(all)", kind="(all)")
    ties = lives.group_by("days").agg(pl.col("bought").n_unique())["bought"]
    assert ties.max() == 2, "somebody is lost from sight on a day on which somebody else buys"
    assert any(row["at_risk"] == 0 for row in expected.values())


def test_a_second_run_gives_the_same_rows_bit_for_bit(with_problems: Warehouse) -> None:
    """Products of many factors would differ in their last digits, were they taken in another order."""
    tables = ("marts.fct_problems", "kpi.kpi_silent_customers", "kpi.kpi_service_recovery")
    before = {table: with_problems.published()[table] for table in tables}
    assert failures(with_problems.dbt("run", "--select", *MODELS, "--threads", "1")) == {}
    assert {table: with_problems.published()[table] for table in tables} == before


def test_the_seed_has_the_windows_that_are_recomputed_here() -> None:
    with (PROJECT / "seeds" / "problem_rules.csv").open(newline="") as file:
        rules = list(csv.DictReader(file))
    assert {(rule["complaint_window_days"], rule["resolution_days"]) for rule in rules} == {("30", "14")}
    assert {rule["problem_kind"]: int(rule["rank"]) for rule in rules} == RANKS
    assert {rule["problem_kind"] for rule in rules if rule["is_from_order"] == "true"} == set(FROM_ORDERS)
    assert {rule["problem_kind"] for rule in rules if rule["is_voiced"] == "true"} == set(VOICED)
