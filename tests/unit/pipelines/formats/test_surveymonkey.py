"""SurveyMonkey exports: two rows of header become one name for each column."""

from __future__ import annotations

import pytest

from pipelines.formats.document import ReadOptions
from pipelines.formats.records import LINE, RECORD, Records, UnreadableFileError
from pipelines.formats.surveymonkey import read_surveymonkey


def read(text: str) -> Records:
    return read_surveymonkey(text.encode(), ReadOptions())


def names(header: str) -> list[str]:
    return read(header).frame.drop(RECORD, LINE).columns


def test_a_question_of_one_column_is_called_by_its_text():
    assert names('Respondent ID,How?,"Why,\nthen?"\n,Response,Open-Ended Response\n') == [
        "Respondent ID",
        "How?",
        "Why,\nthen?",
    ]


@pytest.mark.parametrize("blank", ["", "...3", "Unnamed: 2"])
def test_a_question_of_several_columns_is_joined_with_each_choice(blank):
    header = f"Respondent ID,Which?,{blank},How?\n,Shop,Other (please specify),Response\n"
    assert names(header) == ["Respondent ID", "Which? / Shop", "Which? / Other (please specify)", "How?"]
    assert read(header).labels == {"Which? / Shop": "Which?", "Which? / Other (please specify)": "Which?"}


def test_a_question_asked_twice_is_told_apart():
    assert names("Respondent ID,Why?,Why?,Why?\n,Response,Response,Response\n") == [
        "Respondent ID",
        "Why?",
        "Why? (2)",
        "Why? (3)",
    ]


def test_records_begin_below_both_rows():
    found = read('Respondent ID,How?\n,Response\n11385284375.0,"a\nb"\n2,\n3\n')
    assert found.frame.rows() == [("11385284375.0", "a\nb", 2, 3), ("2", None, 3, 5)]
    assert found.rejected.rows() == [(6, "1 fields where the header has 2", "3")]


def test_one_row_of_header_is_an_error_and_no_lost_respondent():
    with pytest.raises(UnreadableFileError, match="first cell is not blank"):
        read("Respondent ID,How?\n1,good\n2,bad\n")
