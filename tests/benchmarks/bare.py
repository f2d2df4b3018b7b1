"""The floor: the same data loaded, the same SQL run and the same tables copied by DuckDB alone.

Belongs here: what a night could not be faster than, on the same machine, files and engine. Run as a process
(``python -m tests.benchmarks.bare load|models|copy HOME CONFIG FOLDER``), it prints the seconds of its work as JSON.

What stands in for what:

- ``load``: ``read_csv`` with declared types, straight into tables. A mapping's plain columns, constants and
  ``where`` are taken as they are. Not done, though a night does it: SHA-256 of the files, the landing zone, telling
  versions of a row apart, naming the broken rows (they are skipped), lines and files of origin, counts, times zones.
  Wide survey answers are read once and become one row per question by insert-select; tickets are read by
  ``read_ndjson`` with DuckDB's own inference, and their assignments by ``unnest``.
- ``models``: every statement that dbt has compiled for its models and tests, in the order in which dbt ran them, on
  a copy of the raw tables (copied before the clock starts), with the profile's memory and threads. A test is run as
  ``select count(*)`` over its query. Seeds are copied.
- ``copy``: the published tables into a new DuckDB file, and into one Parquet file each.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterable
from graphlib import TopologicalSorter
from itertools import groupby
from pathlib import Path

import duckdb

from pipelines import contracts
from pipelines.contracts import Kind
from pipelines.home import Home
from pipelines.publication import SCHEMAS
from pipelines.settings import ColumnMapping, FileSource, Settings, TableMapping, load_settings
from pipelines.sources.files import find_files

# As dbt_project/profiles.yml has them.
_PROFILE = {"threads": 2, "memory_limit": "2500MB", "preserve_insertion_order": False}
_MADE_BY_DBT = ("staging", "intermediate", *SCHEMAS)


def load(settings: Settings, folder: Path) -> float:
    """Seconds to load all sources' files into tables without any of our code."""
    database = folder / "load.duckdb"
    with duckdb.connect(str(database), config={"preserve_insertion_order": False}) as connection:
        for contract in contracts.ALL:
            columns = ", ".join(f"{column.name} {column.kind.duckdb}" for column in contract.columns)
            connection.execute(f"create schema if not exists raw_{contract.schema}")
            connection.execute(f"create table {contract.raw_name} ({columns})")
        started = time.perf_counter()
        for name, source in settings.sources.items():
            files = [str(file.path) for file in find_files(name, source, settings)]
            if files:
                _load_source(connection, source, files)
        return time.perf_counter() - started


def _load_source(connection: duckdb.DuckDBPyConnection, source: FileSource, files: list[str]) -> None:
    read = _read_ndjson(files) if source.format == "jsonl" else _read_csv(source, files)
    if len(source.mappings) > 1:
        connection.execute(f"create or replace temp table records as from {read}")
        read = "records"
    for mapping in source.mappings:
        rows = f"{read} where {mapping.where}" if mapping.where else read
        if mapping.explode:
            elements = (
                f"unnest({mapping.explode}) as element, generate_subscripts({mapping.explode}, 1) as position"
            )
            rows = f"(select *, {elements} from {rows})"
        names = ", ".join(mapping.columns)
        values = ", ".join(_value(mapping, name, spec) for name, spec in mapping.columns.items())
        connection.execute(f"insert into {mapping.contract.raw_name} ({names}) select {values} from {rows}")


def _read_ndjson(files: list[str]) -> str:
    return f"read_ndjson({_listed(files)}, ignore_errors = true)"


def _read_csv(source: FileSource, files: list[str]) -> str:
    with duckdb.connect() as connection:
        header = connection.execute(
            f"from read_csv({_listed(files[:1])}, delim = '{source.delimiter}', header = false, all_varchar = true)"
            " limit 1"
        ).fetchone()
    assert header is not None  # the demo's files have a header
    types = dict.fromkeys(header, "varchar") | dict(_declared_types(source.mappings))
    columns = ", ".join(f"'{name}': '{type_}'" for name, type_ in types.items())
    return (
        f"read_csv({_listed(files)}, columns = {{{columns}}}, delim = '{source.delimiter}', quote = '\"',"
        f" header = false, skip = {source.header_rows}, ignore_errors = true, auto_detect = false)"
    )


def _declared_types(mappings: Iterable[TableMapping]) -> Iterable[tuple[str, str]]:
    """Types of the file's columns, where one table's column is nothing but one of the file's."""
    for mapping in mappings:
        for column in mapping.contract.columns:
            spec = mapping.columns.get(column.name)
            if spec is None or spec.column is None or spec.format or spec.values or column.kind is Kind.JSON:
                continue
            yield spec.column, "timestamptz" if spec.column == "SentAt" else column.kind.duckdb


