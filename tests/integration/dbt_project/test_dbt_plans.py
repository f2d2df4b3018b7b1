"""How DuckDB would run the models: what is quick on a small company must not be slow on a large one.

Belongs here: plans that grow with the square of the rows. Does not: seconds, which ``make bench`` measures.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt_warehouse import Warehouse

# DuckDB hashes an outer join only where each of its conditions compares one side with the other. Any other condition
# (an ``or``, a condition on one side) makes it hold every row against every other one.
_EVERY_ROW_AGAINST_EVERY_OTHER = "BLOCKWISE_NL_JOIN"
_OUTER = {"LEFT", "RIGHT", "FULL"}
# Where no two columns are to be equal there is nothing to hash: bands of a rule, or one row for all.
_EQUAL = " = "


def _steps(plan: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in plan:
        yield step
        yield from _steps(step["children"])


def _joined_row_by_row(connection: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    [[_, plan]] = connection.execute(f"explain (format json) {sql}").fetchall()
    conditions = [
        str(step["extra_info"]["Condition"])
        for step in _steps(json.loads(plan))
        if step["name"].strip() == _EVERY_ROW_AGAINST_EVERY_OTHER
        and step["extra_info"]["Join Type"] in _OUTER
    ]
    return [condition for condition in conditions if _EQUAL in condition]


def _models(built: Warehouse) -> list[Path]:
    return sorted((built.folder / "target" / "compiled" / "kizuna" / "models").glob("*/**/[!_]*.sql"))


def test_no_outer_join_that_could_be_hashed_holds_every_row_against_every_other(built: Warehouse) -> None:
    models = _models(built)
    assert len(models) > 100
    with duckdb.connect(built.path, read_only=True) as connection:
        found = {model.stem: _joined_row_by_row(connection, model.read_text("utf-8")) for model in models}
    assert {model: joins for model, joins in found.items() if joins} == {}


@pytest.mark.parametrize(
    ("condition", "is_slow"),
    [
        ("a.n = b.n and (a.at >= b.at or b.at is null)", True),
        ("a.n = b.n and a.at > 0", True),
        ("a.n = b.n and a.at >= b.at", False),
    ],
)
def test_such_a_join_would_be_noticed(condition: str, is_slow: bool) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table many as select range as n, range * 7 % 100 as at from range(1000)")
        found = _joined_row_by_row(
            connection, f"select a.n, b.n from many as a left join many as b on {condition}"
        )
        assert bool(found) == is_slow
