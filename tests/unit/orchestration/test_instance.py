"""Runs whose process is gone are closed, and hold no slot of the writers' pool."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from pathlib import Path

import dagster as dg
import pytest

from orchestration.instance import BY_COMMAND, PROCESS, end_dead_runs, note_process, open_instance
from orchestration.keys import CONFIG_VARIABLE, WRITER_POOL
from pipelines.home import Home


@pytest.fixture
def instance(tmp_path: Path):
    with open_instance(Home(tmp_path), tmp_path / "kizuna.yml") as instance:
        yield instance


def _run(instance: dg.DagsterInstance, run_id: str, **tags: str) -> None:
    @dg.job
    def some_job() -> None:
        pass

    run = instance.create_run_for_job(some_job, run_id=run_id, tags=tags)
    instance.report_dagster_event(
        dg.DagsterEvent(event_type_value="PIPELINE_START", job_name="some_job"), run_id=run.run_id
    )


def test_the_environment_is_as_before_however_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two nights of one process may be of two companies: the second must not find the first."""
    monkeypatch.setenv("KIZUNA_HOME", "elsewhere")
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)
    before = dict(os.environ)
    seen = {}

    def a_night_that_fails() -> None:
        with open_instance(Home(tmp_path), tmp_path / "kizuna.yml"):
            seen.update(os.environ)
            raise RuntimeError("no disk left")

    with pytest.raises(RuntimeError, match="no disk left"):
        a_night_that_fails()
    assert seen[CONFIG_VARIABLE] == str(tmp_path / "kizuna.yml")
    assert seen["KIZUNA_HOME"] == str(tmp_path)
    assert dict(os.environ) == before


def test_a_dead_run_fails_and_frees_its_slot(instance: dg.DagsterInstance) -> None:
    run_id = "00000000-0000-0000-0000-000000000001"
    _run(instance, run_id, **{BY_COMMAND: "kizuna run"})
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default(WRITER_POOL)
    assert storage.claim_concurrency_slot(WRITER_POOL, run_id, "step").is_claimed
    assert not storage.claim_concurrency_slot(WRITER_POOL, "another", "step").is_claimed

    end_dead_runs(instance)

    assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.FAILURE
    assert storage.claim_concurrency_slot(WRITER_POOL, "the next", "step").is_claimed


def test_a_run_that_waits_for_its_turn_is_left_alone(instance: dg.DagsterInstance) -> None:
    run_id = "00000000-0000-0000-0000-000000000002"
    _run(instance, run_id)
    note_process(instance, run_id)
    end_dead_runs(instance)
    assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.STARTED


def test_a_run_whose_process_died_while_it_waited_fails(instance: dg.DagsterInstance) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    run_id = "00000000-0000-0000-0000-000000000003"
    _run(instance, run_id, **{PROCESS: str(gone.pid)})
    end_dead_runs(instance)
    assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.FAILURE


def test_a_run_that_has_only_just_started_may_still_be_importing(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = "00000000-0000-0000-0000-000000000004"
    _run(instance, run_id)
    end_dead_runs(instance)
    assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.STARTED
    monkeypatch.setattr("orchestration.instance._START", dt.timedelta(0))
    end_dead_runs(instance)
    assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.FAILURE
