"""What customers bring, and what they get for what they give."""

from __future__ import annotations

from data_quality.expectations import Expectation, Suite, between, finds_nothing, no_row, one_of
from data_quality.suites.published.shared import (
    MONEY_TOLERANCE,
    POINT_TOLERANCE,
    is_as_of,
    nobody_identified,
    same_customers,
    shown_from_enough_answers,
)

PARTS = {  # of the value equation, by side, as its seed has them
    "given": (
        "result_answers",
        "satisfaction",
        "kept_orders",
        "process_answers",
        "contact_satisfaction",
        "solved_contacts",
    ),
    "taken": (
        "list_paid",
        "fees",
        "contacts",
        "first_reply_wait",
        "resolution_wait",
        "hand_offs",
        "repeat_contacts",
        "late_days",
        "ease_answers",
    ),
}
COMPONENTS = {"given": ("result", "process"), "taken": ("price", "effort")}
FIVE_POINT_MEANS = ("result", "process", "satisfaction", "contact_satisfaction")


def _value_equation() -> tuple[Expectation, ...]:
    scores = [
        f"{name}_score" for side in PARTS for name in (*PARTS[side], *COMPONENTS[side], f"value_{side}")
    ]
    unfounded = " or ".join(
        f"(value_{side}_score is null) <> ({' and '.join(f'{part}_score is null' for part in parts)})"
        for side, parts in PARTS.items()
    )
    off_scale = " or ".join(f"{name}_12m_mean not between 1 and 5" for name in FIVE_POINT_MEANS)
    uncounted = " or ".join(
        f"({name}_12m_mean is null) <> ({name}_answers_12m = 0)" for name in (*FIVE_POINT_MEANS, "ease")
    )
    answers = " + ".join(f"{name}_answers_12m" for name in FIVE_POINT_MEANS)
    return (
        no_row(
            "scores are between 0 and 100",
            " or ".join(f"{score} not between 0 and 100" for score in scores),
            protects="Parts of the value equation can be read beside one another.",
        ),
        no_row(
            "a side has a score where one of its parts has",
            unfounded,
            protects="What is not known is empty, and what is known counts.",
        ),
        no_row(
            "shares of known weight are shares",
            "not coalesce(value_given_weight_share between 0 and 1, false) "
            "or not coalesce(value_taken_weight_share between 0 and 1, false)",
            shows="value_given_weight_share",
            protects="How much of a value is known is comparable between customers.",
        ),
        no_row(
            "the balance is value given less value taken",
            f"abs(value_balance - (value_given_score - value_taken_score)) > {POINT_TOLERANCE} "
            "or (value_balance is null) <> (value_band is null)",
            shows="value_balance",
            column="value_balance",
            protects="Everybody can follow how a balance came about.",
        ),
        no_row(
            "a customer has a quadrant or a reason why not",
            "(value_quadrant is null) = (no_quadrant_reason is null) "
            "or value_quadrant is not null and (value_balance is null or money_position is null)",
            shows="coalesce(value_quadrant, no_quadrant_reason)",
            column="value_quadrant",
            protects="Nobody is classed by what is not known, and nobody is left out without being counted.",
        ),
        no_row(
            "answers are on their scales and counted",
            f"{off_scale} or ease_12m_mean not between 1 and 7 or {uncounted} "
            f"or not coalesce(value_given_answers <= {answers}, false)",
            shows="value_given_answers",
            protects="A score by answers stands on answers.",
        ),
        no_row(
            "what was counted is part of what there was",
            "kept_orders_12m not between 0 and judged_orders_12m "
            "or solved_contacts_12m not between 0 and judged_contacts_12m "
            "or judged_contacts_12m > coalesce(contacts_12m, 0) or late_days_12m < 0 or contacts_12m < 0 "
            "or first_reply_wait_hours_12m < 0 or resolution_wait_hours_12m < 0 "
            "or hand_offs_12m < 0 or repeat_contacts_12m < 0",
            protects="What customers got and what it cost them are counted once.",
        ),
    )


