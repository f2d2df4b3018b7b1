"""Problems of customers: who complained, who stayed silent, and who bought again."""

from __future__ import annotations

from data_quality.expectations import Suite, between, finds_nothing, no_row, one_of
from data_quality.suites.published.shared import (
    AS_OF,
    MINIMUM_ANSWERS,
    POINT_TOLERANCE,
    is_a_key,
    nobody_identified,
    not_after_as_of,
    within_its_interval,
)

KINDS = ("failed_delivery", "return", "fee", "late_delivery", "abandoned_ticket", "low_score")
OUTCOMES = ("resolved", "unresolved", "told_in_survey", "never_voiced")


def fct_problems() -> Suite:
    return Suite(
        "marts.fct_problems",
        ("problem_id",),
        (
            is_a_key("customer_key"),
            one_of("problem_kind", KINDS, protects="Every problem is of a kind that readers know."),
            one_of("outcome", OUTCOMES, protects="Every problem has one of the outcomes that are compared."),
            not_after_as_of("happened_date"),
            no_row(
                "a problem has a customer",
                "customer_key is null",
                column="customer_key",
                protects="Only of known customers can it be said that they were silent or stayed away.",
            ),
            no_row(
                "who complained did so in a ticket, and nobody else did",
                "(outcome in ('resolved', 'unresolved')) <> (complaint_ticket_id is not null) "
                "or (complaint_count > 0) <> (complaint_ticket_id is not null) "
                "or (first_complaint_date is null) <> (complaint_ticket_id is null)",
                shows="outcome",
                column="outcome",
                protects="Nobody who complained is called silent.",
            ),
            no_row(
                "the next purchase comes after the problem",
                f"next_purchase_date < happened_date or next_purchase_date > {AS_OF} or followed_days < 0 "
                "or followed_days <> coalesce(next_purchase_date - happened_date, followed_days)",
                shows="followed_days",
                column="followed_days",
                protects="What was bought before a problem does not show that somebody came back.",
            ),
            finds_nothing(
                "a complaint is about one problem",
                """
                select complaint_ticket_id, count(*) as observed
                from marts.fct_problems
                where complaint_ticket_id is not null
                group by complaint_ticket_id
                having count(*) > 1
                """,
                protects="One complaint does not break the silence about several problems.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_silent_customers() -> Suite:
    return Suite(
        "kpi.kpi_silent_customers",
        ("period", "department", "problem_kind"),
        (
            one_of(
                "problem_kind",
                (*KINDS, "(orders)", "(all)"),
                protects="Totals and parts are not added together.",
            ),
            between("complaint_rate", 0, 100, protects="A share of problems is a percentage."),
            within_its_interval("complaint_rate"),
            within_its_interval("silent_per_complaint"),
            no_row(
                "complaints and what was told in surveys are problems",
                "least(problems, problems_voiced, problems_undecided, complaints, told_in_survey) < 0 "
                "or complaints + told_in_survey + problems_voiced > problems",
                shows="complaints",
                column="complaints",
                protects="The parts of a rate can be added up over months and departments.",
            ),
            no_row(
                "customers who complained or were silent had a problem",
                "customers_complained + customers_silent > customers_with_problem "
                "or customers_with_problem > problems "
                "or customers_complained > complaints or least(customers_complained, customers_silent) < 0",
                shows="customers_with_problem",
                column="customers_with_problem",
                protects="Nobody is counted among the silent who was not.",
            ),
            no_row(
                "the rate is shown from the minimum of problems on",
                f"complaint_rate is not null and problems - problems_voiced < {MINIMUM_ANSWERS}",
                shows="problems",
                column="complaint_rate",
                protects="Nobody takes a few problems for the rule.",
            ),
            no_row(
                "the rate and the ratio follow from their counts",
                f"abs(complaint_rate - 100.0 * complaints / (problems - problems_voiced)) > {POINT_TOLERANCE} "
                "or abs((1 + silent_per_complaint) * complaints * 100 / (problems - problems_voiced) "
                "/ complaints_matched_share - 1) > 0.001 and silent_per_complaint > 0",
                shows="silent_per_complaint",
                column="silent_per_complaint",
                protects="Whoever recomputes a score gets the same number.",
            ),
            no_row(
                "the verdict on the claim is that of the interval",
                "is_claim_within_interval <> (claimed_silent_per_complaint >= silent_per_complaint_lower "
                "and coalesce(claimed_silent_per_complaint <= silent_per_complaint_upper, true))",
                shows="claimed_silent_per_complaint",
                column="is_claim_within_interval",
                protects="A claim is neither confirmed nor refuted by mistake.",
            ),
            no_row(
                "a month is its first day, not after the business date, and named by its period",
                f"month > {AS_OF} or month <> date_trunc('month', month) "
                "or period <> coalesce(strftime(month, '%Y-%m'), '(all)')",
                shows="period",
                column="month",
                protects="Months join the calendar.",
            ),
            no_row(
                "about what customers wrote nobody was silent",
                "problems = problems_voiced and problems > 0 and not (complaint_rate is null "
                "and silent_per_complaint_lower is null and is_claim_within_interval is null "
                "and complaints + told_in_survey + customers_complained + customers_silent = 0 "
                "and revenue_at_risk = 0)",
                shows="problems_voiced",
                column="problems_voiced",
                protects="Customers who wrote and got no answer are not counted as people who never speak.",
            ),
            finds_nothing(
                "every total counts every problem",
                """
                select period, sum(problems + problems_undecided) || ' of ' || any_value(facts) as observed
                from kpi.kpi_silent_customers
                cross join (select count(*) as facts from marts.fct_problems) as counted
                where problem_kind not in ('(all)', '(orders)') and department <> '(all)'
                group by period = '(all)', period
                having period = '(all)' and sum(problems + problems_undecided) <> any_value(facts)
                union all
                select 'months', sum(problems + problems_undecided) || ' of ' || any_value(facts)
                from kpi.kpi_silent_customers
                cross join (select count(*) as facts from marts.fct_problems) as counted
                where problem_kind = '(all)' and department = '(all)' and period <> '(all)'
                having sum(problems + problems_undecided) <> any_value(facts)
                """,
                protects="No problem is lost or counted twice.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_service_recovery() -> Suite:
    return Suite(
        "kpi.kpi_service_recovery",
        ("outcome", "problem_kind", "day"),
        (
            one_of("outcome", (*OUTCOMES, "(all)"), protects="Totals and parts are not added together."),
            one_of("problem_kind", (*KINDS, "(all)"), protects="Totals and parts are not added together."),
            between("repurchase_rate", 0, 100, protects="A share of customers is a percentage."),
            within_its_interval("repurchase_rate"),
            no_row(
                "who is at risk has not bought again",
                "least(at_risk, repurchased) < 0 or greatest(at_risk, repurchased) > customers",
                shows="at_risk",
                column="at_risk",
                protects="The numbers behind a rate say how far it can be trusted.",
            ),
            no_row(
                "the rate is shown from the minimum of customers on, and only as far as somebody was followed",
                f"repurchase_rate is not null and (customers < {MINIMUM_ANSWERS} "
                "or at_risk = 0 and repurchase_rate < 100)",
                shows="at_risk",
                column="repurchase_rate",
                protects="Nobody reads a promise from days of which nothing is known.",
            ),
            no_row(
                "the verdict on the claim is that of the interval",
                "is_claim_within_interval <> (claimed_repurchase_rate "
                "between repurchase_rate_lower and repurchase_rate_upper)",
                shows="claimed_repurchase_rate",
                column="is_claim_within_interval",
                protects="A claim is neither confirmed nor refuted by mistake.",
            ),
            finds_nothing(
                "who has bought again stays so",
                """
                select outcome, problem_kind, day, repurchase_rate as observed
                from (
                    select *, max(repurchase_rate) over earlier_days as reached,
                        min(at_risk) over earlier_days as left_over
                    from kpi.kpi_service_recovery
                    window earlier_days as (
                        partition by outcome, problem_kind order by day rows unbounded preceding
                    )
                ) as curves
                where repurchase_rate < reached or at_risk > left_over
                """,
                protects="A curve of repurchases only rises.",
            ),
            *nobody_identified(),
        ),
    )
