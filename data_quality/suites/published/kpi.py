"""Indicators by month."""

from __future__ import annotations

from data_quality.expectations import Suite, between, finds_nothing, no_row, one_of
from data_quality.suites.published.shared import (
    AS_OF,
    POINT_TOLERANCE,
    nobody_identified,
    shown_from_enough_answers,
    within_its_interval,
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
            within_its_interval("nps"),
            within_its_interval("csat"),
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
            shown_from_enough_answers("nps"),
            shown_from_enough_answers("csat"),
            no_row(
                "the score follows from its counts",
                f"abs(nps - 100.0 * (nps_promoters - nps_detractors) / nps_n) > {POINT_TOLERANCE} "
                f"or abs(csat - 100.0 * csat_top_two / csat_n) > {POINT_TOLERANCE}",
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
                f"not coalesce(month <= {AS_OF}, false) or month <> date_trunc('month', month)",
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
            *nobody_identified(),
        ),
    )
