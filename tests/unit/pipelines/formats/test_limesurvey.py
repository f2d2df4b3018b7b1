"""LimeSurvey exports: columns are called by their codes in all styles that have them."""

from __future__ import annotations

import pytest

from pipelines.formats.document import ReadOptions
from pipelines.formats.limesurvey import read_limesurvey
from pipelines.formats.records import LINE, RECORD, Records


def read(text: str, **options: str) -> Records:
    return read_limesurvey(text.encode(), ReadOptions(**options))


@pytest.mark.parametrize(
    ("header", "names", "labels"),
    [
        ('"id","submitdate","Q1[SQ001]"', ["id", "submitdate", "Q1[SQ001]"], {}),
        (
            '"id. Response ID","submitdate. Date submitted","Q1[SQ001]. Was it good? e.g. quick [Staff]"',
            ["id", "submitdate", "Q1[SQ001]"],
            {
                "id": "Response ID",
                "submitdate": "Date submitted",
                "Q1[SQ001]": "Was it good? e.g. quick [Staff]",
            },
        ),
        (
            '"Response ID","Date submitted","Was it good? e.g. quick"',
            ["id", "submitdate", "Was it good? e.g. quick"],
            {},
        ),
    ],
)
def test_columns_are_called_by_their_codes(header, names, labels):
    found = read(f'{header}\n"1","2024-01-31 08:00:00","Yes"\n"2","","No"\n')
    assert found.frame.drop(RECORD, LINE).columns == names
    assert found.labels == labels
    assert found.frame.drop(RECORD, LINE).rows() == [("1", "2024-01-31 08:00:00", "Yes"), ("2", None, "No")]


def test_a_semicolon_may_separate_the_columns():
    assert read('"id";"Q1"\n"1";"a;b"\n', delimiter=";").frame["Q1"].to_list() == ["a;b"]
