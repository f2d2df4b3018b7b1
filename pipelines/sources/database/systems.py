"""What differs between the database systems: how SQL is written for each, and what their types become.

A value arrives either in a type that DuckDB, Arrow and polars hold without loss, or as the text that the server
itself writes for it. For numbers with decimals that is the text: DuckDB's PostgreSQL reader makes 0.00 of a NaN
and a rounded float of a numeric without a declared scale.
"""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import duckdb
import polars as pl

CATALOG = "source_system"  # the name under which the database is attached
Ask = Callable[[str], pl.DataFrame]  # a small query in the system's own SQL -> its rows


class WatermarkKind(Enum):
    """The types of watermark that can be compared with a clock or counted."""

    INTEGER = "integer"
    DATE = "date"
    LOCAL_TIME = "timestamp"  # without a zone: in the source's
    INSTANT = "timestamp with time zone"


@dataclass(frozen=True)
class Column:
    """A column of a relation. ``type``: as DuckDB calls it."""

    name: str
    type: str

    @property
    def kind(self) -> str:
        """What it holds, in the words in which columns are remembered."""
        if self.type in _WHOLE_NUMBERS:
            return "integer"
        if self.type.startswith("DECIMAL") or self.type in ("DOUBLE", "FLOAT"):
            return "number"
        return "text" if self.type == "VARCHAR" else self.type.lower()


_WHOLE_NUMBERS = {
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
}  # fmt: skip


class System(ABC):
    """One database system. Every method that returns text returns its SQL."""

    label: str
    extension: str  # DuckDB's name of it, and the end of its wheel's name
    query_function: str
    attach_options: str
    has_types = True  # whether a column says what its values are

    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:  # noqa: B027 - most need nothing
        """Set what must be set before the database is attached."""

    def begin(self, connection: duckdb.DuckDBPyConnection) -> None:  # noqa: B027 - most need nothing
        """Set what belongs to the session, inside the transaction that everything is read in."""

    def connection_string(self, given: str) -> str:
        """The user's connection string with what an unattended reader needs beside it."""
        return given

    @abstractmethod
    def quoted(self, name: str) -> str:
        """An identifier."""

    @abstractmethod
    def selected(self, column: Column) -> str:
        """An expression that gives the column's value in a form without loss."""

    @property
    @abstractmethod
    def clock(self) -> str:
        """A query for the server's time: UTC, as ISO text, in a column ``now``."""

    @abstractmethod
    def literal(self, value: int | dt.datetime, kind: WatermarkKind) -> str:
        """A constant to compare a watermark with, of the column's own type, so that its index serves."""

    def relation(self, name: str) -> str:
        """A table or view by its name, with its schema before a dot where it has one."""
        return ".".join(self.quoted(part) for part in name.split("."))

    def refined(self, columns: list[Column], _relation: str | None, _ask: Ask) -> list[Column]:
        """The columns with types that DuckDB does not tell. ``_relation``: the table's name; None: a query."""
        return columns

    def watermark_kind(self, column: Column, _relation: str, _ask: Ask) -> WatermarkKind | None:
        """What kind of watermark the column can be; None: none. ``_relation``: SQL to select from."""
        if column.type in _WHOLE_NUMBERS:
            return WatermarkKind.INTEGER
        if column.type == "DATE":
            return WatermarkKind.DATE
        if column.type == "TIMESTAMP WITH TIME ZONE":
            return WatermarkKind.INSTANT
        return WatermarkKind.LOCAL_TIME if column.type.startswith("TIMESTAMP") else None


