"""What customers bring."""

from __future__ import annotations

from data_quality.expectations import Suite, between, finds_nothing, no_row
from data_quality.suites.published.shared import MONEY_TOLERANCE, is_as_of, nobody_identified, same_customers


def customer_value() -> Suite:
    return Suite(
        "marts.customer_value",
        ("customer_key",),
        (
            is_as_of(),
            between(
                "margin_known_share", 0, 1, protects="How far a margin can be trusted is a share of revenue."
            ),
            no_row(
                "days, orders and returns are not negative",
                "tenure_days < 0 or order_count < 0 or returned_amount < 0 or return_order_count < 0",
                shows="least(tenure_days, order_count, returned_amount, return_order_count)",
                protects="Counts can be summed over customers.",
            ),
            no_row(
                "dates are in order",
                "first_order_date > last_order_date or tenure_days <> as_of_date - first_order_date",
                shows="tenure_days",
                column="tenure_days",
                protects="New customers are told from old ones.",
            ),
            finds_nothing(
                "holds everybody with an order that was not cancelled, and nobody else",
                same_customers("marts.customer_value", "not is_cancelled"),
                protects="No customer is lost from, or invented for, value reports.",
            ),
            finds_nothing(
                "orders of known customers add up to their value",
                f"""
                select customer_orders - orders as orders_too_many, customer_returns - returns as observed
                from (
                    select coalesce(sum(order_count), 0) as customer_orders,
                        coalesce(sum(returned_amount), 0) as customer_returns
                    from marts.customer_value
                ) as by_customer
                cross join (
                    select count(*) filter (where is_purchase) as orders,
                        coalesce(sum(returned_amount), 0) as returns
                    from marts.fct_orders where not is_cancelled and customer_key is not null
                ) as by_order
                where orders_too_many <> 0 or abs(observed) > {MONEY_TOLERANCE}
                """,
                protects="Sums over customers agree with sums over orders.",
            ),
            *nobody_identified(),
        ),
    )
