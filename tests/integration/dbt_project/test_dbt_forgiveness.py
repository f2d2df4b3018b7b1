"""Who comes back, computed a second time from the raw rows of a shop whose prices rise twice.

In plain Python and in other ways than the models take: windows by looking for purchases in them, bands by the last
answer before a day, prices by counting what was charged, expectations customer by customer.
"""

from __future__ import annotations

import csv
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import product
from random import Random

import numpy as np
import pytest
from dbt_company import Row, customer_key
from dbt_warehouse import PROJECT, Warehouse, failures

AS_OF = date(2024, 6, 30)
BEGIN = date(2022, 1, 1)
LAST_ORDER = date(2024, 6, 20)  # the shop's export ends here
MINIMUM_ANSWERS = 3  # of the test warehouse
Z = 1.959963984540054
COME_BACK, ADOPT, LOST, BUY_AGAIN = 180, 180, 180, 90  # days: seed forgiveness_rules
RISE, SHARE, PRODUCTS = 3, 50, 5  # percent, percent, at least: the same
BANDS = ("promoter", "passive", "detractor", "(unknown)", "(all)")
MODELS = ("kpi_forgiveness", "kpi_price_tolerance", "kpi_category_adoption", "kpi_lost_customers")
TEA_RISES, ALL_RISES = date(2023, 6, 1), date(2024, 1, 1)
CUSTOMERS, ORDERS = 110, 2400


def _business_date(at: datetime) -> date:
    return (at + timedelta(hours=9)).date()  # Tokyo


def _category(number: int) -> str | None:
    return ("tea", "cups", "pots", None)[number % 4]


def _charged(random: Random, number: int, day: date) -> Decimal:
    """Mostly the list price, which rises for tea first and for all later; now and then something else."""
    price = Decimal(10 + 3 * number)
    if day >= TEA_RISES and _category(number) == "tea":
        price *= Decimal("1.08")
    if day >= ALL_RISES:
        price *= Decimal("1.03") if number % 5 == 1 else Decimal("1.06")
    if random.random() < 0.08:
        price *= Decimal(random.choice(["0.8", "1.1"]))
    return price.quantize(Decimal("0.01"))


def _raw_tables() -> dict[str, list[Row]]:
    """Two and a half years, seeded: every sixth order is sent back, and some customers never come again."""
    random = Random(7)
    tables: dict[str, list[Row]] = defaultdict(list)
    seconds = (LAST_ORDER - BEGIN).days * 86_400

    def moment() -> datetime:
        return datetime(BEGIN.year, 1, 1) + timedelta(seconds=random.randrange(seconds))

    tables["crm.customers"] = [
        {"customer_id": f"c{n}", "registered_at": datetime(2022, 1, 1), "email": f"c{n}@example.org"}
        for n in range(CUSTOMERS)
    ]
    tables["crm.products"] = [
        {"product_id": f"p{n}", "name": f"Product {n}", "category": _category(n)} for n in range(24)
    ]
    leaves = {f"c{n}": BEGIN + timedelta(days=random.randrange(60, 1600)) for n in range(CUSTOMERS)}
    for number in range(ORDERS):
        ordered_at = datetime(2024, 6, 20, 3) if number == 0 else moment()
        customer = f"c{int(CUSTOMERS * random.random() ** 1.5)}"
        if leaves[customer] < ordered_at.date() or random.random() < 0.05:
            customer = None
        tables["crm.orders"].append(
            {
                "order_id": f"o{number}",
                "customer_id": customer,
                "ordered_at": ordered_at,
                "department": random.choice(["shop", "web", None]),
                "status": "cancelled" if random.random() < 0.04 else "delivered",
            }
        )
        for line in range(1, random.choice([2, 3, 4])):
            article = random.choice([random.randrange(24), 4 * random.randrange(2)])
            kind = random.choice([None] * 12 + ["minus", "shipping"])
            price = _charged(random, article, _business_date(ordered_at))
            tables["crm.order_lines"].append(
                {
                    "order_id": f"o{number}",
                    "line_number": line,
                    "product_id": f"p{article}",
                    "quantity": "-1" if kind == "minus" else str(random.choice([1, 1, 2, 3])),
                    "unit_price": str(price),
                    "discount_amount": "1.50" if random.random() < 0.15 else None,
                    "line_type": "shipping" if kind == "shipping" else None,
                }
            )
        if random.random() < 0.12:
            tables["crm.returns"].append(
                {
                    "return_id": f"r{number}",
                    "order_id": f"o{number}",
                    "refund_amount": "4.50",
                    "returned_at": ordered_at + timedelta(hours=random.randrange(24, 700)),
                }
            )
    for number in range(700):
        metric = "csat" if number < 120 else "nps"
        order = random.choice(tables["crm.orders"])
        at = order["ordered_at"] + timedelta(hours=random.choice([1, 30, 300]))
        tables["survey.responses"].append(
            {
                "response_id": f"a{number}",
                "question_id": metric,
                "survey_id": "s",
                "respondent_type": random.choice(["external", "external", "external", None, "internal"]),
                "customer_id": order["customer_id"] if metric == "nps" else None,
                "order_id": order["order_id"] if metric == "csat" else None,
                "metric": metric,
                "score": random.choice([None, *range(1, 6)] if metric == "csat" else [None, *range(11)]),
                "submitted_at": at,
            }
        )
    return dict(tables)


