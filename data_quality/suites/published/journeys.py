"""The experience as one sequence, and the ways of tickets through the departments."""

from __future__ import annotations

from data_quality.expectations import Suite, between, finds_nothing, no_row, one_of
from data_quality.suites.published.shared import (
    AS_OF,
    MINIMUM_ANSWERS,
    MONEY_TOLERANCE,
    POINT_TOLERANCE,
    is_a_key,
    nobody_identified,
    not_after_as_of,
    within_its_interval,
)

EVENT_KINDS = (
    "purchase",
    "return",
    "campaign_contact",
    "survey_answer",
    "ticket_opened",
    "hand_off",
    "ticket_resolved",
    "ticket_reopened",
)
SHARES = {"handed_off": "handed_off", "first_contact": "first_contact_resolved", "reopened": "reopened"}
WAITS = {"first_reply": "first_reply_n", "resolution": "tickets", "waiting_for_us": "waiting_n"}
HANDOFF_GROUPS = ("(all)", "0", "1", "2", "3 or more")


def fct_customer_events() -> Suite:
    return Suite(
        "marts.fct_customer_events",
        ("customer_key", "event_number"),
        (
            not_after_as_of("event_date"),
            is_a_key("customer_key"),
            one_of(
                "event_kind", EVENT_KINDS, protects="No event falls out of a report that filters by kind."
            ),
            no_row(
                "an event names what it is about",
                "case when event_kind in ('purchase', 'return') then order_id "
                "when event_kind = 'campaign_contact' then campaign_id "
                "when event_kind = 'survey_answer' then response_id else ticket_id end is null",
                shows="event_kind",
                protects="Every event can be followed to the fact it came from.",
            ),
            no_row(
                "a hand-off is from one department to another",
                "(event_kind = 'hand_off') <> coalesce(from_department <> department, false)",
                shows="event_kind",
                column="from_department",
                protects="A hand-off is counted only when the desk changed.",
            ),
            no_row(
                "only tickets have events without a time",
                "is_time_known is null or not is_time_known and ticket_event_number is null",
                shows="event_kind",
                column="is_time_known",
                protects="Nobody takes an assumed moment for a known one.",
            ),
            finds_nothing(
                "the numbers of a customer have no gap and follow time",
                """
                select customer_key, event_number, occurred_at || ' after ' || event_before as observed
                from (
                    select customer_key, event_number, occurred_at,
                        lag(occurred_at) over customer as event_before,
                        row_number() over customer as place
                    from marts.fct_customer_events
                    window customer as (partition by customer_key order by event_number)
                )
                where event_number <> place or occurred_at < event_before
                """,
                protects="What came first is told first.",
            ),
            finds_nothing(
                "facts and events count the same",
                """
                select event_kind, coalesce(events, 0) || ' events of ' || coalesce(facts, 0) as observed
                from (
                    select 'purchase' as event_kind, count(*) as facts from marts.fct_orders
                    where is_purchase and customer_key is not null
                    union all select 'campaign_contact', count(*) from marts.fct_campaign_contacts
                    union all select 'survey_answer', count(distinct response_id) from marts.fct_survey_responses
                    where customer_key is not null and respondent_type = 'external'
                        and (standard_score is not null or has_comment)
                    union all select 'ticket_opened', count(*) from marts.fct_support_tickets
                    where customer_key is not null
                    union all select 'hand_off', coalesce(sum(handoff_count), 0) from marts.fct_support_tickets
                    where customer_key is not null
                )
                full join (
                    select event_kind, count(*) as events from marts.fct_customer_events
                    where event_kind in
                        ('purchase', 'campaign_contact', 'survey_answer', 'ticket_opened', 'hand_off')
                    group by event_kind
                ) as counted using (event_kind)
                where coalesce(facts, 0) <> coalesce(events, 0)
                """,
                protects="No event of a customer is lost or told twice.",
            ),
            finds_nothing(
                "sales and returns add up to the orders",
                f"""
                select moved - net as observed
                from (select coalesce(sum(amount), 0) as moved from marts.fct_customer_events),
                    (
                        select coalesce(sum(net_amount - refunded_amount), 0) as net from marts.fct_orders
                        where customer_key is not null and not is_cancelled
                            and (is_purchase or returned_amount > 0)
                    )
                where abs(moved - net) > {MONEY_TOLERANCE}
                """,
                protects="Money is the same number whichever table it is read from.",
            ),
            *nobody_identified(),
        ),
    )


