"""Probable links and match rates as Dagster shows them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from unittest.mock import patch

import dagster as dg
import pytest

from orchestration import match_rates
from orchestration.assets import matching
from orchestration.assets.matching import CLUSTERS_CHECK, matching_assets
from orchestration.keys import raw_key, table_key
from orchestration.resources import Company
from pipelines import contracts
from pipelines.home import Home
from pipelines.matching.links import LinkCounts
from pipelines.matching.rates import Fall, MatchRate, MatchRates
from pipelines.matching.tables import create_tables
from pipelines.settings import Settings
from pipelines.warehouse import open_warehouse

CONFIG = {
    "company": {"name": "Test"},
    "privacy": {"customer_key": {"public": "test"}},
    "sources": {
        "orders": {
            "files": "orders.csv",
            "format": "csv",
            "tables": [{"table": "crm.orders", "columns": {"order_id": "id", "ordered_at": "at"}}],
        }
    },
}
LINKS = {table_key("matching.people"), table_key("matching.contacts")}
WEEK = ("shop", "response", 100, 90, 50, 45)


def _settings(*, enabled: bool) -> Settings:
    return Settings.model_validate(CONFIG | {"matching": {"enabled": enabled}})


def test_switched_off_the_tables_are_there_and_say_that_they_are_empty_on_purpose() -> None:
    (empty,) = matching_assets(_settings(enabled=False))
    assert empty.keys == LINKS
    assert all("switched off" in spec.description for spec in empty.specs)
    result = dg.materialize([empty])
    told = {
        event.asset_key: event.materialization.metadata for event in result.get_asset_materialization_events()
    }
    assert {key: metadata["dagster/row_count"].value for key, metadata in told.items()} == dict.fromkeys(
        LINKS, 0
    )


@pytest.mark.parametrize(("refused", "passed"), [(0, True), (2, False)])
def test_links_are_made_after_the_raw_tables_and_tell_what_was_refused(
    tmp_path: Path, refused: int, passed: bool
) -> None:
    settings = _settings(enabled=True)
    (links,) = matching_assets(settings)
    assert links.keys == LINKS
    assert raw_key(contracts.contract_named("crm.customers")) in links.dependency_keys
    with open_warehouse(Home(tmp_path)) as connection:
        create_tables(connection)
    counts = LinkCounts(1_000, 20, 7, 3, refused, 9 if refused else 0)
    company = dg.ResourceDefinition.hardcoded_resource(Company(settings, Home(tmp_path)))
    with patch.object(matching, "refresh_links", return_value=counts):
        result = dg.materialize([links], resources={"company": company})
    (check,) = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed, check.severity) == (
        CLUSTERS_CHECK,
        passed,
        dg.AssetCheckSeverity.WARN,
    )
    assert passed or "2 clusters with more than 5 people (the largest has 9)" in check.description
    (people,) = result.asset_materializations_for_node("probable_links")[:1]
    assert people.metadata["people_linked"].value == 7


def test_rates_are_plotted_and_a_fall_warns(tmp_path: Path) -> None:
    before, now = (
        MatchRate(dt.date(2024, 1, day), *WEEK[:5], matched) for day, matched in ((1, 45), (2, 20))
    )
    found = MatchRates(now=[now], history=[now, before], falls=[Fall(before, now)])
    company = dg.ResourceDefinition.hardcoded_resource(Company(_settings(enabled=False), Home(tmp_path)))
    with patch.object(match_rates, "remember_match_rates", return_value=found) as remember:
        result = (
            dg.Definitions(
                assets=[dg.AssetSpec(match_rates.RATES)],
                asset_checks=[match_rates.match_rates_check],
                jobs=[dg.define_asset_job("rates", dg.AssetSelection.all_asset_checks())],
                resources={"company": company},
            )
            .resolve_job_def("rates")
            .execute_in_process()
        )
    remember.assert_called_once_with(Home(tmp_path), 0.1)
    (check,) = result.get_asset_check_evaluations()
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert (
        "shop (responses): 40% of the last seven days' records found their person, 90%" in check.description
    )
    assert check.metadata["nights"].value.count("2024-01-0") == 2
    assert check.metadata["shop response"].value == 90.0
    (seen,) = (e for e in result.all_events if e.event_type == dg.DagsterEventType.ASSET_OBSERVATION)
    assert seen.asset_observation_data.asset_observation.metadata["shop response"].value == 90.0
