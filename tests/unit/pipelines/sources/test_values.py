"""Texts to typed values: read rightly or not at all."""

from __future__ import annotations

import datetime as dt
import re
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.contracts import Kind
from pipelines.sources.values import parsed

PLAIN_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
PLAIN_INTEGER = re.compile(r"[+-]?[0-9]+(\.0+)?", re.ASCII)
BERLIN = "Europe/Berlin"


def read(kind: Kind, *values: object, format_: str | None = None, zone: str = "UTC") -> list[object]:
    """Each value as it is read; ``"no"`` where it is something, but none of that kind."""
    dtype = pl.String if all(isinstance(value, str | None) for value in values) else None
    typed, unusable = parsed(pl.Series(values, dtype=dtype), kind, format_, zone)
    assert typed.dtype == kind.polars
    bad = [False] * len(values) if unusable is None else unusable.to_list()
    return ["no" if is_bad else value for value, is_bad in zip(typed.to_list(), bad, strict=True)]


@given(st.lists(st.text("0123456789+-.eE,_ x１", min_size=1, max_size=8), min_size=1, max_size=20))
@settings(max_examples=150, deadline=None)
def test_a_decimal_is_what_plainly_is_one(texts):
    for text, found in zip(texts, read(Kind.DECIMAL, *texts), strict=True):
        if not PLAIN_DECIMAL.fullmatch(text):
            assert found == "no", text
            continue
        exact = Decimal(text)
        if exact and exact.adjusted() > 13:
            assert found == "no", text
        elif exact and exact.adjusted() < -20:
            assert found in (0, "no"), text
        else:
            assert found == exact.quantize(Decimal("0.0001"), ROUND_HALF_EVEN), text


@pytest.mark.parametrize(
    "text",
    [
        "1,000.5",
        "1.000,50",
        "1,5",
        "１２３",
        "1_000",
        "1 000",
        "1'000",
        "€5",
        "5%",
        "(5)",
        "5-",
        "nan",
        "inf",
        "0x10",
        "--1",
        "1.2.3",
    ],
)
def test_a_number_written_otherwise_is_never_misread(text):
    assert read(Kind.DECIMAL, text) == ["no"]
    assert read(Kind.INTEGER, text) == ["no"]


def test_a_decimal_is_rounded_half_to_even_and_never_overflows():
    assert read(Kind.DECIMAL, "1.00005", "0.00015", "99999999999999.9999", "100000000000000", None) == [
        Decimal("1.0000"),
        Decimal("0.0002"),
        Decimal("99999999999999.9999"),
        "no",
        None,
    ]
    assert read(Kind.DECIMAL, 0.1, 2.675, float("nan"), float("inf")) == [
        Decimal("0.1"),
        Decimal("2.675"),
        "no",
        "no",
    ]


@given(st.lists(st.text("0123456789+-.e ", min_size=1, max_size=7) | st.integers().map(str), min_size=1))
@settings(max_examples=80, deadline=None)
def test_an_integer_is_what_plainly_is_one(texts):
    for text, found in zip(texts, read(Kind.INTEGER, *texts), strict=True):
        fits = PLAIN_INTEGER.fullmatch(text) and abs(int(text.split(".")[0])) < 2**63
        assert found == (int(text.split(".")[0]) if fits else "no")


def test_whole_numbers_of_spreadsheets_are_integers():
    assert read(Kind.INTEGER, "17850.0", "17850.5", "007") == [17850, "no", 7]
    assert read(Kind.INTEGER, 1.0, 1.5, 1e30) == [1, "no", "no"]


def test_booleans():
    assert read(Kind.BOOLEAN, "true", "T", "YES", "y", "1", "False", "f", "no", "N", "0", "2", "ja") == [
        *[True] * 5,
        *[False] * 5,
        "no",
        "no",
    ]
    assert read(Kind.BOOLEAN, True, None) == [True, None]
    assert read(Kind.BOOLEAN, 1, 0, 2) == [True, False, "no"]


@given(st.lists(st.dates(dt.date(1000, 1, 1)), min_size=1, max_size=10))
@settings(max_examples=40, deadline=None)
def test_dates_in_every_iso_form(days):
    for form in ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d"):
        assert read(Kind.DATE, *(day.strftime(form) for day in days)) == days


