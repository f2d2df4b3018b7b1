"""Records of delimited text: the same as Python's csv module where the text is sound, nothing lost where not."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.formats.delimited import MAXIMUM_BROKEN_QUOTES, read_blank_aligned, read_delimited
from pipelines.formats.records import LINE, RECORD, Records, UnreadableFileError

REAL_DATA = Path(os.environ.get("KIZUNA_TEST_DATA", Path(__file__).parents[5] / "shared" / "data"))
SPECTRUM = REAL_DATA / "csv_spectrum"

# Signs that matter to the syntax, and a few that only look as if they did.
FIELD = st.text(st.sampled_from('ab1"\n\r,; é人\u2028#'), max_size=6)


def read(text: bytes, **dialect: object) -> Records:
    declared = {"delimiter": ",", "quote": '"', "header_rows": 1, "columns": None, "null_values": ("",)}
    return read_delimited(text, **(declared | dialect))


def values(records: Records) -> list[tuple[str | None, ...]]:
    return records.frame.drop(RECORD, LINE).rows()


def originals(records: Records) -> list[str]:
    return records.original_text(records.frame[RECORD])


@st.composite
def sound_texts(draw: st.DrawFn) -> tuple[str, list[list[str]], list[int], list[str]]:
    """A text, its records without the header, the line each begins on, and how each reads."""
    width = draw(st.integers(1, 4))
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    rows = draw(st.lists(st.lists(FIELD, min_size=width, max_size=width), min_size=1, max_size=6))
    text, expected, lines, written = "", [], [], []
    for number, row in enumerate([[f"c{n}" for n in range(width)], *rows]):
        fields = []
        for field in row:
            needs_quotes = any(sign in field for sign in '",\n\r')
            quoted = needs_quotes or draw(st.booleans()) or (width == 1 and not field)
            fields.append('"' + field.replace('"', '""') + '"' if quoted else field)
        if number:
            text += newline * draw(st.integers(0, 2))  # blank lines are no records
            expected.append(row)
            lines.append(text.count("\n") + 1)
            written.append(",".join(fields))
        text += ",".join(fields) + newline
    if draw(st.booleans()):
        text = text.removesuffix(newline)
    return text, expected, lines, written


@given(sound_texts())
@settings(max_examples=120, deadline=None)
def test_sound_text_reads_as_python_reads_it(case):
    text, expected, lines, written = case
    found = read(text.encode())
    python = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row][1:]
    assert python == expected  # the test's own idea of the text is right
    assert values(found) == [tuple(field.strip() or None for field in row) for row in expected]
    assert found.frame[LINE].to_list() == lines
    assert originals(found) == written
    assert found.rejected.is_empty()


@given(
    st.lists(st.tuples(FIELD, FIELD), min_size=2, max_size=6),
    st.integers(0, 10**6),
    st.sampled_from(['"', '",', '"x', "\n", ",", ',"', '"\n']),
)
@settings(max_examples=150, deadline=None)
def test_of_damaged_text_every_sign_is_in_a_good_or_a_rejected_record(rows, place, damage):
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows(rows)
    body = written.getvalue()
    place %= len(body) + 1
    damaged = body[:place] + damage + body[place:]
    found = read(("a,b\n" + damaged).encode())
    kept = "".join([*originals(found), *found.rejected["original_text"]])
    assert sorted(kept.replace("\n", "").replace("\r", "")) == sorted(
        damaged.replace("\n", "").replace("\r", "")
    )


@given(st.lists(st.tuples(FIELD, FIELD), max_size=4), st.lists(st.tuples(FIELD, FIELD), max_size=4))
@settings(max_examples=60, deadline=None)
def test_neighbours_of_a_broken_record_survive(before, after):
    def text(rows):
        written = io.StringIO(newline="")
        csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
        return written.getvalue()

    found = read(("a,b\n" + text(before) + 'broken,"here" x\n' + text(after)).encode())
    expected = [tuple(field.strip() or None for field in row) for row in (*before, *after)]
    assert values(found) == expected
    assert found.rejected.rows() == [
        (
            2 + text(before).count("\n"),
            "a quote opens or closes in the wrong place",
            'broken,"here" x',
        )
    ]


def test_a_record_with_too_many_or_too_few_fields_is_rejected_with_its_place():
    found = read(b"a,b\n1,2,3\n4\n5,6\n")
    assert values(found) == [("5", "6")]
    assert found.rejected.rows() == [
        (2, "3 fields where the header has 2", "1,2,3"),
        (3, "1 fields where the header has 2", "4"),
    ]


def test_a_quote_that_never_closes_costs_its_line_only():
    found = read(b'a,b\n1,2\n"never,closed\n3,4\n"5","6"\n')
    assert values(found) == [("1", "2"), ("3", "4"), ("5", "6")]
    assert found.rejected["line"].to_list() == [3]


def test_quotes_wrong_everywhere_mean_a_wrong_declaration():
    with pytest.raises(UnreadableFileError, match="quote: null"):
        read(b"a,b\n" + b'5" pipe,1\n' * (MAXIMUM_BROKEN_QUOTES + 1))
    assert read(b'a,b\n5" pipe,1\n' * 1, quote=None).count == 1


@pytest.mark.parametrize("text", [b"", b"\n", b"\r\n\r\n"])
def test_a_file_without_a_header_is_an_error(text):
    with pytest.raises(UnreadableFileError, match="empty"):
        read(text)


def test_a_header_alone_is_a_file_without_records():
    assert read(b"a,b\n").count == 0
    assert read(b"a,b").frame.columns == ["a", "b", RECORD, LINE]


def test_a_carriage_return_alone_ends_lines_of_old_macs():
    found = read(b"a,b\r1,2\r3,4\r")
    assert values(found) == [("1", "2"), ("3", "4")]
    assert found.frame[LINE].to_list() == [2, 3]


def test_blanks_around_values_are_none_of_theirs():
    found = read("a,b,c\n 1\t,　全角　,\xa0\n".encode())
    assert values(found) == [("1", "全角", None)]
    assert originals(found) == [" 1\t,　全角　,\xa0"]


def test_only_the_first_of_several_header_rows_names_columns():
    found = read(b'a,b\n"long\nquestion",q\n{},{}\n1,2\n', header_rows=3)
    assert values(found) == [("1", "2")]
    assert found.frame[LINE].to_list() == [5]


def test_columns_are_named_by_the_settings_where_the_file_has_no_header():
    found = read(b"1;NA\n", delimiter=";", header_rows=0, columns=("a", "b"), null_values=("", "NA"))
    assert found.frame.drop(RECORD, LINE).to_dicts() == [{"a": "1", "b": None}]


def test_a_column_of_ours_by_name_is_still_the_files():
    assert read(b"_line,_record,_file\nx,y,z\n").frame.drop(RECORD, LINE).row(0) == ("x", "y", "z")


def test_blank_header_cells_get_a_name():
    assert read(b"a,,\n1,2,3\n").frame.columns[:3] == ["a", "column_2", "column_3"]


@pytest.mark.parametrize("header", [b"jo@x.org,b,jo@x.org", b'jo@x.org"x,b,c'])
def test_a_bad_header_is_an_error_that_quotes_no_data(header):
    """Where a file has no header at all, its first record is somebody's data."""
    with pytest.raises(UnreadableFileError, match="header") as raised:
        read(header + b"\n1,2,3\n")
    assert "jo@" not in str(raised.value)


