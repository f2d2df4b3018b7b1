"""What customers get for what they give, computed a second time from the raw rows of a company that tells much.

In plain Python, polars and NumPy, in other ways than the models take: what happened to a customer is collected event by
event, scores are distances of an array from its mean, positions are counted one by one. Lifetime values are taken as
given: they have tests of their own.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import numpy as np
import polars as pl
import pytest
from dbt_company import Row, customer_key
from dbt_warehouse import PROJECT, Warehouse, failures
from scipy.stats import t as student

AS_OF = date(2024, 6, 30)
YEAR_AGO = date(2023, 6, 30)
TOKYO = timedelta(hours=9)
MINIMUM_ANSWERS = 3  # of the test warehouse
CUSTOMERS = 110
LIST_PRICES = {"tea": Decimal("10"), "cup": Decimal("20"), "gift": None}
OVERDUE_DAYS, UNRESOLVED_DAYS, REPEAT_DAYS = 30, 14, 30  # seeds problem_rules and value_equation_parts
SCALES = {"value_result": 5, "value_process": 5, "csat": 5, "ces": 7}
ANSWERED = ("result_answers", "satisfaction", "process_answers", "contact_satisfaction", "ease_answers")
ROUNDING = 6e-5


def _day(at: datetime) -> date:
    return (at + TOKYO).date()


def _with_seed(name: str) -> dict[str, Row]:
    with (PROJECT / "seeds" / f"{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {next(iter(row.values())): row for row in rows}


PARTS = _with_seed("value_equation_parts")


def _raw_tables() -> dict[str, list[Row]]:
    """A year and a half: parcels that are late or lost, returns, charges, contacts passed on and answers."""
    random = Random(11)
    tables: dict[str, list[Row]] = defaultdict(list)
    begin, days = datetime(2023, 1, 1), 540

    def moment() -> datetime:
        return begin + timedelta(seconds=random.randrange(days * 86_400))

    def customer() -> str | None:
        return f"c{int(CUSTOMERS * random.random() ** 2)}" if random.random() > 0.06 else None

    tables["crm.customers"] = [{"customer_id": f"c{n}", "registered_at": begin} for n in range(CUSTOMERS)]
    tables["crm.products"] = [
        {"product_id": product, "list_price": price and str(price), "unit_cost": "4"}
        for product, price in LIST_PRICES.items()
    ]
    for number in range(520):
        ordered_at = moment()
        promised_at = ordered_at + timedelta(days=4) if random.random() < 0.7 else None
        delivered_at = promised_at and promised_at + timedelta(hours=random.randrange(-60, 60))
        order = {
            "order_id": f"o{number}",
            "customer_id": customer(),
            "ordered_at": ordered_at,
            "department": random.choice(["shop", "web", None]),
            "status": random.choice(["delivered"] * 14 + ["cancelled", "unavailable"]),
            "promised_at": promised_at,
            "delivered_at": None if random.random() < 0.06 else delivered_at,
        }
        tables["crm.orders"].append(order)
        kinds = random.choices(
            [None, "shipping", "penalty", "minus"], [14, 2, 1, 1], k=random.randrange(1, 4)
        )
        for line, kind in enumerate(kinds, start=1):
            product = random.choice(list(LIST_PRICES))
            tables["crm.order_lines"].append(
                {
                    "order_id": order["order_id"],
                    "line_number": line,
                    "product_id": product,
                    "quantity": "-1" if kind == "minus" else random.choice(["1", "2"]),
                    "unit_price": f"{random.randrange(6, 22)}.{random.randrange(100):02}",
                    "discount_amount": random.choice([None, None, "1.5"]),
                    "fee_amount": random.choice([None, None, "4.95"]),
                    "line_type": None if kind == "minus" else kind,
                }
            )
        if random.random() < 0.1:
            tables["crm.returns"].append(
                {
                    "return_id": f"r{number}",
                    "order_id": order["order_id"],
                    "refund_amount": "4.50",
                    "returned_at": ordered_at + timedelta(hours=random.randrange(24, 700)),
                }
            )
    for number in range(170):
        opened_at = moment()
        hours = random.choice([2, 30, 300, 400, None])
        replied = random.choice([1, 5, None])
        tables["support.tickets"].append(
            {
                "ticket_id": f"t{number}",
                "customer_id": customer(),
                "opened_at": opened_at,
                "first_replied_at": replied and opened_at + timedelta(hours=replied),
                "resolved_at": hours and opened_at + timedelta(hours=hours),
                "reopen_count": random.choice([None, 0, 0, 1]),
            }
        )
        for step, desk in enumerate(random.choices(["help", "repairs", "billing"], k=random.randrange(4))):
            tables["support.ticket_assignments"].append(
                {
                    "ticket_id": f"t{number}",
                    "sequence_number": step + 1,
                    "department": desk,
                    "assigned_at": opened_at + timedelta(minutes=10 * step),
                }
            )
    for number in range(330):
        about: Row = random.choice(
            [
                {"touchpoint": "purchase"},
                {"touchpoint": "support"},
                {"ticket_id": f"t{random.randrange(170)}"},
            ]
        )
        who, at = customer(), moment()
        for metric in random.sample([*SCALES, "nps"], k=random.randrange(1, 5)):
            score = random.choice([None, *map(str, range(1, SCALES.get(metric, 10) + 1))])
            tables["survey.responses"].append(
                {
                    "response_id": f"q{number}",
                    "question_id": metric,
                    "metric": metric,
                    "score": score,
                    "submitted_at": at,
                    "customer_id": who or "nobody we know",
                    **about,
                }
            )
    return tables


class _Customers:
    """What happened to each customer in the last twelve months, by what the columns of the table are made of."""

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        self.tables = tables
        self.orders: dict[str, list[Row]] = defaultdict(list)
        self.tickets: dict[str, list[Row]] = defaultdict(list)
        self.answers: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        self.lines = (
            pl.DataFrame(tables["crm.order_lines"])
            .group_by("order_id")
            .agg(pl.all())
            .rows_by_key("order_id", named=True, unique=True)
        )
        self.refunded = {
            refund["order_id"] for refund in tables["crm.returns"] if _day(refund["returned_at"]) <= AS_OF
        }
        self.orders_known_until = max(_day(order["ordered_at"]) for order in tables["crm.orders"])
        self.tickets_known_until = max(_day(ticket["opened_at"]) for ticket in tables["support.tickets"])
        for order in tables["crm.orders"]:
            if order["customer_id"]:
                self.orders[order["customer_id"]].append(order)
        for ticket in tables["support.tickets"]:
            if ticket["customer_id"]:
                self.tickets[ticket["customer_id"]].append(ticket)
        for answer in tables["survey.responses"]:
            self._note(answer)

    def _note(self, answer: Row) -> None:
        is_contact = bool(answer.get("ticket_id")) or answer.get("touchpoint") == "support"
        part = {
            "value_result": "result_answers",
            "value_process": "process_answers",
            "ces": "ease_answers",
            "csat": "contact_satisfaction" if is_contact else "satisfaction",
        }.get(answer["metric"])
        if part and answer["score"] and YEAR_AGO < _day(answer["submitted_at"]) <= AS_OF:
            self.answers[answer["customer_id"]][part].append(int(answer["score"]))

    def with_an_order(self) -> list[str]:
        return sorted(
            who
            for who, orders in self.orders.items()
            if any(order["status"] == "delivered" for order in orders)
        )

    def columns_of(self, who: str) -> Row:
        row = self._ordered(who) | self._contacted(who)
        for part in ANSWERED:
            scores = self.answers[who][part]
            name = part.removesuffix("_answers")
            row[f"{name}_answers_12m"] = len(scores)
            row[f"{name}_12m_mean"] = pytest.approx(np.mean(scores)) if scores else None
        return row

    def _ordered(self, who: str) -> Row:
        recent = [order for order in self.orders[who] if YEAR_AGO < _day(order["ordered_at"]) <= AS_OF]
        kept = failed = judged = purchases = 0
        late: list[int] = []
        money: dict[str, Decimal] = defaultdict(Decimal)
        for order in recent:
            if order["status"] == "cancelled":
                continue
            lines = self._lines(order)
            is_cancelled = order["status"] == "unavailable"
            is_purchase = not is_cancelled and any(line["is_sold"] for line in lines)
            arrived = order["delivered_at"] is not None and _day(order["delivered_at"]) <= AS_OF
            until = _day(order["delivered_at"]) if arrived else self.orders_known_until
            overdue = (until - _day(order["promised_at"])).days if order["promised_at"] else None
            gave_back = order["order_id"] in self.refunded or any(line["is_returned"] for line in lines)
            lost = overdue is not None and not arrived and overdue >= OVERDUE_DAYS
            is_failed = is_cancelled or gave_back or lost
            is_settled = arrived or overdue is None
            purchases += is_purchase
            failed += is_failed
            judged += (is_purchase and is_settled) or (is_failed and (is_purchase or is_cancelled))
            if not is_cancelled:
                if overdue is not None and (arrived or overdue > 0):
                    late.append(max(overdue, 0))
                self._count_money(lines, money)
        judged = max(judged, failed)
        kept = judged - failed
        counted = [order for order in recent if order["status"] != "cancelled"]
        return {
            "home_department": self._home(recent),
            "purchases_12m": purchases,
            "judged_orders_12m": judged,
            "kept_orders_12m": kept if counted else None,
            "promised_deliveries_12m": len(late),
            "late_days_12m": sum(late) if late else None,
            **{
                f"{name}_12m": money.get(name)
                for name in ("goods_amount", "list_amount", "paid_of_list_amount", "charged_amount")
            },
        }

    def _lines(self, order: Row) -> list[Row]:
        columns = self.lines[order["order_id"]]
        lines = []
        for n in range(len(columns["quantity"])):
            quantity = Decimal(columns["quantity"][n])
            is_product = columns["line_type"][n] is None
            lines.append(
                {
                    "is_sold": is_product and quantity > 0,
                    "is_returned": is_product
                    and quantity < 0
                    and quantity * Decimal(columns["unit_price"][n])
                    - Decimal(columns["discount_amount"][n] or 0)
                    < 0,
                    "is_product": is_product,
                    "net": quantity * Decimal(columns["unit_price"][n])
                    - Decimal(columns["discount_amount"][n] or 0),
                    "fee": Decimal(columns["fee_amount"][n] or 0),
                    "list": LIST_PRICES[columns["product_id"][n]],
                    "quantity": quantity,
                }
            )
        return lines

    def _count_money(self, lines: list[Row], money: dict[str, Decimal]) -> None:
        for line in lines:
            money["charged_amount"] += line["fee"] + (0 if line["is_product"] else line["net"])
            if line["is_sold"]:
                money["goods_amount"] += line["net"]
                if line["list"]:
                    money["list_amount"] += line["quantity"] * line["list"]
                    money["paid_of_list_amount"] += line["net"]

    def _home(self, recent: list[Row]) -> str | None:
        by_department: dict[str, list[datetime]] = defaultdict(list)
        for order in recent:
            is_purchase = order["status"] == "delivered" and any(
                line["is_sold"] for line in self._lines(order)
            )
            if order["department"] and is_purchase:
                by_department[order["department"]].append(order["ordered_at"])
        return max(
            by_department, key=lambda name: (len(by_department[name]), max(by_department[name])), default=None
        )

    def _contacted(self, who: str) -> Row:
        contacts = judged = solved = repeated = hand_offs = 0
        reply = resolution = 0.0
        before: date | None = None
        for ticket in sorted(self.tickets[who], key=lambda ticket: ticket["opened_at"]):
            opened = _day(ticket["opened_at"])
            is_repeat = before is not None and (opened - before).days <= REPEAT_DAYS
            before = opened
            if opened <= YEAR_AGO:
                continue
            contacts += 1
            repeated += is_repeat + (ticket["reopen_count"] or 0)
            until_now = 24 * (self.tickets_known_until - opened).days
            resolved, replied = self._hours(ticket, "resolved_at"), self._hours(ticket, "first_replied_at")
            waited = until_now if resolved is None else resolved
            resolution += waited
            reply += replied if replied is not None else waited
            is_over = waited > 24 * UNRESOLVED_DAYS
            judged += resolved is not None or is_over
            solved += resolved is not None and not is_over and not ticket["reopen_count"]
            desks = [
                step["department"]
                for step in self.tables["support.ticket_assignments"]
                if step["ticket_id"] == ticket["ticket_id"]
            ]
            hand_offs += sum(one != other for one, other in pairwise(desks))
        return {
            "contacts_12m": contacts,
            "judged_contacts_12m": judged,
            "solved_contacts_12m": solved if contacts else None,
            "repeat_contacts_12m": repeated,
            "hand_offs_12m": hand_offs,
            "first_reply_wait_hours_12m": reply,
            "resolution_wait_hours_12m": resolution,
        }

    def _hours(self, ticket: Row, name: str) -> float | None:
        at = ticket[name]
        return None if at is None or _day(at) > AS_OF else (at - ticket["opened_at"]) / timedelta(hours=1)


CONTACT_COLUMNS = (
    "contacts_12m",
    "repeat_contacts_12m",
    "hand_offs_12m",
    "first_reply_wait_hours_12m",
    "resolution_wait_hours_12m",
)


@pytest.fixture(scope="module")
def history() -> _Customers:
    return _Customers(_raw_tables())


@pytest.fixture(scope="module")
def valued(tmp_path_factory: pytest.TempPathFactory, history: _Customers) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("value")).create()
    warehouse.load(1, history.tables)
    warehouse.set_run(AS_OF)
    results = warehouse.dbt(
        "build",
        "--select",
        "+customer_value",
        "+kpi_value_quadrants",
        "--exclude-resource-type",
        "unit_test",
        "test",
    )
    assert failures(results) == {}
    return warehouse


@pytest.fixture(scope="module")
def published(valued: Warehouse) -> pl.DataFrame:
    return valued.query("select * from marts.customer_value")


@pytest.fixture(scope="module")
def expected(history: _Customers) -> dict[str, Row]:
    """By customer_key: every column in natural units."""
    rows = {}
    for who in history.with_an_order():
        row = history.columns_of(who)
        if not row["purchases_12m"] and not row["contacts_12m"]:
            row |= dict.fromkeys(CONTACT_COLUMNS)  # no occasion to need help
        rows[customer_key(who)] = row
    return rows


def test_what_was_given_and_taken_in_its_units(published: pl.DataFrame, expected: dict[str, Row]) -> None:
    columns = list(next(iter(expected.values())))
    found = {row["customer_key"]: {name: row[name] for name in columns} for row in published.to_dicts()}
    assert found == expected
    assert {row["late_days_12m"] is None for row in found.values()} == {True, False}
    assert max(row["repeat_contacts_12m"] or 0 for row in found.values()) > 1
    assert sum(row["contacts_12m"] is None for row in found.values()) > 3


def _measures(row: Row) -> dict[str, tuple[float | None, int]]:
    """Part -> its value, and how much stands behind it."""

    def share(part: str, whole: str, factor: float = 1) -> float | None:
        return factor * float(row[part]) / float(row[whole]) if row[part] is not None and row[whole] else None

    measures: dict[str, tuple[float | None, int]] = {
        "kept_orders": (share("kept_orders_12m", "judged_orders_12m", 100), 1),
        "solved_contacts": (share("solved_contacts_12m", "judged_contacts_12m", 100), 1),
        "list_paid": (share("paid_of_list_amount_12m", "list_amount_12m", 100), 1),
        "fees": (share("charged_amount_12m", "goods_amount_12m", 100), 1),
        "late_days": (share("late_days_12m", "promised_deliveries_12m"), 1),
    }
    for part, column in zip(
        ("contacts", "repeat_contacts", "hand_offs", "first_reply_wait", "resolution_wait"),
        CONTACT_COLUMNS,
        strict=True,
    ):
        value = row[column]
        measures[part] = (None if value is None else float(value) / max(row["purchases_12m"], 1), 1)
    for part in ANSWERED:
        name = part.removesuffix("_answers")
        measures[part] = (row[f"{name}_12m_mean"], row[f"{name}_answers_12m"])
    return measures


def _scores(values: dict[str, float], counts: dict[str, int], seed: Row) -> dict[str, float]:
    """Distances of all customers from their mean, drawn to it where answers are few, on a scale around 50."""
    value = np.array(list(values.values()))
    above = np.sort(value[value > value.min()])
    if not len(above):
        return {}
    value = np.minimum(value, above[int(np.ceil(0.95 * len(above))) - 1])
    n, single = np.array([counts[who] for who in values]), float(seed["answer_reliability"])
    reliable = n / (n + (1 - single) / single)
    distance = int(seed["direction"]) * reliable * (value - value.mean())
    score = np.clip(50 + 15 * distance / np.sqrt(np.mean(distance**2)), 0, 100)
    return dict(zip(values, score.tolist(), strict=True))


@pytest.fixture(scope="module")
def part_scores(published: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Part -> customer_key -> score, from the published units (which the first test proves)."""
    measured = {row["customer_key"]: _measures(row) for row in published.to_dicts()}
    scores = {}
    for part, seed in PARTS.items():
        known = {who: measures[part] for who, measures in measured.items() if measures[part][0] is not None}
        scores[part] = _scores(
            {who: value for who, (value, _) in known.items()}, {who: n for who, (_, n) in known.items()}, seed
        )
    return scores


