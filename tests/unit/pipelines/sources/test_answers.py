"""Answers to questions: words by their labels, numbers on their scale, and nothing in between is guessed."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from pipelines.formats.records import LINE, RECORD, UnreadableFileError
from pipelines.settings import TableMapping
from pipelines.sources.mapping import Mapped, apply_mapping

AGREEMENT = {"Strongly disagree": 1, "Disagree": 2, "Neither": 3, "Agree": 4, "Strongly agree": 5}


def answered(question: dict, *answers: object) -> Mapped:
    mapping = TableMapping.model_validate(
        {
            "table": "survey.responses",
            "columns": {"response_id": "id", "submitted_at": {"constant": "2024-01-31"}},
            "questions": {"Q1": question},
        }
    )
    numbers = pl.Series(range(len(answers)), dtype=pl.Int64)
    frame = pl.DataFrame(
        {RECORD: numbers, LINE: numbers + 2, "id": numbers.cast(pl.String), "Q1": list(answers)}
    )
    return apply_mapping(frame, mapping.plain()[0], zone="UTC", drop_repeats=True)


def scores(mapped: Mapped) -> list[Decimal | None]:
    return mapped.rows["score"].to_list()


def reasons(mapped: Mapped) -> list[str]:
    return mapped.rejected["reason"].to_list()


def test_a_label_stands_for_its_number_whatever_its_capitals_and_blanks():
    found = answered(
        {"metric": "csat", "labels": AGREEMENT}, "Strongly agree", "STRONGLY AGREE", " disagree\n", "neither"
    )
    assert scores(found) == [5, 5, 2, 3]


def test_unanswered_is_a_row_without_a_score_and_zero_is_an_answer():
    assert scores(answered({"metric": "nps"}, None, "0", "10")) == [None, 0, 10]
    assert scores(answered({"metric": "nps", "labels": {"Never": 0}}, None, "never", "0")) == [None, 0, 0]


def test_a_label_that_is_not_declared_is_refused_by_the_questions_name_alone():
    found = answered({"metric": "csat", "labels": AGREEMENT}, "Agree", "Mostly agree", "4.5 stars")
    assert scores(found) == [4]
    assert reasons(found) == ["Q1: score is neither a number nor one of the declared labels"] * 2


def test_words_without_labels_are_refused():
    assert reasons(answered({"metric": "csat"}, "Agree")) == ["Q1: score is no decimal"]


def test_a_number_stands_for_itself_unless_it_is_a_label():
    ends = {"0 - Not at all likely": 0, "10 - Extremely likely": 10}
    assert scores(answered({"metric": "nps", "labels": ends}, "0 - not at all likely", "7", "9.0")) == [
        0,
        7,
        9,
    ]
    turned = {"metric": "csat", "labels": {"1": 5, "2": 4, "3": 3, "4": 2, "5": 1}}
    assert scores(answered(turned, "1", "5")) == [5, 1]


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ({"metric": "nps"}, "11", "Q1: score is above scale_max"),
        ({"metric": "nps"}, "-1", "Q1: score is below scale_min"),
        ({"metric": "csat"}, "0", "Q1: score is below scale_min"),
        ({"metric": "ces"}, "8", "Q1: score is above scale_max"),
        ({"metric": "csat", "scale": [0, 100]}, "101", "Q1: score is above scale_max"),
        ({"metric": "csat", "labels": AGREEMENT}, "6", "Q1: score is above scale_max"),
    ],
)
def test_an_answer_outside_its_scale_is_refused(question, answer, reason):
    assert reasons(answered(question, answer)) == [reason]


def test_a_declared_scale_is_kept_with_the_answer():
    found = answered({"metric": "csat", "scale": [0, 100]}, "37.5")
    assert found.rows.select("score", "scale_min", "scale_max").row(0) == (Decimal("37.5"), 0, 100)


def test_open_text_is_a_comment():
    found = answered({"metric": "open_text"}, "Good, 5 of 5", None)
    assert found.rows["comment"].to_list() == ["Good, 5 of 5", None]
    assert scores(found) == [None, None]


def test_typed_columns_can_be_labelled_too():
    assert scores(answered({"metric": "csat", "labels": {"2": 4}}, 2, None, 3)) == [4, None, 3]


def test_a_question_that_the_file_does_not_have_is_an_error_that_names_it():
    with pytest.raises(UnreadableFileError, match="'Quality'"):
        answered({"metric": "csat", "column": "Quality"}, "5")


def test_a_reason_that_is_not_about_the_answer_names_the_question_too():
    mapping = TableMapping.model_validate(
        {
            "table": "survey.responses",
            "columns": {"response_id": "id", "submitted_at": "at"},
            "questions": {"Q1": {"metric": "nps"}},
        }
    )
    frame = pl.DataFrame({RECORD: [0], LINE: [2], "id": ["a"], "at": ["?"], "Q1": ["99"]})
    found = apply_mapping(frame, mapping.plain()[0], zone="UTC", drop_repeats=True)
    assert reasons(found) == ["Q1: submitted_at is no timestamp; score is above scale_max"]
