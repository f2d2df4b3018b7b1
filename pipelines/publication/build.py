"""One version: the DuckDB file and its Parquet files, written from the warehouse and proved equal to it.

Belongs here: every statement that reads the warehouse or writes a version. Does not: the choice between a
whole and a partial build (``plan``), and anything that readers could see (``versions``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.home import Home
from pipelines.publication.files import FOLDER_MODE, copy_file, link_file, remove_tree
from pipelines.publication.fingerprint import WHOLE, fingerprints, rows_of, together
from pipelines.publication.model import (
    DATABASE_NAME,
    STORAGE_VERSION,
    PublicationError,
    Slice,
    Table,
    TableDoc,
    Tuning,
)
from pipelines.publication.plan import Base, Plan, Source
from pipelines.publication.relations import (
    PUBLICATION_TABLE,
    SCHEMAS,
    columns_of,
    identifier,
    literal,
    published_relations,
)

TARGET = "building"  # the new file's name inside the connection
_SCRATCH = ".scratch"


@dataclass(frozen=True)
class Stamp:
    """The one row of ``meta.publication``."""

    as_of_date: dt.date
    version: str
    run_id: str
    built_at: dt.datetime
    kizuna_version: str
    duckdb_version: str
    tables: int
    rows: int
    content_hash: str
    checks_passed: int
    checks_warned: int


_STAMP_COLUMNS = {
    "as_of_date": ("date", "The business date up to which events are counted in every table."),
    "version": ("varchar", "Name of this version, as `kizuna publication rollback` takes it."),
    "run_id": ("varchar", "The run that built this version; the orchestration shows it under this id."),
    "built_at": ("timestamp", "When this version was built (UTC)."),
    "kizuna_version": ("varchar", "The version of Kizuna that built it."),
    "duckdb_version": (
        "varchar",
        "The version of DuckDB that wrote it; content hashes compare within one version.",
    ),
    "tables": ("integer", "Number of published tables, this one aside."),
    "rows": ("bigint", "Rows of all published tables together, this one aside."),
    "content_hash": ("varchar", "Hash over all tables of marts and kpi: equal hashes are equal numbers."),
    "checks_passed": ("integer", "Quality checks that passed before this version was published."),
    "checks_warned": ("integer", "Quality checks that found something worth a look but no reason to stop."),
}
_STAMP_DESCRIPTION = "One row: which data this file holds, from which run, and how its checks ended."


@dataclass(frozen=True)
class Workbench:
    """An open connection, the catalog name of the warehouse in it, and the folder that is being built."""

    con: duckdb.DuckDBPyConnection
    warehouse: str
    folder: Path
    tuning: Tuning


@contextmanager
def open_workbench(home: Home, folder: Path, tuning: Tuning) -> Iterator[Workbench]:
    """Read the warehouse, and spill into the folder of the build.

    Raises:
        PublicationError: there is no warehouse.
    """
    if not home.warehouse.is_file():
        raise PublicationError("there is no warehouse to publish: run a night first")
    scratch = folder / _SCRATCH
    # Views name the catalog that dbt knew when it made them: the stem of the file.
    warehouse = home.warehouse.stem
    settings = {
        "memory_limit": tuning.memory_limit,
        "temp_directory": str(scratch),
        "autoinstall_known_extensions": "false",  # a night downloads nothing
    }
    try:
        with duckdb.connect(config=settings) as con:
            con.execute("set timezone = 'UTC'")
            con.execute("set enable_progress_bar = false")
            con.execute(f"attach {literal(str(home.warehouse))} as {identifier(warehouse)} (read_only)")
            con.execute(f"use {identifier(warehouse)}")
            yield Workbench(con, warehouse, folder, tuning)
    finally:
        remove_tree(scratch)


def read_sources(bench: Workbench, docs: Mapping[str, TableDoc]) -> list[Source]:
    """What the warehouse has to publish, with its fingerprints: one scan.

    Raises:
        PublicationError: a table or column is not described, or cannot be published.
    """
    return [
        Source(relation, fingerprints(bench.con, relation, bench.warehouse, bench.tuning.rows_to_split))
        for relation in published_relations(bench.con, bench.warehouse, docs)
    ]


def build_version(bench: Workbench, sources: Sequence[Source], plan: Plan, stamp: Stamp) -> dict[str, Table]:
    """Write ``kizuna.duckdb`` and ``parquet/`` into the folder, and compare the file with the warehouse.

    Returns:
        The manifest's entry of each table.

    Raises:
        PublicationError: the file holds something else than the warehouse did when the plan was made.
        duckdb.Error: the base could not be read, or the disk is full.
    """
    path = bench.folder / DATABASE_NAME
    if plan.base is not None:
        copy_file(plan.base.version.database, path)
    bench.con.execute(f"attach {literal(str(path))} as {TARGET} (storage_version '{STORAGE_VERSION}')")
    if plan.base is None:
        _write_tables(bench, sources)
    else:
        _replace_slices(bench, sources, plan)
    for source in sources:
        doc = source.relation.doc
        columns = {column: doc.columns[column] for column in source.relation.columns}
        _describe(bench, source.relation.within(TARGET), doc.description, columns)
    _write_stamp(bench, stamp)
    # Closing folds the log into the file; opened again it shows what a reader will see.
    bench.con.execute(f"detach {TARGET}")
    bench.con.execute(f"attach {literal(str(path))} as {TARGET} (read_only)")
    _verify(bench, sources)
    entries = {source.relation.name: _table_entry(bench, source, plan.base) for source in sources}
    bench.con.execute(f"detach {TARGET}")
    return entries


def _write_tables(bench: Workbench, sources: Sequence[Source]) -> None:
    for schema in SCHEMAS:
        bench.con.execute(f"create schema {TARGET}.{identifier(schema)}")
    for source in sources:
        new, old = source.relation.within(TARGET), source.relation.within(bench.warehouse)
        bench.con.execute(f"create table {new} as from {old} {_order(source, bench.tuning)}")


def _replace_slices(bench: Workbench, sources: Sequence[Source], plan: Plan) -> None:
    for source in sources:
        new, old = source.relation.within(TARGET), source.relation.within(bench.warehouse)
        delete, write = plan.delete[source.relation.name], plan.write[source.relation.name]
        if delete:
            bench.con.execute(f"delete from {new} where {rows_of(delete, source.split_by)}")
        if write:
            condition = rows_of(write, source.split_by)
            order = _order(source, bench.tuning)
            bench.con.execute(f"insert into {new} from {old} where {condition} {order}")


def _order(source: Source, tuning: Tuning) -> str:
    """Split tables by date, so that readers and the next night skip other months; small ones wholly.

    A large table without a date stays as the warehouse has it: sorting it would cost more than writing it.
    """
    if source.split_by is not None:
        return f"order by {identifier(source.split_by)}"
    return "order by all" if together(source.slices.values()).rows < tuning.rows_to_split else ""


def _describe(bench: Workbench, table: str, description: str, columns: Mapping[str, str]) -> None:
    bench.con.execute(f"comment on table {table} is {literal(description)}")
    for column, text in columns.items():
        bench.con.execute(f"comment on column {table}.{identifier(column)} is {literal(text)}")


def _write_stamp(bench: Workbench, stamp: Stamp) -> None:
    table = f"{TARGET}.{PUBLICATION_TABLE}"
    columns = ", ".join(f"{identifier(name)} {kind}" for name, (kind, _) in _STAMP_COLUMNS.items())
    bench.con.execute(f"create or replace table {table} ({columns})")
    values = [getattr(stamp, name) for name in _STAMP_COLUMNS]
    bench.con.execute(f"insert into {table} values ({', '.join('?' * len(values))})", values)
    _describe(bench, table, _STAMP_DESCRIPTION, {name: text for name, (_, text) in _STAMP_COLUMNS.items()})


def _verify(bench: Workbench, sources: Sequence[Source]) -> None:
    """One scan of the new file: the warehouse's relations, columns, rows and hashes, and nothing else."""
    found = columns_of(bench.con, TARGET)
    del found[PUBLICATION_TABLE]
    expected = {source.relation.name: source.relation.columns for source in sources}
    if _ordered(found) != _ordered(expected):
        raise PublicationError("the new file has other tables or columns than the warehouse")
    for source in sources:
        # Split as the source was, however many rows arrived.
        rows_to_split = bench.tuning.rows_to_split if WHOLE in source.slices else 1
        written = fingerprints(bench.con, source.relation, TARGET, rows_to_split)
        if written != source.slices:
            raise PublicationError(
                f"the new file's {source.relation.name} differs from the warehouse's, with "
                f"{together(written.values()).rows} rows for {together(source.slices.values()).rows}: "
                "a view that gives other rows at each reading must become a table"
            )


