"""Buyers at the end of every month, computed a second time from the raw rows, and what makes a month end anew.

Every month end on its own, customer by customer: what was bought and paid back by that day, ranked by counting who
lies lower. The models carry sums forward instead.
"""

from __future__ import annotations

import csv
import shutil
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from dbt_company import Company, Row, customer_key
from dbt_history import AS_OF, EARLIER_AS_OF, LOADS
from dbt_warehouse import PROJECT, Warehouse, failures

MINIMUM_ANSWERS = 3
Z = NormalDist().inv_cdf(0.975)
STATE = (
    "month_end, customer_key, first_purchase_date, last_purchase_date, recency_days, frequency, monetary_amount,"
    " recency_score, frequency_score, monetary_score, segment"
)
UNTOUCHED = -1  # a recency that no model writes

States = dict[date, dict[str, tuple[Any, ...]]]


def _segments() -> dict[tuple[int, int], str]:
    with (PROJECT / "seeds" / "rfm_segments.csv").open(newline="") as file:
        return {
            (int(row["recency_score"]), int(row["frequency_score"])): row["segment"]
            for row in csv.DictReader(file)
        }


def _month_ends(first: date, latest: date) -> list[date]:
    days = (first + timedelta(days=n) for n in range((latest - first).days + 1))
    return [day for day in days if (day + timedelta(days=1)).day == 1]


