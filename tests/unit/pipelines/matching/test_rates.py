"""Match rates over the nights, and the warning when one falls."""

from __future__ import annotations

import datetime as dt

import pytest

from pipelines.home import Home
from pipelines.matching.rates import remember_match_rates
from pipelines.warehouse import create_tables, open_warehouse

MONDAY = dt.date(2024, 1, 1)


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path).create()
    with open_warehouse(home) as connection:
        create_tables(connection)
        connection.execute(
            """create schema meta;
            create table meta.identity_match_rates (
                source varchar, record_type varchar, customer_match varchar, is_matched boolean, records bigint,
                records_7d bigint
            )"""
        )
    return home


def _night(home, as_of, *rows, warn_fall=0.1):
    with open_warehouse(home) as connection:
        connection.execute("delete from ops.run_settings; delete from meta.identity_match_rates")
        connection.execute("insert into ops.run_settings (as_of_date) values (?)", [as_of])
        for row in rows:
            connection.execute("insert into meta.identity_match_rates values (?, ?, ?, ?, ?, ?)", row)
    return remember_match_rates(home, warn_fall)


def _week(matched, unmatched, source="tool"):
    return (
        (source, "response", "email", True, 10_000, matched),
        (source, "response", "no reference", False, 100, unmatched),
        (source, "response", "colleague", None, 500, 500),
    )


def test_a_rate_is_of_those_who_can_be_matched(home):
    (rate,) = _night(home, MONDAY, *_week(90, 10)).now
    assert (rate.records, rate.matched, rate.share_7d) == (10_100, 10_000, 0.9)


def test_a_sharp_fall_is_told_with_both_rates(home):
    _night(home, MONDAY, *_week(90, 10), *_week(90, 10, "other"))
    found = _night(home, MONDAY + dt.timedelta(1), *_week(75, 25), *_week(85, 15, "other"))
    (fall,) = found.falls
    assert fall.message.startswith(
        "tool (responses): 75% of the last seven days' records found their person, 90% as of"
    )
    assert [rate.as_of.day for rate in found.history if rate.source == "tool"] == [2, 1]


@pytest.mark.parametrize(
    ("before", "now"), [((90, 10), (81, 19)), ((9, 1), (0, 10)), ((90, 10), (0, 0)), ((10, 90), (90, 10))]
)
def test_small_falls_small_numbers_and_rises_are_not_told(home, before, now):
    _night(home, MONDAY, *_week(*before))
    assert _night(home, MONDAY + dt.timedelta(1), *_week(*now)).falls == []


def test_a_night_that_is_run_again_replaces_itself_and_is_compared_with_the_night_before(home):
    _night(home, MONDAY, *_week(90, 10))
    _night(home, MONDAY + dt.timedelta(1), *_week(50, 50))
    again = _night(home, MONDAY + dt.timedelta(1), *_week(50, 50))
    assert len(again.falls) == 1
    assert [rate.matched_7d for rate in again.history] == [50, 90]


def test_an_earlier_business_date_is_not_compared_with_a_later_one(home):
    _night(home, MONDAY + dt.timedelta(1), *_week(90, 10))
    found = _night(home, MONDAY, *_week(50, 50))
    assert found.falls == []
    assert len(found.history) == 1


def test_a_source_that_stopped_is_neither_now_nor_fallen(home):
    _night(home, MONDAY, *_week(90, 10))
    found = _night(home, MONDAY + dt.timedelta(1))
    assert (found.now, found.falls, len(found.history)) == ([], [], 1)
