"""The other places of what is published, as the night takes them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.assets.publication import ways_out_assets
from orchestration.keys import PUBLICATION, WAYS_OUT
from orchestration.resources import Company, ProgressDisplay
from pipelines.home import Home
from pipelines.publication import PublicationError, TableDoc, current_version, publish
from pipelines.publication.ways_out import take_ways_out, ways_out
from pipelines.settings import Settings, SettingsError, load_settings

SETTINGS = """
company: {name: Shop}
privacy: {customer_key: {public: test}}
sources: {}
publication: %s
"""
ALL = "{folder: shared, parquet: lake, postgres: {connection: {env: BI_DATABASE}, schema: loyalty}}"
NOWHERE = {"BI_DATABASE": "postgresql://kizuna:s3cret@127.0.0.1:1/bi"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "state").create()
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create schema kpi; create table kpi.total as select 1 as night")
    publish(
        home, as_of=dt.date(2023, 4, 30), run_id="run", docs={"kpi.total": TableDoc("One.", {"night": "N."})},
        checks=[], keep_versions=2,
    )  # fmt: skip
    return home


def settings(tmp_path: Path, publication: str) -> Settings:
    path = tmp_path / "kizuna.yml"
    path.write_text(SETTINGS % publication, encoding="utf-8")
    return load_settings(path)


def test_a_way_out_that_fails_keeps_no_other_from_its_turn_and_unpublishes_nothing(home, tmp_path):
    before = current_version(home)
    ways = ways_out(home, settings(tmp_path, ALL), NOWHERE)
    assert [way.name for way in ways] == ["folder", "parquet", "postgres"]
    with pytest.raises(PublicationError) as caught:
        take_ways_out(ways, before)
    assert str(caught.value).startswith(
        f"{before.name} is published, but publication.postgres: no server answers"
    )
    assert "s3cret" not in str(caught.value)
    assert (home.root / "shared/current/kizuna.duckdb").is_file()
    assert (home.root / "lake/current/kpi/total/all.parquet").is_file()
    assert current_version(home) == before


def test_a_missing_connection_string_is_told_with_its_variable(home, tmp_path):
    ways = ways_out(home, settings(tmp_path, ALL), {})
    with pytest.raises(
        SettingsError, match=r"publication.postgres.connection.env: .* BI_DATABASE is not set"
    ):
        take_ways_out(ways, current_version(home))


@pytest.mark.parametrize("publication", ["{}", "{parquet: true}", "{parquet: false}"])
def test_without_another_place_there_is_no_asset(tmp_path, publication):
    assert ways_out_assets(settings(tmp_path, publication)) == []


def test_a_schema_must_be_a_plain_name(tmp_path):
    with pytest.raises(SettingsError, match=r"publication.postgres.schema"):
        settings(tmp_path, "{postgres: {connection: {env: X}, schema: 'my schema'}}")


def test_one_folder_cannot_have_two_links_named_current(tmp_path):
    with pytest.raises(SettingsError, match=r"folder and parquet are one folder"):
        settings(tmp_path, "{folder: lake, parquet: lake}")


def test_the_asset_comes_after_the_publication_and_its_failure_fails_the_run(home, tmp_path, monkeypatch):
    monkeypatch.setenv("BI_DATABASE", NOWHERE["BI_DATABASE"])
    found = settings(tmp_path, ALL)
    [asset] = ways_out_assets(found)
    assert asset.asset_deps[WAYS_OUT] == {PUBLICATION}
    ended = dg.materialize(
        [asset],
        resources={"company": Company(found, home), "display": ProgressDisplay()},
        instance=dg.DagsterInstance.ephemeral(),
        raise_on_error=False,
    )
    assert not ended.success
    assert "is published, but" in str(ended.all_events)
    assert "s3cret" not in str(ended.all_events)
