"""The company's time: days since its first day, in local wall-clock time, and when people buy.

All of the demo counts time in days (float) since midnight of the first day in the company's time zone.
The tills are closed from two to three in the night, so no local time is ever skipped or doubled by a
clock change.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

ZONE_NAME = "Europe/Berlin"
SECONDS_PER_DAY = 86400
HOURS_PER_DAY = 24
MONTHS_PER_YEAR = 12
# Purchases by hour of the day, weekday (Monday first) and month, relative to the mean.
_HOURS = np.array(
    [2, 1, 0, 1, 1, 2, 5, 12, 25, 42, 55, 60, 58, 50, 48, 52, 60, 66, 62, 52, 44, 36, 20, 8], float
)
_WEEKDAYS = np.array([0.95, 0.90, 0.92, 0.98, 1.12, 1.35, 0.78])
_MONTHS = np.array([0.90, 0.90, 0.97, 1.00, 1.02, 0.98, 0.95, 0.92, 0.98, 1.02, 1.12, 1.24])


@dataclass(frozen=True)
class Calendar:
    """``months`` calendar months; the last one ends early where ``end`` is not its last day."""

    end: dt.date  # last day, included
    months: int

    @cached_property
    def start(self) -> dt.date:
        return self._first_of_month(0)

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    @cached_property
    def month_starts(self) -> NDArray[np.int64]:
        """Days since the start of the first of each month, and of the month after the last; months + 1 values."""
        return np.array([(self._first_of_month(m) - self.start).days for m in range(self.months + 1)])

    def _first_of_month(self, number: int) -> dt.date:
        absolute = self.end.year * MONTHS_PER_YEAR + self.end.month - 1 - (self.months - 1) + number
        return dt.date(absolute // MONTHS_PER_YEAR, absolute % MONTHS_PER_YEAR + 1, 1)

    def month_name(self, number: int) -> str:
        """``2024-10``."""
        return self._first_of_month(number).strftime("%Y-%m")

    def month_of(self, day: NDArray[np.float64]) -> NDArray[np.int64]:
        """Number of the month, 0 .. months - 1; times outside belong to the nearest."""
        return np.clip(np.searchsorted(self.month_starts, day, side="right") - 1, 0, self.months - 1)

    def date_of(self, day: float) -> dt.date:
        return self.start + dt.timedelta(days=int(day))

    def local(self, day: NDArray[np.float64]) -> NDArray[np.datetime64]:
        """Naive local times, whole seconds; NaN gives NaT."""
        known = np.isfinite(day)
        seconds = np.floor(np.where(known, day, 0.0) * SECONDS_PER_DAY).astype("timedelta64[s]")
        times = np.datetime64(self.start, "s") + seconds
        return np.where(known, times, np.datetime64("NaT", "s")).astype("datetime64[us]")

    def utc(self, day: NDArray[np.float64]) -> NDArray[np.datetime64]:
        """Naive UTC times, whole seconds; NaN gives NaT."""
        changes, offsets = self._clock_changes
        offset = offsets[np.searchsorted(changes, np.nan_to_num(day), side="right")]
        return self.local(day - offset)

    @cached_property
    def _clock_changes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Days at which the offset from UTC changes (at three in the night), and the offsets, in days."""
        zone = ZoneInfo(ZONE_NAME)
        reach = range(-2 * 366, self.days + 2 * 366)
        noons = [dt.datetime.combine(self.start + dt.timedelta(days=d), dt.time(12), zone) for d in reach]
        offset = np.array([noon.utcoffset().total_seconds() / SECONDS_PER_DAY for noon in noons])
        changed = np.flatnonzero(np.diff(offset)) + 1
        return np.array(reach)[changed] + 3 / HOURS_PER_DAY, offset[np.append(0, changed)]

    @cached_property
    def _demand(self) -> NDArray[np.float64]:
        """Demand accumulated up to the start of each hour, in days of mean demand."""
        dates = np.datetime64(self.start) + np.arange(self.days)
        months = dates.astype("datetime64[M]").astype(int) % MONTHS_PER_YEAR
        weekdays = (dates.astype("datetime64[D]").astype(int) + 3) % 7  # 1970-01-01 was a Thursday
        by_hour = np.outer(_MONTHS[months] * _WEEKDAYS[weekdays], _HOURS / _HOURS.sum())
        return np.append(0.0, np.cumsum(by_hour.ravel()))

    def after(self, day: NDArray[np.float64], busy_days: NDArray[np.float64]) -> NDArray[np.float64]:
        """The time at which ``busy_days`` of mean demand have gone by since ``day``.

        Beyond the last day of the calendar demand is even.
        """
        demand = self._demand
        hours = np.arange(len(demand)) / HOURS_PER_DAY
        overtime = np.maximum(day - self.days, 0.0)
        target = np.interp(day, hours, demand) + overtime + busy_days
        return np.interp(target, demand, hours) + np.maximum(target - demand[-1], 0.0)

    def open_hour(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """Time of day, as a share of a day, at which ``share`` of a day's purchases are made."""
        upper = np.append(0.0, np.cumsum(_HOURS) / _HOURS.sum())
        return np.interp(share, upper, np.arange(HOURS_PER_DAY + 1) / HOURS_PER_DAY)