class _Shop:
    """The raw rows by customer, with what the published tables are made of."""

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        self.orders = {
            row["order_id"]: {**row, "day": _business_date(row["ordered_at"])} for row in tables["crm.orders"]
        }
        self.lines: dict[str, list[Row]] = defaultdict(list)
        for line in tables["crm.order_lines"]:
            self.lines[line["order_id"]].append(line)
        self.returns = [r for r in tables["crm.returns"] if _business_date(r["returned_at"]) <= AS_OF]
        self.responses = [
            row
            for row in tables["survey.responses"]
            if row["respondent_type"] != "internal"
            and row["score"] is not None
            and _business_date(row["submitted_at"]) <= AS_OF
        ]

    def sold(self) -> Iterator[tuple[Row, Row]]:
        """Orders that count, each with each of its lines of goods that were sold."""
        for order in self.orders.values():
            for line in self.lines[order["order_id"]]:
                if order["status"] == "delivered" and line["line_type"] is None and int(line["quantity"]) > 0:
                    yield order, line

    @cached_property
    def days(self) -> dict[str, list[date]]:
        """The days with a purchase, by customer."""
        days: dict[str, set[date]] = defaultdict(set)
        for order, _ in self.sold():
            if order["customer_id"]:
                days[order["customer_id"]].add(order["day"])
        return {customer: sorted(theirs) for customer, theirs in days.items()}

    @cached_property
    def answers(self) -> dict[str, list[tuple[datetime, str, int]]]:
        answers: dict[str, list[tuple[datetime, str, int]]] = defaultdict(list)
        for row in self.responses:
            if row["metric"] == "nps" and row["customer_id"]:
                answers[row["customer_id"]].append((row["submitted_at"], row["response_id"], row["score"]))
        return {customer: sorted(theirs) for customer, theirs in answers.items()}

    def band_before(self, customer: str, day: date) -> str:
        scores = [score for at, _, score in self.answers.get(customer, ()) if _business_date(at) < day]
        return _band(scores[-1]) if scores else "(unknown)"

    def buys_within(self, customer: str, day: date, window: int) -> bool:
        return any(0 < (later - day).days <= window for later in self.days.get(customer, ()))

    def bought_by(self, customer: str, day: date) -> int:
        return sum(earlier <= day for earlier in self.days.get(customer, ()))

    @cached_property
    def problems(self) -> list[Row]:
        """Orders that were sent back, by a return or a negative line, and those with a low score."""
        signs: dict[str, list[tuple[datetime, bool]]] = defaultdict(list)
        for row in self.returns:
            signs[row["order_id"]].append((row["returned_at"], True))
        for order in self.orders.values():
            for line in self.lines[order["order_id"]]:
                if int(line["quantity"]) < 0 and line["line_type"] is None and order["status"] == "delivered":
                    signs[order["order_id"]].append((order["ordered_at"], True))
        for row in self.responses:
            if row["metric"] == "csat" and row["score"] <= 2:
                signs[row["order_id"]].append((row["submitted_at"], False))
        return [
            {
                "problem_id": f"order {order_id}",
                "customer": self.orders[order_id]["customer_id"],
                "order_day": self.orders[order_id]["day"],
                "at": min(at for at, _ in theirs),
                "is_from_order": any(is_from_order for _, is_from_order in theirs),
            }
            for order_id, theirs in signs.items()
            if self.orders[order_id]["customer_id"]
        ]


