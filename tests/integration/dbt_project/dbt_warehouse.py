"""A small warehouse as the ingestion would leave it, and dbt run on it.

Belongs here: the raw tables with hand-written rows, and the one way these tests start dbt.
Does not: what the numbers should be; that is in the tests.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import polars as pl
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.artifacts.schemas.run import RunResult
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_history import AS_OF

from pipelines import contracts
from pipelines.estimates import create_tables

PROJECT = Path(__file__).resolve().parents[3] / "dbt_project"
SOURCES = {"crm": "shop", "survey": "survey_tool", "support": "help_desk", "org": "organisation"}

PIPELINE_TABLES = """
    create schema ingest; create schema quarantine; create schema privacy; create schema ops;
    create schema matching;
    create table ingest.loads (
        load_id bigint, source varchar, table_name varchar, files bigint, records_read bigint,
        rows_excluded bigint, rows_read bigint, rows_loaded bigint, rows_superseded bigint,
        rows_quarantined bigint, rows_duplicate bigint, rows_deleted bigint,
        quantity_read decimal(38, 4), quantity_loaded decimal(38, 4), quantity_superseded decimal(38, 4),
        quantity_quarantined decimal(38, 4), quantity_duplicate decimal(38, 4), quantity_deleted decimal(38, 4),
        amount_read decimal(38, 8), amount_loaded decimal(38, 8), amount_superseded decimal(38, 8),
        amount_quarantined decimal(38, 8), amount_duplicate decimal(38, 8), amount_deleted decimal(38, 8),
        loaded_at timestamp
    );
    create table quarantine.rows (
        load_id bigint, source varchar, file varchar, line bigint, table_name varchar, reason varchar,
        original_text varchar
    );
    create table privacy.customer_keys (customer_id varchar, customer_key varchar);
    create table matching.people (
        person_id varchar, same_person_id varchar, probability double, load_id bigint
    );
    create table matching.contacts (
        record_type varchar, source_name varchar, record_id varchar, person_id varchar, probability double
    );
    create table ops.run_settings (
        as_of_date date, timezone varchar, currency varchar, minimum_answers integer, clv_basis varchar,
        assumed_margin_rate double, holdout_days integer, clv_horizon_days integer,
        fiscal_year_first_month integer
    );
"""


_ROW_COUNTS = """
    select
        cast($load_id as bigint) as load_id, cast($source as varchar) as source,
        cast($table_name as varchar) as table_name, 1 as files, incoming_rows as records_read,
        0 as rows_excluded, incoming_rows as rows_read, incoming_rows as rows_loaded,
        (select count(*) from {replaced}) as rows_superseded, 0 as rows_quarantined, 0 as rows_duplicate,
        0 as rows_deleted
"""
_SUMS = """,
        units as quantity_read, units as quantity_loaded,
        coalesce((select sum(quantity) from {replaced}), 0) as quantity_superseded,
        0 as quantity_quarantined, 0 as quantity_duplicate, 0 as quantity_deleted,
        money as amount_read, money as amount_loaded,
        coalesce((select sum(quantity * unit_price) from {replaced}), 0) as amount_superseded,
        0 as amount_quarantined, 0 as amount_duplicate, 0 as amount_deleted
