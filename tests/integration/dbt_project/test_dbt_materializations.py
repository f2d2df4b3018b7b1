"""Tables and views are replaced in one statement: what stands there before and after, whatever it was before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from dbt_warehouse import PROJECT

from pipelines.home import Home
from pipelines.transformation import TransformationError, build

SETTINGS = """
name: tiny
version: "1.0"
config-version: 2
profile: tiny
flags: {send_anonymous_usage_stats: false}
"""
PROFILES = """
tiny:
  target: warehouse
  outputs:
    warehouse: {type: duckdb, path: "{{ env_var('KIZUNA_WAREHOUSE') }}", threads: 2}
"""
CONTRACT = """
models:
  - name: numbers
    config: {contract: {enforced: true}}
    columns: [{name: n, data_type: integer}, {name: word, data_type: varchar}]
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield Home(tmp_path / "home").create()
    os.environ.pop("KIZUNA_WAREHOUSE", None)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for room in ("models", "macros"):
        (folder / room).mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(SETTINGS)
    (folder / "profiles.yml").write_text(PROFILES)
    shutil.copy(PROJECT / "macros" / "materializations.sql", folder / "macros")
    return folder


def built(home: Home, project: Path, materialized: str, select: str) -> tuple[str, list[tuple]]:
    """What stands there after a build: table or view, and its rows."""
    model = f"{{{{ config(materialized='{materialized}') }}}} {select}"
    (project / "models" / "numbers.sql").write_text(model)
    list(build(home, project, []))
    return standing(home)


def standing(home: Home) -> tuple[str, list[tuple]]:
    with duckdb.connect(str(home.warehouse)) as connection:
        kinds = connection.execute("select table_name, table_type from information_schema.tables").fetchall()
        rows = connection.execute("from numbers order by all").fetchall()
    assert [name for name, _ in kinds] == ["numbers"], "nothing of the building is left"
    return kinds[0][1], rows


def test_a_table_and_a_view_take_each_others_place(home: Home, project: Path) -> None:
    assert built(home, project, "table", "select 1 as n") == ("BASE TABLE", [(1,)])
    assert built(home, project, "table", "select 2 as n, 'b' as word") == ("BASE TABLE", [(2, "b")])
    assert built(home, project, "view", "select 3 as n") == ("VIEW", [(3,)])
    assert built(home, project, "view", "select 4 as n") == ("VIEW", [(4,)])
    assert built(home, project, "table", "select 5 as n") == ("BASE TABLE", [(5,)])


@pytest.mark.parametrize("materialized", ["table", "view"])
def test_a_contract_holds(home: Home, project: Path, materialized: str) -> None:
    """Columns come in the contract's order, and what breaks it leaves what stood there."""
    (project / "models" / "contract.yml").write_text(CONTRACT)
    kind, rows = built(home, project, materialized, "select 'a' as word, 1 as n")
    assert rows == [(1, "a") if materialized == "table" else ("a", 1)]
    with pytest.raises(TransformationError, match=r"numbers: .*contract"):
        built(home, project, materialized, "select 2 as n")
    assert standing(home) == (kind, rows)


def test_rows_that_cannot_be_computed_leave_what_stood_there(home: Home, project: Path) -> None:
    (project / "models" / "contract.yml").write_text(CONTRACT)
    before = built(home, project, "table", "select 1 as n, 'a' as word")
    with pytest.raises(TransformationError, match=r"numbers: .*Could not convert"):
        built(home, project, "table", "select cast(w as integer) as n, w as word from (select 'x' as w)")
    assert standing(home) == before


def test_hooks_of_a_model_run_before_and_after(home: Home, project: Path) -> None:
    build_and_hooks = """{{ config(
        materialized='table',
        pre_hook="create or replace temp table before as select 7 as n",
        post_hook="update {{ this }} set n = n + 1"
    ) }} select n from before"""
    (project / "models" / "numbers.sql").write_text(build_and_hooks)
    list(build(home, project, []))
    assert standing(home) == ("BASE TABLE", [(8,)])
