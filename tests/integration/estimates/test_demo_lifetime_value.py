"""Lifetime value of a generated company, with returns, refunds and cancelled orders: recomputed from raw rows."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

import numpy as np
import polars as pl
import pytest
from estimates_company import FittedCompany

from pipelines.demo import DEFAULT_END
from pipelines.estimators import PurchaseHistories, fit_bg_nbd, fit_gamma_gamma, fit_mbg_nbd, fit_pareto_nbd

FITS = {"MBG/NBD": fit_mbg_nbd, "BG/NBD": fit_bg_nbd, "Pareto/NBD": fit_pareto_nbd}
CANCELLED = {"canceled", "cancelled", "unavailable", "failed", "void"}

Days = dict[dt.date, dict[str, float]]


def local_date(column: str, zone: str) -> pl.Expr:
    return pl.col(column).dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.date()


@pytest.fixture(scope="module")
def orders(fitted_company: FittedCompany) -> list[dict[str, Any]]:
    """Kept orders of known customers by the business date, with what their lines come to, in order of time."""
    zone = fitted_company.settings.company.timezone
    cost = pl.col("quantity") * pl.col("unit_cost")
    is_product = pl.col("line_type").fill_null("product") == "product"
    lines = (
        fitted_company.query(
            """select order_id, line_type, quantity::double as quantity, unit_price::double as unit_price,
                coalesce(discount_amount, 0)::double as discount, unit_cost::double as unit_cost
            from raw_crm.order_lines left join raw_crm.products using (product_id)"""
        )
        .with_columns((pl.col("quantity") * pl.col("unit_price") - pl.col("discount")).alias("net"))
        .group_by("order_id")
        .agg(
            (is_product & (pl.col("quantity") > 0)).any().alias("is_purchase"),
            pl.col("net").sum(),
            (-pl.col("net")).filter(is_product & (pl.col("quantity") < 0)).sum().alias("returned"),
            pl.col("net").filter(pl.col("unit_cost").is_not_null()).sum().alias("costed"),
            (pl.col("net") - cost).filter(pl.col("unit_cost").is_not_null()).sum().alias("margin"),
        )
    )
    accounts = fitted_company.query(
        "select customer_id, customer_key from intermediate.int_identity__accounts"
    )
    return (
        fitted_company.query("select order_id, customer_id, ordered_at, status from raw_crm.orders")
        .with_columns(local_date("ordered_at", zone).alias("day"))
        .filter(
            (pl.col("day") <= DEFAULT_END)
            & ~pl.col("status").str.strip_chars().str.to_lowercase().is_in(CANCELLED).fill_null(False)
        )
        .join(lines, on="order_id")
        .join(accounts, on="customer_id", how="left")
        .sort("day", "order_id")
        .to_dicts()
    )


@pytest.fixture(scope="module")
def refunds(fitted_company: FittedCompany) -> dict[str, list[tuple[dt.date, float]]]:
    """Day and amount of each refund, by order."""
    zone = fitted_company.settings.company.timezone
    found = defaultdict(list)
    rows = fitted_company.query(
        "select order_id, refund_amount::double as amount, returned_at from raw_crm.returns"
    )
    for row in rows.with_columns(local_date("returned_at", zone).alias("day")).to_dicts():
        found[row["order_id"]].append((row["day"], row["amount"]))
    return found


def purchase_days(
    orders: list[dict[str, Any]], refunds: dict[str, list[tuple[dt.date, float]]], end: dt.date
) -> dict[str, Days]:
    """The purchases of each customer as known at the end of a day, one order after the other."""
    bought = [order for order in orders if order["is_purchase"]]
    rate = sum(order["margin"] for order in bought) / sum(order["costed"] for order in bought)
    customers: dict[str, Days] = defaultdict(dict)
    for order in orders:
        if order["customer_key"] is None or order["day"] > end:
            continue
        refund = sum(amount for day, amount in refunds.get(order["order_id"], []) if day <= end)
        value = order["margin"] + rate * (order["net"] - order["costed"])
        if refund:
            value = order["net"] - refund if refund >= order["net"] else value * (1 - refund / order["net"])
        days = customers[order["customer_key"]]
        earlier = [day for day in days if day <= order["day"]]
        if order["is_purchase"]:
            day = days.setdefault(order["day"], {"kept": 0.0, "back": 0.0, "value": 0.0})
        elif earlier:
            day = days[max(earlier)]
        else:
            continue
        day["kept"] += order["net"] - refund
        day["back"] += refund + order["returned"]
        day["value"] += value
    kept = {
        customer: {
            date: day for date, day in days.items() if not (day["back"] > 0 and round(day["kept"], 4) <= 0)
        }
        for customer, days in customers.items()
    }
    return {customer: days for customer, days in kept.items() if days}


@pytest.mark.parametrize("dataset", ["current", "calibration"])
def test_histories_are_those_of_the_raw_rows(
    fitted_company: FittedCompany, orders: list[dict[str, Any]], refunds, dataset: str
) -> None:
    holdout = dt.timedelta(days=fitted_company.settings.lifetime_value.holdout_days)
    end = DEFAULT_END - holdout if dataset == "calibration" else DEFAULT_END
    known, later = purchase_days(orders, refunds, end), purchase_days(orders, refunds, DEFAULT_END)
    published = fitted_company.query(
        f"from intermediate.int_customers__purchase_histories where dataset = '{dataset}'"
    )
    rows = {row["customer_key"]: row for row in published.to_dicts()}
    assert len(rows) > 1_000
    assert rows.keys() == known.keys()
    for customer, days in known.items():
        row, first = rows[customer], min(days)
        assert (row["frequency"], row["recency_days"], row["age_days"]) == (
            len(days) - 1,
            (max(days) - first).days,
            (end - first).days,
        )
        repeats = [day["value"] for date, day in days.items() if date > first]
        assert float(row["repeat_value_amount"]) == pytest.approx(sum(repeats), abs=0.01)
        assert float(row["value_amount"]) == pytest.approx(sum(repeats) + days[first]["value"], abs=0.01)
        if dataset == "calibration":
            came = [day["value"] for date, day in later.get(customer, {}).items() if date > end]
            assert row["holdout_purchases"] == len(came)
            assert float(row["holdout_value_amount"]) == pytest.approx(sum(came), abs=0.01)


def test_the_company_has_what_the_rules_are_for(orders: list[dict[str, Any]], refunds) -> None:
    """Several orders of a day, refunds in full, and orders of unknown people: else the test above shows little."""
    days = [(order["customer_key"], order["day"]) for order in orders if order["customer_key"]]
    assert len(days) > len(set(days))
    given_back = [
        order
        for order in orders
        if order["is_purchase"]
        and sum(amount for _, amount in refunds.get(order["order_id"], [])) >= order["net"]
    ]
    assert given_back
    assert any(order["customer_key"] is None for order in orders)


def test_the_demo_has_lifetime_values_with_their_validation(fitted_company: FittedCompany) -> None:
    outcome = fitted_company.outcome
    assert outcome.model in FITS
    assert abs(outcome.bias_percent) < 20
    assert fitted_company.query("select distinct value_basis from kpi.clv_segments").rows() == [
        ("margin_extrapolated",)
    ]
    statuses = fitted_company.query(
        "select clv_status, count(*), count(clv_amount), min(expected_purchases) >= 0 "
        "from intermediate.int_customers__clv group by all"
    )
    [(status, customers, valued, not_negative)] = statuses.rows()
    assert (status, valued, not_negative) == ("predicted", customers, True)


def test_lifetime_values_by_another_way(fitted_company: FittedCompany) -> None:
    """Fitted and predicted customer by customer in NumPy, from the histories."""
    rows = fitted_company.query(
        """select *, repeat_value_amount::double as repeat_value
        from intermediate.int_customers__purchase_histories
        inner join intermediate.int_customers__clv using (customer_key)
        where dataset = 'current' order by customer_key"""
    )
    x = rows["frequency"].to_numpy().astype(float)
    histories = PurchaseHistories(
        x, rows["recency_days"].to_numpy() / 7, rows["age_days"].to_numpy() / 7, np.ones(len(x))
    )
    fit = FITS[fitted_company.outcome.model](histories)
    mean = rows["repeat_value"].to_numpy() / np.maximum(x, 1)
    spend = fit_gamma_gamma(x, mean, np.ones(len(x)))
    weeks = fitted_company.settings.lifetime_value.horizon_days / 7
    expected = fit.discounted_expected_purchases(histories, weeks, 0.10) * spend.expected_value(x, mean)
    assert rows["clv_amount"].cast(pl.Float64).to_numpy() == pytest.approx(expected, rel=1e-3, abs=1e-3)
    assert rows["p_alive"].to_numpy() == pytest.approx(fit.p_alive(histories), abs=1e-4)


def test_at_the_holdout_customers_add_up_to_the_validation(fitted_company: FittedCompany) -> None:
    [by_customer] = fitted_company.query(
        """select count(*), sum(holdout_purchases)::bigint, sum(expected_purchases), sum(holdout_value),
            sum(clv_amount)::double
        from intermediate.int_customers__clv_at_holdout"""
    ).rows()
    [total] = fitted_company.query(
        """select customers, actual_purchases, predicted_purchases, actual_value, predicted_value
        from kpi.clv_validation where level = 'total' and is_chosen"""
    ).rows()
    assert total[:2] == by_customer[:2]
    assert total[2] == pytest.approx(by_customer[2], abs=1e-3)
    assert total[3] == by_customer[3]
    assert total[4] == pytest.approx(by_customer[4], abs=0.1)  # of a thousand amounts with four decimals


def test_segments_are_the_customers_of_their_segment(fitted_company: FittedCompany) -> None:
    by_customer = fitted_company.query(
        """select coalesce(segment, '(all)') as segment, count(*)::bigint as customers,
            sum(clv_amount)::double as clv_amount
        from intermediate.int_customers__clv inner join marts.customer_rfm using (customer_key)
        group by grouping sets ((segment), ()) order by 1"""
    ).rows()
    published = fitted_company.query("from kpi.clv_segments order by segment").to_dicts()
    assert [(row["segment"], row["customers"]) for row in published] == [row[:2] for row in by_customer]
    for row, (_, customers, value) in zip(published, by_customer, strict=True):
        assert float(row["clv_amount"]) == pytest.approx(value, abs=0.01)
        assert row["clv_mean"] == pytest.approx(value / customers, abs=0.01)
        middle = (row["clv_lower"] + row["clv_upper"]) / 2
        assert middle == pytest.approx(value, rel=1e-4)
        assert row["clv_upper"] - row["clv_lower"] == pytest.approx(
            2 * 1.959964 * row["clv_standard_error"], rel=1e-3
        )


def test_to_do_as_before_is_what_a_model_has_to_beat(fitted_company: FittedCompany) -> None:
    rows = {
        row["model"]: row
        for row in fitted_company.query("from kpi.clv_validation where level = 'total'").to_dicts()
    }
    before = fitted_company.query(
        """select sum(recent_purchases)::bigint, avg(abs(recent_purchases - holdout_purchases))
        from intermediate.int_customers__clv_at_holdout"""
    ).row(0)
    assert (rows["(as before)"]["predicted_purchases"], rows["(as before)"]["mean_absolute_error"]) == (
        before[0],
        pytest.approx(before[1], abs=1e-6),
    )
    chosen = rows[fitted_company.outcome.model]
    assert abs(chosen["purchases_bias_percent"]) < abs(rows["(as before)"]["purchases_bias_percent"])
