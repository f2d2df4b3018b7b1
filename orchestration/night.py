"""One night, run in this process through the nightly job, and what came of it.

The same job as the schedule's, in the same Dagster instance: the run is in the UI's list.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._utils.error import SerializableErrorInfo

from orchestration.assets.dbt import PROJECT
from orchestration.definitions import build_definitions
from orchestration.instance import end_dead_runs, open_instance
from orchestration.keys import PUBLICATION
from orchestration.names import AS_OF, BY_COMMAND, NIGHTLY
from orchestration.resources import Company, ProgressDisplay
from orchestration.schedules import run_config
from orchestration.wording import failed_check, failed_step
from pipelines.companies import make_room
from pipelines.home import Home
from pipelines.settings import Settings
from pipelines.transformation import cancel
from pipelines.turn import turn

# Every event is in Dagster's event log; on the terminal it would run over the progress.
_NO_CONSOLE_LOG = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

_FAILED_ROWS = "dagster_dbt/failed_row_count"

OnEvent = Callable[[dg.DagsterEvent], None]


@dataclass
class NightResult:
    """What a night came to.

    ``published`` is the new version's name; None: nothing was published. A night can fail after that: where
    what is published was to go to other places as well.
    """

    run_id: str
    as_of: dt.date
    seconds: float = 0.0
    published: str | None = None
    succeeded: bool = True
    failures: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def run_night(
    settings: Settings,
    home: Home,
    as_of: dt.date,
    *,
    report: Callable[[str, int, int], None] | None = None,
    on_event: OnEvent | None = None,
    project: Path = PROJECT,
) -> NightResult:
    """Run the nightly job and wait for it.

    Args:
        report: told how far long steps are: (what, done, total).
        on_event: told every Dagster event, for a progress display.
        project: the dbt project; a test hands in one that is wrong on purpose.

    Raises:
        WarehouseBusyError: another run is at work.
    """
    started = dt.datetime.now(dt.UTC)
    # The whole run has its turn here already; a scheduled one, in a process of its own, takes it as a resource.
    overrides: dict[str, Any] = {"company": dg.ResourceDefinition.hardcoded_resource(Company(settings, home))}
    if report is not None:
        overrides["display"] = dg.ResourceDefinition.hardcoded_resource(ProgressDisplay(report))
    with turn(home), open_instance(home, settings.path) as instance:
        room = make_room(home, settings)
        end_dead_runs(instance)
        definitions = build_definitions(settings, home, project=project, **overrides)
        run_id = str(uuid.uuid4())
        if on_event is not None:
            instance.add_event_listener(
                run_id, lambda entry: entry.is_dagster_event and on_event(entry.dagster_event)
            )
        with _quiet(home):
            executed = definitions.resolve_job_def(NIGHTLY).execute_in_process(
                run_config=run_config(as_of) | _NO_CONSOLE_LOG,
                instance=instance,
                run_id=run_id,
                raise_on_error=False,
                tags={AS_OF: as_of.isoformat(), BY_COMMAND: "kizuna run"},
            )
        result = NightResult(run_id, as_of, warnings=[room] if room else [])
        for event in executed.all_events:
            _take(event, result)
    result.seconds = (dt.datetime.now(dt.UTC) - started).total_seconds()
    result.succeeded = executed.success
    if not executed.success:
        result.failures = result.failures or ["the run failed; its events are in the UI"]
    return result


@contextmanager
def _quiet(home: Home) -> Iterator[None]:
    """What dbt says on the way goes to a file: the terminal has the progress and the summary. It ends with the run."""
    home.dbt.mkdir(parents=True, exist_ok=True)
    with (home.dbt / "night.log").open("w", encoding="utf-8") as log, redirect_stdout(log):
        try:
            yield
        finally:
            cancel()


def _take(event: dg.DagsterEvent, result: NightResult) -> None:
    if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        check = event.asset_check_evaluation_data
        if not check.passed:
            found = result.failures if check.severity == dg.AssetCheckSeverity.ERROR else result.warnings
            rows = check.metadata.get(_FAILED_ROWS)
            found.extend(
                failed_check(
                    ".".join(check.asset_key.path),
                    check.check_name,
                    check.description,
                    int(rows.value) if rows is not None else None,
                )
            )
    elif event.event_type == dg.DagsterEventType.STEP_FAILURE:
        line = failed_step(str(event.step_key), list(_chain(event.step_failure_data.error)))
        if line is not None:
            result.failures.append(line)
    elif event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION and event.asset_key == PUBLICATION:
        result.published = str(event.materialization.metadata["version"].value)


def _chain(error: SerializableErrorInfo | None) -> Iterator[tuple[str | None, str]]:
    while error is not None:
        yield error.cls_name, error.message
        error = error.cause
