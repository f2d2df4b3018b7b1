"""Lifetime value where nothing was fitted: the histories from plain rows, and what stands instead of a prediction."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from dbt_company import Company
from dbt_history import AS_OF
from dbt_warehouse import Warehouse

HOLDOUT, HORIZON = timedelta(days=91), timedelta(days=365)


def test_histories_are_those_of_the_orders(built: Warehouse, company: Company) -> None:
    """Days with a purchase that was not given back; a return without one goes to the purchase day before it."""
    expected = {}
    for customer, orders in company.orders_by_customer().items():
        days: dict = {}
        for order in sorted(orders, key=lambda order: (order["day"], not order["is_purchase"])):
            earlier = [day for day in days if day <= order["day"]]
            if order["is_purchase"]:
                day = order["day"]
            elif earlier:
                day = max(earlier)
            else:
                continue
            kept, back = days.get(day, (Decimal(0), Decimal(0)))
            days[day] = (kept + order["revenue"], back + order["returned"])
        kept_days = [day for day, (kept, back) in days.items() if not (back > 0 and kept <= 0)]
        if kept_days:
            first, last = min(kept_days), max(kept_days)
            expected[customer] = (len(kept_days) - 1, (last - first).days, (AS_OF - first).days)
    rows = built.query(
        "select customer_key, frequency, recency_days, age_days "
        "from intermediate.int_customers__purchase_histories where dataset = 'current'"
    ).rows()
    assert {row[0]: row[1:] for row in rows} == expected
    assert any(history[0] > 0 for history in expected.values())


def test_the_last_year_stands_for_the_next_and_says_so(built: Warehouse) -> None:
    days = built.query(
        "select * from intermediate.int_customers__purchase_days where dataset = 'current'"
    ).to_dicts()
    recent: dict[str, Decimal] = {day["customer_key"]: Decimal(0) for day in days}
    for day in days:
        if AS_OF - day["purchase_date"] < HORIZON:
            recent[day["customer_key"]] += day["value_amount"]
    rows = built.query("select customer_key, clv_amount from intermediate.int_customers__clv").rows()
    assert dict(rows) == recent
    [(status, reason, total, interval)] = built.query(
        """select clv_status, reason, sum(clv_amount), count(clv_lower) from kpi.clv_segments
        where segment <> '(all)' group by clv_status, reason"""
    ).rows()
    assert (status, reason, total, interval) == (
        "observed",
        "nothing has been fitted yet",
        sum(recent.values()),
        0,
    )


def test_to_do_as_before_is_validated_where_there_is_no_model(built: Warehouse) -> None:
    days = built.query("select * from intermediate.int_customers__purchase_days").to_dicts()
    cut_off = AS_OF - HOLDOUT
    known = {day["customer_key"] for day in days if day["dataset"] == "calibration"}
    came = sum(
        day["customer_key"] in known and day["purchase_date"] > cut_off
        for day in days
        if day["dataset"] == "current"
    )
    before = sum(day["purchase_date"] > cut_off - HOLDOUT for day in days if day["dataset"] == "calibration")
    [row] = built.query("from kpi.clv_validation").to_dicts()
    assert (row["model"], row["is_chosen"], row["status"]) == ("(as before)", True, "observed")
    assert (row["customers"], row["actual_purchases"], row["predicted_purchases"]) == (
        len(known),
        came,
        before,
    )
    if came:
        assert row["purchases_bias_percent"] == pytest.approx(100 * (before / came - 1), abs=1e-4)
    [parameters] = built.query("from kpi.clv_model_parameters").to_dicts()
    assert (parameters["status"], parameters["reason"]) == ("not_fitted", "nothing has been fitted yet")
