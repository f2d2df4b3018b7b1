"""Progress of a night in the terminal: one line per step, from Dagster's own events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    import dagster as dg

_STEPS = {
    "raw_tables": "keys and settings of the night",
    "raw_gate": "checking what came in",
    "dbt_inputs": "building what estimates are fitted on",
    "lifetime_value": "fitting the models of lifetime value",
    "dbt_models": "building the models",
    "published_gate": "checking what is to be published",
    "publication": "publishing",
    "documentation": "describing what is published",
}


def words_of_step(step: str) -> str:
    """What a step of the night does, in words."""
    source = step.removeprefix("sources__")
    return f"reading {source}" if source != step else _STEPS.get(step, step.replace("_", " "))


class Display:
    """Turns reports of long steps and Dagster's events into lines with bars."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._reporting: str | None = None

    def report(self, what: str, done: int, total: int) -> None:
        """A step tells how far it is; ``total`` 0: nobody knows. The step before it is over."""
        if self._reporting not in (None, what):
            self._finish(self._reporting)
        self._reporting = what
        self._progress.update(self._task(what), completed=done, total=total or None)

    def on_event(self, event: dg.DagsterEvent) -> None:
        """Follow the steps of a run."""
        name = _STEPS.get(event.step_key or "")
        if name is None:
            return
        kind = event.event_type.value
        if kind == "STEP_START":
            self._task(name)
            if self._reporting is not None:
                self._finish(self._reporting)
                self._reporting = None
        elif kind in ("ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION"):
            self._progress.advance(self._task(name))
        elif kind in ("STEP_SUCCESS", "STEP_FAILURE"):
            self._finish(name)

    def finish(self) -> None:
        for name in list(self._tasks):
            self._finish(name)

    def _task(self, name: str) -> TaskID:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=None)
        return self._tasks[name]

    def _finish(self, name: str) -> None:
        task = self._progress.tasks[self._progress.task_ids.index(self._task(name))]
        if task.stop_time is None:
            self._progress.update(task.id, total=task.completed or 1, completed=task.completed or 1)
            self._progress.stop_task(task.id)


@contextmanager
def step_progress(console: Console) -> Iterator[Display]:
    """Show progress while the block runs; a file or a mail from cron gets none."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        display = Display(progress)
        yield display
        display.finish()
