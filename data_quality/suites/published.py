"""What must be true of every table that readers see, before it is published.

Belongs here: business ranges, numbers that must agree between tables, and privacy. Does not: keys, types
and relations, which dbt's contracts and tests have proved by now; nor the plausibility of what came in, which
``raw`` shows with file and line. One function per table; a new table brings its own and is added to
:func:`published_suites`. All ``no_row`` of a table share one scan of it, however many they are; ``between`` and
its like each read one column, and each ``finds_nothing`` costs a query: over the facts there are few of those.
"""

from __future__ import annotations

from data_quality.expectations import (
    Expectation,
    Suite,
    between,
    finds_nothing,
    no_email_address,
    no_personal_column,
    no_row,
    not_null,
    one_of,
)

_AS_OF = "(select as_of_date from ops.run_settings)"
_MINIMUM_ANSWERS = "(select minimum_answers from ops.run_settings)"
_CUSTOMER_KEY_LENGTH = (
    32  # hexadecimal digits of the keyed hash; account ids and addresses have other lengths
)
_MONEY_TOLERANCE = 0.01  # totals must agree to the cent; sums of four decimals may differ below it
_POINT_TOLERANCE = 6e-5  # scores are published with four decimals

SEGMENTS = (
    "hibernating",
    "at risk",
    "can't lose",
    "about to sleep",
    "need attention",
    "loyal customers",
    "promising",
    "new customers",
    "potential loyalists",
    "champions",
)
_EVIDENCE = "'customer_id', 'order', 'ticket', 'invitation', 'email', 'phone', 'probable'"  # names a person
_FACT_ROWS = {  # table in the reconciliation to the fact that publishes its rows
    "crm.orders": "marts.fct_orders",
    "crm.order_lines": "marts.fct_order_lines",
    "crm.campaign_contacts": "marts.fct_campaign_contacts",
    "survey.responses": "marts.fct_survey_responses",
    "support.tickets": "marts.fct_support_tickets",
}


def published_suites() -> tuple[Suite, ...]:
    """All suites of the gate before the publication, cheapest mistakes first."""
    return (
        reconciliation(),
        identity_match_rates(),
        dim_customers(),
        dim_dates(),
        dim_products(),
        dim_departments(),
        dim_campaigns(),
        fct_orders(),
        fct_order_lines(),
        fct_survey_responses(),
        fct_support_tickets(),
        fct_campaign_contacts(),
        customer_rfm(),
        customer_loyalty(),
        customer_value(),
        kpi_loyalty_monthly(),
    )


def reconciliation() -> Suite:
    return Suite(
        "meta.reconciliation",
        ("source", "table_name"),
        (
            no_row(
                "rows read = loaded + quarantined + duplicate",
                "rows_read <> rows_loaded + rows_quarantined + rows_duplicate",
                shows="rows_read - rows_loaded - rows_quarantined - rows_duplicate",
                protects="No record of a source disappears without a trace.",
            ),
            no_row(
                "rows loaded - superseded - deleted = in the warehouse",
                "rows_loaded - rows_superseded - rows_deleted <> rows_in_warehouse",
                shows="rows_loaded - rows_superseded - rows_deleted - rows_in_warehouse",
                protects="No loaded record is lost or counted twice.",
            ),
            no_row(
                "rows in the warehouse = published + after the business date + without order",
                "rows_in_warehouse <> rows_published + rows_after_as_of + coalesce(rows_without_order, 0)",
                shows="rows_in_warehouse - rows_published - rows_after_as_of",
                protects="Every fact that readers miss is accounted for.",
            ),
            no_row(
                "every order line has its order",
                "rows_without_order > 0",
                shows="rows_without_order",
                column="rows_without_order",
                severity="warning",  # the order may come with the next export
                protects="Sales are not missing because their order is.",
            ),
            *(_adds_up(measure) for measure in ("quantity", "amount")),
            *(_reaches_the_reader(measure) for measure in ("quantity", "amount")),
            finds_nothing(
                "every loaded source and table is accounted for",
                """
                select source, table_name, 'missing here' as observed
                from (select source, table_name from ingest.loads
                      except select source, table_name from meta.reconciliation) as missing
                """,
                protects="A source cannot drop out of the accounts.",
            ),
            finds_nothing(
                "rows published are the rows of the fact",
                _counted_again(),
                protects="The accounts speak of the tables that are published, not of a copy.",
            ),
            *_nobody_identified(),
        ),
    )


