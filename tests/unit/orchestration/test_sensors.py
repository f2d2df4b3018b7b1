"""The sensor: one run for what has arrived, on its sources alone."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.definitions import build_definitions
from orchestration.jobs import ARRIVALS
from orchestration.sensors import ARRIVED_TAG, arrivals_sensor
from pipelines.home import Home
from pipelines.settings import Settings, load_settings

CONFIG = """
company: {name: Test}
privacy: {customer_key: {public: test}}
arrivals: {every_seconds: 7}
sources:
  customers:
    files: customers*.csv
    format: csv
    required: false
    tables: [{table: crm.customers, columns: {customer_id: id, registered_at: at}}]
  orders:
    files: orders*.csv
    format: csv
    required: false
    tables: [{table: crm.orders, columns: {order_id: id, ordered_at: at}}]
  warehouse_of_theirs:
    database: sqlite
    path: theirs.db
    tables: [{table: crm.products, from: products, columns: {product_id: id}}]
"""


@pytest.fixture
def settings(tmp_path: Path, dbt_manifest: object) -> Settings:
    (tmp_path / "kizuna.yml").write_text(CONFIG, encoding="utf-8")
    return load_settings(tmp_path / "kizuna.yml")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


def _evaluated(sensor: dg.SensorDefinition, cursor: str | None) -> dg.SensorResult:
    return sensor(dg.build_sensor_context(cursor=cursor))


def test_the_sensor_runs_by_itself_as_often_as_the_settings_say(settings: Settings, home: Home) -> None:
    sensor = arrivals_sensor(settings, home)
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    assert sensor.minimum_interval_seconds == 7
    stopped = settings.model_copy(
        update={"arrivals": settings.arrivals.model_copy(update={"enabled": False})}
    )
    assert arrivals_sensor(stopped, home).default_status == dg.DefaultSensorStatus.STOPPED


def test_a_company_without_files_has_no_sensor(settings: Settings, home: Home) -> None:
    sources = {"warehouse_of_theirs": settings.sources["warehouse_of_theirs"]}
    without = settings.model_copy(update={"sources": sources})
    definitions = build_definitions(without, home)
    assert not definitions.sensors
    assert ARRIVALS not in {job.name for job in definitions.jobs}


def test_arrived_files_start_one_run_on_their_source_alone_which_reads_them(
    settings: Settings, home: Home
) -> None:
    definitions = build_definitions(settings, home)
    sensor = definitions.sensors[0]
    first = _evaluated(sensor, None)
    assert "none is new" in first.skip_reason.skip_message
    for number in (1, 2):
        path = settings.folder / f"orders-{number}.csv"
        path.write_text(f"id,at\n{number},2026-01-01\n", encoding="utf-8")
    second = _evaluated(sensor, first.cursor)
    assert "2 files have just come" in second.skip_reason.skip_message
    third = _evaluated(sensor, second.cursor)
    (request,) = third.run_requests
    assert request.asset_selection == [dg.AssetKey(["sources", "orders"])]
    assert request.tags[ARRIVED_TAG] == "orders: 2"

    job = definitions.resolve_job_def(ARRIVALS)
    with dg.DagsterInstance.ephemeral() as instance:
        executed = job.execute_in_process(asset_selection=request.asset_selection, instance=instance)
    assert executed.success
    assert {event.asset_key for event in executed.get_asset_materialization_events()} == {
        dg.AssetKey(["sources", "orders"])
    }
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        assert connection.sql("select count(*) from raw_crm.orders").fetchall() == [(2,)]
    fourth = _evaluated(sensor, third.cursor)
    assert not fourth.run_requests
