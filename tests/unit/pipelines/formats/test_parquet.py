"""Parquet: typed columns; a damaged file is one clear error."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import suppress
from decimal import Decimal

import polars as pl
import pytest

from pipelines.formats.parquet import read_parquet
from pipelines.formats.records import LINE, RECORD, UnreadableFileError


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "orders [1]*.parquet"  # signs that a glob would take for wildcards
    frame = pl.DataFrame(
        {
            "_line": ["a ", " "],
            "amount": [Decimal("1.50"), None],
            "at": [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 2)],
        }
    )
    frame.write_parquet(path)
    return path


def test_types_are_kept_and_text_is_trimmed(path):
    found = read_parquet(path)
    assert found.frame.rows() == [
        (0, "a", Decimal("1.50"), dt.datetime(2024, 1, 1), 1),
        (1, None, None, dt.datetime(2024, 1, 2), 2),
    ]
    assert set(found.frame.columns) == {"_line", "amount", "at", RECORD, LINE}


def test_the_original_is_the_row_as_json(path):
    [text] = read_parquet(path).original_text(pl.Series([1]))
    assert json.loads(text)["_line"] == " "


@pytest.mark.parametrize("damage", [b"", b"no Parquet", b"PAR1" + b"\x00" * 40 + b"PAR1"])
def test_a_damaged_file_is_an_error(tmp_path, damage):
    path = tmp_path / "x.parquet"
    path.write_bytes(damage)
    with pytest.raises(UnreadableFileError, match="no readable Parquet"):
        read_parquet(path)


def test_a_file_that_is_cut_off_or_flipped_is_an_error_or_reads(path):
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        with suppress(UnreadableFileError):
            read_parquet(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableFileError):
        read_parquet(path)