def customer_event_coverage() -> Suite:
    return Suite(
        "meta.customer_event_coverage",
        ("event_kind",),
        (
            no_row(
                "events are of customers or of unknown people",
                "events <> events_of_customers + events_of_unknown_people or events_without_time > events",
                shows="events",
                protects="What is missing in the sequence is counted.",
            ),
            finds_nothing(
                "events counted are the events of the fact",
                """
                select event_kind, coalesce(counted, 0) || ' counted, ' || coalesce(published, 0) || ' published'
                    as observed
                from (
                    select event_kind, events_of_customers as counted from meta.customer_event_coverage
                )
                full join (
                    select event_kind, count(*) as published from marts.fct_customer_events group by event_kind
                ) as facts using (event_kind)
                where coalesce(counted, 0) <> coalesce(published, 0)
                """,
                protects="The counts speak of the events that are published.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_support_journey() -> Suite:
    return Suite(
        "kpi.kpi_support_journey",
        ("month", "level", "department"),
        (
            one_of(
                "level", ("month", "month_department"), protects="Totals and parts are not added together."
            ),
            no_row(
                "a month is its first day, not after the business date",
                f"not coalesce(month <= {AS_OF}, false) or month <> date_trunc('month', month)",
                column="month",
                protects="Months join the calendar.",
            ),
            no_row(
                "tickets are those of each number of hand-offs",
                "handed_off_n <> handoffs_0 + handoffs_1 + handoffs_2 + handoffs_3_or_more "
                "or handed_off <> handed_off_n - handoffs_0 or handed_off_n > tickets or resolved > tickets",
                shows="handed_off_n",
                column="handed_off_n",
                protects="The distribution holds every ticket once.",
            ),
            no_row(
                "hand-offs fit their distribution",
                "handoffs < handoffs_1 + 2 * handoffs_2 + 3 * handoffs_3_or_more "
                "or handoffs > handoffs_1 + 2 * handoffs_2 and handoffs_3_or_more = 0",
                shows="handoffs",
                column="handoffs",
                protects="A hand-off is counted once.",
            ),
            *(within_its_interval(f"{share}_share") for share in SHARES),
            *(
                no_row(
                    f"{share}_share follows from its counts, from the minimum on",
                    f"{part} not between 0 and {share}_n "
                    f"or ({share}_share is not null) <> ({share}_n >= {MINIMUM_ANSWERS}) "
                    f"or abs({share}_share - 100.0 * {part} / {share}_n) > {POINT_TOLERANCE}",
                    shows=f"{part} || ' of ' || {share}_n",
                    column=part,
                    protects="Whoever recomputes a share gets the same number.",
                )
                for share, part in SHARES.items()
            ),
            *(
                no_row(
                    f"hours to {wait} are in order",
                    f"{wait}_hours_median < 0 or {wait}_hours_p90 < {wait}_hours_median "
                    f"or {wait}_hours_p90 is not null and {wait}_hours_median is null "
                    f"or {wait}_hours_median is not null and {n} < {MINIMUM_ANSWERS}",
                    shows=f"{wait}_hours_median || ' and ' || {wait}_hours_p90",
                    column=f"{wait}_hours_median",
                    protects="Nobody waits less than no time, and the slowest wait longest.",
                )
                for wait, n in WAITS.items()
            ),
            finds_nothing(
                "every level counts every ticket",
                """
                select month, level, sum(tickets) || ' of ' || any_value(opened) as observed
                from kpi.kpi_support_journey
                full join (
                    select cast(date_trunc('month', opened_date) as date) as month, count(*) as opened,
                        sum(handoff_count) as passed_on
                    from marts.fct_support_tickets group by all
                ) as facts using (month)
                group by month, level
                having level is null or sum(tickets) is distinct from any_value(opened)
                    or sum(handoffs) is distinct from any_value(passed_on)
                """,
                protects="No ticket is lost or counted twice.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_loyalty_by_handoffs() -> Suite:
    return Suite(
        "kpi.kpi_loyalty_by_handoffs",
        ("metric", "handoffs"),
        (
            one_of("handoffs", HANDOFF_GROUPS, protects="The groups hold every number of hand-offs once."),
            between("nps", -100, 100, protects="Nobody is shown a score that cannot exist."),
            within_its_interval("nps"),
            within_its_interval("mean"),
            no_row(
                "mean is shown from the minimum of answers on",
                f"(mean is not null) <> (n >= {MINIMUM_ANSWERS})",
                shows="n",
                column="mean",
                protects="Nobody takes the answers of a few for the opinion of all.",
            ),
            no_row(
                "NPS answers are promoters, passives and detractors",
                "(metric = 'nps') <> (nps_promoters is not null) "
                "or n <> nps_promoters + nps_passives + nps_detractors "
                f"or abs(nps - 100.0 * (nps_promoters - nps_detractors) / n) > {POINT_TOLERANCE}",
                shows="n",
                column="nps_promoters",
                protects="Whoever recomputes a score gets the same number.",
            ),
            no_row(
                "a slope is of all answers and lies within its interval",
                "slope_per_handoff is not null and handoffs <> '(all)' "
                f"or not coalesce(slope_per_handoff between slope_lower - {POINT_TOLERANCE} "
                f"and slope_upper + {POINT_TOLERANCE}, slope_per_handoff is null)",
                shows="slope_lower || ' <= ' || slope_per_handoff || ' <= ' || slope_upper",
                column="slope_per_handoff",
                protects="The uncertainty that is shown belongs to the slope beside it.",
            ),
            finds_nothing(
                "the groups hold all answers",
                """
                select metric, of_groups || ' of ' || answers as observed
                from (
                    select metric, coalesce(sum(n) filter (where handoffs <> '(all)'), 0) as of_groups,
                        coalesce(sum(n) filter (where handoffs = '(all)'), 0) as answers
                    from kpi.kpi_loyalty_by_handoffs group by metric
                )
                where of_groups <> answers
                """,
                protects="No answer is lost or counted twice.",
            ),
            *nobody_identified(),
        ),
    )
