"""Traits of the best customers, computed a second time from the raw rows of a company of its own.

What customers are worth is taken from the models of lifetime value, which have tests of their own; who had which trait
comes from the raw rows, and what chance would do from SciPy: hypergeometric draws within groups of alike customers, a
chi-square test where there is one group, and derivatives taken numerically.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from dbt_company import Row, customer_key
from dbt_warehouse import Warehouse, failures
from scipy import stats

AS_OF = date(2024, 6, 30)
HOLDOUT_DAYS = 91
KNOWN_ON = AS_OF - timedelta(days=HOLDOUT_DAYS)
TOKYO = timedelta(hours=9)
MINIMUM = 3
CUSTOMERS = 420
CATEGORIES = {"tea": "food", "cup": "home", "mystery": None}
TRUE_WHERE_HAD = (
    "had_return",
    "had_ticket",
    "had_hand_off",
    "had_complaint",
    "had_complaint_resolved",
    "had_campaign_contact",
)
SELECTED = ("--select", "+kpi_high_value_traits", "--resource-type", "model", "--resource-type", "seed")


def _day(at: datetime) -> date:
    return (at + TOKYO).date()


def _raw_tables() -> dict[str, list[Row]]:
    random = Random(23)
    tables: dict[str, list[Row]] = defaultdict(list)
    begin = datetime(2023, 3, 1)
    days = (AS_OF - begin.date()).days
    tables["crm.products"] = [
        {"product_id": product, "name": product, "category": category}
        for product, category in CATEGORIES.items()
        if category
    ]
    for number in range(CUSTOMERS):
        customer, has_card = f"c{number}", random.random() < 0.4
        came = begin + timedelta(days=random.randrange(days - 60) if number % 2 else 0)
        attributes = {
            "card": has_card,
            "pets": random.random() < 0.5,
            "size": random.choice([1, 2, 3]),
            "Birth_Date": "1990-01-01",
            "mail": "x@example.org" if number % 5 == 0 else None,
            "rare": "yes" if number in (0, 2) else "no",
        }
        tables["crm.customers"].append(
            {
                "customer_id": customer,
                "registered_at": came,
                "locale": random.choice(["ja-JP", "en-GB"]),
                "country": "JP",  # nobody is without it
                "acquisition_channel": random.choice(["referral", "advert"]),
                "traits": json.dumps(attributes) if number % 20 else None,
            }
        )
        if number % 15 == 0:  # a second account, some of them from the holdout
            tables["crm.customers"].append(
                {
                    "customer_id": f"w{number}",
                    "person_id": customer,
                    "registered_at": datetime(2024, random.choice([1, 5]), 1),
                    "acquisition_channel": "web account",
                    "locale": "fr-FR",
                    "country": "JP",
                    "traits": json.dumps({"card": False, "pets": True}),
                }
            )
        at = came
        for purchase in range(40):
            at += timedelta(hours=1 + int(random.expovariate(1 / (1100 if has_card else 2000))))
            if _day(at) > AS_OF or random.random() < 0.06:
                break
            order_id = f"o{number}-{purchase}"
            account = f"w{number}" if number % 15 == 0 and at > datetime(2024, 5, 2) else customer
            delivered_at = at + timedelta(hours=random.randrange(20, 200))
            tables["crm.orders"].append(
                {
                    "order_id": order_id,
                    "customer_id": account,
                    "ordered_at": at,
                    "sales_channel": random.choice(["web", "store"]),
                    "department": random.choice(["north", "south", None]),
                    "campaign_id": random.choice(["spring", None, None, None]),
                    "status": random.choice(["delivered"] * 15 + ["cancelled"]),
                    "promised_at": at + timedelta(days=7),
                    "delivered_at": delivered_at if random.random() < 0.9 else None,
                }
            )
            tables["crm.order_lines"].append(
                {
                    "order_id": order_id,
                    "line_number": 1,
                    "product_id": random.choice(list(CATEGORIES)),
                    "quantity": "1",
                    "unit_price": f"{random.randrange(10, 60)}.00",
                }
            )
            if random.random() < 0.1:
                tables["crm.returns"].append(
                    {
                        "return_id": f"r{order_id}",
                        "order_id": order_id,
                        "refund_amount": "2.00",
                        "returned_at": at + timedelta(hours=random.randrange(24, 1200)),
                    }
                )
            if random.random() < 0.12:
                resolved_at = (
                    at + timedelta(hours=random.randrange(40, 1500)) if random.random() < 0.8 else None
                )
                ticket_id = f"t{order_id}"
                tables["support.tickets"].append(
                    {
                        "ticket_id": ticket_id,
                        "customer_id": account,
                        "opened_at": at + timedelta(hours=12),
                        "resolved_at": resolved_at,
                        "is_complaint": random.random() < 0.5,
                    }
                )
                for place, desk in enumerate(random.choice([["a"], ["a", "b"], ["a", "a"]]), start=1):
                    tables["support.ticket_assignments"].append(
                        {
                            "ticket_id": ticket_id,
                            "sequence_number": place,
                            "department": desk,
                            "assigned_at": at + timedelta(hours=12 * place * place),
                        }
                    )
        if random.random() < 0.5:
            tables["crm.campaign_contacts"].append(
                {
                    "campaign_id": "spring",
                    "customer_id": customer,
                    "sent_at": begin + timedelta(days=random.randrange(days)),
                    "channel": "mail",
                }
            )
    return tables


@pytest.fixture(scope="module")
def tables() -> dict[str, list[Row]]:
    return _raw_tables()


@pytest.fixture(scope="module")
def with_traits(tables: dict[str, list[Row]], tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("traits")).create()
    warehouse.load(1, tables)
    warehouse.set_run(AS_OF)
    assert failures(warehouse.dbt("build", *SELECTED)) == {}
    return warehouse


@pytest.fixture(scope="module")
def traits(tables: dict[str, list[Row]]) -> dict[tuple[str, str, str], set[str]]:
    """Who had which trait when the holdout began, customers that had not bought then included."""
    found: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    person = {
        row["customer_id"]: row.get("person_id") or row["customer_id"] for row in tables["crm.customers"]
    }

    def note(kind: str, trait: str, value: object, account: str) -> None:
        if value is not None:
            found[kind, trait, str(value)].add(customer_key(person[account]))

    accounts: dict[str, list[Row]] = defaultdict(list)
    for row in tables["crm.customers"]:
        if _day(row["registered_at"]) <= KNOWN_ON:
            accounts[person[row["customer_id"]]].append(row)
    for customer, theirs in accounts.items():
        theirs.sort(key=lambda row: row["registered_at"])
        note("origin", "acquisition_channel", theirs[0].get("acquisition_channel"), customer)
        note("origin", "locale", theirs[-1].get("locale"), customer)
        note("origin", "country", theirs[-1].get("country"), customer)
        attributes = json.loads(theirs[-1]["traits"] or "{}")
        for trait in ("card", "pets"):
            note("attribute", trait, "true" if attributes.get(trait) else None, customer)
        note("attribute", "size", attributes.get("size"), customer)
        note("attribute", "rare", "yes" if attributes.get("rare") == "yes" else None, customer)

    returns: dict[str, date] = {row["order_id"]: _day(row["returned_at"]) for row in tables["crm.returns"]}
    product = {line["order_id"]: line["product_id"] for line in tables["crm.order_lines"]}
    bought: dict[str, list[Row]] = defaultdict(list)
    for order in tables["crm.orders"]:
        if order["status"] == "cancelled":
            continue
        if returns.get(order["order_id"], AS_OF) <= KNOWN_ON:
            note("experience", "had_return", "true", order["customer_id"])
        if _day(order["ordered_at"]) <= KNOWN_ON:
            bought[person[order["customer_id"]]].append(order)
    for customer, orders in bought.items():
        late = {
            order["order_id"]
            for order in orders
            if order["delivered_at"] and _day(order["promised_at"]) < _day(order["delivered_at"]) <= KNOWN_ON
        }
        note("experience", "had_late_delivery", "true" if late else None, customer)
        first = min(orders, key=lambda order: (order["ordered_at"], order["order_id"]))
        order_id = first["order_id"]
        note("first purchase", "first_sales_channel", first["sales_channel"], customer)
        note("first purchase", "first_department", first["department"], customer)
        note("first purchase", "first_category", CATEGORIES[product[order_id]], customer)
        note("first purchase", "first_order_in_campaign", "true" if first["campaign_id"] else None, customer)
        note("first purchase", "first_order_late", "true" if order_id in late else None, customer)
        was_returned = returns.get(order_id, AS_OF) <= KNOWN_ON
        note("first purchase", "first_order_returned", "true" if was_returned else None, customer)
    for ticket in tables["support.tickets"]:
        opened = _day(ticket["opened_at"])
        resolved = _day(ticket["resolved_at"]) if ticket["resolved_at"] else AS_OF
        desks = [
            row for row in tables["support.ticket_assignments"] if row["ticket_id"] == ticket["ticket_id"]
        ]
        handed = [
            _day(later["assigned_at"])
            for earlier, later in pairwise(desks)
            if earlier["department"] != later["department"]
        ]
        happened = {
            "had_ticket": opened,
            "had_complaint": opened if ticket["is_complaint"] else AS_OF,
            "had_complaint_resolved": resolved if ticket["is_complaint"] else AS_OF,
            "had_hand_off": min(handed, default=AS_OF),
        }
        for trait, day in happened.items():
            note("experience", trait, "true" if day <= KNOWN_ON else None, ticket["customer_id"])
    for contact in tables["crm.campaign_contacts"]:
        is_known = _day(contact["sent_at"]) <= KNOWN_ON
        note("experience", "had_campaign_contact", "true" if is_known else None, contact["customer_id"])
    return found


def _best(values: np.ndarray) -> np.ndarray:
    """The best tenth, equal values together: as many below everybody in it as make nine tenths of the others."""
    below = (values[None, :] < values[:, None]).sum(axis=1)
    return below / (len(values) - 1) >= 0.9


def _log_lift(counts: np.ndarray, sizes: np.ndarray) -> float:
    """Logarithm of observed over expected; counts are best with and without the trait, by group."""
    expected = (sizes[:, 0] / sizes.sum(axis=1) * counts.sum(axis=1)).sum()
    return math.log(counts[:, 0].sum() / expected)


def _chance(customers: int, best: int, with_trait: int) -> tuple[float, float]:
    """Mean and variance of how many of the best have a trait that means nothing."""
    numbers = np.arange(0, min(best, with_trait) + 1)
    probabilities = stats.hypergeom(customers, best, with_trait).pmf(numbers)
    mean = float((numbers * probabilities).sum())
    return mean, float(((numbers - mean) ** 2 * probabilities).sum())


def _lift(has: np.ndarray, best: np.ndarray, group: np.ndarray) -> Row:
    """Expected number, lift and its interval, and how likely the difference is by chance."""
    groups = [group == value for value in np.unique(group[has])]
    sizes = np.array([[(members & has).sum(), (members & ~has).sum()] for members in groups], dtype=float)
    counts = np.array([[(best & m & has).sum(), (best & m & ~has).sum()] for m in groups], dtype=float)
    moments = [
        _chance(int(size.sum()), int(count.sum()), int(size[0]))
        for size, count in zip(sizes, counts, strict=True)
    ]
    expected, variance = (sum(moment) for moment in zip(*moments, strict=True))
    observed = counts[:, 0].sum()
    row: Row = {"top": int(observed), "expected": expected} | dict.fromkeys(("p", "lift", "lower", "upper"))
    if expected == 0:
        return row
    if variance > 0:
        row["p"] = 2 * stats.norm.sf(abs(observed - expected) / math.sqrt(variance))
    if observed == 0:
        return row | {"lift": 0.0, "lower": 0.0, "upper": -math.log(0.025) / expected}
    smoothed = (counts + 0.5) / (sizes + 1)
    spread = sizes * smoothed * (1 - smoothed)
    total = 0.0
    for place in np.ndindex(counts.shape):
        step = np.zeros_like(counts)
        step[place] = 1e-5
        slope = (_log_lift(counts + step, sizes) - _log_lift(counts - step, sizes)) / 2e-5
        total += slope**2 * spread[place]
    half = math.exp(stats.norm.ppf(0.975) * math.sqrt(total))
    lift = observed / expected
    return row | {"lift": lift, "lower": lift / half, "upper": lift * half}


def _close(value: float | None, tolerance: float = 1e-4) -> object:
    return None if value is None else pytest.approx(value, abs=tolerance, rel=tolerance)


def test_traits_are_those_of_the_raw_rows(with_traits: Warehouse, traits: dict) -> None:
    known = set(
        with_traits.query("select customer_key from intermediate.int_customers__clv_at_holdout")[
            "customer_key"
        ]
    )
    held: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for kind, trait, value, key in with_traits.query(
        "select trait_kind, trait, trait_value, customer_key from intermediate.int_customers__traits"
    ).iter_rows():
        held[kind, trait, value].add(key)
    assert held == {trait: who & known for trait, who in traits.items() if who & known}
    assert {trait for _, trait, _ in held} >= {
        *TRUE_WHERE_HAD,
        "had_late_delivery",
        "first_order_late",
        "card",
    }


def test_lifts(with_traits: Warehouse, traits: dict) -> None:
    customers = with_traits.query(
        "select clv.customer_key, cast(clv.clv_amount as double) as expected,"
        " cast(clv.holdout_value as double) as came,"
        " least(histories.frequency + 1, 20) * 1000 + floor(histories.age_days / 182.5) as alike, clv.clv_status"
        " from intermediate.int_customers__clv_at_holdout as clv"
        " join intermediate.int_customers__purchase_histories as histories using (customer_key)"
        " where histories.dataset = 'calibration'"
    )
    keys = customers["customer_key"].to_list()
    best, best_later = (_best(customers[column].to_numpy()) for column in ("expected", "came"))
    alike = customers["alike"].to_numpy()
    published = {
        (row["trait_kind"], row["trait"], row["trait_value"]): row
        for row in with_traits.query("select * from kpi.kpi_high_value_traits").to_dicts()
    }
    expected = {}
    for name, who in traits.items():
        has = np.array([key in who for key in keys])
        if min(has.sum(), (~has).sum()) < MINIMUM:
            continue
        group = alike if name[0] == "experience" else np.zeros(len(keys))
        then, later = _lift(has, best, group), _lift(has, best_later, group)
        is_testable = min(then["expected"], best.sum() - then["expected"]) >= 5
        expected[name] = {
            "known_on": KNOWN_ON,
            "value_status": customers["clv_status"][0],
            "customers": int(has.sum()),
            "all_customers": len(keys),
            "top_customers": then["top"],
            "all_top_customers": int(best.sum()),
            "expected_top_customers": _close(then["expected"]),
            "top_share": _close(100 * then["top"] / has.sum()),
            "lift": _close(then["lift"]),
            "lift_lower": _close(then["lower"], 5e-4),
            "lift_upper": _close(then["upper"], 5e-4),
            "p_value": _close(then["p"], 2e-6) if is_testable else None,
            "later_top_customers": later["top"],
            "all_later_top_customers": int(best_later.sum()),
            "later_expected_top_customers": _close(later["expected"]),
            "later_lift": _close(later["lift"]),
            "later_lift_lower": _close(later["lower"], 5e-4),
            "later_lift_upper": _close(later["upper"], 5e-4),
        }
    assert {
        name: {column: row[column] for column in expected[name]} for name, row in published.items()
    } == expected
    assert ("origin", "country", "JP") not in published, (
        "where nobody is without it, there is nothing to compare"
    )
    assert ("attribute", "rare", "yes") not in published
    assert published["attribute", "card", "true"]["verdict"] in ("confirmed", "unconfirmed")


def test_one_group_is_the_chi_square_test(with_traits: Warehouse) -> None:
    (row,) = with_traits.query("select * from kpi.kpi_high_value_traits where trait = 'pets'").to_dicts()
    n, a, all_n, best = (
        row[name] for name in ("customers", "top_customers", "all_customers", "all_top_customers")
    )
    table = [[a, n - a], [best - a, all_n - n - best + a]]
    statistic = stats.chi2_contingency(table, correction=False).statistic * (all_n - 1) / all_n
    assert row["p_value"] == pytest.approx(stats.chi2.sf(statistic, 1), abs=2e-6)


def test_verdicts_follow_from_what_is_published(with_traits: Warehouse) -> None:
    rows = with_traits.query("select * from kpi.kpi_high_value_traits").to_dicts()
    tested = [row for row in rows if row["p_value"] is not None]
    adjusted = stats.false_discovery_control([row["p_value"] for row in tested], method="bh")
    assert [row["q_value"] for row in tested] == pytest.approx(adjusted.tolist(), abs=2e-6)
    assert {row["traits_tested"] for row in rows} == {len(tested)}
    for row in rows:
        if row["p_value"] is None:
            expected = "not testable"
        elif row["q_value"] > 0.05:
            expected = "not found"
        else:
            side = row["later_lift_lower"] > 1 if row["lift"] > 1 else row["later_lift_upper"] < 1
            later = row["later_expected_top_customers"]
            is_testable = min(later, row["all_later_top_customers"] - later) >= 5
            expected = "confirmed" if side and is_testable else "unconfirmed"
        assert row["verdict"] == expected, row
        assert (row["reason"] is None) == (expected == "confirmed")


def test_a_company_without_customers_has_an_empty_table(warehouse: Warehouse) -> None:
    warehouse.set_run(AS_OF)
    assert failures(warehouse.dbt("build", *SELECTED)) == {}
    assert warehouse.query("select * from kpi.kpi_high_value_traits").is_empty()