def test_a_record_with_a_nul_byte_is_rejected():
    """Also one that is nothing else, such as the end of a file that a disk has lost."""
    found = read(b'a,b\n1,x\x00y\n2,"z\n\x00"\n3,c\n\x00\x00,\x00\n\x00\x00')
    assert values(found) == [("3", "c")]
    assert found.rejected["line"].to_list() == [2, 3, 6, 7]
    assert set(found.rejected["reason"]) == {"the record holds a NUL byte, so that something of it is lost"}
    assert found.rejected["original_text"].to_list()[1] == '2,"z\n\x00"'


def test_blank_aligned_columns():
    text = b"  00001  19970101  2   29.33\r\n\r\n 00002 19970112 1\r\n\t00003\t19970112 5 63.34"
    found = read_blank_aligned(text, header_rows=0, columns=("a", "b", "c", "d"), null_values=("",))
    assert values(found) == [("00001", "19970101", "2", "29.33"), ("00003", "19970112", "5", "63.34")]
    assert found.frame[LINE].to_list() == [1, 4]
    assert originals(found)[0] == "00001  19970101  2   29.33"
    assert found.rejected.rows() == [(3, "3 fields where the header has 4", "00002 19970112 1")]


@given(st.lists(st.lists(st.text("ab1,é", min_size=1, max_size=3), min_size=1, max_size=4), min_size=1))
@settings(max_examples=40, deadline=None)
def test_blank_aligned_records_are_good_or_rejected(rows):
    text = "\n".join("  ".join(row) for row in rows)
    found = read_blank_aligned(text.encode(), header_rows=0, columns=("a", "b"), null_values=())
    assert values(found) == [tuple(row) for row in rows if len(row) == 2]
    assert found.rejected["original_text"].to_list() == ["  ".join(row) for row in rows if len(row) != 2]


def spectrum(pattern: str) -> list[Path]:
    return sorted(SPECTRUM.glob(f"csvs/{pattern}.csv"))


def plain(value: str | None) -> str:
    return (value or "").replace("\r\n", "\n").strip()


@pytest.mark.real_data
@pytest.mark.skipif(not SPECTRUM.is_dir(), reason=f"the folder {SPECTRUM.name} of public files is not there")
def test_csv_spectrum():
    paths = [path for path in spectrum("*") if path.stem != "location_coordinates"]
    assert len(paths) == 11
    for path in paths:
        found = read(path.read_bytes())
        expected = json.loads((SPECTRUM / "json" / f"{path.stem}.json").read_text(encoding="utf-8"))
        assert found.rejected.is_empty(), path.stem
        rows = [{k: plain(v) for k, v in row.items()} for row in found.frame.drop(RECORD, LINE).to_dicts()]
        assert rows == [{k: plain(v) for k, v in row.items()} for row in expected], path.stem


@pytest.mark.real_data
@pytest.mark.skipif(not SPECTRUM.is_dir(), reason=f"the folder {SPECTRUM.name} of public files is not there")
def test_seconds_of_arc_are_no_quotes():
    """The one file of the collection that breaks RFC 4180: nothing is guessed, nothing is lost."""
    [path] = spectrum("location_coordinates")
    text = path.read_bytes()
    assert read(text).rejected["line"].to_list() == [2]
    assert read(text, quote=None).frame["Location Coordinates"][0].endswith('17.9"W')
