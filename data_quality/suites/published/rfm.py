"""Recency, frequency and money of customers."""

from __future__ import annotations

from data_quality.expectations import Suite, between, finds_nothing, no_row, not_null, one_of
from data_quality.suites.published.shared import is_as_of, nobody_identified, same_customers

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


def customer_rfm() -> Suite:
    return Suite(
        "marts.customer_rfm",
        ("customer_key",),
        (
            is_as_of(),
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
                same_customers("marts.customer_rfm", "is_purchase"),
                protects="No customer is lost from, or invented for, the segments.",
            ),
            *nobody_identified(),
        ),
    )
