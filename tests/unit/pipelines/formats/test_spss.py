"""SPSS files: codes, dates and missing values as their author meant them, and no crash of the library is ours."""

from __future__ import annotations

import datetime as dt
import random
from contextlib import suppress

import pandas as pd
import pyreadstat
import pytest

from pipelines.formats import spss
from pipelines.formats.document import ReadOptions
from pipelines.formats.records import LINE, RECORD, UnreadableFileError


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("spss") / "survey.sav"
    answers = pd.DataFrame(
        {
            "id": [1.0, 2.0, 11385284375.0],
            "Q1": [5.0, 99.0, None],
            "Q2": [4.5, 1.0, 0.0],
            "comment": ["  hi  ", "", "日本"],
            "at": [dt.datetime(2024, 1, 31, 13, 45, 30), dt.datetime(2024, 2, 1), None],
            "day": [dt.date(2024, 1, 31), dt.date(1899, 5, 6), None],
        }
    )
    pyreadstat.write_sav(
        answers,
        str(path),
        column_labels=["", "How satisfied?", "", "", "", ""],
        variable_value_labels={"Q1": {1: "Very dissatisfied", 5: "Very satisfied", 99: "No answer"}},
        missing_ranges={"Q1": [99]},
    )
    return path


def test_values_are_text_and_what_is_declared_missing_is_none(path):
    found = spss.open_spss(path, ReadOptions()).records((), None)
    assert found.frame.drop(RECORD, LINE).rows() == [
        ("1", "5", "4.5", "hi", "2024-01-31 13:45:30", "2024-01-31"),
        ("2", None, "1", None, "2024-02-01 00:00:00", "1899-05-06"),
        ("11385284375", None, "0", "日本", None, None),
    ]
    assert found.frame[LINE].to_list() == [1, 2, 3]
    assert found.labels == {
        "Q1": "How satisfied? (1 = Very dissatisfied, 5 = Very satisfied, 99 = No answer)"
    }


def test_a_number_that_is_no_time_is_not_lost(tmp_path):
    path = tmp_path / "x.sav"
    pyreadstat.write_sav(pd.DataFrame({"at": [1e300]}), str(path), variable_format={"at": "DATETIME20"})
    assert spss.read_spss(path.read_bytes()).frame["at"].to_list() == ["1e+300"]


@pytest.mark.parametrize("damage", [b"", b"id,Q1\n1,5\n", b"$FL2" + b"\0" * 500])
def test_what_is_no_spss_file_is_an_error(damage):
    with pytest.raises(UnreadableFileError, match=r"is no SPSS file|cannot be read"):
        spss.read_spss(damage)


def test_a_file_cut_off_is_an_error(path):
    with pytest.raises(UnreadableFileError, match="cut off"):
        spss.read_spss(path.read_bytes()[:-20])


def test_a_file_on_which_the_library_dies_is_an_error(path, monkeypatch):
    program = path.with_name("spss_process.py")
    program.write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setattr(spss, "__file__", str(path))
    with pytest.raises(UnreadableFileError, match="damaged"):
        spss.read_spss(path.read_bytes())


def test_a_file_on_which_the_library_hangs_is_an_error(path, monkeypatch):
    path.with_name("spss_process.py").write_text("import time; time.sleep(60)")
    monkeypatch.setattr(spss, "__file__", str(path))
    monkeypatch.setattr(spss, "TIMEOUT_SECONDS", 0.2)
    with pytest.raises(UnreadableFileError, match="took longer"):
        spss.read_spss(path.read_bytes())


def test_flipped_bits_are_an_error_or_read(path):
    whole, places = path.read_bytes(), random.Random(3)
    for _ in range(12):
        flipped = bytearray(whole)
        for _ in range(20):
            flipped[places.randrange(len(flipped))] ^= 1 << places.randrange(8)
        with suppress(UnreadableFileError):
            spss.read_spss(bytes(flipped))
