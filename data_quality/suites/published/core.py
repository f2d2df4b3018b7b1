"""Dimensions and facts."""

from __future__ import annotations

from data_quality.expectations import Suite, between, finds_nothing, no_row, not_null, one_of
from data_quality.suites.published.shared import (
    AS_OF,
    CUSTOMER_KEY_LENGTH,
    EVIDENCE,
    MONEY_TOLERANCE,
    is_a_key,
    nobody_identified,
    not_after_as_of,
    not_empty_where,
)


def dim_customers() -> Suite:
    return Suite(
        "marts.dim_customers",
        ("customer_key",),
        (
            no_row(
                "customer_key is a keyed hash",
                f"not regexp_full_match(customer_key, '[0-9a-f]{{{CUSTOMER_KEY_LENGTH}}}')",
                keys=(),  # what is no hash may be an account id
                protects="Nobody can be identified from what is published.",
            ),
            no_row(
                "an inferred customer has one account",
                "account_count < 1 or (is_inferred and account_count <> 1)",
                shows="account_count",
                column="account_count",
                protects="People are not counted by the number of their accounts.",
            ),
            not_after_as_of("registered_date"),
            finds_nothing(
                "has every customer of customer_value, customer_rfm and customer_loyalty",
                """
                select distinct customer_key, 'not in dim_customers' as observed
                from (
                    select customer_key from marts.customer_value
                    union all select customer_key from marts.customer_rfm
                    union all select customer_key from marts.customer_loyalty
                ) as known
                anti join marts.dim_customers using (customer_key)
                """,
                protects="No customer drops out of a report that joins the dimension.",
            ),
            not_empty_where("marts.dim_customers", "raw_crm.customers", "registered_at"),
            *nobody_identified(),
        ),
    )


def dim_dates() -> Suite:
    return Suite(
        "marts.dim_dates",
        ("date_day",),
        (
            finds_nothing(
                "has every day of whole years up to the business date",
                f"""
                select min(date_day) || ' to ' || max(date_day) || ': ' || count(*) || ' days' as observed
                from marts.dim_dates
                having not coalesce(max(date_day) >= {AS_OF}, false)
                    or count(distinct date_day) <> max(date_day) - min(date_day) + 1
                    or dayofyear(min(date_day)) <> 1 or dayofyear(max(date_day) + 1) <> 1
                """,
                protects="A month without sales shows as zero and not as missing.",
            ),
            finds_nothing(
                "has every day of an order",
                """
                select order_date, 'not in dim_dates' as observed
                from (select distinct order_date from marts.fct_orders)
                anti join marts.dim_dates on order_date = date_day
                """,
                protects="No sale drops out of a report by year or month.",
            ),
            no_row(
                "days are counted from the business date",
                f"days_before_as_of is distinct from {AS_OF} - date_day "
                "or is_after_as_of is distinct from (days_before_as_of < 0)",
                shows="days_before_as_of",
                column="days_before_as_of",
                protects="A report of this month or of the last twelve is of the months that it says.",
            ),
            between("day_of_week", 1, 7, protects="Reports by weekday start on Monday."),
            *nobody_identified(),
        ),
    )


def dim_products() -> Suite:
    return Suite("marts.dim_products", ("product_id",), nobody_identified())


def dim_departments() -> Suite:
    return Suite("marts.dim_departments", ("department",), nobody_identified())


def dim_campaigns() -> Suite:
    return Suite(
        "marts.dim_campaigns",
        ("campaign_id",),
        (
            no_row(
                "a campaign ends after it starts",
                "ends_on < starts_on",
                shows="ends_on",
                protects="Sales are credited to the campaign they were made in.",
            ),
            *nobody_identified(),
        ),
    )


def fct_orders() -> Suite:
    return Suite(
        "marts.fct_orders",
        ("order_id",),
        (
            not_after_as_of("order_date"),
            is_a_key("customer_key"),
            no_row(
                "a cancelled order is no purchase",
                "is_purchase and is_cancelled",
                protects="Revenue and segments count only what was bought.",
            ),
            no_row(
                "what came back is a positive amount",
                "returned_amount < 0",
                shows="returned_amount",
                column="returned_amount",
                protects="Returns lower a customer's value and never raise it.",
            ),
            finds_nothing(
                "orders and order lines have the same totals each month",
                f"""
                select month, coalesce(order_amount, 0) - coalesce(line_amount, 0) as observed
                from (
                    select date_trunc('month', order_date) as month, sum(net_amount) as order_amount,
                        sum(discount_amount) as order_discount, sum(line_count) as order_lines
                    from marts.fct_orders group by all
                ) as orders
                full join (
                    select date_trunc('month', order_date) as month, sum(net_amount) as line_amount,
                        sum(discount_amount) as line_discount, count(*) as line_count
                    from marts.fct_order_lines group by all
                ) as order_lines using (month)
                where abs(coalesce(order_amount, 0) - coalesce(line_amount, 0)) > {MONEY_TOLERANCE}
                    or abs(coalesce(order_discount, 0) - coalesce(line_discount, 0)) > {MONEY_TOLERANCE}
                    or coalesce(order_lines, 0) <> coalesce(line_count, 0)
                """,
                protects="Revenue is the same number whichever table it is read from.",
            ),
            not_empty_where("marts.fct_orders", "raw_crm.orders", "ordered_at"),
            *nobody_identified(),
        ),
    )