def _adds_up(measure: str) -> Expectation:
    difference = f"{measure}_read - {measure}_loaded - {measure}_quarantined - {measure}_duplicate"
    return no_row(
        f"{measure} read = loaded + quarantined + duplicate",
        f"abs({difference}) > 0.0001",
        shows=difference,
        protects="No unit and no money of a source disappears without a trace.",
    )


def _reaches_the_reader(measure: str) -> Expectation:
    kept = f"{measure}_loaded - {measure}_superseded - {measure}_deleted"
    difference = f"{kept} - {measure}_published - {measure}_not_published"
    return no_row(
        f"{measure} loaded - superseded - deleted = published + not published",
        f"abs({difference}) > 0.0001",
        shows=difference,
        protects="Totals in reports agree with the source to the last digit.",
    )


def _counted_again() -> str:
    counts = " union all ".join(
        f"select '{name}' as table_name, count(*) as fact_rows from {fact}"
        for name, fact in _FACT_ROWS.items()
    )
    return f"""
        select table_name, fact_rows - coalesce(rows_published, 0) as observed
        from ({counts}) as facts
        left join (
            select table_name, sum(rows_published) as rows_published
            from meta.reconciliation group by table_name
        ) as accounts using (table_name)
        where fact_rows <> coalesce(rows_published, 0)
    """


def identity_match_rates() -> Suite:
    return Suite(
        "meta.identity_match_rates",
        ("source", "record_type", "customer_match"),
        (
            no_row(
                "what is matched has its evidence and what is not its reason",
                f"is_matched <> (customer_match in ({_EVIDENCE})) or share not between 0 and 1 "
                "or records_7d > records or records_contradicted > records",
                shows="customer_match",
                protects="A match rate counts matches, each record once.",
            ),
            finds_nothing(
                "tickets counted are the tickets of the fact",
                """
                select 'ticket' as record_type, counted || ' counted, ' || published || ' published' as observed
                from (
                    select (select coalesce(sum(records), 0) from meta.identity_match_rates
                            where record_type = 'ticket') as counted,
                        (select count(*) from marts.fct_support_tickets) as published
                )
                where counted <> published
                """,
                protects="The rates speak of the records that are published.",
            ),
            *_nobody_identified(),
        ),
    )


def dim_customers() -> Suite:
    return Suite(
        "marts.dim_customers",
        ("customer_key",),
        (
            no_row(
                "customer_key is a keyed hash",
                f"not regexp_full_match(customer_key, '[0-9a-f]{{{_CUSTOMER_KEY_LENGTH}}}')",
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
            _not_after_as_of("registered_date"),
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
            _not_empty_where("marts.dim_customers", "raw_crm.customers", "registered_at"),
            *_nobody_identified(),
        ),
    )


def dim_dates() -> Suite:
    return Suite(
        "marts.dim_dates",
        ("date_day",),
        (
            finds_nothing(
                "has every day up to the business date",
                f"""
                select min(date_day) || ' to ' || max(date_day) || ': ' || count(*) || ' days' as observed
                from marts.dim_dates
                having max(date_day) is distinct from {_AS_OF}
                    or count(distinct date_day) <> max(date_day) - min(date_day) + 1
                """,
                protects="A month without sales shows as zero and not as missing.",
            ),
            between("day_of_week", 1, 7, protects="Reports by weekday start on Monday."),
            *_nobody_identified(),
        ),
    )


def dim_products() -> Suite:
    return Suite("marts.dim_products", ("product_id",), _nobody_identified())


def dim_departments() -> Suite:
    return Suite("marts.dim_departments", ("department",), _nobody_identified())


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
            *_nobody_identified(),
        ),
    )


