"""How customers feel, one by one."""

from __future__ import annotations

from data_quality.expectations import Suite, between, no_row
from data_quality.suites.published.shared import is_as_of, nobody_identified, not_after_as_of

SCALES = {  # ends of the usual scale of what the table holds
    "nps": (0, 10),
    "csat": (1, 5),
    "ces": (1, 7),
    "poc_listening": (1, 5),
    "poc_importance": (1, 5),
    "poc_conflict": (1, 5),
    "poc_honesty": (1, 5),
    "poc_reliability": (1, 5),
    "poc_authenticity": (1, 5),
}


def customer_loyalty() -> Suite:
    off_scale = " or ".join(
        f"{metric}_{part} not between {low} and {high}"
        for metric, (low, high) in SCALES.items()
        for part in ("latest", "12m_mean")
    )
    unfounded = " or ".join(
        f"({metric}_12m_mean is null) <> ({metric}_answers_12m = 0) or {metric}_answers_12m < 0"
        for metric in SCALES
    )
    answered = " + ".join(f"{metric}_answers_12m" for metric in SCALES)
    return Suite(
        "marts.customer_loyalty",
        ("customer_key",),
        (
            is_as_of(),
            between("nps_latest", 0, 10, protects="A recommendation score is what the scale allows."),
            between("loyalty_index", 0, 100, protects="The index can be read as a percentage of the best."),
            no_row(
                "scores are on their scales",
                off_scale,
                protects="A latest answer or a mean is one that somebody could give.",
            ),
            no_row(
                "an index stands on answers of the last 12 months, and says on how many",
                "(loyalty_index is null) <> (loyalty_index_parts = 0) "
                "or (loyalty_index is null) <> (loyalty_index_reliability is null) "
                "or loyalty_index_answers < loyalty_index_parts "
                f"or loyalty_index_answers > {answered}",
                shows="loyalty_index_answers",
                column="loyalty_index",
                protects="No customer has an index that nobody answered for.",
            ),
            no_row(
                "reliability and known weight are shares",
                "loyalty_index_reliability not between 0 and 1 "
                "or not coalesce(loyalty_index_weight_share between 0 and 1, false)",
                shows="loyalty_index_reliability",
                column="loyalty_index_reliability",
                protects="How far an index can be trusted is comparable between customers.",
            ),
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
                unfounded,
                protects="Unanswered is empty and never zero.",
            ),
            not_after_as_of("last_answer_date"),
            *nobody_identified(),
        ),
    )
