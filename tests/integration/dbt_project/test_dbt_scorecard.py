"""The department scorecard, computed a second time: its own KPI from the raw rows, the others from their tables."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC
from math import sqrt
from zoneinfo import ZoneInfo

import pytest
from dbt_company import CANCELLED, Company
from dbt_history import AS_OF
from dbt_warehouse import Warehouse

MINIMUM = 3
TOKYO = ZoneInfo("Asia/Tokyo")
Z = 1.959963984540054


def _wilson(k: int, n: int) -> tuple[float, float]:
    share = k / n
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return 100 * (middle - half), 100 * (middle + half)


def test_returned_orders_by_month_and_department(built: Warehouse, company: Company) -> None:
    counted: dict[tuple, list[bool]] = defaultdict(list)
    for order in company.all_orders.values():
        day = order["ordered_at"].replace(tzinfo=UTC).astimezone(TOKYO).date()
        lines = [
            line for line in company.lines[order["order_id"]] if (line["line_type"] or "product") == "product"
        ]
        is_cancelled = (order["status"] or "").strip().lower() in CANCELLED
        if day > AS_OF or is_cancelled or not any(line["quantity"] > 0 for line in lines):
            continue
        came_back = any(
            line["quantity"] < 0 and line["quantity"] * line["unit_price"] < (line["discount_amount"] or 0)
            for line in lines
        )
        is_returned = came_back or company.refunds[order["order_id"]] > 0
        for department in (order["department"] or "(unknown)", "(all)"):
            counted[day.replace(day=1), department].append(is_returned)
    published = built.query("select * from kpi.kpi_department_scorecard where kpi = 'return_rate'").to_dicts()
    assert {(row["month"], row["department"]) for row in published} == set(counted)
    for row in published:
        purchases = counted[row["month"], row["department"]]
        assert row["n"] == len(purchases)
        if len(purchases) < MINIMUM:
            assert row["actual"] is None
            continue
        returned = sum(purchases)
        assert row["actual"] == pytest.approx(100 * returned / len(purchases), abs=1e-4)
        assert (row["actual_lower"], row["actual_upper"]) == pytest.approx(
            _wilson(returned, len(purchases)), abs=1e-4
        )
    assert any(row["actual"] for row in published)


@pytest.mark.parametrize(
    ("kpi", "table", "column", "n"),
    [
        ("nps", "kpi_loyalty_monthly", "nps", "nps_n"),
        ("ces", "kpi_loyalty_monthly", "ces", "ces_n"),
        ("first_contact_share", "kpi_support_journey", "first_contact_share", "first_contact_n"),
        ("bad_sales_share", "kpi_sales_quality_monthly", "bad_share", "lines"),
        ("net_sales", "kpi_sales_quality_monthly", "net_amount", "lines"),
    ],
)
def test_the_scorecard_repeats_what_the_tables_say(
    built: Warehouse, kpi: str, table: str, column: str, n: str
) -> None:
    said = built.query(
        f"select month, department, cast({column} as double) as said, {n} as n from kpi.{table}"
        f" where level in ('month', 'month_department') and {n} > 0 order by all"
    ).rows()
    repeated = built.query(
        f"select month, department, actual, n from kpi.kpi_department_scorecard where kpi = '{kpi}' order by all"
    ).rows()
    assert said
    assert repeated == said