def _fifth(value: Any, everybody: list[Any]) -> int:
    if len(everybody) == 1:
        return 1
    return min(5, 1 + 5 * sum(other < value for other in everybody) // (len(everybody) - 1))


@pytest.fixture(scope="module")
def states(company: Company) -> States:
    """Month end -> customer -> what int_rfm__month_ends should say after its first two columns."""
    orders = company.orders_by_customer()
    refunds: dict[str, list[Row]] = defaultdict(list)
    for refund in company.refunds_paid():
        refunds[refund["order_id"]].append(refund)
    segment_of = _segments()
    first = min(order["day"] for placed in orders.values() for order in placed)
    found: States = {}
    for month_end in _month_ends(first, AS_OF):
        buyers = {}
        for key, placed in orders.items():
            known = [order for order in placed if order["day"] <= month_end]
            days = [order["day"] for order in known if order["is_purchase"]]
            paid_back = sum(
                refund["refund_amount"]
                for order in known
                for refund in refunds[order["order_id"]]
                if refund["day"] <= month_end
            )
            if days:
                money = sum(order["net"] for order in known) - paid_back
                buyers[key] = (min(days), max(days), len(days), money)
        lasts, counts, sums = ([buyer[n] for buyer in buyers.values()] for n in (1, 2, 3))
        found[month_end] = {}
        for key, (first_day, latest, count, money) in buyers.items():
            scores = (_fifth(latest, lasts), _fifth(count, counts), _fifth(money, sums))
            recency_days = (month_end - latest).days
            found[month_end][key] = (
                first_day,
                latest,
                recency_days,
                count,
                money,
                *scores,
                segment_of[scores[:2]],
            )
    return found


def test_the_state_of_every_buyer_at_every_month_end(built: Warehouse, states: States) -> None:
    expected = {
        (month_end, key, *state) for month_end, buyers in states.items() for key, state in buyers.items()
    }
    found = built.query(f"select {STATE} from intermediate.int_rfm__month_ends").rows()
    assert len(found) == len(expected)
    assert set(found) == expected
    money = {key: [buyers[key][4] for buyers in states.values() if key in buyers] for key in states[AS_OF]}
    assert any(a > b for sums in money.values() for a, b in pairwise(sums))  # refunds


def _by_month(orders: list[Row]) -> dict[date, list[Row]]:
    months: dict[date, list[Row]] = defaultdict(list)
    for order in orders:
        months[order["day"].replace(day=1)].append(order)
    return months


def test_kpi_rfm_segments_monthly(built: Warehouse, company: Company, states: States) -> None:
    cells: dict[tuple[date, str], list[Row]] = defaultdict(list)
    for month, placed in _by_month(company.anonymous_orders()).items():
        cells[month, "(anonymous)"] += placed
    state_of = {month_end.replace(day=1): buyers for month_end, buyers in states.items()}
    for key, orders in company.orders_by_customer().items():
        for month, placed in _by_month(orders).items():
            buyers = state_of[month]
            cells[month, buyers[key][-1] if key in buyers else "(no purchase)"] += placed
    published = built.query("select * from kpi.kpi_rfm_segments_monthly").to_dicts()
    names = {*_segments().values(), "(no purchase)", "(anonymous)"}
    assert {(row["month"], row["segment"]) for row in published} == {
        (month, name) for month in state_of for name in names
    }
    for row in published:
        placed = cells[row["month"], row["segment"]]
        assert row["purchases"] == sum(order["is_purchase"] for order in placed)
        assert row["revenue_amount"] == sum((order["revenue"] for order in placed), Decimal(0))
        if row["segment"].startswith("("):
            assert (row["customers"], row["customer_share_percent"]) == (None, None)
            continue
        everybody = state_of[row["month"]].values()
        recency = [state[2] for state in everybody if state[-1] == row["segment"]]
        assert row["customers"] == len(recency)
        assert row["customer_share_percent"] == pytest.approx(100 * len(recency) / len(everybody), abs=6e-5)
        assert row["mean_recency_days"] == (
            pytest.approx(np.mean(recency).item(), abs=6e-5) if recency else None
        )
    for segment in ("(anonymous)", "(no purchase)"):
        assert any(row["revenue_amount"] for row in published if row["segment"] == segment), segment


def _wilson(successes: int, n: int, side: int) -> float:
    """The root of (share - p)^2 = z^2 p (1 - p) / n."""
    share = successes / n
    a, b, c = 1 + Z * Z / n, -(2 * share + Z * Z / n), share * share
    return 100 * (-b + side * np.sqrt(max(b * b - 4 * a * c, 0))) / (2 * a)


def test_rfm_segment_migration(built: Warehouse, company: Company, states: States) -> None:
    revenue: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for key, orders in company.orders_by_customer().items():
        for order in orders:
            revenue[order["day"].replace(day=1), key] += order["revenue"]
    customers: Counter[tuple[date, str, str]] = Counter()
    money: dict[tuple[date, str, str], Decimal] = defaultdict(Decimal)
    before: dict[str, tuple[Any, ...]] = {}
    for month_end, buyers in states.items():
        month = month_end.replace(day=1)
        for key, state in buyers.items():
            move = (month, before[key][-1] if key in before else "(new)", state[-1])
            customers[move] += 1
            money[move] += revenue[month, key]
        before = buyers
    published = built.query("select * from kpi.rfm_segment_migration").to_dicts()
    moved = {
        (row["month"], row["from_segment"], row["to_segment"]): row["customers"]
        for row in published
        if row["customers"]
    }
    assert moved == dict(customers)
    origins: Counter[tuple[date, str]] = Counter()
    for (month, origin, _), n in customers.items():
        origins[month, origin] += n
    assert len(published) == len(origins) * 10
    for row in published:
        n, of = row["customers"], origins[row["month"], row["from_segment"]]
        assert row["from_customers"] == of
        assert row["revenue_amount"] == money[row["month"], row["from_segment"], row["to_segment"]]
        shown = [row[f"share_percent{end}"] for end in ("", "_lower", "_upper")]
        if of < MINIMUM_ANSWERS:
            assert shown == [None] * 3
        else:
            assert shown == pytest.approx([100 * n / of, _wilson(n, of, -1), _wilson(n, of, 1)], abs=6e-5)
    assert {row["share_percent"] is None for row in published} == {True, False}
    assert {"(new)", "champions", "hibernating"} <= {row["from_segment"] for row in published}


def _copy(built: Warehouse, folder: Any) -> Warehouse:
    shutil.copy(built.path, folder / built.path.name)
    return Warehouse(folder)


def _build_month_ends(warehouse: Warehouse, as_of: date = AS_OF, *arguments: str) -> None:
    warehouse.build(as_of, "--select", "+int_rfm__month_ends", "--exclude-resource-type", "test", *arguments)


def _order(order_id: str, customer: str, day: str) -> dict[str, list[Row]]:
    return {
        "crm.orders": [{"order_id": order_id, "customer_id": customer, "ordered_at": f"{day} 03:00:00"}],
        "crm.order_lines": [
            {
                "order_id": order_id,
                "line_number": 1,
                "product_id": "tea",
                "quantity": "1",
                "unit_price": "900",
            }
        ],
    }


LATE = _order("late", "a3", "2024-02-29")
REFUND = {"return_id": "late", "order_id": "o5", "refund_amount": "7", "returned_at": "2024-05-03"}
REFUND_OF_2023 = {"return_id": "r4", "order_id": "o1", "refund_amount": "7", "returned_at": "2023-12-31"}


@pytest.mark.parametrize(
    ("loads", "first_changed"),
    [
        pytest.param([], None, id="a night with nothing new"),
        pytest.param([LATE], date(2024, 2, 29), id="a late order changes its month and all later ones"),
        pytest.param(
            [{"crm.returns": [REFUND]}], date(2024, 5, 31), id="a refund, from the month it was paid"
        ),
        pytest.param(
            [{"crm.returns": [REFUND_OF_2023 | {"returned_at": "2023-01-01"}]}],
            date(2023, 2, 28),
            id="a refund dated before its order, from the order on",
        ),
        pytest.param(
            [_order("o5", "a5", "2024-06-02")],
            date(2024, 4, 30),
            id="an order that moved, from where it was before",
        ),
        pytest.param(
            [{"crm.products": [{"product_id": "tea", "name": "Green tea", "unit_cost": "1"}]}],
            None,
            id="what is not of RFM changes nothing",
        ),
    ],
)
def test_only_month_ends_that_could_have_changed_are_made_anew(
    built: Warehouse, tmp_path: Any, loads: list[dict[str, list[Row]]], first_changed: date | None
) -> None:
    warehouse = _copy(built, tmp_path)
    warehouse.execute(f"update intermediate.int_rfm__month_ends set recency_days = {UNTOUCHED}")
    for tables in loads:
        warehouse.load(len(LOADS) + 1, tables)
    _build_month_ends(warehouse)
    kept = warehouse.query(
        f"select distinct month_end from intermediate.int_rfm__month_ends where recency_days = {UNTOUCHED}"
    )["month_end"].to_list()
    all_ends = _month_ends(date(2023, 1, 1), AS_OF)
    assert sorted(kept) == [day for day in all_ends if first_changed is None or day < first_changed]
    anew = f"select * from intermediate.int_rfm__month_ends where recency_days <> {UNTOUCHED} order by all"
    incremental = warehouse.query(anew)
    _build_month_ends(warehouse, AS_OF, "--full-refresh")
    whole = warehouse.query(anew)
    assert incremental.equals(whole.filter(~whole["month_end"].is_in(kept)))


def test_an_earlier_business_date_forgets_later_month_ends(built: Warehouse, tmp_path: Any) -> None:
    warehouse = _copy(built, tmp_path)
    _build_month_ends(warehouse, EARLIER_AS_OF - timedelta(days=1))
    latest = warehouse.query("select max(month_end), count(*) from intermediate.int_rfm__month_ends").row(0)
    assert latest[0] == date(2024, 3, 31)
    _build_month_ends(warehouse)
    everything = f"select {STATE}, inputs_fingerprint from intermediate.int_rfm__month_ends order by all"
    assert warehouse.query(everything).equals(built.query(everything))


def test_customer_rfm_at_a_month_end_is_that_month_end(built: Warehouse, tmp_path: Any) -> None:
    """Of the earlier date, too; and the test that every night runs can fail."""
    warehouse = _copy(built, tmp_path)
    warehouse.build(EARLIER_AS_OF, "--select", "+customer_rfm", "+int_rfm__month_ends")
    columns = STATE.replace("month_end, ", "")
    as_of, month_end = (
        warehouse.query(f"select {columns} from {table} where {day} = date '{EARLIER_AS_OF}' order by all")
        for table, day in (
            ("marts.customer_rfm", "as_of_date"),
            ("intermediate.int_rfm__month_ends", "month_end"),
        )
    )
    assert as_of.height > 0
    assert as_of.equals(month_end)
    warehouse.execute(
        f"delete from intermediate.int_rfm__month_ends where customer_key = '{customer_key('a3')}'"
    )
    assert set(failures(warehouse.dbt("test", "--select", "month_end_states_equal_customer_rfm"))) == {
        "month_end_states_equal_customer_rfm"
    }


CUTS = "seeds.rfm_cut_points"
BY_DAYS = f"update {CUTS} set rank_share_from = null, days_up_to = 450 - 90 * score where measure = 'recency'"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (BY_DAYS, None),
        (f"{BY_DAYS}; update {CUTS} set days_up_to = null where score = 1", None),
        (
            f"delete from {CUTS} where measure = 'monetary' and score = 4",
            "have_scores_1_to_5_of_each_measure",
        ),
        (f"update {CUTS} set score = 6 where score = 5", "have_scores_1_to_5_of_each_measure"),
        (f"update {CUTS} set measure = 'Recency' where score = 2 and measure = 'recency'", "have_scores"),
        (f"update {CUTS} set value_from = 100 where measure = 'monetary' and score = 3", "are_of_one_kind"),
        (f"update {CUTS} set rank_share_from = null where score = 3", "are_of_one_kind"),
        (BY_DAYS.replace("'recency'", "'monetary'"), "are_of_one_kind"),
        (f"update {CUTS} set rank_share_from = 0.4 where score = 4", "rise_with_the_score"),
        (f"update {CUTS} set rank_share_from = 20 * (score - 1)", "rise_with_the_score"),
        (f"update {CUTS} set rank_share_from = 0.1 where score = 1", "rise_with_the_score"),
        (BY_DAYS.replace("450 - 90 *", "90 *"), "rise_with_the_score"),
    ],
)
def test_cut_points_that_make_no_sense_are_refused_by_name(
    built: Warehouse, tmp_path: Any, change: str, complaint: str | None
) -> None:
    warehouse = _copy(built, tmp_path)
    warehouse.execute(change)
    failed = failures(warehouse.dbt("test", "--select", "rfm_cut_points"))
    if complaint is None:
        assert not failed
    else:
        assert any(complaint in name for name in failed)


