"""A small warehouse as the ingestion would leave it, and dbt run on it.

Belongs here: the raw tables with hand-written rows, and the one way these tests start dbt.
Does not: what the numbers should be; that is in the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from dbt_history import AS_OF, LOADS

from pipelines import contracts

PROJECT = Path(__file__).resolve().parents[3] / "dbt_project"
SOURCES = {"crm": "shop", "survey": "survey_tool", "support": "help_desk", "org": "organisation"}

PIPELINE_TABLES = """
    create schema ingest; create schema quarantine; create schema privacy; create schema ops;
    create table ingest.loads (
        load_id bigint, source varchar, table_name varchar, files bigint, records_read bigint,
        rows_excluded bigint, rows_read bigint, rows_loaded bigint, rows_superseded bigint,
        rows_quarantined bigint, rows_duplicate bigint,
        quantity_read decimal(38, 4), quantity_loaded decimal(38, 4), quantity_superseded decimal(38, 4),
        quantity_quarantined decimal(38, 4), quantity_duplicate decimal(38, 4),
        amount_read decimal(38, 8), amount_loaded decimal(38, 8), amount_superseded decimal(38, 8),
        amount_quarantined decimal(38, 8), amount_duplicate decimal(38, 8), loaded_at timestamp
    );
    create table quarantine.rows (
        load_id bigint, source varchar, file varchar, line bigint, table_name varchar, reason varchar,
        original_text varchar
    );
    create table privacy.customer_keys (customer_id varchar, customer_key varchar);
    create table ops.run_settings (
        as_of_date date, timezone varchar, currency varchar, minimum_answers integer
    );
