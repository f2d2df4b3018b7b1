"""dbt in this process, on a project of two models: what it tells, and that it lets go of the warehouse."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines import transformation
from pipelines.home import Home
from pipelines.transformation import (
    TransformationError,
    build,
    drop_orphans,
    ensure_manifest,
    parsed_project,
)

PROJECT = """
name: tiny
version: "1.0"
config-version: 2
profile: tiny
flags: {send_anonymous_usage_stats: false}
models: {+materialized: table}
"""
PROFILES = """
tiny:
  target: warehouse
  outputs:
    warehouse: {type: duckdb, path: "{{ env_var('KIZUNA_WAREHOUSE') }}", threads: 2}
"""
# Hours of work for DuckDB, in a statement that it can interrupt.
SLOW = "select count(*) as n from range(100000) a, range(100000) b where a.range * b.range % 7 = 8"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield Home(tmp_path / "home").create()
    os.environ.pop("KIZUNA_WAREHOUSE", None)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(PROFILES)
    (folder / "models" / "numbers.sql").write_text("select 1 as n union all select 2")
    (folder / "models" / "doubled.sql").write_text("select 2 * n as n from {{ ref('numbers') }}")
    return folder


def rows(home: Home, query: str) -> list[tuple]:
    """Opened read-write: that fails where anybody in this process still holds the file otherwise."""
    with duckdb.connect(str(home.warehouse)) as connection:
        return connection.execute(query).fetchall()


def test_tells_of_every_node_and_lets_go_of_the_warehouse(home: Home, project: Path) -> None:
    events = list(build(home, project, []))
    assert [event["data"]["node_info"]["node_name"] for event in events] == ["numbers", "doubled"]
    assert rows(home, "select sum(n) from doubled") == [(6,)]


def test_tells_columns_and_rows_of_what_was_built(home: Home, project: Path) -> None:
    """A view is computed to be counted: only one that is published is."""
    models = project / "models"
    (models / "seen.sql").write_text(
        "{{ config(materialized='view', schema='kpi') }} select n, 'x' as text from {{ ref('numbers') }}"
    )
    (models / "unseen.sql").write_text("{{ config(materialized='view') }} select n from {{ ref('numbers') }}")
    (project / "macros").mkdir()
    (project / "macros" / "schema.sql").write_text(
        "{% macro generate_schema_name(name, node) %}{{ name or target.schema }}{% endmacro %}"
    )
    built = {event["data"]["node_info"]["node_name"]: event["built"] for event in build(home, project, [])}
    assert built["numbers"] == {"columns": {"n": "INTEGER"}, "row_count": 2}
    assert built["seen"] == {"columns": {"n": "INTEGER", "text": "VARCHAR"}, "row_count": 2}
    assert built["unseen"]["row_count"] is None


def test_a_selection_is_handed_on(home: Home, project: Path) -> None:
    assert len(list(build(home, project, ["--select", "numbers"]))) == 1


def test_a_failure_names_the_node_and_quotes_no_value(home: Home, project: Path) -> None:
    (project / "models" / "doubled.sql").write_text("select cast('ann@example.org' as int) as n")
    with pytest.raises(TransformationError, match=r"doubled: .*Could not convert") as error:
        list(build(home, project, []))
    assert "ann@example.org" not in str(error.value)
    assert rows(home, "select count(*) from numbers") == [(2,)]


def test_a_run_that_is_cancelled_ends_and_lets_go(home: Home, project: Path) -> None:
    (project / "models" / "doubled.sql").write_text(f"-- depends_on: {{{{ ref('numbers') }}}}\n{SLOW}")
    events = build(home, project, [])
    next(events)
    events.close()
    assert rows(home, "select count(*) from numbers") == [(2,)]
    assert rows(home, "from duckdb_tables() select count(*) where table_name = 'doubled'") == [(0,)]


def test_a_project_is_parsed_again_only_where_it_changed(home: Home, project: Path) -> None:
    manifest = ensure_manifest(home, project)
    written = manifest.stat().st_mtime_ns
    assert ensure_manifest(home, project).stat().st_mtime_ns == written
    (project / "models" / "doubled.sql").unlink()
    assert "doubled" not in ensure_manifest(home, project).read_text()


def test_another_state_folder_gets_the_manifest_too(home: Home, project: Path, tmp_path: Path) -> None:
    first = ensure_manifest(home, project)
    second = ensure_manifest(Home(tmp_path / "other").create(), project)
    assert second != first
    assert "doubled" in second.read_text()


def test_what_another_process_has_parsed_is_read_in_wherever_the_company_lies_now(
    home: Home, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_manifest(home, project)
    moved = Home(home.root.rename(tmp_path / "moved"))
    monkeypatch.setattr(transformation, "_parsed", {})
    with monkeypatch.context() as nothing_is_parsed:
        nothing_is_parsed.setattr(transformation, "_invoke", None)
        assert "model.tiny.doubled" in parsed_project(moved, project).nodes
    assert len(list(build(moved, project, []))) == 2
    assert rows(moved, "select sum(n) from doubled") == [(6,)]


def test_a_project_that_cannot_be_parsed_says_so(home: Home, project: Path) -> None:
    (project / "models" / "doubled.sql").write_text("select * from {{ ref('nowhere') }}")
    with pytest.raises(TransformationError, match="nowhere"):
        ensure_manifest(home, project)


def test_what_no_model_builds_any_more_is_dropped(home: Home, project: Path) -> None:
    (project / "models" / "gone.sql").write_text("{{ config(materialized='view') }} select 1 as n")
    list(build(home, project, []))
    rows(home, "create schema raw_crm")
    rows(home, "create table raw_crm.orders as select 1 as n")
    (project / "models" / "gone.sql").unlink()
    manifest = json.loads(ensure_manifest(home, project).read_text())
    assert drop_orphans(home, manifest) == ["main.gone"]
    assert drop_orphans(home, manifest) == []
    assert rows(home, "select count(*) from doubled, raw_crm.orders") == [(2,)]
