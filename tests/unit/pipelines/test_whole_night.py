"""Nothing is published but what one night has built and checked as a whole."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipelines import whole_night
from pipelines.home import Home
from pipelines.publication import PublicationError

NIGHT, OTHER = "first run", "other run"
FOUND = [{"table": "kpi.x", "day": dt.date(2024, 2, 29)}]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """After a night that has built and checked everything."""
    home = Home(tmp_path)
    whole_night.begin_tables(home, NIGHT)
    whole_night.add_tables(home, NIGHT, whole=True)
    whole_night.remember_checks(home, NIGHT, FOUND)
    return home


def test_what_was_checked_is_kept_for_the_runs_of_one_night(home: Home) -> None:
    assert whole_night.checks_of(home, NIGHT) == [{"table": "kpi.x", "day": "2024-02-29"}]


def test_before_the_first_night_there_is_nothing_to_publish(tmp_path: Path) -> None:
    with pytest.raises(PublicationError, match="Run the job nightly"):
        whole_night.checks_of(Home(tmp_path), NIGHT)


def test_another_run_publishes_nothing_of_this_night(home: Home) -> None:
    with pytest.raises(PublicationError, match="not those of one whole night"):
        whole_night.checks_of(home, OTHER)


def test_tables_that_are_built_after_the_checks_are_checked_again(home: Home) -> None:
    whole_night.add_tables(home, NIGHT, whole=True)
    with pytest.raises(PublicationError, match="not all tables were checked"):
        whole_night.checks_of(home, NIGHT)
    whole_night.remember_checks(home, NIGHT, [])
    assert whole_night.checks_of(home, NIGHT) == []


@pytest.mark.parametrize(("run", "whole"), [(OTHER, True), (NIGHT, False)])
def test_a_night_that_somebody_changed_in_part_cannot_go_on(home: Home, run: str, whole: bool) -> None:
    whole_night.add_tables(home, run, whole=whole)
    whole_night.add_tables(home, NIGHT, whole=True)
    whole_night.remember_checks(home, NIGHT, FOUND)
    for night in (NIGHT, OTHER):
        with pytest.raises(PublicationError, match="not those of one whole night"):
            whole_night.checks_of(home, night)
    whole_night.begin_tables(home, OTHER)
    whole_night.remember_checks(home, OTHER, FOUND)
    assert whole_night.checks_of(home, OTHER)