def _band(score: int) -> str:
    return "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"


def _experience(purchases: int) -> int:
    """Where a group of purchases so far begins."""
    return next(first for first in (10, 6, 4, 3, 2, 1, 0) if purchases >= first)


def _wilson(successes: float, n: float) -> tuple[float, float]:
    """By solving |p - successes / n| = z sqrt(p (1 - p) / n) for p."""
    roots = np.roots([1 + Z**2 / n, -(2 * successes + Z**2) / n, (successes / n) ** 2])
    low, high = np.sort(roots.real)
    return 100 * max(0.0, float(low)), 100 * min(1.0, float(high))


Estimate = tuple[float, float, float]  # percent, and its interval


def _share(successes: float, n: float) -> Estimate | None:
    return (100 * successes / n, *_wilson(successes, n)) if n >= MINIMUM_ANSWERS else None


def _less(one: Estimate | None, other: Estimate | None) -> Estimate | None:
    if one is None or other is None:
        return None
    (p, p_low, p_high), (q, q_low, q_high) = one, other
    return p - q, p - q - math.hypot(p - p_low, q_high - q), p - q + math.hypot(p_high - p, q - q_low)


def _columns(name: str, estimate: Estimate | None) -> Row:
    values = estimate or (None, None, None)
    return {
        f"{name}{end}": _close(value) for end, value in zip(("", "_lower", "_upper"), values, strict=True)
    }


def _close(value: float | None) -> object:
    return None if value is None else pytest.approx(value, abs=1e-4)


def _first_by(rows: Iterable[Row], key: Callable[[Row], object], order: Callable[[Row], object]) -> list[Row]:
    """The first row of each key."""
    first: dict[object, Row] = {}
    for row in sorted(rows, key=order):
        first.setdefault(key(row), row)
    return list(first.values())


@pytest.fixture(scope="module")
def raw() -> dict[str, list[Row]]:
    return _raw_tables()


@pytest.fixture(scope="module")
def shop(raw: dict[str, list[Row]]) -> _Shop:
    return _Shop(raw)


@pytest.fixture(scope="module")
def forgiving(raw: dict[str, list[Row]], tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("forgiveness")).create()
    warehouse.load(1, raw)
    warehouse.set_run(AS_OF)
    selected = [f"+{model}" for model in MODELS]
    results = warehouse.dbt(
        "build", "--select", *selected, "--resource-type", "model", "--resource-type", "seed"
    )
    assert failures(results) == {}
    return warehouse


def _published(warehouse: Warehouse, table: str, *keys: str) -> dict[tuple, Row]:
    rows = warehouse.query(f"select * from kpi.{table}").to_dicts()
    return {tuple(row.pop(key) for key in keys): row for row in rows}


def test_forgiveness(forgiving: Warehouse, shop: _Shop) -> None:
    expected = {}
    for kind in ("(orders)", "(all)"):
        problems = [row for row in shop.problems if kind == "(all)" or row["is_from_order"]]
        failed_on = {(row["customer"], row["order_day"]) for row in problems}
        expected |= {(kind, *cell): row for cell, row in _forgiveness(shop, problems, failed_on).items()}
    published = _published(forgiving, "kpi_forgiveness", "problem_kind", "failure_number", "band")
    assert published == expected
    assert {cell[1] for cell in expected} == {"1", "2", "3 or later", "(all)"}
    assert {cell[2] for cell in expected} == set(BANDS)
    everybody = published["(all)", "1", "(all)"]
    assert (
        0
        < everybody["customers_window_open"]
        < everybody["customers"]
        == len({p["customer"] for p in shop.problems})
    )
    assert any(
        row["compared_customers"] < row["customers"] - row["customers_window_open"]
        for row in published.values()
    )


