from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.demo.calendar import ZONE_NAME, Calendar

CALENDAR = Calendar(dt.date(2026, 9, 30), 24)


def test_months_run_up_to_the_last_day():
    assert CALENDAR.start == dt.date(2024, 10, 1)
    assert CALENDAR.days == 730
    assert [CALENDAR.month_name(m) for m in (0, 2, 3, 23)] == ["2024-10", "2024-12", "2025-01", "2026-09"]
    assert CALENDAR.month_of(np.array([-3.0, 0.0, 30.999, 31.0, 729.9, 800.0])).tolist() == [
        0,
        0,
        0,
        1,
        23,
        23,
    ]


def test_a_last_month_may_end_early():
    calendar = Calendar(dt.date(2026, 2, 10), 6)
    assert (calendar.start, calendar.days) == (dt.date(2025, 9, 1), 163)


@given(st.integers(0, 729), st.integers(3 * 60, 26 * 60 - 1))
def test_utc_agrees_with_the_time_zone_database(day, minute):
    """Minutes from three in the night, when the clocks have been changed, to two in the next."""
    at = np.array([day + minute / 1440 + 1e-6])
    local = CALENDAR.local(at)[0].astype("datetime64[s]").item()
    expected = local.replace(tzinfo=ZoneInfo(ZONE_NAME)).astimezone(dt.UTC).replace(tzinfo=None)
    assert abs(CALENDAR.utc(at)[0].astype("datetime64[s]").item() - expected) <= dt.timedelta(seconds=1)


def test_an_unknown_time_stays_unknown():
    assert np.isnat(CALENDAR.local(np.array([np.nan]))[0])
    assert np.isnat(CALENDAR.utc(np.array([np.nan]))[0])


def test_nobody_buys_while_the_tills_are_closed():
    at = CALENDAR.after(np.zeros(50_000), np.linspace(0.001, 729, 50_000))
    hour = (at % 1) * 24
    assert not ((hour > 2.001) & (hour < 2.999)).any()


@pytest.mark.parametrize("start", [0.0, 300.5, 729.5, 900.0])
def test_more_demand_is_later(start):
    at = CALENDAR.after(np.full(100, start), np.linspace(0.01, 900, 100))
    assert (np.diff(at) > 0).all()
    assert at[0] > start
