"""``duckdb+gx``: the SQLAlchemy dialect through which Great Expectations reads a DuckDB file.

Great Expectations has no DuckDB engine. Through the ordinary dialect every expectation fails: it reads
rows after the connection went back to the pool, and the pool's rollback has then emptied DuckDB's result.
So here a cursor holds its rows from the moment it executes, there are no transactions to roll back, and
nothing is pooled. Connections are always read-only. Nothing else of the gate belongs here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
from duckdb_sqlalchemy import Dialect
from sqlalchemy import URL
from sqlalchemy.dialects import registry
from sqlalchemy.pool import NullPool


def connection_string(database: Path) -> str:
    """The URL under which SQLAlchemy opens ``database`` read-only."""
    return URL.create("duckdb+gx", database=str(database)).render_as_string()


# The gate reads counts. Great Expectations also runs whole queries only to learn their column names: DuckDB
# streams, so what nobody fetches is never computed, and a fact of ten million rows stays where it is.
HELD_ROWS = 1000


class HeldCursor:
    """A DB-API cursor whose rows outlive its connection, up to ``HELD_ROWS`` of them."""

    arraysize = 1
    rowcount = -1
    lastrowid = None

    def __init__(self, connection: HeldConnection) -> None:
        self.connection = connection
        self.description: Sequence[Any] | None = None
        self._rows: list[tuple[Any, ...]] = []

    def execute(self, sql: str, parameters: Any = None, context: Any = None) -> None:  # noqa: ARG002
        result = self.connection.duckdb.execute(sql, parameters or None)
        self.description = result.description
        self._rows = result.fetchmany(HELD_ROWS + 1) if self.description else []

    def executemany(self, sql: str, parameters: Any, context: Any = None) -> None:  # noqa: ARG002
        self.connection.duckdb.executemany(sql, parameters)

    def fetchone(self) -> tuple[Any, ...] | None:
        rows = self.fetchmany(1)
        return rows[0] if rows else None

    def fetchmany(self, size: int = arraysize) -> list[tuple[Any, ...]]:
        """Raises duckdb.NotSupportedError for a result of more than ``HELD_ROWS`` rows: it was not kept."""
        if len(self._rows) > HELD_ROWS:
            raise duckdb.NotSupportedError(f"this dialect holds {HELD_ROWS} rows of a result, which has more")
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.fetchmany(len(self._rows))

    def close(self) -> None:
        """Nothing to release: the rows are the cursor's own."""


class HeldConnection:
    """A DB-API connection without transactions: there is nothing to commit in a file opened read-only."""

    def __init__(self, database: str) -> None:
        self.duckdb = duckdb.connect(database, read_only=True)
        self.duckdb.execute("set enable_progress_bar = false")

    def cursor(self) -> HeldCursor:
        return HeldCursor(self)

    def commit(self) -> None:
        pass

    def rollback(self) -> None:
        pass

    def close(self) -> None:
        self.duckdb.close()


class GreatExpectationsDialect(Dialect):
    """DuckDB's dialect with connections that hold their results."""

    supports_statement_cache = False

    @classmethod
    def get_pool_class(cls, url: URL) -> type[NullPool]:  # noqa: ARG003
        return NullPool

    def create_connect_args(self, url: URL) -> tuple[tuple[str], dict[str, Any]]:
        return (url.database,), {}

    def connect(self, database: str) -> HeldConnection:
        return HeldConnection(database)

    def do_begin(self, dbapi_connection: HeldConnection) -> None:
        pass

    def do_commit(self, dbapi_connection: HeldConnection) -> None:
        pass

    def do_rollback(self, dbapi_connection: HeldConnection) -> None:
        pass


registry.register("duckdb.gx", __name__, GreatExpectationsDialect.__name__)