def _lifetime_value() -> tuple[Expectation, ...]:
    return (
        one_of(
            "clv_status",
            ("predicted", "observed"),
            protects="Readers see whether a lifetime value is a prediction.",
        ),
        between("p_alive", 0, 1, protects="A probability is one."),
        between("money_position", 0, 100, protects="The upper half is a half."),
        no_row(
            "only a model predicts",
            "(clv_status = 'predicted') is distinct from (clv_model is not null) and clv_status is not null "
            "or clv_status = 'observed' and (p_alive is not null or expected_purchases is not null) "
            "or expected_purchases < 0",
            shows="clv_status",
            column="clv_status",
            protects="An observed amount is not taken for a prediction.",
        ),
    )


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
            *_lifetime_value(),
            *_value_equation(),
            *nobody_identified(),
        ),
    )


MEANS = (
    "result_score",
    "process_score",
    "price_score",
    "effort_score",
    "value_given_score",
    "value_taken_score",
)
ESTIMATES = ("value_balance", "loyalty_index")


def _within_its_interval(estimate: str) -> Expectation:
    return no_row(
        f"{estimate} lies within its interval",
        f"{estimate} < {estimate}_lower - {POINT_TOLERANCE} or {estimate} > {estimate}_upper + {POINT_TOLERANCE} "
        f"or ({estimate} is null or {estimate}_n = 1) <> ({estimate}_lower is null) "  # one has no spread
        f"or ({estimate}_lower is null) <> ({estimate}_upper is null)",
        shows=f"{estimate}_lower || ' <= ' || {estimate} || ' <= ' || {estimate}_upper",
        column=estimate,
        protects="The uncertainty that is shown belongs to the score beside it.",
    )


def kpi_value_quadrants() -> Suite:
    return Suite(
        "kpi.kpi_value_quadrants",
        ("group_kind", "group_name", "quadrant"),
        (
            one_of(
                "group_kind",
                ("all", "rfm_segment", "department"),
                protects="Readers can pick one kind of group.",
            ),
            between("customer_share_percent", 0, 100, protects="A share is one."),
            *(shown_from_enough_answers(mean, f"{mean.removesuffix('_score')}_n") for mean in MEANS),
            *(shown_from_enough_answers(estimate) for estimate in ESTIMATES),
            *(_within_its_interval(estimate) for estimate in ESTIMATES),
            no_row(
                "means are on the scale of scores",
                " or ".join(f"{mean} not between 0 and 100" for mean in (*MEANS, "loyalty_index")),
                protects="Means of groups can be read as those of customers.",
            ),
            no_row(
                "nobody is counted twice",
                "customers < 1 or customers_answered not between 0 and customers",
                shows="customers",
                protects="Counts can be read as people.",
            ),
            finds_nothing(
                "the quadrants of a group and those without one add up to it",
                f"""
                select group_kind, group_name,
                    sum(if(quadrant = '(all)', -customers, customers)) as observed
                from kpi.kpi_value_quadrants
                group by group_kind, group_name
                having observed <> 0
                    or abs(sum(if(quadrant = '(all)', -revenue_amount, revenue_amount))) > {MONEY_TOLERANCE}
                """,
                protects="No customer and no money gets lost between quadrants.",
            ),
            finds_nothing(
                "all customers are in it",
                f"""
                select quadrants.customers - everybody.customers as observed
                from (select coalesce(sum(customers), 0) as customers, coalesce(sum(revenue_amount), 0) as revenue
                      from kpi.kpi_value_quadrants where group_kind = 'all' and quadrant = '(all)') as quadrants
                cross join (select count(*) as customers, coalesce(sum(revenue_amount), 0) as revenue
                            from marts.customer_value) as everybody
                where observed <> 0 or abs(quadrants.revenue - everybody.revenue) > {MONEY_TOLERANCE}
                """,
                protects="Quadrants and customers tell one story.",
            ),
            *nobody_identified(),
        ),
    )