def _forgiveness(shop: _Shop, problems: list[Row], failed_on: set) -> dict[tuple[str, str], Row]:
    ordinary = _ordinary(shop, failed_on)
    so_far: Counter[str] = Counter()
    cells: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sorted(problems, key=lambda row: (row["at"], row["problem_id"])):
        customer, day = row["customer"], _business_date(row["at"])
        so_far[customer] += 1
        number = str(so_far[customer]) if so_far[customer] < 3 else "3 or later"
        band = shop.band_before(customer, day)
        failure = row | {
            "like": (band, _experience(shop.bought_by(customer, day))),
            "is_followed": (LAST_ORDER - day).days >= COME_BACK,
            "came_back": shop.buys_within(customer, day, COME_BACK),
        }
        for cell in product((number, "(all)"), (band, "(all)")):
            if all(held["customer"] != customer for held in cells[cell]):
                cells[cell].append(failure)
    return {cell: _forgiven(failures_, ordinary) for cell, failures_ in cells.items()}


def _ordinary(shop: _Shop, failed_on: set) -> dict[tuple[str, int], list[bool]]:
    """Whether customers came back after purchases without a failure, by what these are like; one per customer."""
    purchases = [
        {
            "customer": customer,
            "day": day,
            "like": (shop.band_before(customer, day), _experience(shop.bought_by(customer, day))),
        }
        for customer, days in shop.days.items()
        for day in days
        if (customer, day) not in failed_on
    ]
    outcomes: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for row in _first_by(purchases, lambda row: (row["customer"], row["like"]), lambda row: row["day"]):
        if (LAST_ORDER - row["day"]).days >= COME_BACK:
            outcomes[row["like"]].append(shop.buys_within(row["customer"], row["day"], COME_BACK))
    return outcomes


def _forgiven(failed: list[Row], ordinary: dict[tuple[str, int], list[bool]]) -> Row:
    followed = [row for row in failed if row["is_followed"]]
    compared = [row for row in followed if row["like"] in ordinary]
    came_back = sum(row["came_back"] for row in followed)
    strata = Counter(row["like"] for row in compared)
    difference = compared_share = ordinary_share = None
    if compared:
        mean = sum(np.mean(ordinary[row["like"]]) for row in compared) / len(compared)
        weight = len(compared) ** 2 / sum(n**2 / len(ordinary[like]) for like, n in strata.items())
        if min(len(compared), weight) >= MINIMUM_ANSWERS:
            compared_share = _share(sum(row["came_back"] for row in compared), len(compared))
            ordinary_share = _share(mean * weight, weight)
            difference = _less(compared_share, ordinary_share)
    return {
        "window_days": COME_BACK,
        "customers": len(failed),
        "customers_window_open": len(failed) - len(followed),
        "came_back": came_back,
        **_columns("come_back_rate", _share(came_back, len(followed))),
        "compared_customers": len(compared),
        "ordinary_purchases": sum(len(ordinary[like]) for like in strata),
        "compared_rate": _close(compared_share and compared_share[0]),
        **_columns("ordinary_rate", ordinary_share),
        **_columns("difference", difference),
    }


def _usual_prices(shop: _Shop) -> dict[str, dict[date, Decimal]]:
    charged: dict[tuple[str, date], Counter[Decimal]] = defaultdict(Counter)
    for order, line in shop.sold():
        if not line["discount_amount"]:
            charged[line["product_id"], order["day"].replace(day=1)][Decimal(line["unit_price"])] += 1
    usual: dict[str, dict[date, Decimal]] = defaultdict(dict)
    for (article, month), prices in charged.items():
        usual[article][month] = min(prices, key=lambda price: (-prices[price], price))
    return usual


