"""Tables of a database: what is new in each, all of it in one load; and which rows the database no longer has.

A table without a watermark is read whole, so that its keys are compared for nothing: what it no longer has is
deleted with the same load. A table with a watermark shows no deletion; ``find_deletions`` compares its keys when
somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import polars as pl

from pipelines.contracts import Contract
from pipelines.formats.records import UnreadableFileError
from pipelines.ingest.batch import LoadBuilder
from pipelines.ingest.result import StreamResult
from pipelines.ingest.source_turn import SourceTurn
from pipelines.settings import DatabaseSource, DatabaseTable
from pipelines.sources.database import Database, DatabaseError, TableRead, open_database


def ingest_database(turn: SourceTurn) -> None:
    """Read what is new in the source's tables and load it.

    Raises:
        SettingsError: the variable with the connection string is not set, or a mapping numbers records.
        DatabaseError: the database cannot be read; nothing of this turn is loaded then.
    """
    source = _source(turn)
    builder = turn.new_load()
    present = _PresentKeys(turn.connection, source)
    with open_database(turn.name, turn.settings, turn.home.extensions) as database:
        moved = [_read(turn, builder, database, table, present) for table in source.tables]
    for table, gone in present.gone(turn.name):
        builder.delete(table, gone)
    if any(moved):
        turn.commit(builder.finish())


def _read(
    turn: SourceTurn,
    builder: LoadBuilder,
    database: Database,
    table: DatabaseTable,
    present: _PresentKeys,
) -> bool:
    """Land one table; whether there is anything to commit."""
    before = turn.cursor(table.stream) if table.watermark else None
    read = database.read(table, before)
    for records in read.blocks():
        try:
            mapped = builder.map([(table, records)])
        except UnreadableFileError as error:
            raise DatabaseError(f"source {turn.name}, {table.stream}: {error}") from None
        builder.land(table.stream, mapped)
        present.see(table, mapped[0][2].everything)
        turn.report(read.records, 0, table.stream)
    after = read.position.cursor() if read.position else None
    if after is not None:
        builder.set_cursor(table.stream, after)
    turn.result.streams.append(_result(read))
    return bool(read.records) or table.watermark is None or after != before


def _result(read: TableRead) -> StreamResult:
    reached = str(read.position.text) if read.position else None
    return StreamResult(read.stream, read.records, reached, tuple(read.notes))


class _PresentKeys:
    """The keys that the database has of the canonical tables that are read whole, in temporary tables."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, source: DatabaseSource) -> None:
        self._connection = connection
        in_part = {table.table for table in source.tables if table.watermark}
        self._whole = {table.table: table for table in source.tables if table.table not in in_part}
        for table in self._whole.values():
            _create_keys(connection, table.contract)

    def see(self, table: DatabaseTable, rows: pl.DataFrame) -> None:
        """Note the keys of rows, also of those that quarantine holds: they are not gone."""
        if table.table in self._whole:
            _add_keys(self._connection, table.contract, rows)

    def gone(self, source: str) -> Iterator[tuple[DatabaseTable, pl.DataFrame]]:
        """The keys that the warehouse has of the source, and the source no longer, table by table."""
        for table in self._whole.values():
            keys = _gone(self._connection, table.contract, source)
            if keys.height:
                yield table, keys


@dataclass(frozen=True)
class TableDeletions:
    """How a canonical table compares with the database it was read from.

    Attributes:
        table: the canonical table.
        rows_held: rows of the source in the warehouse.
        rows_gone: of those, the ones whose keys the database no longer has.
    """

    table: str
    rows_held: int
    rows_gone: int


def find_deletions(turn: SourceTurn, *, apply: bool) -> list[TableDeletions]:
    """Compare the keys of all rows with the database's; only keys travel.

    Args:
        apply: whether to delete what is gone, as a load of its own that a rebuild repeats.

    Raises:
        SettingsError, DatabaseError: as for ``ingest_database``.
    """
    source = _source(turn)
    builder = turn.new_load()
    tables = {table.table: table for table in source.tables}
    for table in tables.values():
        _create_keys(turn.connection, table.contract)
    with open_database(turn.name, turn.settings, turn.home.extensions) as database:
        for table in source.tables:
            compared = 0
            for keys in database.keys(table):
                _add_keys(turn.connection, table.contract, keys)
                compared += keys.height
                turn.report(compared, 0, table.stream)
    found = []
    for table in tables.values():
        gone = _gone(turn.connection, table.contract, turn.name)
        found.append(TableDeletions(table.table, _held(turn, table.contract), gone.height))
        if apply and gone.height:
            builder.delete(table, gone)
    if apply and any(table.rows_gone for table in found):
        turn.commit(builder.finish())
    return found


def _source(turn: SourceTurn) -> DatabaseSource:
    source = turn.source
    assert isinstance(source, DatabaseSource)
    return source


def _held(turn: SourceTurn, contract: Contract) -> int:
    found = turn.connection.execute(
        f"select count(*) from {contract.raw_name} where _source = ?", [turn.name]
    ).fetchone()
    assert found is not None  # an aggregate always has a row
    return int(found[0])


def _keys_table(contract: Contract) -> str:
    return f"keys_of_{contract.schema}_{contract.table}"


def _create_keys(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    key = ", ".join(contract.key)
    connection.execute(
        f"create or replace temp table {_keys_table(contract)} as select {key} from {contract.raw_name} limit 0"
    )


def _add_keys(connection: duckdb.DuckDBPyConnection, contract: Contract, rows: pl.DataFrame) -> None:
    block = rows.select(contract.key).drop_nulls().to_arrow()
    connection.register("block_of_keys", block)
    connection.execute(f"insert into {_keys_table(contract)} from block_of_keys")
    connection.unregister("block_of_keys")


def _gone(connection: duckdb.DuckDBPyConnection, contract: Contract, source: str) -> pl.DataFrame:
    key = ", ".join(contract.key)
    return connection.execute(
        f"select {key} from {contract.raw_name} anti join {_keys_table(contract)} using ({key}) where _source = ?",
        [source],
    ).pl()
