"""Tables of a database: what is new in each, all of it in one load; and which rows the database no longer has.

A table without a watermark is read whole, so that its keys are compared for nothing: what it no longer has is
deleted with the same load. A table with a watermark shows no deletion; ``find_deletions`` compares its keys when
somebody asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from pipelines.contracts import Contract
from pipelines.formats.records import UnreadableFileError
from pipelines.ingest.batch import LoadBuilder
from pipelines.ingest.presence import PresentKeys, shrinkage
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
    snapshots = _Snapshots(turn)
    with open_database(turn.name, turn.settings, turn.home.extensions) as database:
        moved = [_read(turn, builder, database, table, snapshots) for table in source.tables]
    for table, gone in snapshots.gone():
        builder.delete(table, gone)
    if any(moved):
        turn.commit(builder.finish())


def _read(
    turn: SourceTurn,
    builder: LoadBuilder,
    database: Database,
    table: DatabaseTable,
    snapshots: _Snapshots,
) -> bool:
    """Land one table; whether there is anything to commit."""
    before = turn.cursor(table.stream) if table.watermark else None
    read = database.read(table, before)
    read.add(turn.columns.to_keep(table, read.schema, builder.load_id))
    for records in read.blocks():
        try:
            mapped = builder.map([(table, records)])
        except UnreadableFileError as error:
            raise DatabaseError(f"source {turn.name}, {table.stream}: {error}") from None
        builder.land(table.stream, mapped)
        snapshots.see(table, mapped[0][2].everything)
        turn.report(read.records, 0, table.stream)
    after = read.position.cursor() if read.position else None
    if after is not None:
        builder.set_cursor(table.stream, after)
    turn.result.streams.append(_result(read))
    return bool(read.records) or table.watermark is None or after != before


def _result(read: TableRead) -> StreamResult:
    reached = str(read.position.text) if read.position else None
    return StreamResult(read.stream, read.records, reached, tuple(read.notes))


class _Snapshots:
    """The canonical tables of the source that are read whole, so that what is not seen is gone."""

    def __init__(self, turn: SourceTurn) -> None:
        tables = _source(turn).tables
        in_part = {table.table for table in tables if table.watermark}
        self._turn = turn
        self._whole = {table.table: table for table in tables if table.table not in in_part}
        self._present = PresentKeys(turn.connection, (table.contract for table in self._whole.values()))
        self._without_key: set[str] = set()

    def see(self, table: DatabaseTable, rows: pl.DataFrame) -> None:
        """Note the rows of a block."""
        if table.table in self._whole and self._present.see(table.contract, rows):
            self._without_key.add(table.table)

    def gone(self) -> Iterator[tuple[DatabaseTable, pl.DataFrame]]:
        """Of each table the keys that the database no longer has. None of a table with a row whose key is not
        whole: it may be any of them.

        Raises:
            DatabaseError: a table has shrunk more than the settings believe.
        """
        for table in self._whole.values():
            keys = self._present.gone(table.contract, self._turn.name)
            held = _held(self._turn, table.contract)
            share = self._turn.settings.thresholds.stop_shrunk_share
            refusal = shrinkage(held - keys.height, held, share)
            if refusal:
                raise DatabaseError(f"source {self._turn.name}, {table.stream}: {refusal}")
            if keys.height and table.table not in self._without_key:
                yield table, keys


@dataclass(frozen=True)
class TableDeletions:
    """How a canonical table compares with the database it was read from.

    Attributes:
        table: the canonical table.
        rows_held: rows of the source in the warehouse.
        rows_gone: of those, the ones whose keys the database no longer has.
        rows_without_key: rows of the database whose keys the mapping cannot read; they may be any, so nothing
            of the table is deleted while there are some.
    """

    table: str
    rows_held: int
    rows_gone: int
    rows_without_key: int


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
    without_key = Counter[str]()
    deletes = False
    present = PresentKeys(turn.connection, (table.contract for table in tables.values()))
    with open_database(turn.name, turn.settings, turn.home.extensions) as database:
        for table in source.tables:
            compared = 0
            for keys in database.keys(table):
                without_key[table.table] += present.see(table.contract, keys)
                compared += keys.height
                turn.report(compared, 0, table.stream)
    found = []
    for name, table in tables.items():
        gone = present.gone(table.contract, turn.name)
        found.append(TableDeletions(name, _held(turn, table.contract), gone.height, without_key[name]))
        if apply and gone.height and not without_key[name]:
            builder.delete(table, gone)
            deletes = True
    if deletes:
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
