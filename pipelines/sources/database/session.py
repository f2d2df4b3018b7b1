"""A read-only session with a database, through a DuckDB of its own that lives in memory only.

The connection string exists in that DuckDB alone, which no file, log or other part of Kizuna ever sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.extensions import ExtensionError, load_extension
from pipelines.sources.database.errors import Place, explained
from pipelines.sources.database.systems import CATALOG, Column, System

# Held in memory once as Arrow and once as polars: tens of megabytes for rows as they are in a CRM.
BLOCK_ROWS = 50_000
# As a read can end that has begun: DuckDB's own errors, and those that come through Arrow's reader.
_FAILURES = (duckdb.Error, pa.ArrowException, OSError)


@dataclass(frozen=True)
class Session:
    """One transaction on the database."""

    connection: duckdb.DuckDBPyConnection
    system: System
    place: Place

    def at(self, stream: str) -> Session:
        """The same session; its errors name the stream."""
        return replace(self, place=replace(self.place, stream=stream))

    def columns(self, sql: str) -> list[Column]:
        """The columns that a query gives. The query is prepared, not run."""
        with self._explained():
            found = self.connection.execute(f"describe {self._call()}", [sql]).fetchall()
        return [Column(name, type_) for name, type_, *_ in found]

    def ask(self, sql: str) -> pl.DataFrame:
        """The rows of a query that gives few."""
        return pl.concat(self.blocks(sql))

    def blocks(self, sql: str) -> Iterator[pl.DataFrame]:
        """The rows of a query, ``BLOCK_ROWS`` at a time while they arrive; at least one block, if an empty one."""
        with self._explained():
            reader = self.connection.execute(self._call(), [sql]).to_arrow_reader(BLOCK_ROWS)
            yield _frame(reader.schema.empty_table())
        while True:
            with self._explained():
                batch = next(reader, None)
                frame = None if batch is None else _frame(pa.Table.from_batches([batch]))
            if frame is None:
                return
            yield frame

    def _call(self) -> str:
        return f"select * from {self.system.query_function}('{CATALOG}', $1)"

    @contextmanager
    def _explained(self) -> Iterator[None]:
        with explaining(self.place):
            yield


@contextmanager
def open_session(system: System, connection_string: str, place: Place, extensions: Path) -> Iterator[Session]:
    """Connect for reading; closed, whatever happens.

    Args:
        extensions: folder for DuckDB's extension where no wheel brings it and it must be downloaded.

    Raises:
        DatabaseError: the extension or the database cannot be reached.
    """
    # DuckDB writes the folder only when it installs; the default one is in the user's home.
    connection = duckdb.connect(config={"extension_directory": str(extensions)})
    try:
        connection.execute("set enable_progress_bar = false")
        connection.execute("set timezone = 'UTC'")
        _load_extension(connection, system, place)
        with explaining(place):
            system.prepare(connection)
            address = system.connection_string(connection_string).replace("'", "''")
            connection.execute(f"attach '{address}' as {CATALOG} ({system.attach_options})")
            connection.execute("begin")
            system.begin(connection)
        yield Session(connection, system, place)
    finally:
        with suppress(duckdb.Error):
            # Left to close(), a rollback that fails because the server is gone aborts this whole process.
            connection.execute("rollback")
        connection.close()


@contextmanager
def explaining(place: Place) -> Iterator[None]:
    """Say what went wrong in words of our own; nothing of the driver's text goes further."""
    try:
        yield
    except _FAILURES as error:
        failure = explained(error, place)
        raise failure from None


def _load_extension(connection: duckdb.DuckDBPyConnection, system: System, place: Place) -> None:
    try:
        load_extension(connection, system.extension)
    except ExtensionError as error:
        raise place.error(f"{system.label}: {error}") from None


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)  # of a table
    return frame
