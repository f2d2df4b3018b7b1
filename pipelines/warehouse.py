"""``warehouse.duckdb``: how it is opened, and the tables that ingestion writes.

dbt owns every other schema. Only the pipeline opens this file; BI tools open the published one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines import contracts
from pipelines.contracts import Contract
from pipelines.errors import BusyError
from pipelines.home import Home

ROW_ORIGIN = {
    "_source": "varchar",  # name of the source in kizuna.yml
    "_file": "varchar",
    "_line": "bigint",  # first line of the record in that file, from 1
    "_extra": "varchar",  # JSON of columns that came after the first load and that no mapping reads
    "_version": "timestamp",  # which of two rows with one key is newer; null: the one that came later
    "_load_id": "bigint",  # the load that last changed the row
}

MEASURES = ("quantity", "amount")  # reconciled beside the rows, for order lines
OUTCOMES = ("read", "loaded", "superseded", "quarantined", "duplicate", "deleted")

_LOADS = f"""
create table if not exists ingest.loads (
    load_id bigint, source varchar, table_name varchar, files bigint,
    records_read bigint, rows_excluded bigint,
    {", ".join(f"rows_{outcome} bigint" for outcome in OUTCOMES)},
    {", ".join(f"quantity_{outcome} decimal(38, 4)" for outcome in OUTCOMES)},
    {", ".join(f"amount_{outcome} decimal(38, 8)" for outcome in OUTCOMES)},
    loaded_at timestamp
)"""
_TABLES = (
    _LOADS,
    "alter table ingest.loads add column if not exists rows_deleted bigint default 0",
    "alter table ingest.loads add column if not exists quantity_deleted decimal(38, 4)",
    "alter table ingest.loads add column if not exists amount_deleted decimal(38, 8)",
    """create table if not exists ingest.files (
        source varchar, file varchar, sha256 varchar, bytes bigint, modified_ns bigint,
        status varchar, load_id bigint, records bigint, reason varchar
    )""",
    "create table if not exists ingest.cursors (source varchar, stream varchar, value varchar, load_id bigint)",
    """create table if not exists ingest.columns (
        source varchar, stream varchar, column_name varchar, type varchar, first_load_id bigint
    )""",
    """create table if not exists quarantine.rows (
        load_id bigint, source varchar, file varchar, line bigint, table_name varchar,
        reason varchar, original_text varchar
    )""",
    "create table if not exists privacy.customer_keys (customer_id varchar, customer_key varchar)",
    "create table if not exists privacy.hash_key (fingerprint varchar)",
    "alter table privacy.hash_key add column if not exists is_public boolean",
    """create table if not exists ops.run_settings (
        as_of_date date, timezone varchar, currency varchar, minimum_answers integer
    )""",
    "alter table ops.run_settings add column if not exists clv_basis varchar",
    "alter table ops.run_settings add column if not exists assumed_margin_rate double",
    "alter table ops.run_settings add column if not exists holdout_days integer",
    "alter table ops.run_settings add column if not exists clv_horizon_days integer",
    "alter table ops.run_settings add column if not exists fiscal_year_first_month integer",
    "create table if not exists ops.models_built (fingerprint varchar, last_load_id bigint)",
    "alter table ops.models_built add column if not exists part varchar",
)


class WarehouseBusyError(BusyError):
    """Another process has the warehouse open."""


@contextmanager
def open_warehouse(home: Home, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for one piece of work; it is closed, and the lock gone, whatever happens.

    Raises:
        WarehouseBusyError: another process has it open.
    """
    if not read_only and not home.warehouse.exists():
        _create(home.warehouse)
    try:
        connection = duckdb.connect(str(home.warehouse), read_only=read_only)
        connection.execute(
            "set enable_progress_bar = false"
        )  # it would be written over ours, and into --json
    except (duckdb.IOException, duckdb.ConnectionException) as error:
        # The second: a cancelled dbt in this very process has not let go yet.
        if "lock" not in str(error) and not isinstance(error, duckdb.ConnectionException):
            raise
        raise WarehouseBusyError(
            f"{home.warehouse} is open in another process: another run, or a shell. Wait for it or end it. "
            f"BI tools and people read {home.published_file} instead."
        ) from error
    try:
        yield connection
    finally:
        connection.close()


def _create(path: Path) -> None:
    """Make an empty warehouse, whole or not at all: a kill or a full disk between its first bytes would leave a
    file that nothing opens any more."""
    building = path.with_suffix(".building")
    building.unlink(missing_ok=True)
    duckdb.connect(str(building)).close()
    building.replace(path)


def raw_columns(contract: Contract) -> dict[str, str]:
    """The columns of a contract's raw table, with their types in DuckDB."""
    return {column.name: column.kind.duckdb for column in contract.columns} | ROW_ORIGIN


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make every table that ingestion writes; those that exist keep their rows and get the columns they lack."""
    schemas = {"ingest", "quarantine", "privacy", "ops"} | {f"raw_{c.schema}" for c in contracts.ALL}
    for schema in sorted(schemas):
        connection.execute(f"create schema if not exists {schema}")
    for statement in _TABLES:
        connection.execute(statement)
    for contract in contracts.ALL:
        listed = ", ".join(f"{name} {type_}" for name, type_ in raw_columns(contract).items())
        connection.execute(f"create table if not exists {contract.raw_name} ({listed})")
    _add_missing_columns(connection)


def _add_missing_columns(connection: duckdb.DuckDBPyConnection) -> None:
    """Complete raw tables that an earlier version of the pipeline made."""
    found = connection.execute("select schema_name || '.' || table_name, column_name from duckdb_columns()")
    known = set(found.fetchall())
    for contract in contracts.ALL:
        for name, type_ in raw_columns(contract).items():
            if (contract.raw_name, name) not in known:
                connection.execute(f"alter table {contract.raw_name} add column {name} {type_}")
