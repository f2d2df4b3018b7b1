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

from orchestration.assets.dbt import PROJECT
from orchestration.definitions import build_definitions
from orchestration.instance import BY_COMMAND, end_dead_runs, open_instance
from orchestration.jobs import NIGHTLY
from orchestration.keys import PUBLICATION
from orchestration.resources import Company, ProgressDisplay
from orchestration.schedules import run_config
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
                tags={"kizuna/as_of": as_of.isoformat(), BY_COMMAND: "kizuna run"},
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
            table = ".".join(check.asset_key.path)
            found.extend((check.description or f"{table}: {_finding_of_test(check)}").splitlines())
    elif event.event_type == dg.DagsterEventType.STEP_FAILURE:
        if "AssetCheckFailed" not in (
            event.step_failure_data.error.cls_name or ""
        ):  # told by the check itself
            result.failures.append(f"{event.step_key}: {_cause(event)}")
    elif event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION and event.asset_key == PUBLICATION:
        result.published = str(event.materialization.metadata["version"].value)


def _finding_of_test(check: dg.AssetCheckEvaluation) -> str:
    """dbt's tests have no words of their own for a night: their name, what they counted, and where to look."""
    rows = check.metadata.get(_FAILED_ROWS)
    if rows is None:
        return check.check_name
    return f"the test {check.check_name} found {rows.value:,} rows; what it looks for is in dbt_project/"


def _cause(event: dg.DagsterEvent) -> str:
    """The innermost error of a failed step, which is ours and says how to mend it."""
    error = event.step_failure_data.error
    if error.cls_name == dg.DagsterExecutionInterruptedError.__name__:
        return "the run was cancelled"
    while error.cause is not None:
        error = error.cause
    return error.message.strip().split(": ", 1)[-1]
