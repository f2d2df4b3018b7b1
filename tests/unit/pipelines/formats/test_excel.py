"""Workbooks: cells as they were typed, one sheet that is meant, and no damaged file that passes for a sound one."""

from __future__ import annotations

import datetime as dt
import io
import random

import pytest
import xlsxwriter

from pipelines.formats import excel
from pipelines.formats.document import ReadOptions
from pipelines.formats.records import LINE, RECORD, Records, UnreadableFileError


def workbook(**sheets: list[list[object]]) -> bytes:
    """A workbook; dates are shown as dates, whatever begins with = is a formula without a cached value."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"default_date_format": "dd/mm/yyyy"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return file.getvalue()


def read(data: bytes, **options: object) -> Records:
    return excel.read_excel(data, ReadOptions(**options))


def values(records: Records) -> list[tuple[str | None, ...]]:
    return records.frame.drop(RECORD, LINE).rows()


def test_values_are_text_as_they_were_typed():
    found = read(
        workbook(
            A=[
                ["id", "score", "at", "day", "ok"],
                ["007", 5.0, dt.datetime(2024, 1, 31, 13, 45, 30), dt.date(2024, 1, 31), True],
                [11385284375, "5.0", None, None, False],
                ["  ", 0.1, "n/a", None, None],
            ]
        ),
        null_values=("", "n/a"),
    )
    assert values(found) == [
        ("007", "5", "2024-01-31 13:45:30", "2024-01-31 00:00:00", "true"),
        ("11385284375", "5.0", None, None, "false"),
        (None, "0.1", None, None, None),
    ]


def test_an_error_of_a_formula_is_no_empty_cell():
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(2, 1, ["id", "score"])
        sheet.write_row(3, 1, ["a", 1])
        sheet.write_row(4, 1, ["b"])
        sheet.write_formula(4, 2, "=1/0", None, "#DIV/0!")
        sheet.write_formula(5, 1, "=NA()", None, "#N/A")
    found = read(file.getvalue(), skip_rows=2)
    assert values(found) == [("a", "1"), ("b", "#DIV/0!"), ("#N/A", None)]
    assert found.frame[LINE].to_list() == [4, 5, 6]


def test_blank_rows_are_no_records_and_lines_are_those_of_excel():
    found = read(workbook(A=[["Our survey 2024"], [], ["id", "Q1"], [], ["a", 1], [], ["b", 2]]), skip_rows=1)
    assert values(found) == [("a", "1"), ("b", "2")]
    assert found.frame[LINE].to_list() == [5, 7]


def test_a_header_of_two_rows_with_merged_cells():
    rows = [["id", "Which?", None, "Why?", None], [None, "Shop", "Web", None, None], ["a", 1, 2, "x", None]]
    found = read(workbook(A=rows), header_rows=2)
    assert found.frame.drop(RECORD, LINE).columns == ["id", "Which?", "column_3", "Why?"]
    assert values(found) == [("a", "1", "2", "x")]


def test_a_sheet_without_a_header_gets_its_names_from_columns():
    data = workbook(A=[["a", 1], ["b", 2]])
    found = read(data, header_rows=0, columns=("id", "Q1"))
    assert found.frame["Q1"].to_list() == ["1", "2"]
    with pytest.raises(UnreadableFileError, match="columns names 3 columns, but the sheet has 2"):
        read(data, header_rows=0, columns=("id", "Q1", "Q2"))


def test_the_original_is_the_row_as_json():
    found = read(workbook(A=[["id", "Q1"], ["a", 1]]))
    assert found.original_text(found.frame[RECORD]) == ['{"id":"a","Q1":"1"}']


def test_one_of_several_sheets_must_be_named():
    data = workbook(Answers=[["id"], ["a"]], Codes=[["code"], [1]], Empty=[])
    with pytest.raises(UnreadableFileError, match="several sheets: 'Answers', 'Codes', 'Empty'"):
        read(data)
    assert values(read(data, sheet="Codes")) == [("1",)]
    with pytest.raises(UnreadableFileError, match="no sheet 'Answer'; it has 'Answers'"):
        read(data, sheet="Answer")


def test_empty_sheets_do_not_count():
    assert values(read(workbook(Sheet1=[["id"], ["a"]], Sheet2=[], Sheet3=[]))) == [("a",)]


def test_a_header_alone_is_a_sheet_without_records():
    found = read(workbook(A=[["id", "Q1"]]))
    assert (found.count, found.frame.columns) == (0, [RECORD, "id", "Q1", LINE])


@pytest.mark.parametrize(
    ("rows", "message"),
    [([], "has no header"), ([["id", "id"], ["a", "b"]], "columns 1, 2 of the header")],
)
def test_a_sheet_without_a_sound_header_is_an_error(rows, message):
    with pytest.raises(UnreadableFileError, match=message):
        read(workbook(A=rows))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"id,Q1\n1,5\n", "no workbook.*format: csv"),
        (b"", "no workbook"),
        (b"PK\x03\x04 and no more", "damaged or cut off"),
        (b"\xd0\xcf\x11\xe0" + b"0" * 600, "damaged, or protected by a password"),
    ],
)
def test_what_is_no_workbook_is_one_clear_error(data, message):
    with pytest.raises(UnreadableFileError, match=message):
        read(data)


def test_a_workbook_that_unpacks_to_more_than_memory_holds_is_refused(monkeypatch):
    data = workbook(A=[["id"], ["a" * 30_000]])
    monkeypatch.setattr(excel, "MAXIMUM_WORKBOOK_BYTES", 20_000)
    assert len(data) < excel.MAXIMUM_WORKBOOK_BYTES
    with pytest.raises(UnreadableFileError, match="unpacks to more than"):
        read(data)


def test_flipped_bits_never_pass_for_other_values():
    whole, places = workbook(A=[["id", "score"], *([n, n % 11] for n in range(200))]), random.Random(5)
    expected = read(whole).frame
    refused = 0
    for _ in range(150):
        flipped = bytearray(whole)
        flipped[places.randrange(len(flipped))] ^= 1 << places.randrange(8)
        try:
            assert read(bytes(flipped)).frame.equals(expected)
        except UnreadableFileError:
            refused += 1
    assert refused > 100
