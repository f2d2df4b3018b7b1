"""Initiatives: what improvements moved, and month by month."""

from __future__ import annotations

from data_quality.expectations import Suite, between, finds_nothing, no_row, not_null
from data_quality.suites.published.shared import (
    MONEY_TOLERANCE,
    POINT_TOLERANCE,
    nobody_identified,
    within_its_interval,
)

FALSE_DISCOVERY_RATE = 0.05  # of the macro false_discovery_rate
TOLD = "('gain', 'loss', 'no effect seen')"
LOUD = "('success story', 'loved, not yet paid back', 'harmful')"


def kpi_initiative_impact() -> Suite:
    return Suite(
        "kpi.kpi_initiative_impact",
        ("initiative_id", "outcome"),
        (
            not_null("status", protects="Every row says whether something can be told."),
            not_null("verdict", protects="Every initiative has a verdict in words."),
            between("pretrend_p_value", 0, 1, protects="A probability is one."),
            between("q_value", 0, 1, protects="A share of findings is one."),
            within_its_interval("effect"),
            within_its_interval("margin_gain"),
            within_its_interval("roi"),
            no_row(
                "what cannot be told has no number",
                f"(effect is not null) <> (status in {TOLD}) or (effect is null) <> (effect_lower is null)",
                shows="status",
                column="effect",
                protects="Nobody builds on a number that pretends.",
            ),
            no_row(
                "gain and loss are beyond chance among all outcomes",
                f"status = 'gain' and not (effect_lower > -{POINT_TOLERANCE} and q_value <= {FALSE_DISCOVERY_RATE}) "
                f"or status = 'loss' and not (effect_upper < {POINT_TOLERANCE} and q_value <= {FALSE_DISCOVERY_RATE})",
                shows="effect_lower || ' to ' || effect_upper",
                column="status",
                protects="No initiative is praised or blamed for chance: of many outcomes one always looks lucky.",
            ),
            no_row(
                "nobody counts backwards",
                "least(treated_n, comparison_n, comparison_units, months_before, months_since) < 0 "
                "or (effect is not null and least(treated_n, comparison_n, comparison_units, months_since) = 0)",
                shows="treated_n",
                column="treated_n",
                protects="An effect has people on both sides.",
            ),
            no_row(
                "the margin gained is the effect on all who were treated",
                # the effect is rounded to four decimals before, the gain to two after the multiplication
                "outcome = 'margin' and coalesce(abs(margin_gain - effect * treated_n * months_since) "
                f"> {MONEY_TOLERANCE}, (margin_gain is null) <> (effect is null))",
                shows="margin_gain",
                column="margin_gain",
                protects="The profit of an initiative is not made up.",
            ),
            no_row(
                "roi is what is left of the gain per unit of cost",
                "coalesce(abs(roi - (margin_gain - cost) / cost) > 0.0001, "
                "(roi is null) <> (margin_gain is null or coalesce(cost, 0) = 0))",
                shows="roi",
                column="roi",
                protects="Whoever divides gets the same number.",
            ),
            finds_nothing(
                "one initiative has one verdict, and a gain or loss behind a loud one",
                f"""
                select initiative_id, max(verdict) as observed from kpi.kpi_initiative_impact
                group by initiative_id
                having count(distinct verdict) > 1 or count(distinct coalesce(margin_gain, -0.001)) > 1
                    or max(verdict) in {LOUD} and not coalesce(bool_or(status in ('gain', 'loss')), false)
                """,
                column="verdict",
                protects="Nothing is called a success or harmful without a number that says so.",
            ),
            no_row(
                "a success story has paid back",
                "verdict = 'success story' and not coalesce(margin_gain >= coalesce(cost, 0), false)",
                shows="margin_gain",
                column="verdict",
                protects="Nobody celebrates what lost money.",
            ),
            no_row(
                "the scope can be read",
                "scope_kind = '(unknown)'",
                shows="scope_kind",
                column="scope_kind",
                protects="An initiative of which nobody knows whom it treats is never measured.",
                severity="warning",
            ),
            finds_nothing(
                "every initiative of the company is here",
                """
                select initiative_id, 'not here' as observed from raw_org.initiatives
                where initiative_id not in (select initiative_id from kpi.kpi_initiative_impact)
                """,
                column="initiative_id",
                protects="What was tried without success is told like what worked.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_initiative_timeline() -> Suite:
    return Suite(
        "kpi.kpi_initiative_timeline",
        ("initiative_id", "outcome", "month_from_start"),
        (
            within_its_interval("effect"),
            no_row(
                "the treated are at what they would be at, and the effect",
                f"abs(treated_value - comparison_value - effect) > 2 * {POINT_TOLERANCE} "
                "or (comparison_value is null) <> (effect is null) or (effect is not null and treated_value is null)",
                shows="effect",
                column="effect",
                protects="The line of the treated and that of the others tell the effect between them.",
            ),
            no_row(
                "nobody counts backwards",
                "least(treated_n, comparison_n) < 0 or (effect is not null and least(treated_n, comparison_n) = 0)",
                shows="treated_n",
                column="treated_n",
                protects="An effect has people on both sides.",
            ),
            finds_nothing(
                "months are those that were measured",
                """
                select timeline.initiative_id, timeline.outcome, timeline.month_from_start as observed
                from kpi.kpi_initiative_timeline as timeline
                left join kpi.kpi_initiative_impact as impact using (initiative_id, outcome)
                where not coalesce(
                    timeline.month_from_start between -impact.months_before and impact.months_since - 1, false
                )
                """,
                column="month_from_start",
                protects="The timeline and the effect speak of the same months.",
            ),
            *nobody_identified(),
        ),
    )