"""


@dataclass
class Warehouse:
    """A warehouse file and the dbt project over it. Loads are merged by key, the newest row wins."""

    folder: Path
    rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def path(self) -> Path:
        return self.folder / "warehouse.duckdb"

    def create(self) -> Warehouse:
        with duckdb.connect(self.path) as connection:
            connection.execute(PIPELINE_TABLES)
            for contract in contracts.ALL:
                columns = ", ".join(f"{column.name} {column.kind.duckdb}" for column in contract.columns)
                connection.execute(f"create schema if not exists raw_{contract.schema}")
                connection.execute(
                    f"create table {contract.raw_name} ({columns}, _source varchar, _file varchar, _line bigint,"
                    " _version timestamp, _load_id bigint)"
                )
        return self

    def load(self, load_id: int, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Merge rows by key, as one load of the ingestion does, with its line in ingest.loads."""
        with duckdb.connect(self.path) as connection:
            for name, rows in tables.items():
                contract = contracts.contract_named(name)
                source = SOURCES[contract.schema]
                counts = _LoadCounts(is_order_lines=name == "crm.order_lines")
                for line, row in enumerate(rows, start=1):
                    key = tuple(row[column] for column in contract.key)
                    counts.add(row, self.rows[name].get(key))
                    complete = {column: row.get(column) for column in contract.column_names}
                    lineage = (source, f"{name}.csv", line, datetime(2024, 1, 1), load_id)
                    condition = " and ".join(f"{column} = ?" for column in contract.key)
                    connection.execute(f"delete from {contract.raw_name} where {condition}", list(key))
                    values = [*complete.values(), *lineage]
                    marks = ", ".join("?" * len(values))
                    connection.execute(f"insert into {contract.raw_name} values ({marks})", values)
                    self.rows[name][key] = dict(row)
                counts.write(connection, load_id, source, name)
            self._write_customer_keys(connection)

    def _write_customer_keys(self, connection: duckdb.DuckDBPyConnection) -> None:
        seen = "\nunion ".join(
            f"select {column.name} from {contract.raw_name}"
            for contract in contracts.ALL
            for column in contract.columns
            if column.name in ("customer_id", "person_id")
        )
        connection.execute(
            "create or replace table privacy.customer_keys as "
            f"select customer_id, md5('secret' || customer_id) as customer_key from ({seen}) where customer_id is not null"
        )

    def set_run(self, as_of: date, timezone: str = "Asia/Tokyo", minimum_answers: int = 3) -> None:
        with duckdb.connect(self.path) as connection:
            connection.execute("delete from ops.run_settings")
            connection.execute(
                "insert into ops.run_settings values (?, ?, 'JPY', ?)", [as_of, timezone, minimum_answers]
            )

    def dbt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run dbt on this warehouse; its output is in the result, whatever became of it."""
        return subprocess.run(
            [
                str(Path(sys.executable).with_name("dbt")),
                *arguments,
                "--project-dir",
                str(PROJECT),
                "--profiles-dir",
                str(PROJECT),
                "--target-path",
                str(self.folder / "target"),
                "--log-path",
                str(self.folder / "logs"),
            ],
            env={
                **os.environ,
                "KIZUNA_WAREHOUSE": str(self.path),
                "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def build(self, as_of: date = AS_OF, *arguments: str) -> None:
        """One night: the settings of the run, then dbt build without unit tests; a failure shows dbt's output."""
        self.set_run(as_of)
        result = self.dbt("build", "--exclude-resource-type", "unit_test", *arguments)
        assert result.returncode == 0, result.stdout

    def query(self, sql: str) -> pl.DataFrame:
        with duckdb.connect(self.path, read_only=True) as connection:
            return connection.sql(sql).pl()

    def published(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every published table, in an order that does not depend on the build."""
        with duckdb.connect(self.path, read_only=True) as connection:
            tables = connection.execute(
                "select table_schema, table_name from information_schema.tables"
                " where table_schema in ('marts', 'kpi', 'meta') order by all"
            ).fetchall()
            return {
                f"{schema}.{table}": connection.execute(f"select * from {schema}.{table} order by all").fetchall()
                for schema, table in tables
            }


@dataclass
class _LoadCounts:
    """The line of ingest.loads for one table of one load."""

    is_order_lines: bool
    loaded: int = 0
    superseded: int = 0
    quantity: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    quantity_superseded: Decimal = Decimal(0)
    amount_superseded: Decimal = Decimal(0)

    def add(self, row: Mapping[str, Any], replaced: Mapping[str, Any] | None) -> None:
        self.loaded += 1
        self.superseded += replaced is not None
        if self.is_order_lines:
            self.quantity += Decimal(row["quantity"])
            self.amount += Decimal(row["quantity"]) * Decimal(row["unit_price"])
            if replaced is not None:
                self.quantity_superseded += Decimal(replaced["quantity"])
                self.amount_superseded += Decimal(replaced["quantity"]) * Decimal(replaced["unit_price"])

    def write(self, connection: duckdb.DuckDBPyConnection, load_id: int, source: str, name: str) -> None:
        sums: list[Decimal | None] = [None] * 10
        if self.is_order_lines:
            zero = Decimal(0)
            sums = [self.quantity, self.quantity, self.quantity_superseded, zero, zero]
            sums += [self.amount, self.amount, self.amount_superseded, zero, zero]
        counts = [self.loaded, 0, self.loaded, self.loaded, self.superseded, 0, 0]
        values = [load_id, source, name, 1, *counts, *sums, datetime(2024, 1, 1)]
        marks = ", ".join("?" * len(values))
        connection.execute(f"insert into ingest.loads values ({marks})", values)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The whole history in one load, built once. Tests only read it."""
    warehouse = Warehouse(tmp_path_factory.mktemp("built")).create()
    merged: dict[str, dict[tuple[Any, ...], Mapping[str, Any]]] = defaultdict(dict)
    for tables in LOADS:
        for name, rows in tables.items():
            for row in rows:
                merged[name][tuple(row[c] for c in contracts.contract_named(name).key)] = row
    warehouse.load(1, {name: list(rows.values()) for name, rows in merged.items()})
    warehouse.build()
    return warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """An empty warehouse: every table is there, without rows."""
    return Warehouse(tmp_path).create()