def test_parts_on_one_scale(published: pl.DataFrame, part_scores: dict[str, dict[str, float]]) -> None:
    for part, scores in part_scores.items():
        found = dict(published.select("customer_key", f"{part}_score").drop_nulls().iter_rows())
        assert found == pytest.approx(scores, abs=2e-4), part
        assert len(found) > 10, part


def _weighted(parts: dict[str, float], **wanted: str) -> tuple[float | None, float]:
    """Mean of the parts of a side, component or kind of evidence, and the weight that they have."""
    weights = {
        part: float(PARTS[part]["weight"])
        for part in parts
        if all(PARTS[part][name] == value for name, value in wanted.items())
    }
    total = sum(weights.values())
    return (sum(weights[part] * parts[part] for part in weights) / total if total else None), total


def test_the_equation_and_both_directions(
    published: pl.DataFrame, part_scores: dict[str, dict[str, float]], valued: Warehouse
) -> None:
    money = dict(
        valued.query("select customer_key, clv_amount from intermediate.int_customers__clv").iter_rows()
    )
    cuts = {name: float(row["threshold"]) for name, row in _with_seed("value_cut_points").items()}
    seen: dict[str, int] = defaultdict(int)
    for row in published.to_dicts():
        parts = {
            part: scores[row["customer_key"]]
            for part, scores in part_scores.items()
            if row["customer_key"] in scores
        }
        given, given_weight = _weighted(parts, side="given")
        taken, taken_weight = _weighted(parts, side="taken")
        for name, value in {
            "value_given_score": given,
            "value_taken_score": taken,
            "value_given_answered_score": _weighted(parts, side="given", evidence="answered")[0],
            "value_given_observed_score": _weighted(parts, side="given", evidence="observed")[0],
            "result_score": _weighted(parts, component="result")[0],
            "process_score": _weighted(parts, component="process")[0],
            "price_score": _weighted(parts, component="price")[0],
            "effort_score": _weighted(parts, component="effort")[0],
            "value_given_weight_share": given_weight,  # the weights of the seed add up to 1
            "value_taken_weight_share": taken_weight,
        }.items():
            assert row[name] == (value if value is None else pytest.approx(value, abs=2e-4)), name
        worth = money.get(row["customer_key"])
        place = None
        if worth is not None:
            less, same = (
                sum(test(other) for other in money.values()) for test in (worth.__gt__, worth.__eq__)
            )
            place = 100 * (less + same / 2) / len(money)
        assert row["money_position"] == (place if place is None else pytest.approx(place, abs=ROUNDING))
        balance = None
        if min(given_weight, taken_weight) >= cuts["weight_share"]:
            balance = given - taken
        assert row["value_balance"] == (balance if balance is None else pytest.approx(balance, abs=4e-4))
        assert row["value_quadrant"] == _quadrant(row, place, balance)
        assert (row["value_quadrant"] is None) == (row["no_quadrant_reason"] is not None)
        seen[row["value_quadrant"] or row["no_quadrant_reason"]] += 1
    assert len(seen) >= 7, "four quadrants and three reasons why there is none"