def test_the_cuts_that_the_documentation_shows(built: Warehouse, tmp_path: Any) -> None:
    """They are whole, and both ways of cutting mean what is said there, as of the business date and before."""
    shown = (PROJECT.parent / "docs" / "sources.md").read_text(encoding="utf-8")
    rows = shown.split("```csv\nmeasure,score,")[1].split("```")[0].splitlines()[1:]
    warehouse = _copy(built, tmp_path)
    values = ", ".join(
        f"('{measure}', {score}, {', '.join(cut or 'null' for cut in cuts)})"
        for measure, score, *cuts in (row.split(",") for row in rows)
    )
    warehouse.execute(f"delete from {CUTS}; insert into {CUTS} values {values}")
    assert not failures(warehouse.dbt("test", "--select", "rfm_cut_points"))
    models = ("int_rfm__as_of", "int_rfm__month_ends")
    assert not failures(warehouse.dbt("run", "--full-refresh", "--select", *models))
    for model, month_end in zip(models, ("as_of_date", "month_end"), strict=True):
        wrong = warehouse.query(
            f"""select * from intermediate.{model} where
                recency_score <> case when recency_days <= 30 then 5 when recency_days <= 90 then 4
                    when recency_days <= 180 then 3 when recency_days <= 365 then 2 else 1 end
                or frequency_score <> case when frequency >= 10 then 5 when frequency >= 5 then 4
                    when frequency = 4 then 3 else least(frequency, 3) end"""
        )
        assert wrong.is_empty(), model
        best = warehouse.query(
            f"""select count(*) filter (where monetary_score = 5) / count(*) as share
            from intermediate.{model} group by {month_end} having count(*) > 50"""
        )
        assert best["share"].max() <= 0.12
    assert warehouse.query("select distinct recency_score from intermediate.int_rfm__month_ends").height == 5


def test_segments_must_cover_the_grid(built: Warehouse, tmp_path: Any) -> None:
    warehouse = _copy(built, tmp_path)
    warehouse.execute("delete from seeds.rfm_segments where recency_score = 3 and frequency_score = 3")
    assert set(failures(warehouse.dbt("test", "--select", "rfm_segments"))) == {
        "rfm_segments_cover_every_cell"
    }