def fct_order_lines() -> Suite:
    return Suite(
        "marts.fct_order_lines",
        ("order_id", "line_number"),
        (
            not_after_as_of("order_date"),
            is_a_key("customer_key"),
            not_null("product_id", protects="Sales by product add up to all sales."),
            no_row(
                "gross amount is quantity times price",
                "abs(gross_amount - quantity * unit_price) > 0.0001",
                shows="gross_amount",
                column="gross_amount",
                protects="Amounts can be recomputed from the invoice.",
            ),
            no_row(
                "net amount is gross less discount",
                "abs(net_amount - gross_amount + discount_amount) > 0.0001",
                shows="net_amount",
                column="net_amount",
                protects="Revenue is what was charged.",
            ),
            no_row(
                "margin is known exactly where the cost is",
                "(margin_amount is null) <> (cost_amount is null)",
                shows="margin_amount",
                column="margin_amount",
                protects="An unknown cost is shown as unknown and not as pure profit.",
            ),
            no_row(
                "a return is a product line with a negative quantity",
                "is_return <> (quantity < 0 and line_type = 'product')",
                shows="quantity",
                column="is_return",
                protects="Returns are not reported as sales.",
            ),
            *nobody_identified(),
        ),
    )


def fct_survey_responses() -> Suite:
    return Suite(
        "marts.fct_survey_responses",
        ("response_id", "question_id"),
        (
            not_after_as_of("response_date"),
            is_a_key("customer_key"),
            no_row(
                "every score is on its scale",
                "score not between scale_min and scale_max",
                shows="score",
                column="score",
                protects="No average is moved by an answer that nobody could give.",
            ),
            one_of(
                "respondent_type",
                ("external", "internal"),
                protects="Colleagues are not counted as customers.",
            ),
            no_row(
                "a colleague's answer belongs to no customer",
                "respondent_type = 'internal' and customer_key is not null",
                protects="What colleagues say in confidence is not attached to a person.",
            ),
            no_row(
                "every answer has a customer or the reason why not",
                f"customer_match is null or (customer_key is not null) <> (customer_match in ({EVIDENCE}))",
                shows="customer_match",
                column="customer_match",
                protects="Anonymous answers can be told from lost ones.",
            ),
            not_empty_where("marts.fct_survey_responses", "raw_survey.responses", "submitted_at"),
            *nobody_identified(),
        ),
    )


def fct_survey_invitations() -> Suite:
    return Suite(
        "marts.fct_survey_invitations",
        ("invitation_id",),
        (
            not_after_as_of("sent_date"),
            is_a_key("customer_key"),
            one_of(
                "respondent_type",
                ("external", "internal"),
                protects="Colleagues are not counted as customers.",
            ),
            no_row(
                "an invitation of a colleague belongs to no customer",
                "respondent_type = 'internal' and customer_key is not null",
                protects="What colleagues say in confidence is not attached to a person.",
            ),
            no_row(
                "every invitation has a customer or the reason why not",
                f"customer_match is null or (customer_key is not null) <> (customer_match in ({EVIDENCE}))",
                shows="customer_match",
                column="customer_match",
                protects="Anonymous invitations can be told from lost ones.",
            ),
            no_row(
                "what is answered was answered at some moment, by some response",
                "is_answered <> (answered_at is not null) or is_answered <> (answer_match is not null)",
                shows="answer_match",
                column="is_answered",
                protects="The response rate counts answers that exist.",
            ),
            finds_nothing(
                "no more invitations are answered than questionnaires were handed in",
                """
                select answered || ' answered by ' || handed_in as observed
                from (
                    select (select count(*) from marts.fct_survey_invitations where is_answered) as answered,
                        (select count(distinct (response_id, source_name))
                         from marts.fct_survey_responses) as handed_in
                )
                where answered > handed_in
                """,
                protects="One answer does not count for two invitations.",
            ),
            not_empty_where("marts.fct_survey_invitations", "raw_survey.invitations", "sent_at"),
            *nobody_identified(),
        ),
    )


def fct_support_tickets() -> Suite:
    return Suite(
        "marts.fct_support_tickets",
        ("ticket_id",),
        (
            not_after_as_of("opened_date"),
            is_a_key("customer_key"),
            no_row(
                "hand-offs fit the assignments",
                "handoff_count < 0 or handoff_count > greatest(assignment_count - 1, 0) "
                "or distinct_department_count > assignment_count",
                shows="handoff_count",
                column="handoff_count",
                protects="A hand-off is counted once and only when the desk changed.",
            ),
            not_empty_where("marts.fct_support_tickets", "raw_support.tickets", "opened_at"),
            *nobody_identified(),
        ),
    )


def fct_campaign_contacts() -> Suite:
    return Suite(
        "marts.fct_campaign_contacts",
        ("campaign_id", "customer_key", "sent_at"),
        (
            not_after_as_of("sent_date"),
            is_a_key("customer_key"),
            not_empty_where("marts.fct_campaign_contacts", "raw_crm.campaign_contacts", "sent_at"),
            *nobody_identified(),
        ),
    )
