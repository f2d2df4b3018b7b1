"""The Dagster instance inside the state folder."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg

from orchestration.keys import CONFIG_VARIABLE, WRITER_POOL
from orchestration.names import BY_COMMAND, PROCESS
from pipelines.home import Home

# Between Dagster's start of a run and its wait for the turn lie imports: seconds, a minute on a loaded machine.
_START = dt.timedelta(minutes=10)

_INSTANCE_SETTINGS = """\
# Written by Kizuna at every start; edit orchestration/instance.py instead.
telemetry:
  enabled: false
nux:
  enabled: false
event_log_storage:
  module: orchestration.event_log
  class: EventLog
  config:
    base_dir: {event_log}
# DuckDB lets one process write: writers queue for the one slot of their pool.
concurrency:
  pools:
    default_limit: 1
    granularity: op
# A run that was killed would hold its slot for ever.
run_monitoring:
  enabled: true
  free_slots_after_run_end_seconds: 60
# The sensor looks thousands of times a day, and each look that found nothing is kept with its cursor.
retention:
  sensor:
    purge_after_days:
      skipped: 1
"""


def prepare_environment(home: Home, config: Path) -> dict[str, str]:
    """Write the instance's settings; the variables under which Dagster finds them and the company."""
    home.create()
    event_log = json.dumps(str(home.dagster / "history" / "runs"))  # quoted as YAML wants it too
    settings = _INSTANCE_SETTINGS.format(event_log=event_log)
    (home.dagster / "dagster.yaml").write_text(settings, encoding="utf-8")
    return {
        "DAGSTER_HOME": str(home.dagster),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "KIZUNA_HOME": str(home.root),
        CONFIG_VARIABLE: str(config.resolve()),
    }


@contextmanager
def open_instance(home: Home, config: Path) -> Iterator[dg.DagsterInstance]:
    """The instance that the UI shows too. The environment names it, and the company, while it is open."""
    variables = prepare_environment(home, config)
    before = {name: os.environ[name] for name in variables if name in os.environ}
    os.environ.update(variables)
    try:
        with dg.DagsterInstance.get() as instance:
            yield instance
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(before)


def end_dead_runs(instance: dg.DagsterInstance, own_run_id: str | None = None) -> None:
    """Close the runs whose process is gone, and free the slots that they held in the writers' pool.

    Only for who has the turn: then no other run can be at work. One that waits for its turn has not begun a step,
    and its process lives.
    """
    storage = instance.event_log_storage
    pool = storage.get_concurrency_info(WRITER_POOL)
    for run_id in {slot.run_id for slot in pool.claimed_slots} | {step.run_id for step in pool.pending_steps}:
        if run_id != own_run_id:
            storage.free_concurrency_slots_for_run(run_id)
    unfinished = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
    for record in instance.get_run_records(filters=dg.RunsFilter(statuses=list(unfinished))):
        run = record.dagster_run
        if run.run_id != own_run_id and not _waits(instance, record):
            instance.report_run_failed(
                run, "The process of this run is gone: it was killed, or the machine went down."
            )


def note_process(instance: dg.DagsterInstance, run_id: str) -> None:
    """Say which process a run lives in, before it waits for its turn."""
    instance.add_run_tags(run_id, {PROCESS: str(os.getpid())})


def _waits(instance: dg.DagsterInstance, record: dg.RunRecord) -> bool:
    run = record.dagster_run
    if BY_COMMAND in run.tags or instance.get_run_step_stats(run.run_id):
        return False
    if PROCESS in run.tags:
        return _lives(int(run.tags[PROCESS]))
    started = dt.datetime.fromtimestamp(record.start_time or 0, dt.UTC)
    return dt.datetime.now(dt.UTC) - started < _START


def _lives(process: int) -> bool:
    with suppress(PermissionError):  # somebody else's: it lives
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
    return True
