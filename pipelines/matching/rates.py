"""Match rates over the nights, and which of them fell.

Belongs here: keeping what ``meta.identity_match_rates`` said in earlier nights, and comparing. Does not: the rates
themselves, which are dbt's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipelines.home import Home
from pipelines.matching.tables import create_tables
from pipelines.warehouse import open_warehouse

_FEWEST_RECORDS = 30  # with fewer in a week, three more or less move the rate by ten points
_SHOWN_NIGHTS = 14  # two weeks: every day of the week twice


@dataclass(frozen=True)
class MatchRate:
    """How many records of one source and kind found their person by a business date; colleagues do not count."""

    as_of: dt.date
    source: str
    record_type: str
    records: int
    matched: int
    records_7d: int  # of the seven days up to the business date
    matched_7d: int

    @property
    def share(self) -> float | None:
        return self.matched / self.records if self.records else None

    @property
    def share_7d(self) -> float | None:
        return self.matched_7d / self.records_7d if self.records_7d else None

    @property
    def name(self) -> str:
        return f"{self.source} ({self.record_type}s)"


@dataclass(frozen=True)
class Fall:
    """A rate of the last seven days that fell since the night before."""

    before: MatchRate
    now: MatchRate

    @property
    def message(self) -> str:
        return (
            f"{self.now.name}: {self.now.share_7d:.0%} of the last seven days' records found their person, "
            f"{self.before.share_7d:.0%} as of {self.before.as_of}: look at customer_match in "
            f"meta.identity_match_rates, and whether an export lost a column of references"
        )


@dataclass(frozen=True)
class MatchRates:
    """The rates of this night, newest nights of each source and kind first in ``history``, and what fell."""

    now: Sequence[MatchRate]
    history: Sequence[MatchRate]
    falls: Sequence[Fall]


def remember_match_rates(home: Home, warn_fall: float) -> MatchRates:
    """Keep the rates of the business date in the warehouse and compare them with the newest earlier date's.

    A night that is run again replaces its own rates. A fall counts where both weeks have enough records.

    Args:
        warn_fall: the fall of a rate, 0..1, from which on it is told.
    """
    with open_warehouse(home) as connection:
        create_tables(connection)
        connection.execute("begin")
        connection.execute(
            "delete from matching.rates where as_of_date = (select as_of_date from ops.run_settings)"
        )
        connection.execute(
            """insert into matching.rates
            select as_of_date, source, record_type, sum(records), coalesce(sum(records) filter (where is_matched), 0),
                sum(records_7d), coalesce(sum(records_7d) filter (where is_matched), 0)
            from meta.identity_match_rates, ops.run_settings
            where is_matched is not null
            group by all"""
        )
        connection.execute("commit")
        rows = connection.execute(
            """select rates.* from matching.rates, ops.run_settings as run_settings
            where rates.as_of_date <= run_settings.as_of_date
            qualify row_number() over (partition by source, record_type order by rates.as_of_date desc) <= ?
            order by source, record_type, rates.as_of_date desc""",
            [_SHOWN_NIGHTS],
        ).fetchall()
        [[as_of]] = connection.execute("select as_of_date from ops.run_settings").fetchall()
    history = [MatchRate(*row) for row in rows]
    return MatchRates(
        now=[rate for rate in history if rate.as_of == as_of],
        history=history,
        falls=[
            Fall(before, now)
            for now, before in pairwise(history)
            if now.as_of == as_of and now.name == before.name and _fell(before, now, warn_fall)
        ],
    )


def _fell(before: MatchRate, now: MatchRate, warn_fall: float) -> bool:
    if min(before.records_7d, now.records_7d) < _FEWEST_RECORDS:
        return False
    return before.matched_7d / before.records_7d - now.matched_7d / now.records_7d > warn_fall