"""
_LOAD_COUNTS = {
    False: _ROW_COUNTS + " from (select count(*) as incoming_rows from incoming)",
    True: _ROW_COUNTS
    + _SUMS
    + " from (select count(*) as incoming_rows, sum(quantity) as units, sum(quantity * unit_price) as money"
    " from incoming)",
}


_parsed: list[Manifest] = []


def use(manifest: Manifest) -> None:
    """Have all warehouses of this process built from the project as parsed."""
    _parsed[:] = [manifest]


def parsed_project() -> Manifest:
    """The project as dbt has parsed it."""
    (manifest,) = _parsed
    return manifest


def failures(results: list[RunResult]) -> dict[str, str | None]:
    """The message of every node that neither passed nor warned."""
    good = {"success", "pass", "warn", "no-op"}
    return {result.node.name: result.message for result in results if str(result.status) not in good}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


@dataclass(frozen=True)
class Warehouse:
    """A warehouse file and the dbt project over it. Loads are merged by key, the newest row wins."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "warehouse.duckdb"

    def create(self) -> Warehouse:
        with duckdb.connect(self.path) as connection:
            connection.execute(PIPELINE_TABLES)
            create_tables(connection)
            for contract in contracts.ALL:
                columns = ", ".join(f"{column.name} {column.kind.duckdb}" for column in contract.columns)
                connection.execute(f"create schema if not exists raw_{contract.schema}")
                connection.execute(
                    f"create table {contract.raw_name} ({columns}, _source varchar, _file varchar, _line bigint,"
                    " _version timestamp, _load_id bigint)"
                )
        return self

    def load(self, load_id: int, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Merge rows by key, as one load of the ingestion does, with its counts in ingest.loads."""
        with duckdb.connect(self.path) as connection:
            for name, rows in tables.items():
                contract = contracts.contract_named(name)
                values = [[_text(row.get(column)) for column in contract.column_names] for row in rows]
                incoming = pl.DataFrame(
                    values, schema=dict.fromkeys(contract.column_names, pl.String), orient="row"
                )
                connection.register("incoming_text", incoming)
                connection.execute(
                    f"create or replace temp table incoming as select * from {contract.raw_name} limit 0;"
                    f"insert into incoming select *, '{SOURCES[contract.schema]}', '{name}.csv', 1,"
                    f" timestamp '2024-01-01', {load_id} from incoming_text"
                )
                key = " and ".join(f"held.{column} = incoming.{column}" for column in contract.key)
                replaced = f"{contract.raw_name} as held where exists (select 1 from incoming where {key})"
                connection.execute(
                    "insert into ingest.loads by name "
                    + _LOAD_COUNTS[name == "crm.order_lines"].format(replaced=replaced),
                    {"load_id": load_id, "source": SOURCES[contract.schema], "table_name": name},
                )
                connection.execute(f"delete from {replaced}")
                connection.execute(f"insert into {contract.raw_name} select * from incoming")
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
            "select customer_id, md5('secret' || customer_id) as customer_key "
            f"from ({seen}) where customer_id is not null"
        )

    def set_run(
        self,
        as_of: date,
        timezone: str = "Asia/Tokyo",
        minimum_answers: int = 3,
        fiscal_year_first_month: int = 4,
    ) -> None:
        with duckdb.connect(self.path) as connection:
            connection.execute("delete from ops.run_settings")
            connection.execute(
                "insert into ops.run_settings values (?, ?, 'JPY', ?, 'margin', null, 91, 365, ?)",
                [as_of, timezone, minimum_answers, fiscal_year_first_month],
            )

    def dbt(self, command: str, *arguments: str) -> list[RunResult]:
        """Run dbt on this warehouse and return what became of each node, failures included.

        In this process and with the project parsed before: importing and parsing would take longer than the builds.
        """
        options = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--quiet"]
        options += ["--target-path", str(self.folder / "target"), "--log-path", str(self.folder / "logs")]
        runner = dbtRunner(manifest=parsed_project())
        with patch.dict(os.environ, KIZUNA_WAREHOUSE=str(self.path)):
            try:
                outcome = runner.invoke([command, *arguments, *options])
            finally:
                DuckDBConnectionManager.close_all_connections()
        assert outcome.exception is None, outcome.exception
        return list(outcome.result.results)

    def build(self, as_of: date = AS_OF, *arguments: str, tested: bool = True) -> None:
        """One night: the settings of the run, then dbt build without unit tests. Warnings are no failures.

        Args:
            tested: whether with the tests of the data, which take as long as the models.
        """
        self.set_run(as_of)
        without = ("unit_test",) if tested else ("unit_test", "test")
        excluded = [argument for kind in without for argument in ("--exclude-resource-type", kind)]
        results = self.dbt("build", *excluded, *arguments)
        assert failures(results) == {}

    def copied(self, folder: Path) -> Warehouse:
        """The same warehouse as a file of its own in this folder, to change."""
        shutil.copy(self.path, folder / self.path.name)
        return Warehouse(folder)

    def execute(self, sql: str) -> None:
        """Change what stands beside the raw tables."""
        with duckdb.connect(self.path) as connection:
            connection.execute(sql)

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
                f"{schema}.{table}": connection.execute(
                    f"select * from {schema}.{table} order by all"
                ).fetchall()
                for schema, table in tables
            }