def fct_orders() -> Suite:
    return Suite(
        "marts.fct_orders",
        ("order_id",),
        (
            _not_after_as_of("order_date"),
            _is_a_key("customer_key"),
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
                where abs(coalesce(order_amount, 0) - coalesce(line_amount, 0)) > {_MONEY_TOLERANCE}
                    or abs(coalesce(order_discount, 0) - coalesce(line_discount, 0)) > {_MONEY_TOLERANCE}
                    or coalesce(order_lines, 0) <> coalesce(line_count, 0)
                """,
                protects="Revenue is the same number whichever table it is read from.",
            ),
            _not_empty_where("marts.fct_orders", "raw_crm.orders", "ordered_at"),
            *_nobody_identified(),
        ),
    )


def fct_order_lines() -> Suite:
    return Suite(
        "marts.fct_order_lines",
        ("order_id", "line_number"),
        (
            _not_after_as_of("order_date"),
            _is_a_key("customer_key"),
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
            *_nobody_identified(),
        ),
    )


def fct_survey_responses() -> Suite:
    return Suite(
        "marts.fct_survey_responses",
        ("response_id", "question_id"),
        (
            _not_after_as_of("response_date"),
            _is_a_key("customer_key"),
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
                f"customer_match is null or (customer_key is not null) <> (customer_match in ({_EVIDENCE}))",
                shows="customer_match",
                column="customer_match",
                protects="Anonymous answers can be told from lost ones.",
            ),
            _not_empty_where("marts.fct_survey_responses", "raw_survey.responses", "submitted_at"),
            *_nobody_identified(),
        ),
    )


def fct_support_tickets() -> Suite:
    return Suite(
        "marts.fct_support_tickets",
        ("ticket_id",),
        (
            _not_after_as_of("opened_date"),
            _is_a_key("customer_key"),
            no_row(
                "hand-offs fit the assignments",
                "handoff_count < 0 or handoff_count > greatest(assignment_count - 1, 0) "
                "or distinct_department_count > assignment_count",
                shows="handoff_count",
                column="handoff_count",
                protects="A hand-off is counted once and only when the desk changed.",
            ),
            _not_empty_where("marts.fct_support_tickets", "raw_support.tickets", "opened_at"),
            *_nobody_identified(),
        ),
    )


def fct_campaign_contacts() -> Suite:
    return Suite(
        "marts.fct_campaign_contacts",
        ("campaign_id", "customer_key", "sent_at"),
        (
            _not_after_as_of("sent_date"),
            _is_a_key("customer_key"),
            _not_empty_where("marts.fct_campaign_contacts", "raw_crm.campaign_contacts", "sent_at"),
            *_nobody_identified(),
        ),
    )


def customer_rfm() -> Suite:
    return Suite(
        "marts.customer_rfm",
        ("customer_key",),
        (
            _is_as_of(),
            *(
                between(f"{part}_score", 1, 5, protects="Every customer has a place in the grid of 25 cells.")
                for part in ("recency", "frequency", "monetary")
            ),
            not_null("segment", protects="Segment counts add up to all customers who bought."),
            one_of("segment", SEGMENTS, protects="Campaigns address the ten segments that people know."),
            no_row(
                "recency counts the days since the last purchase",
                "recency_days <> as_of_date - last_purchase_date or recency_days < 0",
                shows="recency_days",
                column="recency_days",
                protects="Recent customers are not treated as lost ones.",
            ),
            no_row(
                "everybody here bought at least once",
                "frequency is null or frequency < 1 or first_purchase_date > last_purchase_date",
                shows="frequency",
                column="frequency",
                protects="Segments hold customers only.",
            ),
            finds_nothing(
                "equal purchase counts have equal scores",
                """
                select frequency, min(frequency_score) || ' and ' || max(frequency_score) as observed
                from marts.customer_rfm group by frequency having min(frequency_score) <> max(frequency_score)
                """,
                column="frequency_score",
                protects="Two customers who behave alike are in one segment.",
            ),
            finds_nothing(
                "holds everybody who bought, and nobody else",
                _same_customers("marts.customer_rfm", "is_purchase"),
                protects="No customer is lost from, or invented for, the segments.",
            ),
            *_nobody_identified(),
        ),
    )


def customer_loyalty() -> Suite:
    return Suite(
        "marts.customer_loyalty",
        ("customer_key",),
        (
            _is_as_of(),
            between("nps_latest", 0, 10, protects="A recommendation score is what the scale allows."),
            between("nps_12m_mean", 0, 10, protects="A mean lies on the scale of its answers."),
            no_row(
                "the category fits the latest answer",
                "nps_category is distinct from (case when nps_latest >= 9 then 'promoter' "
                "when nps_latest >= 7 then 'passive' when nps_latest < 7 then 'detractor' end)",
                shows="nps_category",
                column="nps_category",
                protects="A 0 is a detractor, and no answer is no category.",
            ),
            no_row(
                "a satisfied detractor answered both questions",
                "is_satisfied_detractor and (nps_category <> 'detractor' or csat_latest is null)",
                column="is_satisfied_detractor",
                protects="People at risk despite good marks are found, and nobody else.",
            ),
            no_row(
                "a mean stands on answers",
                "(nps_12m_mean is null) <> (nps_answers_12m = 0) "
                "or (csat_12m_mean is null) <> (csat_answers_12m = 0) "
                "or (ces_12m_mean is null) <> (ces_answers_12m = 0)",
                protects="Unanswered is empty and never zero.",
            ),
            _not_after_as_of("last_answer_date"),
            *_nobody_identified(),
        ),
    )


def customer_value() -> Suite:
    return Suite(
        "marts.customer_value",
        ("customer_key",),
        (
            _is_as_of(),
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
                _same_customers("marts.customer_value", "not is_cancelled"),
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
                where orders_too_many <> 0 or abs(observed) > {_MONEY_TOLERANCE}
                """,
                protects="Sums over customers agree with sums over orders.",
            ),
            *_nobody_identified(),
        ),
    )


