"""Runs suites on a DuckDB file and says what is wrong.

Belongs here: Great Expectations' life from import to result. Does not: what is expected (``suites``), and
what happens after a failure (``orchestration``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from data_quality import duckdb_dialect
from data_quality.expectations import SHOWN_KEYS, Batch, Expectation, Suite
from data_quality.results import ExpectationResult, GateResult, TableResult

# Counts only: no value of a failing row is fetched, so none can reach a result or a page of the data docs.
_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
_SEVERITIES = {"error": "critical", "warning": "warning"}  # ours to Great Expectations'


def run_gate(database: Path, suites: Sequence[Suite], docs_folder: Path, name: str) -> GateResult:
    """Run ``suites`` on ``database``, opened read-only, and write data docs to ``docs_folder/name/``.

    A missing table and an expectation that raises are failed errors. Of the rows nothing leaves the database
    but the keys and the value that an expectation names.

    Raises:
        ValueError: no suite, or two for one table.
        duckdb.IOException: the file is missing, or somebody holds it read-write.
    """
    tables = [suite.table for suite in suites]
    if not tables or len(set(tables)) < len(tables):
        raise ValueError(
            f"the gate {name} needs one suite per table, at least one; it got {', '.join(tables) or 'none'}"
        )

    from data_quality import data_docs

    # Held open to the end: DuckDB shares one instance per process and file, which makes the hundreds of
    # connections that Great Expectations opens cheap.
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("set enable_progress_bar = false")
        source = _data_source(database)
        outcomes = [_run_suite(suite, connection, source) for suite in suites]
        source.get_engine().dispose()
    result = GateResult(name, tuple(table for table, _ in outcomes))
    data_docs.write(docs_folder / name, result, {table.table: pages for table, pages in outcomes if pages})
    return result


def _data_source(database: Path) -> Any:
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    context = gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
        ),
    )
    return context.data_sources.add_sql(
        "warehouse", connection_string=duckdb_dialect.connection_string(database), create_temp_table=False
    )


def _run_suite(suite: Suite, connection: duckdb.DuckDBPyConnection, source: Any) -> tuple[TableResult, Any]:
    """The results of a suite, and Great Expectations' own form of them for its docs (no table: None)."""
    query = suite.query or f"select * from {suite.table}"
    try:
        described = connection.execute(f"describe {query}").fetchall()
    except duckdb.Error as error:
        return TableResult(suite.table, (_missing_table(suite, error),)), None
    batch = Batch(suite.table, query, {column: kind for column, kind, *_ in described}, suite.keys)
    validation = _validate(suite, batch, source)
    by_name = {found.expectation_config.meta["name"]: found for found in validation.results}
    results = tuple(_result(e, by_name[e.name], batch, connection) for e in suite.expectations)
    return TableResult(suite.table, results), validation


def _validate(suite: Suite, batch: Batch, source: Any) -> Any:
    import great_expectations as gx

    expectations = [
        expectation.build(
            batch,
            {
                "severity": _SEVERITIES[expectation.severity],
                "description": f"{expectation.name}. {expectation.protects}",
                "meta": {"name": expectation.name},
            },
        )
        for expectation in suite.expectations
    ]
    asset = source.add_query_asset(suite.table, query=batch.query)
    rows = asset.add_batch_definition_whole_table("rows").get_batch()
    validation = rows.validate(
        gx.ExpectationSuite(name=suite.table, expectations=expectations), result_format=_COUNTS_ONLY
    )
    source.delete_asset(suite.table)  # else every later asset writes all earlier ones down again
    for found in validation.results:
        found.exception_info = _without_values(found.exception_info)
    return validation


def _result(
    expectation: Expectation, found: Any, batch: Batch, connection: duckdb.DuckDBPyConnection
) -> ExpectationResult:
    raised = found.exception_info["raised_exception"]
    observed, failing_keys = "", ()
    if raised:
        observed = found.exception_info["exception_message"]
    elif not found.success and expectation.failing_rows:
        observed, failing_keys = _failing_rows(expectation.failing_rows(batch), connection)
    return ExpectationResult(
        table=batch.table,
        expectation=expectation.name,
        column=expectation.column,
        severity=expectation.severity if not raised else "error",
        success=bool(found.success) and not raised,
        observed=observed,
        expected=expectation.expected,
        unexpected_count=found.result.get("unexpected_count", found.result.get("rows_found")),
        row_count=found.result.get("element_count"),
        failing_keys=failing_keys,
        protects=expectation.protects,
        checked=not raised,
    )


def _failing_rows(query: str, connection: duckdb.DuckDBPyConnection) -> tuple[str, tuple[str, ...]]:
    """The value shown of the first failing row, and the keys of the first few, in the order of their keys."""
    try:
        found = connection.execute(f"select * from ({query}) order by all limit {SHOWN_KEYS}")
    except duckdb.Error as error:
        return f"(failing rows could not be listed: {_first_line(str(error))})", ()
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    observed = rows[0].get("observed") if rows else None
    keys = [
        ", ".join(f"{name}={_text(value)}" for name, value in row.items() if name != "observed")
        for row in rows
    ]
    return "" if observed is None else _text(observed), tuple(key for key in keys if key)


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"  # 140, not 140.0000
    if isinstance(value, float):
        return f"{value:.15g}"
    return "null" if value is None else str(value)


def _missing_table(suite: Suite, error: duckdb.Error) -> ExpectationResult:
    return ExpectationResult(
        table=suite.table,
        expectation="the table can be read",
        column=None,
        severity="error",
        success=False,
        observed=_first_line(str(error)),
        expected="a table or view of this name",
        unexpected_count=None,
        row_count=None,
        failing_keys=(),
        protects="Whoever reads this table finds it.",
        checked=False,
    )


def _without_values(exception_info: Mapping[str, Any]) -> dict[str, Any]:
    """One exception of Great Expectations' record (flat, or one per metric), without values and traceback."""
    records = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    raised = [record for record in records if record["raised_exception"]]
    message = _first_line(str(raised[0]["exception_message"])) if raised else None
    return {"raised_exception": bool(raised), "exception_traceback": "", "exception_message": message}


def _first_line(message: str) -> str:
    """What went wrong, on one line and without the values that DuckDB quotes in it."""
    database_error = re.search(r"\(_?duckdb\.\w+\) ([^\n]+)", message)
    line = database_error.group(1) if database_error else message.strip().splitlines()[0]
    return re.sub(r"'[^']*'", "'...'", line)