def _quadrant(row: Row, place: float | None, balance: float | None) -> str | None:
    has_occasion = row["purchases_12m"] > 0 or (row["contacts_12m"] or 0) > 0
    if place is None or balance is None or not has_occasion or row["value_given_answers"] < 1:
        return None
    names = {
        (True, True): "loyal and valuable",
        (True, False): "valuable but short-changed",
        (False, True): "well served, little value yet",
        (False, False): "little either way",
    }
    return names[place >= 50, balance >= 0]


def test_quadrants_of_groups(published: pl.DataFrame, valued: Warehouse) -> None:
    loyalty = valued.query("select customer_key, loyalty_index from marts.customer_loyalty")
    segments = valued.query("select customer_key, segment from marts.customer_rfm")
    customers = (
        published.with_columns(quadrant=pl.coalesce("value_quadrant", "no_quadrant_reason"))
        .join(loyalty, on="customer_key", how="left")
        .join(segments, on="customer_key", how="left")
    )
    groups = pl.concat(
        customers.with_columns(group_kind=pl.lit(kind), group_name=name).filter(
            pl.col("group_name").is_not_null()
        )
        for kind, name in (
            ("all", pl.lit("(all)")),
            ("rfm_segment", pl.col("segment")),
            ("department", pl.col("home_department")),
        )
    )
    groups = pl.concat([groups, groups.with_columns(quadrant=pl.lit("(all)"))])
    expected = {}
    for key, rows in groups.partition_by("group_kind", "group_name", "quadrant", as_dict=True).items():
        row: Row = {
            "customers": rows.height,
            "customers_answered": rows.filter(pl.col("value_given_answers") > 0).height,
            "revenue_amount": rows["revenue_amount"].sum(),
            "clv_amount": rows["clv_amount"].sum() if rows["clv_amount"].count() else None,
        }
        for name in ("value_given_score", "effort_score", "value_balance", "loyalty_index"):
            scores = rows[name].drop_nulls()
            row[f"{name.removesuffix('_score')}_n"] = len(scores)
            enough = len(scores) >= MINIMUM_ANSWERS
            row[name] = pytest.approx(scores.mean(), abs=ROUNDING) if enough else None
        spread = rows["value_balance"].drop_nulls()
        is_shown = len(spread) >= 8  # the expansion of t is exact to a thousandth from here on
        if is_shown:
            half = student.ppf(0.975, len(spread) - 1) * spread.std() / np.sqrt(len(spread))
            row["value_balance_upper"] = pytest.approx(spread.mean() + half, rel=1e-3, abs=1e-2)
        expected[key] = row
    found = {}
    for row in valued.query("select * from kpi.kpi_value_quadrants").to_dicts():
        key = (row["group_kind"], row["group_name"], row["quadrant"])
        found[key] = {name: row[name] for name in expected[key]}
    assert found == expected
    assert {kind for kind, _, _ in found} == {"all", "rfm_segment", "department"}


