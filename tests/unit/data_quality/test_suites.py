from __future__ import annotations

from pathlib import Path

import pytest

from data_quality.expectations import SHOWN_KEYS, Batch, Suite
from data_quality.suites.published import published_suites
from data_quality.suites.raw import raw_suites
from pipelines import contracts
from pipelines.settings import Thresholds

RAW = {suite.table: suite for suite in raw_suites(Thresholds(), newer_than=7)}
ALL = (*RAW.values(), *published_suites())
PUBLISHED_MODELS = {
    f"{folder}.{model.stem}"
    for folder in ("marts", "kpi", "meta")
    for model in (Path(__file__).resolve().parents[3] / "dbt_project" / "models" / folder).rglob("*.sql")
}
PERSONAL = {column.name for contract in contracts.ALL for column in contract.columns if column.personal}


def test_a_handful_of_keys_is_shown() -> None:
    assert SHOWN_KEYS == 5


@pytest.mark.parametrize("suite", ALL, ids=lambda suite: suite.table)
def test_every_expectation_says_what_it_protects(suite: Suite) -> None:
    for expectation in suite.expectations:
        assert expectation.protects.endswith("."), expectation.name
        assert "$" not in expectation.name + expectation.protects  # its templates would look for a parameter


@pytest.mark.parametrize("contract", contracts.ALL, ids=lambda contract: contract.name)
def test_raw_rows_are_named_by_file_and_line_and_show_nothing_personal(contract: contracts.Contract) -> None:
    suite = RAW.get(contract.raw_name)
    if suite is None:
        return
    assert suite.keys == ("_file", "_line")
    batch = Batch(suite.table, "source", dict.fromkeys(contract.column_names, "VARCHAR"), suite.keys)
    personal = {column.name for column in contract.columns if column.personal}
    for expectation in suite.expectations:
        assert expectation.failing_rows is not None
        shown = expectation.failing_rows(batch).split(" from ")[0].split("filter")[0]
        assert not personal & set(shown.replace(",", " ").split()), expectation.name


@pytest.mark.parametrize("suite", published_suites(), ids=lambda suite: suite.table)
def test_published_tables_are_searched_for_identifiers(suite: Suite) -> None:
    names = {expectation.name for expectation in suite.expectations}
    assert {"no column is a direct identifier", "no text looks like an e-mail address"} <= names
    assert not PERSONAL & set(suite.keys)


def test_only_rows_of_the_new_loads_are_looked_at() -> None:
    assert RAW["raw_crm.orders"].query == "select * from raw_crm.orders where _load_id > 7"
    assert RAW["ingest.loads"].query == "select * from ingest.loads where load_id > 7"


def test_thresholds_come_from_the_settings() -> None:
    loads = next(
        suite
        for suite in raw_suites(Thresholds(warn_quarantined_share=0.02, stop_quarantined_share=0.4))
        if suite.table == "ingest.loads"
    )
    severities = {e.name: e.severity for e in loads.expectations}
    assert severities["at most 2% of a table is quarantined"] == "warning"
    assert severities["less than 40% of a table is quarantined"] == "error"


def test_every_published_table_has_a_suite() -> None:
    assert {suite.table for suite in published_suites()} == PUBLISHED_MODELS