@pytest.mark.parametrize(
    "text",
    [
        "2023-02-29",
        "29.02.2024",
        "2024-02",
        "2024-13-01",
        "240229",
        "2024-02-29x",
        "0000-00-00",
        "0000-01-01",
        "0024-01-01",
        "10000-01-01",
        "10/11/12",
    ],
)
def test_a_day_that_is_none(text):
    assert read(Kind.DATE, text) == ["no"]
    assert read(Kind.TIMESTAMP, text) == ["no"]


def test_a_declared_format_alone_is_read():
    assert read(Kind.DATE, "1/2/2024", "2024-02-01", "31/4/2024", format_="%d/%m/%Y") == [
        dt.date(2024, 2, 1),
        "no",
        "no",
    ]
    found = read(Kind.TIMESTAMP, "29/02/2024 1:05", "29/02/2024", format_="%d/%m/%Y %H:%M", zone=BERLIN)
    assert found == [dt.datetime(2024, 2, 29, 0, 5), "no"]
    offset = read(Kind.TIMESTAMP, "29/02/2024 +0200", "x", format_="%d/%m/%Y %z", zone=BERLIN)
    assert offset == ["no", "no"] or offset == [dt.datetime(2024, 2, 28, 22), "no"]


def test_a_two_digit_year_under_a_four_digit_format_is_no_year_of_antiquity():
    assert read(Kind.DATE, "29/2/24", format_="%d/%m/%Y") == ["no"]


@given(st.lists(st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2037, 1, 1)), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_times_are_utc_as_python_computes_it(times):
    for zone in (BERLIN, "America/New_York", "Asia/Tokyo", "UTC"):

        def in_utc(time: dt.datetime, zone: str = zone) -> dt.datetime:
            return time.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC).replace(tzinfo=None)

        assert read(Kind.TIMESTAMP, *(time.isoformat(" ") for time in times), zone=zone) == [
            in_utc(time) for time in times
        ]
    shifted = [time.replace(tzinfo=dt.timezone(dt.timedelta(hours=-5, minutes=-30))) for time in times]
    assert read(Kind.TIMESTAMP, *(time.isoformat() for time in shifted), zone=BERLIN) == [
        time.astimezone(dt.UTC).replace(tzinfo=None) for time in shifted
    ]


def test_an_hour_that_the_clocks_skip_or_repeat():
    assert read(Kind.TIMESTAMP, "2024-03-31 02:30:00", "2024-10-27 02:30:00", zone=BERLIN) == [
        dt.datetime(2024, 3, 31, 1, 30),  # 03:30 summer time, the hour after
        dt.datetime(2024, 10, 27, 0, 30),  # the first of the two
    ]


def test_offsets_win_over_the_zone_and_stand_beside_times_without():
    assert read(
        Kind.TIMESTAMP,
        "2024-02-29T12:00:00Z",
        "2024-02-29T12:00:00.5+02:00",
        "2024-02-29 12:00:00 +0200",
        "2024-02-29 12:00",
        "2024-02-29",
        "soon",
        zone=BERLIN,
    ) == [
        dt.datetime(2024, 2, 29, 12),
        dt.datetime(2024, 2, 29, 10, 0, 0, 500_000),
        dt.datetime(2024, 2, 29, 10),
        dt.datetime(2024, 2, 29, 11),
        dt.datetime(2024, 2, 28, 23),
        "no",
    ]


def test_typed_columns_of_parquet():
    noon = dt.datetime(2024, 2, 29, 12)
    assert read(Kind.TIMESTAMP, noon, zone=BERLIN) == [dt.datetime(2024, 2, 29, 11)]
    assert read(Kind.TIMESTAMP, noon.replace(tzinfo=dt.UTC), zone=BERLIN) == [noon]
    assert read(Kind.DATE, noon) == [noon.date()]
    assert read(Kind.DATE, 20240229) == [noon.date()]
    assert read(Kind.TEXT, 17, None) == ["17", None]


@pytest.mark.parametrize("kind", [Kind.INTEGER, Kind.DECIMAL])
@pytest.mark.parametrize("value", [dt.date(2024, 1, 1), True])
def test_a_date_or_a_truth_is_no_number(kind, value):
    with pytest.raises(TypeError, match=kind.value):
        parsed(pl.Series([value]), kind, None, "UTC")


def test_json():
    assert read(Kind.JSON, '{"a": 1}', "[]", "{a: 1}", '{"a": 1', None) == [
        '{"a": 1}',
        "[]",
        "no",
        "no",
        None,
    ]
