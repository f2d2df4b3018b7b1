"""What Dagster is told: nothing grey, unnamed or out of order."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dagster as dg
import pytest

from orchestration.assets.dbt import PROJECT
from orchestration.definitions import build_definitions
from orchestration.jobs import NIGHTLY
from orchestration.keys import LAYER, PUBLICATION, SCHEMA
from orchestration.resources import BusinessDate
from pipelines import contracts
from pipelines.documentation.tables import published_tables
from pipelines.home import Home
from pipelines.publication.about import ABOUT
from pipelines.settings import Settings, load_settings

CONFIG = """
company: {name: Test, timezone: Asia/Tokyo, currency: JPY}
privacy: {customer_key: {public: test}}
sources:
  orders:
    files: orders.csv
    format: csv
    tables:
      - table: crm.orders
        columns: {order_id: id, ordered_at: at}
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, dbt_manifest: object) -> Settings:
    path = tmp_path_factory.mktemp("config") / "kizuna.yml"
    path.write_text(CONFIG, encoding="utf-8")
    return load_settings(path)


@pytest.fixture(scope="module")
def definitions(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build_definitions(settings, Home(tmp_path_factory.mktemp("home")))


def specs(definitions: dg.Definitions) -> list[dg.AssetSpec]:
    return list(definitions.resolve_all_asset_specs())


def test_every_asset_has_an_owner_a_group_a_kind_and_a_description(definitions: dg.Definitions) -> None:
    found = specs(definitions)
    assert len(found) > 50
    bare = [
        spec.key.to_user_string()
        for spec in found
        if not (spec.owners and spec.group_name not in (None, "default") and spec.kinds and spec.description)
    ]
    assert bare == []


def test_every_asset_is_tagged_with_its_layer_and_a_table_with_its_schema(
    definitions: dg.Definitions,
) -> None:
    found = specs(definitions)
    assert [spec.key.to_user_string() for spec in found if LAYER not in spec.tags] == []
    tables = [spec for spec in found if len(spec.key.path) == 2 and spec.key.path[0] != "sources"]
    assert [spec.key.to_user_string() for spec in tables if spec.tags.get(SCHEMA) != spec.key.path[0]] == []


def test_every_published_table_is_an_asset_with_columns_and_ways_to_its_pages(
    definitions: dg.Definitions,
) -> None:
    """meta.publication and what else is told of a version is written with the version, by the asset publication."""
    known = {".".join(spec.key.path): spec for spec in specs(definitions)}
    tables = [table for table in published_tables(PROJECT) if table.name not in ABOUT]
    assert [table.name for table in tables if table.name not in known] == []
    wanted = {"dagster/column_schema", "data_docs", "data_dictionary"}
    assert [table.name for table in tables if not wanted <= set(known[table.name].metadata)] == []
    links = {table.name: known[table.name].metadata["data_docs"].value for table in tables}
    assert links == {table.name: f"/pages/quality/published/{table.name}.html" for table in tables}


@pytest.mark.parametrize(
    "key",
    [
        "sources/orders",
        "raw_crm/orders",
        "ingest/loads",
        "staging/stg_crm__orders",
        "seeds/rfm_segments",
        "marts/fct_orders",
        "kpi/kpi_loyalty_monthly",
        "meta/reconciliation",
        "publication",
        "documentation",
    ],
)
def test_each_asset_can_be_materialized_alone_with_its_checks(definitions: dg.Definitions, key: str) -> None:
    """The button on its page: its checks run with it, be they one of the many that one step makes."""
    asset = dg.AssetKey(key.split("/"))
    everything = definitions.resolve_implicit_global_asset_job_def()
    alone = everything.get_subset(asset_selection={asset})
    assert alone.asset_layer.selected_asset_keys == {asset}
    known = {
        check.name
        for check in everything.asset_layer.asset_graph.asset_check_keys
        if check.asset_key == asset
    }
    chosen = {
        check.name for check in alone.asset_layer.asset_graph.asset_check_keys if check.asset_key == asset
    }
    assert chosen == known


def test_every_asset_is_made_by_somebody(definitions: dg.Definitions) -> None:
    """What nobody makes stays grey for ever."""
    made = {
        key for asset in definitions.assets if isinstance(asset, dg.AssetsDefinition) for key in asset.keys
    }
    assert {spec.key for spec in specs(definitions)} <= made


def test_the_graph_leads_from_the_source_to_the_publication(definitions: dg.Definitions) -> None:
    parents = {spec.key: {dep.asset_key for dep in spec.deps} for spec in specs(definitions)}
    upstream, waiting = set(), [PUBLICATION]
    while waiting:
        key = waiting.pop()
        for parent in parents.get(key, ()):
            if parent not in upstream:
                upstream.add(parent)
                waiting.append(parent)
    assert dg.AssetKey(["sources", "orders"]) in upstream
    assert {dg.AssetKey([f"raw_{c.schema}", c.table]) for c in contracts.ALL} <= set(parents)
    assert upstream <= set(parents), "an asset depends on something that Dagster does not know"


def test_the_schedule_runs_by_itself_in_the_companys_time_zone(definitions: dg.Definitions) -> None:
    (schedule,) = definitions.schedules
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert schedule.cron_schedule == "0 2 * * *"
    assert schedule.execution_timezone == "Asia/Tokyo"


def test_the_scheduled_night_is_for_the_day_that_has_just_ended_there(definitions: dg.Definitions) -> None:
    """Two in the morning of 1 June in Tokyo is still 31 May in UTC: the day that ended is 31 May, not 30."""
    (schedule,) = definitions.schedules
    at = dt.datetime(2026, 5, 31, 17, 0, tzinfo=dt.UTC)
    context = dg.build_schedule_context(scheduled_execution_time=at)
    request = schedule.evaluate_tick(context).run_requests[0]
    assert request.run_config["resources"]["business_date"]["config"]["as_of"] == "2026-05-31"


def test_the_gates_block(definitions: dg.Definitions) -> None:
    blocking = [spec for checks in definitions.asset_checks for spec in checks.check_specs if spec.blocking]
    assert {spec.asset_key.path[0] for spec in blocking} >= {"marts", "kpi", "meta", "raw_crm"}


def test_every_resource_says_what_it_is(definitions: dg.Definitions) -> None:
    described = dict(definitions.get_repository_def().get_top_level_resources())
    assert {"company", "business_date", "display"} <= set(described)
    assert [name for name, resource in described.items() if not resource.description] == []


def test_the_job_runs_in_one_process(definitions: dg.Definitions) -> None:
    assert definitions.resolve_job_def(NIGHTLY).executor_def is dg.in_process_executor


def test_a_resource_can_be_replaced_without_patching(settings: Settings, tmp_path: Path) -> None:
    replaced = build_definitions(settings, Home(tmp_path), business_date=BusinessDate(as_of="2020-02-29"))
    assert replaced.resources["business_date"].resolve(settings) == dt.date(2020, 2, 29)


def test_the_default_date_is_yesterday_in_the_companys_time_zone(settings: Settings) -> None:
    new_year_in_tokyo = dt.datetime(2025, 12, 31, 15, 30, tzinfo=dt.UTC)
    assert settings.default_as_of(new_year_in_tokyo) == dt.date(2025, 12, 31)
