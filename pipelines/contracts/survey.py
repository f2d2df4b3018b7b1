"""Canonical tables of survey tools: who was asked, and each answer to each question."""

from __future__ import annotations

import polars as pl

from pipelines.contracts.model import Column, Contract, Kind, RowCheck

# The usual scale of each metric, where a source declares no other; open text has none.
METRIC_SCALES: dict[str, tuple[int, int] | None] = {
    "nps": (0, 10),
    "csat": (1, 5),
    "ces": (1, 7),
    "enps": (0, 10),
    "poc_listening": (1, 5),
    "poc_importance": (1, 5),
    "poc_conflict": (1, 5),
    "poc_honesty": (1, 5),
    "poc_reliability": (1, 5),
    "poc_authenticity": (1, 5),
    "value_result": (1, 5),
    "value_process": (1, 5),
    "open_text": None,
}
METRICS = tuple(METRIC_SCALES)

INVITATIONS = Contract(
    "survey",
    "invitations",
    ("invitation_id",),
    "One row per person asked to answer a survey; without them there is no response rate.",
    (
        Column("invitation_id", Kind.TEXT, "The invitation's identifier in the source."),
        Column("survey_id", Kind.TEXT, "Survey the person was asked to answer."),
        Column("customer_id", Kind.TEXT, "Account that was asked, where known.", personal=True),
        Column("email", Kind.TEXT, "Address that was asked, where known.", personal=True),
        Column("phone", Kind.TEXT, "Telephone that was asked, where known.", personal=True),
        Column("department", Kind.TEXT, "Department the survey asks about."),
        Column("touchpoint", Kind.TEXT, "Moment the survey asks about, such as purchase or support."),
        Column("locale", Kind.TEXT, "Language and region of the invitation."),
        Column("sent_at", Kind.TIMESTAMP, "When the invitation was sent.", required=True),
    ),
)

RESPONSES = Contract(
    "survey",
    "responses",
    ("response_id", "question_id"),
    "One row per answer to one question. An unanswered question has no score; 0 is an answer.",
    (
        Column("response_id", Kind.TEXT, "The questionnaire that was handed in."),
        Column("question_id", Kind.TEXT, "Question within the questionnaire."),
        Column("survey_id", Kind.TEXT, "Survey the question belongs to."),
        Column("invitation_id", Kind.TEXT, "Invitation that was answered, where known."),
        Column(
            "respondent_type",
            Kind.TEXT,
            "external: a customer; internal: a colleague; empty: external.",
            allowed=("external", "internal"),
        ),
        Column("customer_id", Kind.TEXT, "Account that answered, where known.", personal=True),
        Column("email", Kind.TEXT, "Address that answered, where known.", personal=True),
        Column("phone", Kind.TEXT, "Telephone that answered, where known.", personal=True),
        Column("employee_id", Kind.TEXT, "Colleague who answered, where internal.", personal=True),
        Column("order_id", Kind.TEXT, "Order the answer is about."),
        Column("ticket_id", Kind.TEXT, "Ticket the answer is about."),
        Column("department", Kind.TEXT, "Department the answer is about."),
        Column(
            "touchpoint",
            Kind.TEXT,
            "Moment the answer is about, such as purchase or support; relationship: a survey twice a year.",
        ),
        Column("locale", Kind.TEXT, "Language and region of the respondent."),
        Column("metric", Kind.TEXT, "What the question measures.", required=True, allowed=METRICS),
        Column("score", Kind.DECIMAL, "The answer; empty: unanswered."),
        Column("scale_min", Kind.DECIMAL, "Lowest answer of the scale; empty: the metric's usual scale."),
        Column("scale_max", Kind.DECIMAL, "Highest answer of the scale; empty: the metric's usual scale."),
        Column("comment", Kind.TEXT, "Free text.", personal=True),
        Column("submitted_at", Kind.TIMESTAMP, "When the questionnaire was handed in.", required=True),
    ),
    (
        RowCheck("score is below scale_min", pl.col("score") < pl.col("scale_min")),
        RowCheck("score is above scale_max", pl.col("score") > pl.col("scale_max")),
        RowCheck(
            "score is outside 0 to 10, the scale of nps and enps",
            pl.col("metric").is_in(["nps", "enps"])
            & pl.col("scale_max").is_null()
            & ~pl.col("score").is_between(0, 10),
        ),
    ),
)

TABLES = (INVITATIONS, RESPONSES)