def test_a_company_without_any_of_it_still_publishes(warehouse: Warehouse) -> None:
    warehouse.set_run(AS_OF)
    results = warehouse.dbt(
        "build", "--select", "+kpi_value_quadrants", "--exclude-resource-type", "unit_test", "test"
    )
    assert failures(results) == {}
    assert warehouse.query("select * from kpi.kpi_value_quadrants").is_empty()


def test_a_part_or_line_that_is_missing_stops_the_night(warehouse: Warehouse) -> None:
    seeds = ("value_equation_parts", "value_cut_points", "value_quadrants")
    assert failures(warehouse.dbt("seed", "--select", *seeds)) == {}
    assert failures(warehouse.dbt("test", "--select", "value_equation_is_whole")) == {}
    warehouse.execute(
        """
        update seeds.value_equation_parts set part = 'fee' where part = 'fees';
        update seeds.value_equation_parts set direction = 0 where part = 'contacts';
        delete from seeds.value_cut_points where cut_point = 'balance';
        update seeds.value_quadrants set quadrant = 'little either way';
        """
    )
    found = failures(warehouse.dbt("test", "--select", "value_equation_is_whole"))
    assert "Got 5 results" in found["value_equation_is_whole"], (
        "the part twice: one is missing, one is unknown"
    )