def _ordered(relations: Mapping[str, Mapping[str, str]]) -> dict[str, list[tuple[str, str]]]:
    return {name: list(columns.items()) for name, columns in relations.items()}


def _table_entry(bench: Workbench, source: Source, base: Base | None) -> Table:
    """Write a Parquet file for each slice, or link that of the base where the content is the same."""
    relation = source.relation
    where = Path("parquet", relation.schema, relation.table)
    (bench.folder / where).mkdir(mode=FOLDER_MODE, parents=True)
    before = base.manifest.tables[relation.name].slices if base else {}
    slices = {}
    for name, now in source.slices.items():
        file = where / f"{name}.parquet"
        path = bench.folder / file
        if base and name in before and before[name].content_hash == now.content_hash:
            link_file(base.version.folder / before[name].file, path)
        else:
            rows = f"from {relation.within(TARGET)} where {rows_of([name], source.split_by)}"
            bench.con.execute(f"copy ({rows}) to {literal(str(path))} (format parquet, compression zstd)")
        slices[name] = Slice(
            rows=now.rows, content_hash=now.content_hash, file=file.as_posix(), bytes=path.stat().st_size
        )
    total = together(source.slices.values())
    return Table(
        rows=total.rows,
        content_hash=total.content_hash,
        schema_hash=relation.schema_hash,
        columns=dict(relation.columns),
        split_by=source.split_by,
        slices=slices,
    )
