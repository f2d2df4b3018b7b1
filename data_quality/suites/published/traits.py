"""Traits: what the customers of the highest value have in common."""

from __future__ import annotations

from data_quality.expectations import Suite, between, finds_nothing, no_row, one_of
from data_quality.suites.published.shared import (
    AS_OF,
    MINIMUM_ANSWERS,
    POINT_TOLERANCE,
    nobody_identified,
    within_its_interval,
)

KINDS = ("attribute", "origin", "first purchase", "experience")
VERDICTS = ("confirmed", "unconfirmed", "not found", "not testable")
FALSE_DISCOVERY_RATE = 0.05  # of the macro false_discovery_rate
ROUNDED_P = 1e-6  # p values are published with six decimals
FEWEST_EXPECTED = 5  # of the model
SHARE_OF_THE_BEST = 0.1  # of all customers


def kpi_high_value_traits() -> Suite:
    return Suite(
        "kpi.kpi_high_value_traits",
        ("trait_kind", "trait", "trait_value"),
        (
            one_of("trait_kind", KINDS, protects="Every trait is of a kind that readers know."),
            one_of("verdict", VERDICTS, protects="Every verdict is in words that are explained."),
            between("p_value", 0, 1, protects="A probability is one."),
            between("top_share", 0, 100, protects="A share of customers is a percentage."),
            within_its_interval("lift"),
            within_its_interval("later_lift"),
            no_row(
                "the best are at most a tenth, and customers",
                f"all_top_customers > {SHARE_OF_THE_BEST} * all_customers + 1 "
                "or top_customers > least(customers, all_top_customers) "
                "or later_top_customers > least(customers, all_later_top_customers)",
                shows="all_top_customers",
                column="all_top_customers",
                protects="What the best have in common is said of the best.",
            ),
            no_row(
                "the lift follows from its counts",
                f"abs(lift * expected_top_customers - top_customers) > 0.0001 * (expected_top_customers + lift + 1) "
                "or abs(later_lift * later_expected_top_customers - later_top_customers) "
                "> 0.0001 * (later_expected_top_customers + later_lift + 1) "
                f"or abs(top_share - 100.0 * top_customers / customers) > {POINT_TOLERANCE} "
                "or compared_with = 'all customers' "
                "and abs(expected_top_customers - 1.0 * customers * all_top_customers / all_customers) "
                f"> {POINT_TOLERANCE}",
                shows="lift",
                column="lift",
                protects="Whoever recomputes a lift gets the same number.",
            ),
            no_row(
                "nothing is said of a handful of people",
                f"least(customers, all_customers - customers) < {MINIMUM_ANSWERS}",
                shows="customers",
                column="customers",
                protects="Nobody is recognised by a rare trait.",
            ),
            no_row(
                "a trait is tested where enough of the best are expected with it and without it",
                "(p_value is null) <> (verdict = 'not testable') or (q_value is null) <> (p_value is null) "
                "or p_value is not null and least(expected_top_customers, all_top_customers - expected_top_customers) "
                f"< {FEWEST_EXPECTED} - {POINT_TOLERANCE}",
                shows="expected_top_customers",
                column="p_value",
                protects="No chance is computed from a handful of customers.",
            ),
            no_row(
                "found is what is unlikely by chance, and confirmed what the later period says too",
                f"q_value < p_value - {ROUNDED_P} "
                f"or (verdict in ('confirmed', 'unconfirmed')) <> coalesce(q_value <= {FALSE_DISCOVERY_RATE}, false) "
                "or verdict = 'confirmed' and not coalesce("
                "case when lift > 1 then later_lift_lower > 1 else later_lift_upper < 1 end, false) "
                "or (reason is null) <> (verdict = 'confirmed')",
                shows="verdict",
                column="verdict",
                protects="No chance finding is called a finding.",
            ),
            no_row(
                "the later period is over",
                f"known_on >= {AS_OF}",
                shows="known_on",
                column="known_on",
                protects="Nobody is judged by a time that has not come.",
            ),
            finds_nothing(
                "the number of tests is that of the rows that were tested",
                """
                select any_value(traits_tested) as observed
                from kpi.kpi_high_value_traits
                having min(traits_tested) <> count(p_value) or max(traits_tested) <> count(p_value)
                """,
                protects="Among how many something was found is told.",
            ),
            *nobody_identified(),
        ),
    )
