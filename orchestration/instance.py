"""The Dagster instance inside the state folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from orchestration.keys import CONFIG_VARIABLE, WRITER_POOL
from pipelines.home import Home

BY_COMMAND = "kizuna/command_line"  # tag of runs that live in the process of `kizuna run`

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
    """The instance that the UI shows too."""
    os.environ.update(prepare_environment(home, config))
    with dg.DagsterInstance.get() as instance:
        yield instance


def end_dead_runs(instance: dg.DagsterInstance, own_run_id: str | None = None) -> None:
    """Close the runs whose process is gone, and free the slots that they held in the writers' pool.

    Only for who has the turn: then no other run can be at work. One that waits for its turn has not begun a step.
    """
    storage = instance.event_log_storage
    pool = storage.get_concurrency_info(WRITER_POOL)
    for run_id in {slot.run_id for slot in pool.claimed_slots} | {step.run_id for step in pool.pending_steps}:
        if run_id != own_run_id:
            storage.free_concurrency_slots_for_run(run_id)
    unfinished = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=list(unfinished))):
        waits = BY_COMMAND not in run.tags and not instance.get_run_step_stats(run.run_id)
        if run.run_id != own_run_id and not waits:
            instance.report_run_failed(
                run, "The process of this run is gone: it was killed, or the machine went down."
            )
