"""What a night leaves of its assets in Dagster, and what becomes of a part of it that somebody runs from the UI."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.definitions import build_definitions
from orchestration.instance import open_instance
from orchestration.keys import PUBLICATION, table_key
from pipelines.publication import SCHEMAS, current_version
from pipelines.settings import load_settings

from .conftest import Company

KPI = table_key("kpi.kpi_loyalty_monthly")


@pytest.fixture(scope="module")
def last_night(published: Company) -> dict[dg.AssetKey, dg.EventLogEntry | None]:
    """The newest materialization of every asset that Dagster knows."""
    settings = load_settings(published.config)
    keys = build_definitions(settings, published.home).resolve_all_asset_keys()
    with open_instance(published.home, published.config) as instance:
        return dict(instance.get_latest_materialization_events(list(keys)))


def test_no_asset_is_grey_after_a_night(last_night: dict[dg.AssetKey, dg.EventLogEntry | None]) -> None:
    assert len(last_night) > 100
    assert [key.to_user_string() for key, event in last_night.items() if event is None] == []


def test_every_table_says_how_many_rows_it_holds(
    published: Company, last_night: dict[dg.AssetKey, dg.EventLogEntry | None]
) -> None:
    """Views between the layers are not computed for it; those that readers see are."""
    with duckdb.connect(str(published.home.warehouse), read_only=True) as warehouse:
        held = [
            (schema, table)
            for schema, table in warehouse.sql(
                f"""select schema_name, table_name from duckdb_tables()
                union all select schema_name, view_name from duckdb_views() where schema_name in {SCHEMAS}"""
            ).fetchall()
            if dg.AssetKey([schema, table]) in last_night
        ]
        rows = {
            (schema, table): warehouse.sql(f'select count(*) from "{schema}"."{table}"').fetchall()[0][0]
            for schema, table in held
        }
    said = {
        tuple(key.path): event.asset_materialization.metadata.get("dagster/row_count")
        for key, event in last_night.items()
        if event is not None
    }
    assert len(rows) > 90
    assert {table: said[table] and said[table].value for table in rows} == rows


def test_a_table_is_built_and_checked_alone_and_what_is_published_stays(company: Company) -> None:
    before = current_version(company.home)
    pages = {path: path.read_bytes() for path in (company.home.quality / "published").iterdir()}
    definitions = build_definitions(load_settings(company.config), company.home)
    with open_instance(company.home, company.config) as instance:
        result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            asset_selection=[KPI, PUBLICATION], instance=instance, raise_on_error=False
        )
    assert [event.asset_key for event in result.get_asset_materialization_events()] == [KPI]
    checks = {found.check_name: found for found in result.get_asset_check_evaluations()}
    assert checks["great_expectations"].passed
    assert len(checks) > 1, "the tests of dbt that are about this table"
    page = checks["great_expectations"].metadata["data_docs"].value
    assert page == "/pages/quality/published_selected/kpi.kpi_loyalty_monthly.html"
    (failure,) = (event for event in result.all_events if event.is_step_failure)
    assert failure.step_key == PUBLICATION.path[0]
    error = failure.step_failure_data.error
    while error.cause is not None:
        error = error.cause
    assert "not those of one whole night" in error.message
    assert "kizuna run" in error.message
    assert current_version(company.home) == before
    assert {path: path.read_bytes() for path in (company.home.quality / "published").iterdir()} == pages
    assert Path(company.home.root, page.removeprefix("/pages/")).is_file()