def _months_around(month: date, steps: Iterable[int]) -> list[date]:
    numbers = [12 * month.year + month.month - 1 + step for step in steps]
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def _rises(shop: _Shop) -> dict[tuple[date, str], tuple[int, int, float]]:
    """Months in which prices rose, by category: products compared and risen, and the change in percent."""
    usual = _usual_prices(shop)
    units: Counter[tuple[str, date]] = Counter()
    for order, line in shop.sold():
        if not line["discount_amount"]:
            units[line["product_id"], order["day"].replace(day=1)] += int(line["quantity"])
    steps: dict[tuple[str, date], list[tuple[Decimal, Decimal, Decimal, int]]] = defaultdict(list)
    for article, prices in usual.items():
        for month, price in prices.items():
            earlier = [prices[m] for m in _months_around(month, (-3, -2, -1)) if m in prices]
            later = [prices[m] for m in _months_around(month, (1, 2)) if m in prices]
            if earlier and later:
                sold = sum(units[article, m] for m in _months_around(month, (-3, -2, -1)))
                for category in {_category(int(article[1:])), "(all)"} - {None}:
                    steps[category, month].append((max(earlier), price, min(later), sold))
    found: dict[tuple[date, str], tuple[int, int, float]] = {}
    last: dict[str, date] = {}
    for (category, month), compared in sorted(steps.items(), key=lambda item: item[0][1]):
        risen = sum(min(now, then) >= before * (100 + RISE) / 100 for before, now, then, _ in compared)
        index = sum(now * n for _, now, _, n in compared) / sum(before * n for before, _, _, n in compared)
        if len(compared) < PRODUCTS or 100 * risen < SHARE * len(compared) or 100 * index < 100 + RISE:
            continue
        if last.get(category) not in _months_around(month, (-3, -2, -1)):
            found[month, category] = (len(compared), risen, float(100 * (index - 1)))
        last[category] = month
    return found


def test_price_tolerance(forgiving: Warehouse, shop: _Shop) -> None:
    rises = _rises(shop)
    assert {(TEA_RISES, "tea"), (ALL_RISES, "(all)"), (ALL_RISES, "tea")} <= rises.keys()
    assert all(category == "tea" or month != TEA_RISES for month, category in rises)
    expected = {}
    for (month, category), (compared, risen, change) in rises.items():
        after = _buyers_around(shop, category, month)
        for comparison, anchor in {
            "year before": month.replace(year=month.year - 1),
            "period before": month - timedelta(days=BUY_AGAIN),
        }.items():
            is_known = (anchor - min(order["day"] for order in shop.orders.values())).days >= BUY_AGAIN
            before = _buyers_around(shop, category, anchor) if is_known else None
            for band in BANDS:
                expected[month, category, comparison, band] = {
                    "products_compared": compared,
                    "products_risen": risen,
                    "price_change_percent": _close(change),
                    "window_days": BUY_AGAIN,
                    "is_window_closed": (LAST_ORDER - month).days >= BUY_AGAIN - 1,
                    **_tolerance(after, before, band),
                }
    published = _published(forgiving, "kpi_price_tolerance", "rise_month", "category", "comparison", "band")
    assert published == expected
    assert any(row["tolerance"] is not None for row in published.values())


def _buyers_around(shop: _Shop, category: str, anchor: date) -> dict[str, list[Row]]:
    """Customers who bought in the days before, with what they bought in the days after, by band."""
    bought: dict[str, list[tuple[int, Row]]] = defaultdict(list)
    for order, line in shop.sold():
        is_of_it = category in ("(all)", _category(int(line["product_id"][1:])))
        if order["customer_id"] and is_of_it:
            bought[order["customer_id"]].append(((order["day"] - anchor).days, line))
    buyers: dict[str, list[Row]] = defaultdict(list)
    for customer, theirs in bought.items():
        if any(-BUY_AGAIN <= day < 0 for day, _ in theirs):
            after = [line for day, line in theirs if 0 <= day < BUY_AGAIN]
            for band in (shop.band_before(customer, anchor), "(all)"):
                buyers[band].append(
                    {
                        "units": sum(int(line["quantity"]) for line in after),
                        "revenue": sum(map(_net, after), Decimal(0)),
                        "again": bool(after),
                    }
                )
    return buyers


def _net(line: Row) -> Decimal:
    return int(line["quantity"]) * Decimal(line["unit_price"]) - Decimal(line["discount_amount"] or 0)


def _counted(buyers: list[Row]) -> Row:
    return {
        "customers": len(buyers),
        "bought_again": sum(row["again"] for row in buyers),
        "units": sum(row["units"] for row in buyers),
        "revenue": sum(row["revenue"] for row in buyers),
    }