def kpi_loyalty_monthly() -> Suite:
    return Suite(
        "kpi.kpi_loyalty_monthly",
        ("month", "level", "department", "touchpoint", "locale"),
        (
            between("nps", -100, 100, protects="Nobody is shown a score that cannot exist."),
            *(
                between(column, 0, 100, protects="A share of answers is a percentage.")
                for column in ("csat", "csat_lower", "csat_upper")
            ),
            _within_its_interval("nps"),
            _within_its_interval("csat"),
            no_row(
                "NPS answers are promoters, passives and detractors",
                "nps_n <> nps_promoters + nps_passives + nps_detractors or nps_n < 0",
                shows="nps_n",
                column="nps_n",
                protects="The parts of the score can be added up over months and departments.",
            ),
            no_row(
                "top-two answers are answers",
                "csat_top_two not between 0 and csat_n",
                shows="csat_top_two",
                column="csat_top_two",
                protects="The parts of the score can be added up over months and departments.",
            ),
            _shown_from_enough_answers("nps"),
            _shown_from_enough_answers("csat"),
            no_row(
                "the score follows from its counts",
                f"abs(nps - 100.0 * (nps_promoters - nps_detractors) / nps_n) > {_POINT_TOLERANCE} "
                f"or abs(csat - 100.0 * csat_top_two / csat_n) > {_POINT_TOLERANCE}",
                shows="nps",
                protects="Whoever recomputes a score gets the same number.",
            ),
            one_of(
                "level",
                ("month", "month_department", "month_department_touchpoint_locale"),
                protects="Totals and parts are not added together.",
            ),
            no_row(
                "a month is its first day, not after the business date",
                f"not coalesce(month <= {_AS_OF}, false) or month <> date_trunc('month', month)",
                column="month",
                protects="Months join the calendar.",
            ),
            finds_nothing(
                "every level counts every answer of customers",
                """
                select month, level, sum(nps_n) || ' of ' || any_value(nps_answers) || ' NPS' as observed
                from kpi.kpi_loyalty_monthly
                full join (
                    select cast(date_trunc('month', response_date) as date) as month,
                        count(*) filter (where metric = 'nps') as nps_answers,
                        count(*) filter (where metric = 'csat') as csat_answers
                    from marts.fct_survey_responses
                    where respondent_type = 'external' and metric in ('nps', 'csat')
                        and standard_score is not null
                    group by all
                ) as answers using (month)
                group by month, level
                having level is null or sum(nps_n) is distinct from any_value(nps_answers)
                    or sum(csat_n) is distinct from any_value(csat_answers)
                """,
                protects="No answer of a customer is lost or counted twice.",
            ),
            *_nobody_identified(),
        ),
    )


