"""Indicators by month."""

from __future__ import annotations

from data_quality.expectations import Suite, between, finds_nothing, no_row, one_of
from data_quality.suites.published.shared import (
    AS_OF,
    MINIMUM_ANSWERS,
    POINT_TOLERANCE,
    nobody_identified,
    shown_from_enough_answers,
    within_its_interval,
)

LEVELS = (
    "month",
    "month_department",
    "month_touchpoint",
    "month_locale",
    "month_department_touchpoint",
    "month_department_locale",
    "month_touchpoint_locale",
    "month_department_touchpoint_locale",
)

_COUNTED_AGAIN = """
    select cast(date_trunc('month', response_date) as date) as month,
        count(*) filter (where metric = 'nps') as nps, count(*) filter (where metric = 'csat') as csat,
        count(*) filter (where metric = 'ces') as ces, 0 as asked, 0 as answered
    from marts.fct_survey_responses
    where respondent_type = 'external' and metric in ('nps', 'csat', 'ces') and standard_score is not null
    group by all
    union all
    select cast(date_trunc('month', sent_date) as date), 0, 0, 0, count(*), count(*) filter (where is_answered)
    from marts.fct_survey_invitations where respondent_type = 'external' group by all
"""


def kpi_loyalty_monthly() -> Suite:
    return Suite(
        "kpi.kpi_loyalty_monthly",
        ("month", "level", "department", "touchpoint", "locale"),
        (
            between("nps", -100, 100, protects="Nobody is shown a score that cannot exist."),
            *(
                between(column, 0, 100, protects="A share of answers is a percentage.")
                for score in ("csat", "ces", "response_rate")
                for column in (score, f"{score}_lower", f"{score}_upper")
            ),
            *(within_its_interval(score) for score in ("nps", "csat", "ces", "response_rate")),
            no_row(
                "NPS answers are promoters, passives and detractors",
                "nps_n <> nps_promoters + nps_passives + nps_detractors or nps_n < 0",
                shows="nps_n",
                column="nps_n",
                protects="The parts of the score can be added up over months and departments.",
            ),
            no_row(
                "top-two answers are answers",
                "csat_top_two not between 0 and csat_n or ces_easy not between 0 and ces_n",
                shows="csat_top_two",
                column="csat_top_two",
                protects="The parts of the score can be added up over months and departments.",
            ),
            no_row(
                "an invitation is answered, open or neither",
                "least(invitations_answered, invitations_open) < 0 "
                "or invitations_answered + invitations_open > invitations",
                shows="invitations_answered",
                column="invitations_answered",
                protects="Nobody who has answered is waited for, and the response rate has the right denominator.",
            ),
            *(shown_from_enough_answers(score) for score in ("nps", "csat", "ces")),
            shown_from_enough_answers("response_rate", "invitations"),
            no_row(
                "the score follows from its counts",
                f"abs(nps - 100.0 * (nps_promoters - nps_detractors) / nps_n) > {POINT_TOLERANCE} "
                f"or abs(csat - 100.0 * csat_top_two / csat_n) > {POINT_TOLERANCE} "
                f"or abs(ces - 100.0 * ces_easy / ces_n) > {POINT_TOLERANCE} "
                f"or abs(response_rate - 100.0 * invitations_answered / invitations) > {POINT_TOLERANCE}",
                shows="nps",
                protects="Whoever recomputes a score gets the same number.",
            ),
            one_of("level", LEVELS, protects="Totals and parts are not added together."),
            no_row(
                "a month is its first day, not after the business date",
                f"not coalesce(month <= {AS_OF}, false) or month <> date_trunc('month', month)",
                column="month",
                protects="Months join the calendar.",
            ),
            finds_nothing(
                "every level counts every answer of customers, and everybody who was asked",
                f"""
                select month, level, sum(nps_n) || ' of ' || any_value(nps_given) || ' NPS' as observed
                from kpi.kpi_loyalty_monthly
                full join (
                    select month, sum(nps) as nps_given, sum(csat) as csat_given, sum(ces) as ces_given,
                        sum(asked) as all_asked, sum(answered) as all_answered
                    from ({_COUNTED_AGAIN}) as facts group by month
                ) as again using (month)
                group by month, level
                having level is null or sum(nps_n) is distinct from any_value(nps_given)
                    or sum(csat_n) is distinct from any_value(csat_given)
                    or sum(ces_n) is distinct from any_value(ces_given)
                    or sum(invitations) is distinct from any_value(all_asked)
                    or sum(invitations_answered) is distinct from any_value(all_answered)
                """,
                protects="No answer of a customer is lost or counted twice.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_indicator_divergence() -> Suite:
    changes = " or ".join(
        f"abs({score}_change - ({score}_recent - {score}_earlier)) > {2 * POINT_TOLERANCE}"
        for score in ("nps", "csat")
    )
    too_few = " or ".join(
        f"{score}_{period}_n < {MINIMUM_ANSWERS}"
        for score in ("nps", "csat")
        for period in ("recent", "earlier")
    )
    return Suite(
        "kpi.kpi_indicator_divergence",
        ("month", "department"),
        (
            *(
                between(f"nps_{period}", -100, 100, protects="Nobody is shown a score that cannot exist.")
                for period in ("recent", "earlier")
            ),
            *(
                between(f"csat_{period}", 0, 100, protects="A share of answers is a percentage.")
                for period in ("recent", "earlier")
            ),
            between("nps_fall_p_value", 0, 1, protects="The chance of a false alarm can be read off."),
            between("correlation", -1, 1, protects="The gap is measured in standard errors that exist."),
            within_its_interval("nps_change"),
            within_its_interval("csat_change"),
            no_row(
                "a change is the recent score less the earlier one",
                changes,
                shows="nps_change",
                column="nps_change",
                protects="Whoever recomputes a change gets the same number.",
            ),
            no_row(
                "an alert is what the rule says",
                "is_alert is distinct from "
                "(nps_fall_p_value <= 0.05 and gap_z >= 1.6448536269514722 and csat_change_upper >= 0)",
                shows="is_alert",
                column="is_alert",
                protects="A department is named for its answers and not by mistake.",
            ),
            no_row(
                "nobody is judged by too few answers",
                f"is_alert is not null and ({too_few})",
                shows="nps_recent_n",
                column="nps_recent_n",
                protects="Nobody takes the answers of a few for the opinion of all.",
            ),
            no_row(
                "the first alert is not after the month, and an alert has one",
                "first_alert_month > month or (is_alert and first_alert_month is null)",
                shows="first_alert_month",
                column="first_alert_month",
                protects="How long a department has been known to sink is not overstated.",
            ),
            finds_nothing(
                "answers are those of the months",
                """
                select divergence.month, divergence.department,
                    nps_recent_n || ' of ' || sum(monthly.nps_n) || ' recent NPS answers' as observed
                from kpi.kpi_indicator_divergence as divergence
                left join kpi.kpi_loyalty_monthly as monthly
                    on monthly.level = 'month_department' and monthly.department = divergence.department
                    and monthly.month > divergence.month - interval 3 month
                    and monthly.month <= divergence.month
                group by divergence.month, divergence.department, nps_recent_n, csat_recent_n
                having nps_recent_n > coalesce(sum(monthly.nps_n), 0)
                    or csat_recent_n > coalesce(sum(monthly.csat_n), 0)
                """,
                protects="Both tables speak of the same answers.",
            ),
            *nobody_identified(),
        ),
    )
