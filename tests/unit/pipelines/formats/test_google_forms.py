"""Google Forms: responses get an identifier and a time that can be read."""

from __future__ import annotations

import pytest

from pipelines.formats.document import ReadOptions
from pipelines.formats.google_forms import RESPONSE_ID, SUBMITTED_AT, read_google_forms
from pipelines.formats.records import Records


def read(*times: str) -> Records:
    text = "Zeitstempel,How?\n" + "".join(f"{time},5\n" for time in times)
    return read_google_forms(text.encode(), ReadOptions())


@pytest.mark.parametrize(
    ("written", "in_utc"),
    [
        ("2020/01/31 3:25:10 PM GMT+9", "2020-01-31T06:25:10Z"),
        ("2020/01/31 3:25:10 AM GMT+9", "2020-01-30T18:25:10Z"),
        ("2020/01/31 12:05:10 AM GMT-10", "2020-01-31T10:05:10Z"),
        ("2020/01/31 3:25:10 PM GMT+5:30", "2020-01-31T09:55:10Z"),
        ("2020/01/31 3:25:10 PM GMT", "2020-01-31T15:25:10Z"),
        ("1/31/2020 15:25:10", "1/31/2020 15:25:10"),  # of a sheet: its form is for the mapping to declare
        ("31.01.2020 15:25:10 MEZ", "31.01.2020 15:25:10 MEZ"),
    ],
)
def test_a_time_with_an_offset_is_read_others_stay(written, in_utc):
    assert read(written).frame[SUBMITTED_AT].to_list() == [in_utc]


def test_responses_of_one_second_are_told_apart_the_same_way_in_a_longer_download():
    first, second = "2020/01/31 3:25:10 PM GMT+9", "2020/01/31 3:25:11 PM GMT+9"
    short = read(first, first).frame[RESPONSE_ID].to_list()
    assert short == [f"{first} #1", f"{first} #2"]
    assert read(first, first, second).frame[RESPONSE_ID].to_list() == [*short, f"{second} #1"]


def test_a_response_without_a_time_has_no_identifier():
    assert read("").frame[RESPONSE_ID].to_list() == [None]
