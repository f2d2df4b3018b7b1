"""What assets are handed: the settings, the state folder, the business date, the progress display.

Belongs here: Dagster resources. A test swaps any of them in ``build_definitions``, without patching.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg

from orchestration.instance import end_dead_runs, note_process
from orchestration.jobs import ARRIVALS
from pipelines.companies import make_room
from pipelines.home import Home
from pipelines.settings import Settings
from pipelines.transformation import cancel
from pipelines.turn import turn


@dataclass(frozen=True)
class Company:
    """The validated settings and the state folder of one company."""

    settings: Settings
    home: Home


def in_turn(company: Company) -> dg.ResourceDefinition:
    """The company, for one run at a time: the resource lives as long as the run, and so does its turn."""

    @contextmanager
    def held(context: dg.InitResourceContext) -> Iterator[Company]:
        run_id = context.run.run_id if context.run else None
        if context.instance is not None and run_id is not None:
            note_process(context.instance, run_id)
        is_brief = context.run is not None and context.run.job_name == ARRIVALS
        with turn(company.home, wait=context.log.info if context.log else print, brief=is_brief):
            make_room(company.home, company.settings)
            if context.instance is not None:
                end_dead_runs(context.instance, run_id)
            try:
                yield company
            finally:
                cancel()

    return dg.ResourceDefinition(
        held,
        description="The company of kizuna.yml and its state folder, for one run at a time: a run waits here for its "
        "turn while another one is at work.",
    )


def night_of(run: dg.DagsterRun) -> str:
    """The night that a run belongs to: its own, or that of the run which it goes on from."""
    return run.root_run_id or run.run_id


class BusinessDate(dg.ConfigurableResource):
    """The date all marts are computed for. Empty: yesterday in the company's time zone."""

    as_of: str = ""

    def resolve(self, settings: Settings) -> dt.date:
        """The date of this run.

        Raises:
            ValueError: ``as_of`` is no date.
        """
        if self.as_of:
            return dt.date.fromisoformat(self.as_of)
        return settings.default_as_of(dt.datetime.now(dt.UTC))


@dataclass(frozen=True)
class ProgressDisplay:
    """Where long steps report how far they are: (what, done, total). In the UI nobody listens."""

    report: Callable[[str, int, int], None] = lambda _what, _done, _total: None
