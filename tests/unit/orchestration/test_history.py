"""What is read of the nights without Dagster is what Dagster itself says of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dagster as dg
import pytest

from orchestration.history import last_nights
from orchestration.instance import open_instance
from orchestration.names import ANY_ASSETS, AS_OF, BY_COMMAND, NIGHTLY, PUBLICATION, RAW_TABLES
from orchestration.night import NightResult, _take
from pipelines.home import Home
from pipelines.turn import turn


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).create()


@pytest.fixture
def instance(home: Home):
    with open_instance(home, home.root / "kizuna.yml") as instance:
        yield instance


@dg.asset
def fails() -> None:
    try:
        raise ValueError("orders.csv: line 3 has no date. Mend it there")
    except ValueError as error:
        raise RuntimeError("in a wrapper") from error


@dg.asset
def checked() -> None:
    pass


@dg.asset_check(asset=checked, blocking=True)
def fits() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, description="checked: too few rows\nchecked: too many columns")


@dg.asset_check(asset=checked)
def counted() -> dg.AssetCheckResult:
    found = {"dagster_dbt/failed_row_count": dg.MetadataValue.int(1200)}
    return dg.AssetCheckResult(passed=False, metadata=found)


@dg.asset_check(asset=checked)
def only_warns() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description="a little few")


@dg.asset(deps=[checked])
def after() -> None:
    pass


def run(instance: dg.DagsterInstance, *assets: object, job: str = NIGHTLY) -> NightResult:
    definitions = dg.Definitions(
        assets=[asset for asset in assets if not isinstance(asset, dg.AssetChecksDefinition)],
        asset_checks=[asset for asset in assets if isinstance(asset, dg.AssetChecksDefinition)],
        jobs=[dg.define_asset_job(job, executor_def=dg.in_process_executor)],
    )
    executed = definitions.resolve_job_def(job).execute_in_process(
        instance=instance, raise_on_error=False, tags={AS_OF: "2026-09-30"}
    )
    result = NightResult(executed.run_id, dt.date(2026, 9, 30))
    for event in executed.all_events:
        _take(event, result)
    return result


def unfinished(instance: dg.DagsterInstance, **tags: str) -> None:
    @dg.job(name=NIGHTLY)
    def job() -> None:
        pass

    started = instance.create_run_for_job(job, tags=tags)
    event = dg.DagsterEvent(event_type_value="PIPELINE_START", job_name=NIGHTLY)
    instance.report_dagster_event(event, run_id=started.run_id)


def test_nights_are_told_as_dagster_has_them_and_other_jobs_are_none(home, instance):
    told = [
        run(instance, checked),
        run(instance, fails),
        run(instance, checked, fits, counted, only_warns, after),
    ]
    run(instance, checked, job="arrivals")
    found = last_nights(home)
    assert [night.run_id for night in found] == [result.run_id for result in reversed(told)]
    assert [night.failures for night in found] == [result.failures for result in reversed(told)]
    assert [night.status for night in found] == ["failure", "failure", "success"]
    for night in found:
        [record] = instance.get_run_records(dg.RunsFilter(run_ids=[night.run_id]))
        assert night.started_at == dt.datetime.fromtimestamp(record.start_time, dt.UTC)
        assert night.seconds == record.end_time - record.start_time
        assert night.as_of == record.dagster_run.tags[AS_OF]
    assert last_nights(home, limit=1) == found[:1]


@pytest.mark.parametrize(
    ("selected", "is_night"), [(None, True), (["raw_tables"], False), (["publication"], False)]
)
def test_all_assets_from_the_ui_are_a_night_and_some_are_none(home, instance, selected, is_night):
    definitions = dg.Definitions(
        assets=[dg.asset(name=name)(lambda: None) for name in (RAW_TABLES, PUBLICATION)],
        executor=dg.in_process_executor,
    )
    job = definitions.resolve_implicit_global_asset_job_def()
    keys = None if selected is None else [dg.AssetKey(name) for name in selected]
    executed = job.execute_in_process(instance=instance, asset_selection=keys)
    assert job.name == ANY_ASSETS
    assert [night.run_id for night in last_nights(home)] == ([executed.run_id] if is_night else [])


def test_failures_say_what_the_innermost_error_and_the_checks_say(home, instance):
    run(instance, fails)
    run(instance, checked, fits, counted, only_warns, after)
    of_checks, of_step = (night.failures for night in last_nights(home))
    assert of_step == ["fails: orders.csv: line 3 has no date. Mend it there"]
    assert sorted(of_checks) == [
        "checked: the test counted found 1,200 rows; what it looks for is in dbt_project/",
        "checked: too few rows",
        "checked: too many columns",
    ]


def test_before_the_first_night_there_is_none(home):
    assert last_nights(home) == []


def test_a_night_that_nobody_runs_any_more_was_killed(home, instance):
    unfinished(instance, **{BY_COMMAND: "kizuna run"})
    with turn(home):
        [night] = last_nights(home)
        assert (night.status, night.seconds) == ("started", None)
    assert last_nights(home)[0].status == "killed"


def test_a_scheduled_night_may_still_be_importing(home, instance, monkeypatch):
    unfinished(instance)
    assert last_nights(home)[0].status == "started"
    monkeypatch.setattr("orchestration.history._START", dt.timedelta(0))
    assert last_nights(home)[0].status == "killed"