def _value(mapping: TableMapping, name: str, spec: ColumnMapping) -> str:
    column = next(column for column in mapping.contract.columns if column.name == name)
    if spec.constant is not None:
        return f"'{spec.constant}'"
    assert spec.column is not None, f"{mapping.table}.{name}: the bare load knows no expressions"
    value = _field(mapping, spec.column)
    if spec.values:
        cases = " ".join(f"when '{old}' then '{new}'" for old, new in spec.values.items())
        value = f"case {value} {cases} end"
    if spec.format:
        value = f"strptime({value}, '{spec.format}')"
    return f"try_cast({value} as {column.kind.duckdb})"


def _field(mapping: TableMapping, field: str) -> str:
    if mapping.explode and field == f"{mapping.explode}._position":
        return "position"
    if mapping.explode and field.startswith(f"{mapping.explode}."):
        return f"element.{field.removeprefix(mapping.explode + '.')}"
    return ".".join(f'"{part}"' for part in field.split("."))


def models(home: Home, folder: Path) -> float:
    """Seconds to run what dbt has compiled on a copy of the raw tables."""
    database = folder / "warehouse.duckdb"  # the name of the catalog in the compiled SQL
    with duckdb.connect(str(database), config=_PROFILE) as connection:
        connection.execute(f"attach '{home.warehouse}' as made (read_only)")
        _copy_all_but(connection, "made", _MADE_BY_DBT)
        connection.execute("detach made")
        connection.execute("checkpoint")
        for schema in _MADE_BY_DBT:
            connection.execute(f"create schema {schema}")
        statements = list(_compiled(home))
        started = time.perf_counter()
        for statement in statements:
            connection.execute(statement)
        return time.perf_counter() - started


def _copy_all_but(connection: duckdb.DuckDBPyConnection, catalog: str, schemas: tuple[str, ...]) -> None:
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ? order by all", [catalog]
    ).fetchall()
    wanted = [(schema, table) for schema, table in tables if schema not in schemas]
    for schema, found in groupby(wanted, key=lambda pair: pair[0]):
        connection.execute(f"create schema if not exists {schema}")
        for _, table in found:
            connection.execute(f"create table {schema}.{table} as from {catalog}.{schema}.{table}")


def _compiled(home: Home) -> Iterable[str]:
    """The statements that the night's two calls of dbt ran, each after what it reads."""
    target = home.dbt / "target"
    nodes = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    parents = {name: nodes.keys() & set(node["depends_on"].get("nodes", ())) for name, node in nodes.items()}
    for node in map(nodes.__getitem__, TopologicalSorter(parents).static_order()):
        path = target / "compiled" / node["package_name"] / node["original_file_path"]
        if path.name != Path(node["path"]).name:  # a test that stands in a YAML file
            path /= node["path"]
        if node["resource_type"] == "model":
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            yield f"create {kind} {node['schema']}.{node['name']} as ({path.read_text(encoding='utf-8')})"
        elif node["resource_type"] == "test":
            yield f"select count(*) from ({path.read_text(encoding='utf-8')}) as failures"


def copy(home: Home, folder: Path) -> float:
    """Seconds to copy the published tables into a new file and into Parquet."""
    with duckdb.connect(str(folder / "published.duckdb"), config=_PROFILE) as connection:
        # Under the name that the views know.
        connection.execute(f"attach '{home.warehouse}' as warehouse (read_only)")
        tables = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
            f" where table_catalog = 'warehouse' and table_schema in {SCHEMAS} order by all"
        ).fetchall()
        started = time.perf_counter()
        for schema in SCHEMAS:
            connection.execute(f"create schema {schema}")
        for (table,) in tables:
            connection.execute(f"create table {table} as from warehouse.{table}")
            connection.execute(f"copy {table} to '{folder / table}.parquet' (format parquet)")
        return time.perf_counter() - started


def _listed(files: list[str]) -> str:
    return "[" + ", ".join("'" + re.sub("'", "''", file) + "'" for file in files) + "]"


def main(work: str, home: str, config: str, folder: str) -> None:
    """Do one part of the floor and print its seconds."""
    if work == "load":
        seconds = load(load_settings(Path(config)), Path(folder))
    else:
        seconds = {"models": models, "copy": copy}[work](Home(Path(home)), Path(folder))
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