def _within_its_interval(score: str) -> Expectation:
    return no_row(
        f"{score} lies within its interval",
        f"not coalesce({score} >= {score}_lower - {_POINT_TOLERANCE} "
        f"and {score} <= {score}_upper + {_POINT_TOLERANCE}, {score} is null)",
        shows=f"{score}_lower || ' <= ' || {score} || ' <= ' || {score}_upper",
        column=score,
        protects="The uncertainty that is shown belongs to the score beside it.",
    )


def _shown_from_enough_answers(score: str) -> Expectation:
    return no_row(
        f"{score} is shown from the minimum of answers on",
        f"({score} is not null) <> ({score}_n >= {_MINIMUM_ANSWERS})",
        shows=f"{score}_n",
        column=score,
        protects="Nobody takes the answers of a few for the opinion of all.",
    )


def _is_as_of() -> Expectation:
    return no_row(
        "as_of_date is the run's",
        f"as_of_date is distinct from {_AS_OF}",
        shows="as_of_date",
        column="as_of_date",
        protects="All tables speak of the same business date.",
    )


def _not_after_as_of(date_column: str) -> Expectation:
    return no_row(
        f"{date_column} is not after the business date",
        f"not coalesce({date_column} <= {_AS_OF}, false)",  # an empty date is no date before it
        shows=date_column,
        column=date_column,
        protects="Yesterday's report, made again, says what it said.",
    )


def _is_a_key(column: str) -> Expectation:
    """By length: dim_customers is looked at digit by digit, and every key of a fact is in it."""
    return no_row(
        f"{column} is a keyed hash",
        f"length({column}) <> {_CUSTOMER_KEY_LENGTH}",
        keys=(),  # what is no hash may be an account id
        column=column,
        protects="Nobody can be identified from what is published.",
    )


def _same_customers(table: str, condition: str) -> str:
    """Customers that the orders meeting ``condition`` have and ``table`` lacks, or the other way round."""
    return f"""
        select
            coalesce(orders.customer_key, customers.customer_key) as customer_key,
            case when orders.customer_key is null then 'no such order' else 'lost' end as observed
        from (select distinct customer_key from marts.fct_orders
              where {condition} and customer_key is not null) as orders
        full join {table} as customers on orders.customer_key = customers.customer_key
        where orders.customer_key is null or customers.customer_key is null
    """


def _not_empty_where(table: str, raw_table: str, timestamp: str) -> Expectation:
    # A day before the business date: whatever the time zone, such a row belongs into the table.
    return finds_nothing(
        f"is not empty while {raw_table} has rows",
        f"""
        select count(*) as observed from {raw_table}
        where {timestamp} < {_AS_OF} - interval 1 day and not exists (select 1 from {table})
        having count(*) > 0
        """,
        protects="An empty report means that nothing happened, not that something broke.",
    )


def _nobody_identified() -> tuple[Expectation, ...]:
    return no_personal_column(), no_email_address()
