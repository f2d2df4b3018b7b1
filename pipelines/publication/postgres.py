"""A way out: the published tables in a schema of a PostgreSQL database, for tools that do not read DuckDB.

Belongs here: what of a version is written there, and that readers see it whole. Does not: the version itself,
which is published before and stays whatever happens here.

Everything is one transaction, and the rows of a table are replaced within it (delete, then COPY) rather than the
table: so a reader's statement, or its whole repeatable-read transaction, sees one version of all tables, waits
for nobody, and grants, comments and views that people made on the tables stay. Renaming schemas or replacing
views would be a smaller write, but names are looked up one by one and by the newest catalog: one statement can
meet two versions, and a repeatable-read transaction finds the new tables empty. Only a table whose columns have
changed is made anew, which waits for those who are reading it.

What was written before is remembered beside the tables, by slice and content hash: a night writes what changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from pipelines.extensions import ExtensionError, load_extension
from pipelines.publication.fingerprint import WHOLE, rows_of
from pipelines.publication.model import PublicationError, Version
from pipelines.publication.postgres_catalog import Catalog, Standing
from pipelines.publication.postgres_types import postgres_type
from pipelines.publication.relations import ABOUT_TABLES, columns_of, identifier, literal
from pipelines.publication.versions import read_manifest
from pipelines.sources.database.errors import meaning_of, without_question
from pipelines.sources.database.systems import SYSTEMS

LEDGER = "_kizuna_exported"  # the table that remembers what was written
_TARGET = "target"  # the database's name inside the connection
_PUBLISHED = "published"  # that of the version's file
# Recreating a table waits for its readers; who waits for us behind it must not wait for ever.
_LOCK_TIMEOUT = "60s"
_LEDGER_COLUMNS = "table_name text, slice text, content_hash text, rows bigint"


class PostgresExportError(PublicationError):
    """The schema in PostgreSQL has what it had before; what is published stays published."""


@dataclass(frozen=True)
class Exported:
    """What an export did.

    Attributes:
        rows_written: of each table that was written to, by its name (``marts.fct_orders``).
        unchanged: tables that had the same content already.
        dropped: tables of earlier versions that are no longer published.
        warnings: what did not stop it.
    """

    version: str
    rows_written: Mapping[str, int]
    unchanged: int
    dropped: Sequence[str]
    warnings: Sequence[str] = field(default=())


def export_to_postgres(
    version: Version, connection_string: str, schema: str, *, variable: str, extensions: Path
) -> Exported:
    """Let the schema hold what a version holds, in one transaction.

    Args:
        schema: made where it does not exist.
        variable: the environment variable that holds the connection string, for messages.
        extensions: folder for DuckDB's extension where no wheel brings it and it must be downloaded.

    Raises:
        PostgresExportError: nothing was changed; the message says what to mend, and holds no secret.
    """
    try:
        with _connected(version, connection_string, extensions) as con:
            export = _Export(con, schema, _tables(con, version))
            con.execute("begin")
            export.run()
            con.execute("commit")
            warnings = export.clean()
    except ExtensionError as error:
        raise _refused(str(error)) from None
    except duckdb.Error as error:
        failure = _explained(error, variable, schema)
        raise failure from None  # the driver's text can hold the connection string, and values
    return Exported(
        version=version.name,
        rows_written=export.rows_written,
        unchanged=len(export.tables) - len(export.rows_written),
        dropped=export.dropped,
        warnings=warnings,
    )


def _refused(text: str) -> PostgresExportError:
    return PostgresExportError(f"publication.postgres: {text}")


@dataclass(frozen=True)
class _Table:
    """A published table.

    Attributes:
        columns: name to PostgreSQL type, in order.
        comments: by column; None: the table's own.
        slices: content hash and rows by slice. Empty: it is written anew every time.
    """

    schema: str
    name: str
    columns: Mapping[str, str]
    comments: Mapping[str | None, str]
    split_by: str | None
    slices: Mapping[str, tuple[str, int]]

    @property
    def published_name(self) -> str:
        return f"{self.schema}.{self.name}"


class _Export:
    """One transaction."""

    def __init__(self, con: duckdb.DuckDBPyConnection, schema: str, tables: Sequence[_Table]) -> None:
        self.tables = tables
        self.rows_written: dict[str, int] = {}
        self.dropped: list[str] = []
        self._con = con
        self._schema = schema
        self._catalog = Catalog(con, _TARGET, schema)

    def run(self) -> None:
        self._do(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
        if not self._catalog.lock():
            raise _refused(
                "another export to this schema is under way. When it has ended: kizuna publication export"
            )
        if not self._catalog.has_schema():
            self._do(f"create schema {identifier(self._schema)}")
        self._do(f"create table if not exists {self._at(LEDGER)} ({_LEDGER_COLUMNS})")
        standing, ledger = self._catalog.tables(), self._ledger()
        self._refuse_strangers(standing, ledger)
        self._drop_unpublished(standing, ledger)
        # First all that changes tables, then all rows: DuckDB reads the tables from PostgreSQL at the first COPY.
        to_write = {
            table.name: self._prepare(table, standing.get(table.name), ledger.get(table.name, {}))
            for table in self.tables
        }
        self._do(f"delete from {self._at(LEDGER)}")
        self._con.execute("call pg_clear_cache()")  # DuckDB knows the schemas of when it connected
        for table in self.tables:
            if to_write[table.name]:
                self.rows_written[table.published_name] = self._copy(table, to_write[table.name])
        self._remember()

    def clean(self) -> list[str]:
        """Give the room of replaced rows back and tell the planner what is there. Disturbs no reader.

        Returns:
            What went wrong: the tables are written whatever happens here.
        """
        warnings = []
        for table in self.tables:
            if table.published_name not in self.rows_written:
                continue
            statement = f"vacuum (analyze) {self._at(table.name)}"
            try:
                self._con.execute(
                    f"call postgres_execute('{_TARGET}', $1, use_transaction := false)", [statement]
                )
            except duckdb.Error as error:
                warnings.append(f"{table.name} was written but not vacuumed ({type(error).__name__})")
        return warnings

    def _refuse_strangers(self, standing: Mapping[str, Standing], ledger: Mapping[str, object]) -> None:
        strangers = {table.name for table in self.tables} & standing.keys() - ledger.keys()
        if strangers:
            raise _refused(
                f"the schema {self._schema} holds something of its own that is called like a published table: "
                f"{', '.join(sorted(strangers))}. Name another schema in the settings, or remove it"
            )

    def _drop_unpublished(self, standing: Mapping[str, Standing], ledger: Mapping[str, object]) -> None:
        for name in sorted(ledger.keys() - {table.name for table in self.tables}):
            if name in standing:
                self._do(f"drop table {self._at(name)}")
            self.dropped.append(name)

    def _prepare(
        self, table: _Table, standing: Standing | None, written: Mapping[str, tuple[str, int]]
    ) -> list[str]:
        """Make the table, or delete from it what differs. Returns the slices to write."""
        comments = standing.comments if standing else {}
        if standing is None or dict(standing.columns) != dict(table.columns):
            if standing is not None:
                self._do(f"drop table {self._at(table.name)}")
            columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in table.columns.items())
            self._do(f"create table {self._at(table.name)} ({columns})")
            for grant in standing.grants if standing else ():
                self._do(grant)
            comments, slices = {}, list(table.slices) or [WHOLE]
        else:
            slices = self._delete_differing(table, written)
        self._comment(table, comments)
        return slices

    def _delete_differing(self, table: _Table, written: Mapping[str, tuple[str, int]]) -> list[str]:
        there = self._catalog.count(table.name)
        is_known = bool(table.slices) and sum(rows for _, rows in written.values()) == there
        # All of it where it was split in another way, or where somebody else has changed it.
        if not is_known or (WHOLE in written) != (WHOLE in table.slices):
            self._do(f"delete from {self._at(table.name)}")
            return list(table.slices) or [WHOLE]
        slices = [name for name, content in table.slices.items() if written.get(name) != content]
        old = [name for name in written if name not in table.slices or name in slices]
        if old:
            self._do(f"delete from {self._at(table.name)} where {rows_of(old, table.split_by)}")
        return slices

    def _comment(self, table: _Table, there: Mapping[str | None, str]) -> None:
        changed = {name: text for name, text in table.comments.items() if there.get(name) != text}
        at = self._at(table.name)
        statements = [
            f"comment on table {at} is {_text(text)}"
            if name is None
            else f"comment on column {at}.{identifier(name)} is {_text(text)}"
            for name, text in changed.items()
        ]
        if statements:
            self._do("; ".join(statements))

    def _copy(self, table: _Table, slices: Sequence[str]) -> int:
        columns = ", ".join(identifier(name) for name in table.columns)
        source = f"{_PUBLISHED}.{identifier(table.schema)}.{identifier(table.name)}"
        [[rows]] = self._con.execute(
            f"insert into {_TARGET}.{self._at(table.name)} ({columns}) "
            f"select {columns} from {source} where {rows_of(slices, table.split_by)}"
        ).fetchall()
        return rows

    def _ledger(self) -> dict[str, dict[str, tuple[str, int]]]:
        """What was written: content hash and rows, by table and slice."""
        ledger: dict[str, dict[str, tuple[str, int]]] = {}
        for name, part, content_hash, rows in self._catalog.ask(f"select * from {self._at(LEDGER)}"):
            ledger.setdefault(name, {})[part] = (content_hash, rows)
        return ledger

    def _remember(self) -> None:
        self._con.executemany(
            f"insert into {_TARGET}.{self._at(LEDGER)} values ($1, $2, $3, $4)",
            [
                [table.name, part, content_hash, rows]
                for table in self.tables
                for part, (content_hash, rows) in (table.slices or {WHOLE: ("", 0)}).items()
            ],
        )

    def _do(self, statement: str) -> None:
        self._con.execute(f"call postgres_execute('{_TARGET}', $1)", [statement])

    def _at(self, table: str) -> str:
        return f"{identifier(self._schema)}.{identifier(table)}"


@contextmanager
def _connected(
    version: Version, connection_string: str, extensions: Path
) -> Iterator[duckdb.DuckDBPyConnection]:
    con = duckdb.connect(config={"extension_directory": str(extensions)})
    try:
        con.execute("set enable_progress_bar = false")
        con.execute("set timezone = 'UTC'")
        load_extension(con, "postgres_scanner")
        # PostgreSQL's texts cannot hold the character NUL.
        con.execute("set pg_null_byte_replacement = ' '")
        address = literal(SYSTEMS["postgres"].connection_string(connection_string))
        con.execute(f"attach {address} as {_TARGET} (type postgres)")
        con.execute(f"attach {literal(str(version.database))} as {_PUBLISHED} (read_only)")
        yield con
    finally:
        with suppress(duckdb.Error):
            # Left to close(), a rollback that fails because the server is gone aborts this whole process.
            con.execute("rollback")
        con.close()


def _tables(con: duckdb.DuckDBPyConnection, version: Version) -> list[_Table]:
    """All tables of a version's file.

    Raises:
        PostgresExportError: two have one name, or PostgreSQL has no such type.
    """
    manifest = read_manifest(version.folder)
    comments: dict[str, dict[str | None, str]] = {}
    for name, column, text in con.execute(
        """
        select schema_name || '.' || table_name, null, comment from duckdb_tables() where database_name = $1
        union all
        select schema_name || '.' || table_name, column_name, comment from duckdb_columns()
        where database_name = $1 and not internal
        """,
        [_PUBLISHED],
    ).fetchall():
        comments.setdefault(name, {})[column] = text
    tables = []
    for published, columns in columns_of(con, _PUBLISHED).items():
        schema, name = published.split(".", 1)
        entry = manifest.tables.get(published)
        types = {column: postgres_type(kind) for column, kind in columns.items()}
        unknown = [f"{published}.{column} ({columns[column]})" for column, kind in types.items() if not kind]
        if unknown:
            raise _refused(f"PostgreSQL has no type for {', '.join(unknown)}: cast it in its model")
        slices = {
            part: (found.content_hash, found.rows) for part, found in (entry.slices if entry else {}).items()
        }
        if entry is None:
            assert published in ABOUT_TABLES
        split_by = entry.split_by if entry else None
        tables.append(_Table(schema, name, types, comments[published], split_by, slices))
    names = [table.name for table in tables]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _refused(f"two published tables are called {', '.join(twice)}: they cannot stand in one schema")
    return tables


def _text(text: str) -> str:
    """A text quoted for PostgreSQL, whatever ``standard_conforming_strings`` says."""
    return "E" + literal(text.replace("\\", "\\\\"))


# Before those of reading: here the connection may also write.
_RULES = (
    (
        r"permission denied for (database|schema|table)|must be owner|permission denied to create",
        "the user may not write there. Ask for: create schema {schema} authorization USER",
    ),
    (
        r"because other objects depend on it",
        "a table whose columns have changed, or that is no longer published, is used by a view of somebody's. "
        "Drop that view, run again (kizuna publication export), and make the view anew",
    ),
    (
        r"lock timeout|deadlock detected",
        "somebody has had a table open for longer than a minute whose columns have changed. Close that "
        "connection, then: kizuna publication export",
    ),
    (
        r"server closed the connection|terminating connection|connection not open|connection reset|broken pipe"
        r"|connection has been closed|no connection to the server",
        "the connection was lost while writing. Readers there keep what they had. Look whether the server is "
        "up, then: kizuna publication export",
    ),
    (r"no space left|could not extend file|disk full", "the server's disk is full"),
    (
        r"read-only transaction|in recovery",
        "the server only lets us read: a replica. Name the primary in {variable}",
    ),
)


def _explained(error: duckdb.Error, variable: str, schema: str) -> PostgresExportError:
    text = without_question(str(error))
    for pattern, meaning in _RULES:
        if re.search(pattern, text, re.IGNORECASE):
            return _refused(meaning.format(variable=variable, schema=schema))
    return _refused(
        meaning_of(error, variable)
        or f"the export ended with an error that Kizuna does not know ({type(error).__name__}). Its text is not "
        f"shown, because it may hold data; the server's own log has it"
    )
