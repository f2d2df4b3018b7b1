"""How people are treated, and how the bond changes from wave to wave."""

from __future__ import annotations

from data_quality.expectations import Suite, between, finds_nothing, no_row, one_of
from data_quality.suites.published.shared import (
    AS_OF,
    MINIMUM_ANSWERS,
    POINT_TOLERANCE,
    nobody_identified,
    within_its_interval,
)

ITEMS = ("listening", "importance", "conflict", "honesty", "reliability", "authenticity")
BANDS = ("detractor", "passive", "promoter")
NO_ANSWER = "(no answer)"


def kpi_points_of_connection() -> Suite:
    return Suite(
        "kpi.kpi_points_of_connection",
        ("quarter", "department", "respondent_type", "item"),
        (
            one_of(
                "item", (*ITEMS, "(all)"), protects="The six points are the six that people were asked about."
            ),
            one_of(
                "respondent_type",
                ("external", "internal"),
                protects="What customers say stands beside what colleagues say, not mixed with it.",
            ),
            between("mean", 1, 5, protects="A mean lies on the scale of its answers."),
            between("top_box", 0, 100, protects="A share of answers is a percentage."),
            within_its_interval("mean"),
            within_its_interval("top_box"),
            within_its_interval("alpha"),
            no_row(
                "top-box answers are answers, and answers questionnaires",
                "top_box_n not between 0 and n or n > questionnaires or item <> '(all)' and n < questionnaires",
                shows="top_box_n",
                column="top_box_n",
                protects="The parts of a share can be added up over quarters and departments.",
            ),
            no_row(
                "scores are shown from the minimum of answers on",
                f"(mean is not null) <> (n >= {MINIMUM_ANSWERS}) or (top_box is null) <> (mean is null)",
                shows="n",
                column="mean",
                protects="Nobody takes the answers of a few for the opinion of all.",
            ),
            no_row(
                "the share follows from its counts",
                f"abs(top_box - 100.0 * top_box_n / n) > {POINT_TOLERANCE}",
                shows="top_box",
                column="top_box",
                protects="Whoever recomputes a score gets the same number.",
            ),
            no_row(
                "alpha is at most 1 and belongs to all six items together",
                "alpha > 1 or alpha is not null and item <> '(all)'",
                shows="alpha",
                column="alpha",
                protects="How far six items say the same is not read as a property of one.",
            ),
            no_row(
                "a quarter is its first day, not after the business date",
                f"not coalesce(quarter <= {AS_OF}, false) or quarter <> date_trunc('quarter', quarter)",
                shows="quarter",
                column="quarter",
                protects="Quarters join the calendar.",
            ),
            finds_nothing(
                "departments have all questionnaires of the company, item by item",
                """
                select quarter, respondent_type, item,
                    sum(n) filter (where department <> '(all)') || ' of '
                    || sum(n) filter (where department = '(all)') as observed
                from kpi.kpi_points_of_connection
                where item <> '(all)'
                group by all
                having sum(n) filter (where department <> '(all)')
                    is distinct from sum(n) filter (where department = '(all)')
                """,
                protects="No department's answers are missing from the company's.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_relationship_transitions() -> Suite:
    return Suite(
        "kpi.kpi_relationship_transitions",
        ("from_wave", "band_before", "band_after"),
        (
            *(
                one_of(band, (*BANDS, NO_ANSWER), protects="Moves are between the bands that people know.")
                for band in ("band_before", "band_after")
            ),
            between("share_percent", 0, 100, protects="A share of customers is a percentage."),
            within_its_interval("share_percent"),
            no_row(
                "a wave is followed by a later one, not after the business date",
                f"not coalesce(from_wave < to_wave and to_wave <= {AS_OF}, false)",
                shows="to_wave",
                column="to_wave",
                protects="Change is told in the direction of time.",
            ),
            no_row(
                "whoever answered once is in no share",
                f"(band_customers is null) <> ('{NO_ANSWER}' in (band_before, band_after)) "
                "or customers > band_customers or customers < 0",
                shows="customers",
                column="band_customers",
                protects="Those who did not answer are not taken for loyal or lost.",
            ),
            no_row(
                "a share is shown from the minimum of answers on and follows from its counts",
                f"(share_percent is not null) <> coalesce(band_customers >= {MINIMUM_ANSWERS}, false) "
                f"or abs(share_percent - 100.0 * customers / band_customers) > {POINT_TOLERANCE}",
                shows="share_percent",
                column="share_percent",
                protects="Nobody takes the moves of a few for those of a band.",
            ),
            finds_nothing(
                "the moves of a band are those of its customers",
                f"""
                select from_wave, band_before, sum(customers) || ' of ' || max(band_customers) as observed
                from kpi.kpi_relationship_transitions
                where '{NO_ANSWER}' not in (band_before, band_after)
                group by all
                having sum(customers) <> max(band_customers) or count(*) <> {len(BANDS)}
                """,
                protects="The shares of a band add up to all of it.",
            ),
            *nobody_identified(),
        ),
    )