def _tolerance(after: dict[str, list[Row]], before: dict[str, list[Row]] | None, band: str) -> Row:
    def share(buyers: dict[str, list[Row]] | None, of: str) -> Estimate | None:
        return None if buyers is None else _share(sum(row["again"] for row in buyers[of]), len(buyers[of]))

    def change(of: str) -> Estimate | None:
        return _less(share(after, of), share(before, of))

    compared = _counted([] if before is None else before[band])
    tolerance = _less(change(band), change("detractor")) if band in ("promoter", "passive") else None
    return {
        **_counted(after[band]),
        **_columns("buying_rate", share(after, band)),
        **{f"compared_{name}": None if before is None else value for name, value in compared.items()},
        **_columns("compared_rate", share(before, band)),
        **_columns("change", change(band)),
        **_columns("tolerance", tolerance),
    }


def test_category_adoption(forgiving: Warehouse, shop: _Shop) -> None:
    first_bought: dict[str, dict[str, date]] = defaultdict(dict)
    for order, line in sorted(shop.sold(), key=lambda sale: sale[0]["day"]):
        category = _category(int(line["product_id"][1:]))
        if order["customer_id"] and category:
            first_bought[order["customer_id"]].setdefault(category, order["day"])
    answers = []
    for customer, theirs in shop.answers.items():
        by_day = {_business_date(at): score for at, _, score in theirs}
        for day, score in by_day.items():
            known = sum(first <= day for first in first_bought[customer].values())
            new = [first for first in first_bought[customer].values() if 0 < (first - day).days <= ADOPT]
            nexts = [visit for visit in shop.days.get(customer, ()) if 0 < (visit - day).days <= ADOPT]
            answers.append(
                {
                    "customer": customer,
                    "day": day,
                    "band": _band(score),
                    "period": f"{day.year} H{1 if day.month <= 6 else 2}",
                    "known": known,
                    "is_followed": (LAST_ORDER - day).days >= ADOPT,
                    "buys": bool(nexts),
                    "adopts": bool(new),
                    "adopts_next": bool(new) and min(new) == nexts[0],
                }
            )
    firsts = _first_by(answers, lambda row: (row["customer"], row["period"]), lambda row: row["day"])
    counted = [row for row in firsts if row["known"]]
    usual: dict[int, list[bool]] = defaultdict(list)
    for row in counted:
        if row["is_followed"] and row["buys"]:
            usual[row["known"]].append(row["adopts_next"])
    cells: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in counted:
        for cell in product((row["period"], "(all)"), (row["band"], "(all)")):
            cells[cell].append(row)
    expected = {cell: _adoption(rows, usual, cell[0]) for cell, rows in cells.items()}
    assert _published(forgiving, "kpi_category_adoption", "period", "band") == expected
    assert len(counted) < len(firsts) < len(answers)
    assert len(usual) > 1


def _adoption(rows: list[Row], usual: dict[int, list[bool]], period: str) -> Row:
    followed = [row for row in rows if row["is_followed"]]
    buyers = [row for row in followed if row["buys"]]
    adopters, next_adopters = (sum(row[name] for row in followed) for name in ("adopts", "adopts_next"))
    rate, buyer_rate, next_rate = (
        _share(adopters, len(followed)),
        _share(adopters, len(buyers)),
        _share(next_adopters, len(buyers)),
    )
    expected = None
    if next_rate:
        expected = 100 * float(np.mean([np.mean(usual[row["known"]]) for row in buyers]))
    return {
        "wave": None if period == "(all)" else date(int(period[:4]), 1 if period[-1] == "1" else 7, 1),
        "window_days": ADOPT,
        "customers": len(rows),
        "customers_window_open": len(rows) - len(followed),
        "buyers": len(buyers),
        "adopters": adopters,
        "next_purchase_adopters": next_adopters,
        "mean_categories_before": _close(
            float(np.mean([row["known"] for row in followed])) if rate else None
        ),
        **_columns("adoption_rate", rate),
        "buying_rate": _close(100 * len(buyers) / len(followed) if rate else None),
        **_columns("buyer_adoption_rate", buyer_rate),
        **_columns("next_purchase_rate", next_rate),
        "expected_rate": _close(expected),
        **_columns("adventure", next_rate and tuple(value - expected for value in next_rate)),
    }


