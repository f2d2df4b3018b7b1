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
from pipelines.publication.about import Stamp, about_tables, published_since
from pipelines.publication.files import FOLDER_MODE, copy_file, link_file, remove_tree
from pipelines.publication.fingerprint import WHOLE, fingerprints, rows_of, together
from pipelines.publication.model import (
    DATABASE_NAME,
    PARQUET_FOLDER,
    STORAGE_VERSION,
    Manifest,
    PublicationError,
    Slice,
    Table,
    TableDoc,
    Tuning,
)
from pipelines.publication.plan import Base, Plan, Source
from pipelines.publication.relations import (
    ABOUT_TABLES,
    SCHEMAS,
    columns_of,
    identifier,
    literal,
    published_relations,
)

TARGET = "building"  # the new file's name inside the connection
_SCRATCH = ".scratch"


@dataclass(frozen=True)
class Workbench:
    """An open connection, the catalog name of the warehouse in it, and the folder that is being built."""

    con: duckdb.DuckDBPyConnection
    warehouse: str
    folder: Path
    tuning: Tuning
    parquet: bool  # whether Parquet files are written beside the DuckDB file


@contextmanager
def open_workbench(home: Home, folder: Path, tuning: Tuning, *, parquet: bool) -> Iterator[Workbench]:
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
            yield Workbench(con, warehouse, folder, tuning, parquet)
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


def build_version(
    bench: Workbench, sources: Sequence[Source], plan: Plan, stamp: Stamp, before: Manifest | None
) -> dict[str, Table]:
    """Write ``kizuna.duckdb`` and, where asked for, ``parquet/`` into the folder, and compare the file with
    the warehouse.

    Args:
        before: of the version that readers open now, whether or not the plan starts from it.

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
        columns = {column: doc.comment_on(column) for column in source.relation.columns}
        _describe(bench, source.relation.within(TARGET), doc.comment, columns)
    since = {
        source.relation.name: published_since(source.relation, before, stamp.as_of_date) for source in sources
    }
    _write_about(bench, sources, since, stamp)
    # Closing folds the log into the file; opened again it shows what a reader will see.
    bench.con.execute(f"detach {TARGET}")
    bench.con.execute(f"attach {literal(str(path))} as {TARGET} (read_only)")
    _verify(bench, sources)
    entries = {
        source.relation.name: _table_entry(bench, source, plan.base, since[source.relation.name])
        for source in sources
    }
    if bench.parquet:
        for name in ABOUT_TABLES:
            _copy_to_parquet(bench, f"from {TARGET}.{name}", _parquet_file(*name.split("."), WHOLE))
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


def _write_about(
    bench: Workbench, sources: Sequence[Source], since: Mapping[str, Mapping[str, dt.date]], stamp: Stamp
) -> None:
    relations = [source.relation for source in sources]
    rows = {source.relation.name: together(source.slices.values()).rows for source in sources}
    for about in about_tables(relations, rows, since, stamp):
        table = f"{TARGET}.{about.name}"
        columns = ", ".join(f"{identifier(name)} {kind}" for name, (kind, _) in about.columns.items())
        bench.con.execute(f"create or replace table {table} ({columns})")
        bench.con.executemany(
            f"insert into {table} values ({', '.join('?' * len(about.columns))})", about.rows
        )
        _describe(bench, table, about.description, {name: text for name, (_, text) in about.columns.items()})


def _verify(bench: Workbench, sources: Sequence[Source]) -> None:
    """One scan of the new file: the warehouse's relations, columns, rows and hashes, and nothing else."""
    found = columns_of(bench.con, TARGET)
    for name in ABOUT_TABLES:
        del found[name]
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


def _table_entry(bench: Workbench, source: Source, base: Base | None, since: dict[str, dt.date]) -> Table:
    """The manifest's entry, with a Parquet file for each slice where they are asked for."""
    relation = source.relation
    before = base.manifest.tables[relation.name].slices if base else {}
    slices = {}
    for name, now in source.slices.items():
        file = _parquet_file(relation.schema, relation.table, name) if bench.parquet else None
        if file is not None:
            known = before.get(name)
            if base and known and known.file and known.content_hash == now.content_hash:
                (bench.folder / file).parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
                link_file(base.version.folder / known.file, bench.folder / file)
            else:
                where = rows_of([name], source.split_by)
                _copy_to_parquet(bench, f"from {relation.within(TARGET)} where {where}", file)
        slices[name] = Slice(
            rows=now.rows,
            content_hash=now.content_hash,
            file=file.as_posix() if file else None,
            bytes=(bench.folder / file).stat().st_size if file else 0,
        )
    total = together(source.slices.values())
    return Table(
        rows=total.rows,
        content_hash=total.content_hash,
        schema_hash=relation.schema_hash,
        columns=dict(relation.columns),
        published_since=since,
        split_by=source.split_by,
        slices=slices,
    )


def _parquet_file(schema: str, table: str, slice_name: str) -> Path:
    """Relative to the version's folder."""
    return Path(PARQUET_FOLDER, schema, table, f"{slice_name}.parquet")


def _copy_to_parquet(bench: Workbench, rows: str, file: Path) -> None:
    path = bench.folder / file
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    bench.con.execute(f"copy ({rows}) to {literal(str(path))} (format parquet, compression zstd)")
