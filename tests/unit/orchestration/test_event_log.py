"""The event log keeps what Dagster's own class keeps, in the same files."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from orchestration.event_log import EventLog
from orchestration.instance import open_instance
from pipelines.home import Home


@dg.asset
def table() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": 3})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).create()


def _materialized_in(instance: dg.DagsterInstance) -> str:
    return dg.materialize([table], instance=instance).run_id


def test_dagsters_own_class_reads_what_was_written(home: Home) -> None:
    with open_instance(home, home.root / "kizuna.yml") as instance:
        assert isinstance(instance._event_storage, EventLog)
        run_id = _materialized_in(instance)
        written = [entry.dagster_event_type for entry in instance.all_logs(run_id)]
        event = instance.get_latest_materialization_event(table.key)
    theirs = SqliteEventLogStorage(str(home.dagster / "history" / "runs"))
    assert [entry.dagster_event_type for entry in theirs.get_logs_for_run(run_id)] == written
    assert dg.DagsterEventType.ASSET_MATERIALIZATION in written
    assert event.asset_materialization.metadata["rows"].value == 3


def test_more_runs_than_files_stay_open_can_be_read(home: Home) -> None:
    with open_instance(home, home.root / "kizuna.yml") as instance:
        runs = [_materialized_in(instance) for _ in range(6)]
        counts = {len(instance.all_logs(run_id)) for run_id in runs}
    assert len(counts) == 1


def test_a_wiped_log_starts_anew(home: Home) -> None:
    with open_instance(home, home.root / "kizuna.yml") as instance:
        _materialized_in(instance)
        instance.wipe()
        assert len(instance.all_logs(_materialized_in(instance))) > 0


def test_nothing_stays_open(home: Home) -> None:
    with open_instance(home, home.root / "kizuna.yml") as instance:
        _materialized_in(instance)
    left = [path.name for path in (home.dagster / "history").rglob("*-wal")]
    assert left == [], "the last connection to close folds the write-ahead log into the file"
