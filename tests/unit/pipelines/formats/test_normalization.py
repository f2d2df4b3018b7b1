"""Normalisation where it is declared: values become plain, and everything else stays as the file has it."""

from __future__ import annotations

import json

import pytest

from pipelines.formats.document import ReadOptions
from pipelines.formats.records import RECORD
from pipelines.formats.registry import FORMATS

NFKC = ReadOptions(encoding="cp932", normalize="NFKC")


def read(tmp_path, text: str, options: ReadOptions = NFKC, format_: str = "csv", explode: str | None = None):
    path = tmp_path / "file"
    path.write_bytes(text.encode(options.encoding))
    return FORMATS[format_].open(path, options).records(["番号", "名"], explode)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("１２３", "123"),
        ("－１２．５", "-12.5"),
        ("Ａｂ", "Ab"),
        ("ｶﾞｿﾘﾝ", "ガソリン"),  # a letter and its mark of voice become one
        ("㈱①", "(株)1"),
        ("～", "~"),
        ("a　b", "a b"),  # the ideographic blank
        ("　", None),
        ("東京", "東京"),
    ],
)
def test_compatibility_forms_become_plain(tmp_path, written, plain):
    assert read(tmp_path, f"番号,名\n{written},x\n").frame["番号"].to_list() == [plain]


def test_full_width_delimiters_and_quotes_split_nothing_and_lines_stay_right(tmp_path):
    records = read(tmp_path, '番号,名\n１，２,"＂\n"\n３,x,y\n４,ｱ\n')
    assert records.frame["番号"].to_list() == ["1,2", "4"]
    assert records.frame["kizuna:line"].to_list() == [2, 5]
    assert records.rejected.rows() == [(4, "3 fields where the header has 2", "３,x,y")]
    assert records.original_text(records.frame[RECORD]) == ['１，２,"＂\n"', "４,ｱ"]


def test_names_of_columns_stay_as_the_file_has_them(tmp_path):
    assert read(tmp_path, "ＩＤ,ﾅﾏｴ\n１,ｱ\n").frame.columns[:2] == ["ＩＤ", "ﾅﾏｴ"]


def test_nothing_is_normalised_unless_declared_and_nfc_leaves_widths_alone(tmp_path):
    plain, nfc = ReadOptions(), ReadOptions(normalize="NFC")
    text = "番号,名\n１,か\u3099\n"
    assert read(tmp_path, text, plain).frame.row(0)[:2] == ("１", "か\u3099")
    assert read(tmp_path, text, nfc).frame.row(0)[:2] == ("１", "が")


def test_json_is_normalised_also_in_fields_that_are_kept(tmp_path):
    text = json.dumps({"番号": "１", "注": "ｱ"}, ensure_ascii=False)
    records = read(tmp_path, text, format_="jsonl")
    assert records.frame["番号"].to_list() == ["1"]
    assert records.unread.values(["注"])["注"].to_list() == ["ア"]
    assert records.original_text(records.frame[RECORD]) == [text]
