"""Regretted campaigns and the pressure of contacts, computed a second time from the raw rows of a company of its own.

In other ways than the models take: how a customer stood is counted order by order, the matched difference is the slope
of a weighted regression with cluster-robust errors, its bounds and chances are SciPy's, and the months of every
customer are written out.
"""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

import numpy as np
import polars as pl
import pytest
from dbt_company import Row, customer_key
from dbt_warehouse import Warehouse, failures
from scipy import stats

AS_OF = date(2024, 6, 30)
TOKYO = timedelta(hours=9)
MINIMUM = 3  # of the test warehouse
CUSTOMERS = 90
CAMPAIGNS = {
    "spring": ("2024-03-04", "2024-03-24"),
    "flash": ("2024-01-10", "2024-01-20"),
    "late": ("2024-06-18", "2024-06-28"),
}
BOTH = ("--select", "+kpi_campaign_regret", "+kpi_campaign_pressure")
NO_TESTS = ("--resource-type", "model", "--resource-type", "seed")
CATEGORIES = {"tea": "food", "cup": "home", "mug": "home", "post": None}
# seed campaign_regret_outcomes: window, share or mean, which direction is worse, margin
OUTCOMES = {
    "returned": (60, True, 1, 5),
    "complained": (60, True, 1, 2),
    "detractor": (60, True, 1, 10),
    "low_csat": (60, True, 1, 10),
    "nps_score": (60, False, -1, 0.5),
    "csat_score": (60, False, -1, 0.25),
    "next_full_price": (90, True, -1, 5),
}
FREQUENCY_BANDS, RECENCY_BANDS, CONTACT_BANDS = (0, 1, 2, 4, 10), (0, 31, 91, 181), (0, 1, 2, 3, 6)


def _day(at: datetime) -> date:
    return (at + TOKYO).date()


def _raw_tables() -> dict[str, list[Row]]:
    random = Random(11)
    tables: dict[str, list[Row]] = defaultdict(list)
    begin, days = datetime(2023, 6, 1), 392
    tables["crm.customers"] = [
        {"customer_id": f"c{n}", "registered_at": begin + timedelta(days=n if n % 3 == 0 else 0)}
        for n in range(CUSTOMERS)
    ]
    tables["crm.products"] = [
        {"product_id": product, "name": product, "category": category}
        for product, category in CATEGORIES.items()
    ]
    tables["crm.campaigns"] = [
        {
            "campaign_id": campaign,
            "name": campaign.title(),
            "starts_on": date.fromisoformat(starts),
            "ends_on": date.fromisoformat(ends),
        }
        for campaign, (starts, ends) in CAMPAIGNS.items()
        if campaign != "flash"  # the CRM does not list it
    ]
    for number in range(1500):
        ordered_at = begin + timedelta(seconds=random.randrange(days * 86_400))
        customer = f"c{int(CUSTOMERS * random.random() ** 1.5)}" if random.random() > 0.05 else None
        day = _day(ordered_at).isoformat()
        running = [campaign for campaign, (starts, ends) in CAMPAIGNS.items() if starts <= day <= ends]
        campaign = running[0] if running and random.random() < 0.5 else None
        order_id = f"o{number}"
        tables["crm.orders"].append(
            {
                "order_id": order_id,
                "customer_id": customer,
                "ordered_at": ordered_at,
                "department": "web",
                "campaign_id": campaign,
                "status": random.choice(["delivered"] * 12 + ["cancelled"]),
            }
        )
        for line in range(1, random.randrange(2, 5)):
            product = random.choice(["tea", "tea", "cup", "mug", "post", "unlisted"])
            tables["crm.order_lines"].append(
                {
                    "order_id": order_id,
                    "line_number": line,
                    "product_id": product,
                    "quantity": random.choice(["1", "2", "2"]) if random.random() > 0.02 else "-1",
                    "unit_price": f"{random.randrange(5, 9)}.50",
                    "discount_amount": "1.00" if campaign or random.random() < 0.05 else None,
                    "line_type": "shipping" if product == "post" else None,
                }
            )
        if random.random() < (0.5 if campaign == "flash" else 0.08):
            for again in range(random.choice([1, 1, 2])):
                tables["crm.returns"].append(
                    {
                        "return_id": f"r{number}-{again}",
                        "order_id": order_id,
                        "refund_amount": "2.00",
                        "returned_at": ordered_at + timedelta(hours=random.randrange(24, 1800)),
                    }
                )
        if random.random() < 0.12:
            names_order = random.random() < 0.5
            tables["support.tickets"].append(
                {
                    "ticket_id": f"t{number}",
                    "customer_id": customer,
                    "order_id": order_id if names_order else None,
                    "opened_at": ordered_at + timedelta(hours=random.randrange(1, 2200)),
                    "is_complaint": random.choice([True, True, False]),
                }
            )
        if random.random() < 0.7:
            about: Row = {"order_id": order_id}
            if tables["support.tickets"] and random.random() < 0.1:
                about = {"ticket_id": tables["support.tickets"][-1]["ticket_id"]}
            for metric, top in (("nps", 11), ("csat", 6)):
                tables["survey.responses"].append(
                    {
                        "response_id": f"q{number}",
                        "question_id": metric,
                        "metric": metric,
                        "score": str(random.randrange(0 if top == 11 else 1, top)),
                        "submitted_at": ordered_at + timedelta(hours=random.randrange(1, 1600)),
                        "customer_id": customer,
                        **about,
                    }
                )
    for _ in range(260):
        tables["crm.campaign_contacts"].append(
            {
                "campaign_id": random.choice(list(CAMPAIGNS)),
                "customer_id": f"c{int(CUSTOMERS * random.random() ** 2)}",
                "sent_at": datetime(2023, 9, 5) + timedelta(seconds=random.randrange(270 * 86_400)),
                "channel": "mail",
            }
        )
    return tables