class Postgres(System):
    label = "PostgreSQL"
    extension = "postgres_scanner"
    query_function = "postgres_query"
    attach_options = "type postgres, read_only"  # its transactions are read only, repeatable read
    clock = "select to_char(now() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as now"

    _AS_THEY_ARE = _WHOLE_NUMBERS | {"BOOLEAN", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"}
    # A dead network must not hold a night up for the two hours that TCP would wait.
    _DEFAULTS = ("connect_timeout=30", "keepalives_idle=60", "keepalives_count=4", "application_name=kizuna")

    def begin(self, connection: duckdb.DuckDBPyConnection) -> None:
        for setting in ("local time zone 'UTC'", "local datestyle to 'ISO, YMD'"):
            connection.execute(f"call postgres_execute('{CATALOG}', $1)", [f"set {setting}"])

    def connection_string(self, given: str) -> str:
        missing = [default for default in self._DEFAULTS if f"{default.partition('=')[0]}=" not in given]
        if "://" not in given:
            return " ".join((*missing, given))
        return given + ("&" if "?" in given else "?") + "&".join(missing) if missing else given

    def quoted(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def selected(self, column: Column) -> str:
        name = self.quoted(column.name)
        if column.type in self._AS_THEY_ARE:
            return f"q.{name}"
        if column.type.endswith("]") or column.type.startswith("STRUCT"):
            return f"to_jsonb(q.{name})::text"
        return f"q.{name}::text"

    def literal(self, value: int | dt.datetime, kind: WatermarkKind) -> str:
        match kind, value:
            case WatermarkKind.INTEGER, _:
                return str(value)
            case WatermarkKind.DATE, dt.datetime():
                return f"date '{value:%Y-%m-%d}'"
            case WatermarkKind.INSTANT, _:
                return f"timestamptz '{value}+00'"
        return f"timestamp '{value}'"


class MySql(System):
    label = "MySQL"
    extension = "mysql_scanner"
    query_function = "mysql_query"
    attach_options = "type mysql, read_only"
    clock = "select cast(utc_timestamp(6) as char) as now"

    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        # DuckDB's own time limit for a read, five minutes at most, is no measure for a first load.
        connection.execute("set mysql_query_timeout_enabled = false")
        connection.execute("set mysql_session_time_zone = '+00:00'")

    def quoted(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def selected(self, column: Column) -> str:
        name = f"q.{self.quoted(column.name)}"
        if column.type == "BOOLEAN":  # bit(1) as text is an unprintable sign
            return f"cast({name} + 0 as char)"
        if column.type == "TIMESTAMP WITH TIME ZONE":
            return f"concat(cast({name} as char), '+00:00')"
        return f"cast({name} as char)"

    def literal(self, value: int | dt.datetime, kind: WatermarkKind) -> str:
        if kind is WatermarkKind.INTEGER:
            return str(value)
        return f"date '{value:%Y-%m-%d}'" if kind is WatermarkKind.DATE else f"timestamp '{value}'"

    def refined(self, columns: list[Column], relation: str | None, ask: Ask) -> list[Column]:
        """DuckDB calls both of MySQL's types TIMESTAMP: the instant of that name, and the local DATETIME."""
        if relation is None:
            return columns
        schema, _, table = relation.rpartition(".")
        found = ask(
            f"select column_name as name from information_schema.columns where data_type = 'timestamp' "
            f"and table_name = {_text(table)} and table_schema = {_text(schema) if schema else 'database()'}"
        )
        instants = set(found["name"])
        return [Column(c.name, f"{c.type} WITH TIME ZONE") if c.name in instants else c for c in columns]


class Sqlite(System):
    label = "SQLite"
    extension = "sqlite_scanner"
    has_types = False  # a type there is a hint, which no value need follow
    query_function = "sqlite_query"
    attach_options = "type sqlite, read_only"
    clock = "select strftime('%Y-%m-%d %H:%M:%f', 'now') as now"

    def quoted(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def selected(self, column: Column) -> str:
        """SQLite's types belong to values, not to columns: everything comes as text, bytes in hexadecimal."""
        name = f"q.{self.quoted(column.name)}"
        return f"case typeof({name}) when 'blob' then hex({name}) else cast({name} as text) end"

    def literal(self, value: int | dt.datetime, kind: WatermarkKind) -> str:
        """Times are texts here. A blank sorts before the T that may stand in its place, and a time before its
        fraction: what is compared with this may be more than is needed, never less."""
        return str(value) if kind is WatermarkKind.INTEGER else f"'{value:%Y-%m-%d %H:%M:%S}'"

    def watermark_kind(self, column: Column, relation: str, ask: Ask) -> WatermarkKind | None:
        newest = ask(f"select typeof(max(q.{self.quoted(column.name)})) as type from {relation}")["type"][0]
        return {
            "integer": WatermarkKind.INTEGER,
            "text": WatermarkKind.LOCAL_TIME,
            "null": WatermarkKind.LOCAL_TIME,  # there is no row to compare yet
        }.get(newest)


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


SYSTEMS: dict[str, System] = {"postgres": Postgres(), "mysql": MySql(), "sqlite": Sqlite()}