def test_lost_customers(forgiving: Warehouse, shop: _Shop) -> None:
    last_of_month: dict[tuple[str, date], Row] = {}
    for order, _ in sorted(shop.sold(), key=lambda sale: (sale[0]["ordered_at"], sale[0]["order_id"])):
        if order["customer_id"]:
            last_of_month[order["customer_id"], order["day"].replace(day=1)] = order
    closed = max(month for _, month in last_of_month if _is_closed(month))
    cells: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for (customer, month), order in last_of_month.items():
        buyer = "first purchase" if shop.bought_by(customer, order["day"]) == 1 else "returning"
        is_lost = not shop.buys_within(customer, order["day"], LOST)
        periods = [f"{month:%Y-%m}"]
        if _is_closed(month):
            age = 12 * (closed.year - month.year) + closed.month - month.month
            periods += ["(last year)"] if age < 12 else ["(year before)"] if age < 24 else []
        for cell in product(periods, (order["department"] or "(unknown)", "(all)"), (buyer, "(all)")):
            is_counted = _is_closed(month) and is_lost
            cells[cell].append(
                {"customer": customer, "month": month, "day": order["day"], "is_lost": is_counted}
            )
    expected = {cell: _lost(shop, rows, cell[0]) for cell, rows in cells.items()}
    published = _published(forgiving, "kpi_lost_customers", "period", "department", "buyer")
    assert published == expected
    assert {"(last year)", "(year before)"} <= {period for period, _, _ in published}


def _is_closed(month: date) -> bool:
    (following,) = _months_around(month, (1,))
    return (LAST_ORDER - (following - timedelta(days=1))).days >= LOST


def _lost(shop: _Shop, rows: list[Row], period: str) -> Row:
    closed = [row for row in rows if _is_closed(row["month"])]
    lost = [row for row in closed if row["is_lost"]]
    return {
        "month": None if period.startswith("(") else rows[0]["month"],
        "months": len({row["month"] for row in rows}),
        "window_days": LOST,
        "customers": len(rows),
        "customers_window_open": len(rows) - len(closed),
        "lost": len(lost),
        **_columns("lost_rate", _share(len(lost), len(closed))),
        "lost_revenue_12m": sum((_revenue_before(shop, row) for row in lost), Decimal(0)),
    }


def _revenue_before(shop: _Shop, row: Row) -> Decimal:
    assert (row["day"].month, row["day"].day) != (2, 29)
    since = row["day"].replace(year=row["day"].year - 1)
    total = Decimal(0)
    for order in shop.orders.values():
        is_theirs = order["customer_id"] == row["customer"] and order["status"] == "delivered"
        if is_theirs and since < order["day"] <= row["day"]:
            total += sum(map(_net, shop.lines[order["order_id"]]))
            total -= sum(
                Decimal(r["refund_amount"]) for r in shop.returns if r["order_id"] == order["order_id"]
            )
    return total


def test_a_second_run_gives_the_same_rows_bit_for_bit(forgiving: Warehouse) -> None:
    tables = [f"kpi.{model}" for model in MODELS]
    before = {table: forgiving.published()[table] for table in tables}
    assert failures(forgiving.dbt("run", "--select", *MODELS, "--threads", "1")) == {}
    assert {table: forgiving.published()[table] for table in tables} == before


def test_the_seed_has_the_rules_that_are_recomputed_here() -> None:
    with (PROJECT / "seeds" / "forgiveness_rules.csv").open(newline="") as file:
        rules = {row["rule"]: int(row["rule_value"]) for row in csv.DictReader(file)}
    assert rules == {
        "come_back_days": COME_BACK,
        "new_category_days": ADOPT,
        "lost_after_days": LOST,
        "buy_again_days": BUY_AGAIN,
        "price_rise_percent": RISE,
        "price_rise_product_share": SHARE,
        "price_rise_minimum_products": PRODUCTS,
    }


def test_keys_are_those_of_the_shop(forgiving: Warehouse, shop: _Shop) -> None:
    known = forgiving.query(
        "select distinct customer_key from intermediate.int_customers__visits"
    ).to_series()
    assert set(known) == {customer_key(customer) for customer in shop.days}
