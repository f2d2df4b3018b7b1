"""How customers feel, one by one."""

from __future__ import annotations

from data_quality.expectations import Suite, between, no_row
from data_quality.suites.published.shared import is_as_of, nobody_identified, not_after_as_of


def customer_loyalty() -> Suite:
    return Suite(
        "marts.customer_loyalty",
        ("customer_key",),
        (
            is_as_of(),
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
            not_after_as_of("last_answer_date"),
            *nobody_identified(),
        ),
    )
