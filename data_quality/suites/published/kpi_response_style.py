"""How locales answer, and who answers at all: the scores that are corrected for either, beside the raw ones."""

from __future__ import annotations

from data_quality.expectations import Suite, between, finds_nothing, no_row, one_of
from data_quality.suites.published.rfm import is_a_segment
from data_quality.suites.published.shared import (
    MINIMUM_ANSWERS,
    POINT_TOLERANCE,
    nobody_identified,
    within_its_interval,
)

METHODS = ("later_behaviour", "later_behaviour_and_spread")
VERDICTS = (
    "adjusted",
    "reference",
    "no locale",
    "too little evidence",
    "too few questions",
    "contradicted",
    "within chance",
    "not supported",
)
_LARGEST_WEIGHT = 5  # as largest_voice_weight() in the dbt project
_LEAST_EVIDENCE = 30  # answers; the statistics ask for hundreds, so fewer mean that something is broken


def kpi_response_style() -> Suite:
    return Suite(
        "kpi.kpi_response_style",
        ("locale", "metric"),
        (
            between("middle_share", 0, 100, protects="A share of answers is a percentage."),
            between("extreme_share", 0, 100, protects="A share of answers is a percentage."),
            within_its_interval("middle_share"),
            within_its_interval("extreme_share"),
            no_row(
                "an answer is in the middle, at an end or neither",
                "middle_n < 0 or extreme_n < 0 or middle_n + extreme_n > n or respondents not between 1 and n",
                shows="middle_n || ' and ' || extreme_n || ' of ' || n",
                column="middle_n",
                protects="A style of answering is counted from answers.",
            ),
            no_row(
                "shares are shown from the minimum of answers on and follow from their counts",
                f"(middle_share is not null) <> (n >= {MINIMUM_ANSWERS}) "
                "or (extreme_share is null) <> (middle_share is null) "
                f"or abs(middle_share - 100.0 * middle_n / n) > {POINT_TOLERANCE} "
                f"or abs(extreme_share - 100.0 * extreme_n / n) > {POINT_TOLERANCE}",
                shows="middle_share",
                column="middle_share",
                protects="Whoever recomputes a share gets the same number, and nobody takes a few for all.",
            ),
            no_row(
                "opinions have some spread",
                "spread <= 0",
                shows="spread",
                column="spread",
                protects="Nothing is divided by a spread of nothing.",
            ),
            finds_nothing(
                "locales have all answers of the company, question by question",
                """
                select metric,
                    sum(n) filter (where locale <> '(all)') || ' of ' || sum(n) filter (where locale = '(all)')
                        as observed
                from kpi.kpi_response_style
                group by metric
                having sum(n) filter (where locale <> '(all)')
                    is distinct from sum(n) filter (where locale = '(all)')
                """,
                protects="No locale's answers are missing from the company's.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_response_stretch() -> Suite:
    return Suite(
        "kpi.kpi_response_stretch",
        ("locale", "method"),
        (
            one_of("method", METHODS, protects="A number says under which assumption it holds."),
            one_of("verdict", VERDICTS, protects="Why a locale is adjusted or not is told in known words."),
            within_its_interval("stretch_estimate"),
            no_row(
                "only what is adjusted is stretched",
                "is_adjusted <> (verdict = 'adjusted') "
                "or stretch <> case when is_adjusted then stretch_estimate else 1 end",
                shows="stretch",
                column="stretch",
                protects="Without evidence a score stays as it was answered.",
            ),
            no_row(
                "nobody is adjusted on a few answers",
                f"is_adjusted and (evidence_n < {_LEAST_EVIDENCE} or behaviour_stretch is null)",
                shows="evidence_n",
                column="evidence_n",
                protects="A culture is not judged by a handful of people.",
            ),
            no_row(
                "the reference is left as it is",
                "locale = reference_locale and is_adjusted",
                shows="stretch",
                column="is_adjusted",
                protects="All locales are compared with the same one.",
            ),
            no_row(
                "a stretch is positive, and who returned answered",
                "stretch <= 0 or evidence_returned not between 0 and evidence_n",
                shows="stretch",
                column="stretch",
                protects="The evidence is counted from answers whose later behaviour is known.",
            ),
            finds_nothing(
                "every locale with an NPS answer has each method once",
                """
                select answers.locale, count(stretches.method) || ' methods' as observed
                from (
                    select distinct coalesce(locale, '(unknown)') as locale
                    from marts.fct_survey_responses
                    where respondent_type = 'external' and metric = 'nps' and standard_score is not null
                ) as answers
                left join kpi.kpi_response_stretch as stretches using (locale)
                group by answers.locale
                having count(stretches.method) <> 2
                """,
                protects="No locale is left out of the adjusted scores.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_loyalty_adjusted() -> Suite:
    return Suite(
        "kpi.kpi_loyalty_adjusted",
        ("period", "locale", "method"),
        (
            one_of("method", METHODS, protects="A number says under which assumption it holds."),
            between("nps", -100, 100, protects="An NPS is between all detractors and all promoters."),
            between(
                "nps_adjusted", -100, 100, protects="An NPS is between all detractors and all promoters."
            ),
            within_its_interval("nps"),
            within_its_interval("nps_adjusted"),
            no_row(
                "scores are shown from the minimum of answers on, both or none",
                f"(nps is not null) <> (nps_n >= {MINIMUM_ANSWERS}) or (nps is null) <> (nps_adjusted is null)",
                shows="nps_n",
                column="nps_n",
                protects="The raw score always stands beside the adjusted one.",
            ),
            no_row(
                "both scores follow from their counts",
                f"abs(nps - 100.0 * (nps_promoters - nps_detractors) / nps_n) > {POINT_TOLERANCE} or "
                "abs(nps_adjusted - 100.0 * (adjusted_promoters - adjusted_detractors) / nps_n) "
                f"> 100 * {POINT_TOLERANCE}",
                shows="nps_adjusted",
                column="nps_adjusted",
                protects="Whoever recomputes a score gets the same number.",
            ),
            no_row(
                "what is not adjusted is the raw score",
                "is_adjusted <> (adjusted_n > 0) or adjusted_n > nps_n or not is_adjusted and ("
                "nps_adjusted <> nps or nps_adjusted_lower <> nps_lower or nps_adjusted_upper <> nps_upper)",
                shows="nps_adjusted",
                column="nps_adjusted",
                protects="Without evidence a score stays as it was answered.",
            ),
            finds_nothing(
                "each method counts every NPS answer of customers, by locale and period too",
                """
                select method, company || ', ' || locales || ', ' || periods || ' of ' || answers as observed
                from (
                    select method,
                        sum(nps_n) filter (where period = '(all)' and locale = '(all)') as company,
                        sum(nps_n) filter (where period = '(all)' and locale <> '(all)') as locales,
                        sum(nps_n) filter (where period <> '(all)' and locale = '(all)') as periods
                    from kpi.kpi_loyalty_adjusted
                    group by method
                ) as counted
                cross join (
                    select count(*) as answers from marts.fct_survey_responses
                    where respondent_type = 'external' and metric = 'nps' and standard_score is not null
                ) as given
                where company is distinct from answers or locales is distinct from answers
                    or periods is distinct from answers
                """,
                protects="No answer is lost on the way to an adjusted score.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_non_response() -> Suite:
    return Suite(
        "kpi.kpi_non_response",
        ("segment", "locale"),
        (
            is_a_segment("segment", "(all)"),
            between("asked_share", 0, 100, protects="A share of customers is a percentage."),
            between("answered_share", 0, 100, protects="A share of customers is a percentage."),
            within_its_interval("answered_share"),
            within_its_interval("response_rate"),
            no_row(
                "who answered was asked, and who was asked is a customer",
                "answered not between 0 and asked or asked > customers or customers < 1 or asked > invitations "
                "or invitations_answered not between answered and invitations",
                shows="answered || ' of ' || asked || ' of ' || customers",
                column="answered",
                protects="Silence is counted in people who could have spoken.",
            ),
            no_row(
                "shares are shown from the minimum on and follow from their counts",
                f"(asked_share is not null) <> (customers >= {MINIMUM_ANSWERS}) "
                f"or (answered_share is not null) <> (asked >= {MINIMUM_ANSWERS}) "
                f"or abs(asked_share - 100.0 * asked / customers) > {POINT_TOLERANCE} "
                f"or abs(answered_share - 100.0 * answered / asked) > {POINT_TOLERANCE} "
                f"or (response_rate is not null) <> (invitations >= {MINIMUM_ANSWERS}) "
                f"or abs(response_rate - 100.0 * invitations_answered / invitations) > {POINT_TOLERANCE}",
                shows="answered_share",
                column="answered_share",
                protects="Whoever recomputes a share gets the same number, and nobody takes a few for all.",
            ),
            finds_nothing(
                "every customer who bought is counted once at each level",
                """
                select level, counted || ' of ' || buyers as observed
                from (
                    select case when segment = '(all)' then '' else 'segment ' end
                        || case when locale = '(all)' then '' else 'locale' end as level, sum(customers) as counted
                    from kpi.kpi_non_response
                    group by 1
                ) as levels
                cross join (select count(*) as buyers from marts.customer_rfm) as base
                where counted <> buyers
                """,
                protects="No silent customer is forgotten.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_loyalty_reweighted() -> Suite:
    return Suite(
        "kpi.kpi_loyalty_reweighted",
        ("locale",),
        (
            between("nps", -100, 100, protects="An NPS is between all detractors and all promoters."),
            between(
                "nps_reweighted", -100, 100, protects="An NPS is between all detractors and all promoters."
            ),
            within_its_interval("nps"),
            within_its_interval("nps_reweighted"),
            no_row(
                "scores are shown from the minimum of voices on",
                f"(nps is not null) <> (nps_n >= {MINIMUM_ANSWERS}) "
                f"or (nps_reweighted is not null) <> coalesce(effective_n >= {MINIMUM_ANSWERS}, false)",
                shows="effective_n",
                column="nps_reweighted",
                protects="Nobody takes the answers of a few for the opinion of all.",
            ),
            no_row(
                "the raw score follows from its counts",
                f"abs(nps - 100.0 * (nps_promoters - nps_detractors) / nps_n) > {POINT_TOLERANCE}",
                shows="nps",
                column="nps",
                protects="The raw score stands beside the weighted one.",
            ),
            no_row(
                "weights add no evidence, and none is beyond the limit",
                f"effective_n > nps_n + {POINT_TOLERANCE} or largest_weight not between 0 and {_LARGEST_WEIGHT} "
                "or (effective_n is null) <> (nps_n = 0)",
                shows="effective_n || ' of ' || nps_n || ', ' || largest_weight",
                column="effective_n",
                protects="A few people do not make the score of all.",
            ),
            no_row(
                "voices are those of customers",
                "nps_n > customers or represented_customers > customers or pooled_n > nps_n or trimmed_n > nps_n",
                shows="nps_n || ' of ' || customers",
                column="nps_n",
                protects="One customer has one voice.",
            ),
            finds_nothing(
                "locales have all customers and voices of the company",
                """
                select sum(customers) filter (where locale <> '(all)') || ' customers, '
                    || sum(nps_n) filter (where locale <> '(all)') || ' voices' as observed
                from kpi.kpi_loyalty_reweighted
                having sum(case when locale = '(all)' then -customers else customers end) <> 0
                    or sum(case when locale = '(all)' then -nps_n else nps_n end) <> 0
                """,
                protects="No locale is missing from the weighted score.",
            ),
            *nobody_identified(),
        ),
    )
