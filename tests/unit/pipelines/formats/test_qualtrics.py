"""Qualtrics exports: three rows of header or two, and a broken record costs itself alone."""

from __future__ import annotations

import csv
import io
import json

import pytest

from pipelines.formats.document import ReadOptions
from pipelines.formats.qualtrics import read_qualtrics
from pipelines.formats.records import LINE, RECORD, Records, UnreadableFileError
from pipelines.formats.registry import FORMATS

NAMES = ["StartDate", "EndDate", "Status", "ResponseId", "Q1", "Q2"]
TEXTS = ["Start Date", "End Date", "Response Type", "Response ID", 'How "good"\n\nwas it?', "Zufrieden?"]
IDS = [
    {"ImportId": "startDate", "timeZone": "Asia/Tokyo"},
    {"ImportId": "endDate", "timeZone": "Asia/Tokyo"},
    {"ImportId": "status"},
    {"ImportId": "_recordId"},
    {"ImportId": "QID1"},
    {"ImportId": "QID2_TEXT"},
]
ANSWERS = [
    [
        "2024-01-31 08:00:00",
        "2024-01-31 08:01:00",
        "IP Address",
        "R_1",
        "4 - Very impressive",
        "Sehr zufrieden",
    ],
    ["2024-01-31 08:00:00", "2024-01-31 08:02:00", "Survey Preview", "R_2", "", "0"],
]


def export(*rows: list[str], delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def read(text: bytes, **options: str) -> Records:
    return read_qualtrics(text, ReadOptions(**options))


def import_ids(ids: list[dict] = IDS) -> list[str]:
    return [json.dumps(cell, separators=(",", ":")) for cell in ids]


def test_three_rows_of_header_are_names_texts_and_ids():
    found = read(export(NAMES, TEXTS, import_ids(), *ANSWERS))
    assert found.frame.columns == [*NAMES, RECORD, LINE]
    assert found.frame["Q1"].to_list() == ["4 - Very impressive", None]
    assert found.frame["Q2"].to_list() == ["Sehr zufrieden", "0"]
    assert found.frame[LINE].to_list() == [6, 7]  # the question text takes three lines
    assert found.zone == "Asia/Tokyo"
    assert (found.labels["Q1"], found.labels["Q2"]) == ('How "good"\n\nwas it?', "Zufrieden?")


def test_previews_and_unfinished_responses_are_read_as_all_others():
    assert read(export(NAMES, TEXTS, import_ids(), *ANSWERS)).frame["Status"].to_list() == [
        "IP Address",
        "Survey Preview",
    ]


def test_a_tab_may_separate_the_columns():
    text = export(NAMES, TEXTS, import_ids(), *ANSWERS, delimiter="\t")
    assert read(text, delimiter="\t").frame["ResponseId"].to_list() == ["R_1", "R_2"]


def test_a_tsv_as_qualtrics_writes_it(tmp_path):
    path = tmp_path / "export.tsv"
    text = export(NAMES, TEXTS, import_ids(), *ANSWERS, delimiter="\t")
    path.write_bytes(text.decode().encode("utf-16"))
    document = FORMATS["qualtrics"].open(path, ReadOptions(encoding="utf-16", delimiter="\t"))
    assert document.records((), None).frame["ResponseId"].to_list() == ["R_1", "R_2"]


def test_json_with_single_quotes_is_an_import_id_too():
    ids = [cell.replace('"', "'") for cell in import_ids()]
    assert read(export(NAMES, TEXTS, ids, *ANSWERS)).zone == "Asia/Tokyo"


def test_older_exports_have_two_rows_and_get_the_names_of_today():
    found = read(
        export(
            ["V1", "V2", "V3", "V4", "V5", "Q1"],
            ["ResponseID", "ResponseSet", "EndDate", "ExternalDataReference", "EmailAddress", "How was it?"],
            ["R_1", "Default Response Set", "2014-01-31 08:00:00", "c1", "a@example.org", "5"],
        )
    )
    assert found.frame.drop(RECORD, LINE).row(0, named=True) == {
        "ResponseId": "R_1",
        "ResponseSet": "Default Response Set",
        "EndDate": "2014-01-31 08:00:00",
        "ExternalReference": "c1",
        "RecipientEmail": "a@example.org",
        "Q1": "5",
    }
    assert found.zone is None
    assert found.frame[LINE].to_list() == [3]


def test_a_broken_record_is_rejected_with_its_line_and_text():
    text = export(NAMES, TEXTS, import_ids(), ANSWERS[0]) + b"a,b,c\r\n" + export(ANSWERS[1])
    found = read(text)
    assert found.frame["ResponseId"].to_list() == ["R_1", "R_2"]
    assert found.rejected.rows() == [(7, "3 fields where the header has 6", "a,b,c")]


def test_a_header_alone_is_an_export_without_responses():
    found = read(export(NAMES, TEXTS, import_ids()))
    assert (found.count, found.zone) == (0, "Asia/Tokyo")


def test_a_header_longer_than_what_is_looked_at_first_is_read_whole(monkeypatch):
    monkeypatch.setattr("pipelines.formats.delimited._HEADER_BYTES", 150)  # ends within the question texts
    assert read(export(NAMES, TEXTS, import_ids(), *ANSWERS)).frame["ResponseId"].to_list() == ["R_1", "R_2"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([NAMES, *ANSWERS], "no header of Qualtrics"),  # the first response must not pass for question texts
        ([NAMES, TEXTS, *ANSWERS], "no header of Qualtrics"),  # somebody took the ImportIds away
        ([NAMES, TEXTS[:-1], import_ids(), *ANSWERS], "differ in their number of fields"),
        ([NAMES], "fewer than the 2 rows"),
        ([[*NAMES[:-1], "Q1"], TEXTS, import_ids()], "columns 5, 6 of the header do not have names"),
        (
            [NAMES, TEXTS, import_ids([{"ImportId": "startDate", "timeZone": "Mars/Olympus"}, *IDS[1:]])],
            "'Mars/Olympus'",
        ),
        (
            [NAMES, TEXTS, import_ids([{"ImportId": "startDate", "timeZone": "UTC"}, *IDS[1:]])],
            "several time zones: Asia/Tokyo, UTC",
        ),
    ],
)
def test_what_is_no_header_of_qualtrics_is_one_clear_error(rows, message):
    with pytest.raises(UnreadableFileError, match=message):
        read(export(*rows))