@pytest.fixture(scope="module")
def tables() -> dict[str, list[Row]]:
    return _raw_tables()


@pytest.fixture(scope="module")
def with_campaigns(tables: dict[str, list[Row]], tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("campaigns")).create()
    warehouse.load(1, tables)
    warehouse.set_run(AS_OF)
    results = warehouse.dbt("build", *BOTH, *NO_TESTS)
    assert failures(results) == {}
    return warehouse


def _main_category(lines: list[Row]) -> str:
    money: dict[str | None, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line["line_type"] is None and Decimal(line["quantity"]) > 0:
            net = Decimal(line["quantity"]) * Decimal(line["unit_price"]) - Decimal(
                line["discount_amount"] or 0
            )
            money[CATEGORIES.get(line["product_id"])] += net
    return (
        min(money, key=lambda category: (-money[category], category is None, category or "")) or "(unknown)"
    )


def _band(value: int, bands: tuple[int, ...]) -> int:
    return max(lowest for lowest in bands if lowest <= value)


@pytest.fixture(scope="module")
def purchases(tables: dict[str, list[Row]]) -> list[Row]:
    """Every purchase of a known customer with its stratum and, per outcome, after how many days what came."""
    lines: dict[str, list[Row]] = defaultdict(list)
    for line in tables["crm.order_lines"]:
        lines[line["order_id"]].append(line)
    known = [
        {
            **order,
            "day": _day(order["ordered_at"]),
            "is_full_price": order["campaign_id"] is None
            and not any(line["discount_amount"] for line in lines[order["order_id"]]),
        }
        for order in tables["crm.orders"]
        if order["customer_id"]
        and order["status"] != "cancelled"
        and any(
            line["line_type"] is None and Decimal(line["quantity"]) > 0 for line in lines[order["order_id"]]
        )
    ]
    last_day = max(_day(order["ordered_at"]) for order in tables["crm.orders"])
    of_customer: dict[str, list[Row]] = defaultdict(list)
    for order in sorted(known, key=lambda order: (order["ordered_at"], order["order_id"])):
        of_customer[order["customer_id"]].append(order)
    tickets = {
        ticket["ticket_id"]: ticket
        for ticket in tables["support.tickets"]
        if _day(ticket["opened_at"]) <= AS_OF
    }
    complaints: dict[str, list[date]] = defaultdict(list)
    for ticket in tickets.values():
        if ticket["is_complaint"]:
            before = [
                o
                for o in of_customer.get(ticket["customer_id"], [])
                if o["ordered_at"] <= ticket["opened_at"]
            ]
            about = ticket["order_id"] or (before[-1]["order_id"] if before else None)
            complaints[about].append(_day(ticket["opened_at"]))
    answers: dict[tuple[str, str], list[tuple[datetime, int]]] = defaultdict(list)
    for answer in tables["survey.responses"]:
        order_id = answer.get("order_id") or (tickets.get(answer.get("ticket_id")) or {}).get("order_id")
        if order_id and _day(answer["submitted_at"]) <= AS_OF:
            answers[order_id, answer["metric"]].append((answer["submitted_at"], int(answer["score"])))
    rows = []
    for order in known:
        order_id, day, theirs = order["order_id"], order["day"], of_customer[order["customer_id"]]
        earlier = [other["day"] for other in theirs if other["day"] < day]
        returns = [
            _day(refund["returned_at"])
            for refund in tables["crm.returns"]
            if refund["order_id"] == order_id and _day(refund["returned_at"]) <= AS_OF
        ]
        if any(Decimal(line["quantity"]) < 0 and line["line_type"] is None for line in lines[order_id]):
            returns.append(day)
        full_price = [other["day"] for other in theirs if other["day"] > day and other["is_full_price"]]
        nps, csat = (min(answers[order_id, metric], default=(None, None)) for metric in ("nps", "csat"))
        rows.append(
            {
                **order,
                "observed": (last_day - day).days,
                "stratum": (
                    day.year,
                    day.month,
                    _band(len(earlier), FREQUENCY_BANDS),
                    _band((day - max(earlier)).days, RECENCY_BANDS) if earlier else None,
                    _main_category(lines[order_id]),
                ),
                "returned": [(found - day).days for found in returns],
                "complained": [(found - day).days for found in complaints[order_id]],
                "next_full_price": [(found - day).days for found in full_price],
                "nps": (None, None) if nps[0] is None else ((_day(nps[0]) - day).days, nps[1]),
                "csat": (None, None) if csat[0] is None else ((_day(csat[0]) - day).days, csat[1]),
            }
        )
    return rows


def _value(purchase: Row, outcome: str) -> float | None:
    window = OUTCOMES[outcome][0]
    if outcome in ("returned", "complained", "next_full_price"):
        return float(any(days <= window for days in purchase[outcome]))
    metric = "nps" if outcome in ("detractor", "nps_score") else "csat"
    days, score = purchase[metric]
    if days is None or days > window:
        return None
    return {"detractor": float(score <= 6), "low_csat": float(score <= 2)}.get(outcome, float(score))


def _close(value: float | None, tolerance: float = 6e-5) -> object:
    return None if value is None else pytest.approx(value, abs=tolerance)


def _regression(frame: pl.DataFrame) -> tuple[float, float, float]:
    """Mean at the full price, difference and its variance: weighted least squares, errors clustered by customer."""
    treated = frame["treated"].to_numpy().astype(float)
    design = np.column_stack([np.ones(len(treated)), treated])
    weight, value = frame["weight"].to_numpy(), frame["value"].to_numpy()
    bread = np.linalg.inv(design.T @ (design * weight[:, None]))
    slope = bread @ (design.T @ (weight * value))
    scores = design * (weight * (value - design @ slope))[:, None]
    clusters = frame.select(pl.col("customer").rank("dense")).to_series().to_numpy() - 1
    summed = np.zeros((clusters.max() + 1, 2))
    np.add.at(summed, clusters, scores)
    customers = frame.filter("treated")["customer"].n_unique()
    correction = customers / (customers - 1) if customers > 1 else math.nan
    return slope[0], slope[1], float((bread @ summed.T @ summed @ bread)[1, 1] * correction)


def _expected(purchases: list[Row], campaign: str, outcome: str) -> Row:
    window, is_share, worse, margin = OUTCOMES[outcome]
    own = [purchase for purchase in purchases if purchase["campaign_id"] == campaign]
    closed = [
        {**purchase, "value": _value(purchase, outcome)}
        for purchase in purchases
        if purchase["observed"] >= window
        and (purchase["campaign_id"] == campaign or purchase["is_full_price"])
    ]
    rows = [purchase for purchase in closed if purchase["value"] is not None]
    in_campaign = [purchase for purchase in rows if purchase["campaign_id"] == campaign]
    full_price = [purchase for purchase in rows if purchase["campaign_id"] is None]
    months = {(purchase["day"].year, purchase["day"].month) for purchase in own}
    in_months = [p for p in full_price if (p["day"].year, p["day"].month) in months]
    points = 100 if is_share else 1

    def mean(values: list[Row]) -> object:
        return _close(
            points * sum(p["value"] for p in values) / len(values) if len(values) >= MINIMUM else None
        )

    by_stratum: dict[tuple, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for side, members in enumerate((in_campaign, full_price)):
        for purchase in members:
            by_stratum[purchase["stratum"]][side].append(purchase)
    matched = [
        {
            "treated": side == 0,
            "weight": 1.0 if side == 0 else len(alike[0]) / len(alike[1]),
            "customer": p["customer_id"],
            "value": p["value"],
        }
        for alike in by_stratum.values()
        if all(alike)
        for side in (0, 1)
        for p in alike[side]
    ]
    expected: Row = {
        "purchases": len(own),
        "purchases_open": sum(purchase["observed"] < window for purchase in own),
        "purchases_unknown": sum(p["value"] is None and p["campaign_id"] == campaign for p in closed),
        "campaign_n": len(in_campaign),
        "campaign_sum": _close(sum(p["value"] for p in in_campaign)),
        "campaign_value": mean(in_campaign),
        "full_price_n": len(in_months),
        "full_price_sum": _close(sum(p["value"] for p in in_months)),
        "full_price_value": mean(in_months),
        "matched_n": sum(row["treated"] for row in matched),
    }
    if not matched:
        return expected
    frame = pl.DataFrame(matched)
    treated, control = frame.filter("treated"), frame.filter(~pl.col("treated"))
    n, weights = len(treated), control["weight"].to_numpy()
    effective = weights.sum() ** 2 / (weights**2).sum()
    baseline, difference, variance = _regression(frame)
    if is_share:
        smoothed = [(treated["value"].sum() + 1, n + 2), (baseline * effective + 1, effective + 2)]
        floor = sum(hits / total * (1 - hits / total) / total for hits, total in smoothed)
        variance = floor if math.isnan(variance) else max(variance, floor)
    customers = treated["customer"].n_unique()
    expected |= {
        "matched_customers": customers,
        "matched_full_price_n": len(control),
        "matched_full_price_effective_n": _close(effective),
        "matched_full_price_weighted_sum": _close(baseline * n),
    }
    if min(customers, len(control)) < MINIMUM:
        return expected | {"difference": None, "p_value": None}
    error = points * math.sqrt(variance)
    t_beyond = (worse * points * difference - margin) / error if error else math.nan
    freedom = customers - 1
    half = stats.t.ppf(0.975, freedom) * error
    near = {"rel": 0.04 if freedom < 6 else 2e-3, "abs": 2e-3}  # the model expands t around the normal
    beyond = None if math.isnan(t_beyond) else float(stats.t.sf(t_beyond, freedom))
    return expected | {
        "matched_campaign_value": _close(points * (baseline + difference)),
        "matched_full_price_value": _close(points * baseline),
        "difference": _close(points * difference),
        "difference_standard_error": _close(error),
        "difference_lower": pytest.approx(points * difference - half, **near),
        "difference_upper": pytest.approx(points * difference + half, **near),
        "p_value": _close(beyond, 0.01 if freedom < 6 else 1e-3),
    }


def test_regret(with_campaigns: Warehouse, purchases: list[Row]) -> None:
    published = {
        (row["campaign_id"], row["outcome"]): row
        for row in with_campaigns.query("select * from kpi.kpi_campaign_regret").to_dicts()
    }
    assert published.keys() == {(campaign, outcome) for campaign in CAMPAIGNS for outcome in OUTCOMES}
    for (campaign, outcome), row in published.items():
        expected = _expected(purchases, campaign, outcome)
        assert {name: row[name] for name in expected} == expected, (campaign, outcome)
    seen = pl.DataFrame(list(published.values()), infer_schema_length=None)
    assert {"worse", "too early", "unclear"} <= set(seen["verdict"])
    assert (seen["unmatched_n"] > 0).any()
    assert (seen["purchases_open"] > 0).any()
    assert (seen["purchases_unknown"] > 0).any()
    names = dict(seen.select("campaign_id", "campaign_name").iter_rows())
    assert names == {"spring": "Spring", "late": "Late", "flash": None}
    verdicts = dict(seen.select("campaign_id", "campaign_verdict").iter_rows())
    assert verdicts["flash"] == "regretted"
    assert verdicts["spring"] != "regretted"
    assert verdicts["late"] == "not known"


def test_chance_is_controlled_over_all_campaigns(with_campaigns: Warehouse) -> None:
    tested = with_campaigns.query("select * from kpi.kpi_campaign_regret where p_value is not null")
    assert len(tested) > len(OUTCOMES)
    for outcome in tested["outcome"].unique():
        family = tested.filter(outcome=outcome)
        adjusted = stats.false_discovery_control(family["p_value"].to_numpy(), method="bh")
        assert family["q_value"].to_list() == pytest.approx(adjusted.tolist(), abs=2e-6)


def test_verdicts_follow_from_what_is_published(with_campaigns: Warehouse) -> None:
    for row in with_campaigns.query("select * from kpi.kpi_campaign_regret").to_dicts():
        if row["purchases_open"] == row["purchases"]:
            expected = "too early"
        elif row["campaign_n"] == 0:
            expected = "not recorded"
        elif row["p_value"] is None:
            expected = "too few"
        elif row["q_value"] <= 0.05:
            expected = "worse"
        else:
            worst = row["difference_upper"] if row["worse_when"] == "higher" else -row["difference_lower"]
            expected = "not worse" if worst < row["margin"] else "unclear"
        assert row["verdict"] == expected, row


def _first_days(tables: dict[str, list[Row]]) -> dict[str, date]:
    """When each customer was first heard of."""
    first: dict[str, date] = {}
    for table, moment in (
        ("crm.customers", "registered_at"),
        ("crm.orders", "ordered_at"),
        ("survey.responses", "submitted_at"),
        ("support.tickets", "opened_at"),
        ("crm.campaign_contacts", "sent_at"),
    ):
        for row in tables[table]:
            if row["customer_id"]:
                day = _day(row[moment])
                first[row["customer_id"]] = min(day, first.get(row["customer_id"], day))
    return first


def _wilson(hits: float, n: float) -> tuple[float, float]:
    """By solving |p - hits / n| = z sqrt(p (1 - p) / n) for p, in percent."""
    z = stats.norm.ppf(0.975)
    roots = np.roots([1 + z**2 / n, -(2 * hits + z**2) / n, (hits / n) ** 2])
    low, high = np.sort(roots.real)
    return 100 * float(low), 100 * float(high)


def _rated(months: pl.DataFrame, hits: str, n: str, rate: str) -> Row:
    total, count = int(months[n].sum()), int(months[hits].sum())
    row: Row = {rate: None, f"{rate}_lower": None, f"{rate}_upper": None}
    if total < MINIMUM:
        return row
    people = months.group_by("customer").agg(pl.col(hits).sum(), pl.col(n).sum())
    effect = 1.0
    if 0 < count < total:
        share = count / total
        residuals = people[hits].to_numpy() - share * people[n].to_numpy()
        effect = max(1.0, float((residuals**2).sum()) / (total * share * (1 - share)))
    low, high = _wilson(count / effect, total / effect)
    return {
        rate: _close(100 * count / total),
        f"{rate}_lower": _close(max(low, 0)),
        f"{rate}_upper": _close(min(high, 100)),
    }


def test_pressure(with_campaigns: Warehouse, tables: dict[str, list[Row]], purchases: list[Row]) -> None:
    contacts: dict[str, list[date]] = defaultdict(list)
    for contact in tables["crm.campaign_contacts"]:
        contacts[contact["customer_id"]].append(_day(contact["sent_at"]))
    begin = min(day for days in contacts.values() for day in days)
    months = [
        month
        for month in pl.date_range(date(2023, 6, 1), date(2024, 6, 1), "1mo", eager=True)
        if month > begin
    ]
    in_month: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for purchase in purchases:
        in_month[purchase["customer_id"], purchase["day"].replace(day=1)].append(purchase)
    rows = []
    for customer, first in _first_days(tables).items():
        for month in months:
            if first >= month:
                continue
            recent = sum(1 <= (month - day).days <= 90 for day in contacts[customer])
            theirs = in_month[customer, month]
            closed = [purchase for purchase in theirs if purchase["observed"] >= 60]
            scores = [p["nps"][1] for p in closed if p["nps"][0] is not None and p["nps"][0] <= 60]
            rows.append(
                {
                    "customer": customer,
                    "month": month,
                    "contacts_from": _band(recent, CONTACT_BANDS),
                    "contacts": recent,
                    "months": 1,
                    "purchases": len(theirs),
                    "campaign_purchases": sum(p["campaign_id"] is not None for p in theirs),
                    "bought": int(bool(theirs)),
                    "return_n": len(closed),
                    "returned": sum(bool(_value(p, "returned")) for p in closed),
                    "nps_n": len(scores),
                    "detractors": sum(score <= 6 for score in scores),
                }
            )
    written_out = pl.DataFrame(rows)
    cells = {
        (f"{month:%Y-%m}", band): members
        for (month, band), members in written_out.group_by("month", "contacts_from")
    } | {("(all)", band): members for (band,), members in written_out.group_by("contacts_from")}
    published = {
        (row.pop("period"), row.pop("contacts_from")): row
        for row in with_campaigns.query(
            "select * exclude (month, contacts_band) from kpi.kpi_campaign_pressure"
        ).to_dicts()
    }
    assert published.keys() == cells.keys()
    for cell, members in cells.items():
        counts = (
            "contacts",
            "purchases",
            "campaign_purchases",
            "return_n",
            "returned",
            "nps_n",
            "detractors",
        )
        assert published[cell] == {
            "customers": members["customer"].n_unique(),
            "customer_months": len(members),
            "customer_months_bought": members["bought"].sum(),
            **{name: members[name].sum() for name in counts},
            **_rated(members, "bought", "months", "bought_rate"),
            **_rated(members, "returned", "return_n", "return_rate"),
            **_rated(members, "detractors", "nps_n", "detractor_share"),
        }, cell
    assert {band for _, band in cells} == set(CONTACT_BANDS)


def test_keys_are_those_of_the_company(with_campaigns: Warehouse, purchases: list[Row]) -> None:
    """What stands between raw rows and scores: one row per purchase."""
    held = with_campaigns.query("select order_id, customer_key from intermediate.int_purchases__outcomes")
    assert dict(held.iter_rows()) == {p["order_id"]: customer_key(p["customer_id"]) for p in purchases}


def test_a_company_without_campaigns_has_empty_tables(warehouse: Warehouse) -> None:
    warehouse.set_run(AS_OF)
    results = warehouse.dbt("build", *BOTH, *NO_TESTS)
    assert failures(results) == {}
    for table in ("kpi_campaign_regret", "kpi_campaign_pressure"):
        assert warehouse.query(f"select * from kpi.{table}").is_empty()
