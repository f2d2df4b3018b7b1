"""What is asked of a database: a table whole, what is newer than a watermark, or its keys.

Everything of one night is read in one transaction; in PostgreSQL and SQLite that is one state of the database, so
that no order line comes without its order.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from pipelines.formats.records import Records, UnreadableFileError, from_table
from pipelines.settings import DatabaseSource, DatabaseTable, Settings, SettingsError
from pipelines.sources.database.errors import Place
from pipelines.sources.database.session import Session, open_session
from pipelines.sources.database.systems import SYSTEMS, Column
from pipelines.sources.database.watermarks import Position, WatermarkReader, fingerprint
from pipelines.sources.mapping import apply_mapping, numbers_records, source_fields

_EPOCH = dt.date(1970, 1, 1).toordinal()
# polars panics at PostgreSQL's infinity. What is put in its place is no date in any time zone for
# ``pipelines.sources.values``, which knows years of four digits: such rows go to quarantine.
_EARLIEST_DAY, _LATEST_DAY = dt.date(1, 6, 1).toordinal() - _EPOCH, dt.date.max.toordinal() + 150 - _EPOCH
_DAY_MICROSECONDS = 86_400_000_000


@contextmanager
def open_database(
    name: str, settings: Settings, extensions: Path, environment: Mapping[str, str] = os.environ
) -> Iterator[Database]:
    """Connect to a source's database for reading.

    Args:
        extensions: folder for DuckDB's extension where no wheel brings it and it must be downloaded.

    Raises:
        SettingsError: the variable with the connection string is not set, or a mapping numbers records.
        DatabaseError: the database cannot be reached.
    """
    source = settings.sources[name]
    assert isinstance(source, DatabaseSource)
    _refuse_numbering(name, source, settings)
    place = Place(name, source.connection.env if source.connection else None)
    address = _address(name, source, settings, environment)
    with open_session(SYSTEMS[source.database], address, place, extensions) as session:
        yield Database(session, source.timezone or settings.company.timezone)


class Database:
    """A source's database at one moment."""

    def __init__(self, session: Session, zone: str) -> None:
        self._session = session
        self._zone = zone
        now = session.ask(session.system.clock)["now"][0]
        self._clock = dt.datetime.fromisoformat(now)

    def read(self, table: DatabaseTable, cursor: str | None) -> TableRead:
        """What is new in a table since ``cursor``; without one, or without a watermark, all of it.

        Raises:
            DatabaseError: the table cannot be read as the settings say.
        """
        relation = _Relation(self._session.at(table.stream), table)
        columns = relation.columns_for(table)
        if table.watermark is None:
            return TableRead(relation, columns, None)
        mapping = fingerprint(table, self._zone)
        column = relation.watermark_column(table.watermark.column)
        watermark = WatermarkReader(
            relation.session,
            column,
            relation.sql,
            table.watermark,
            clock=self._clock,
            zone=self._zone,
            since=Position.parsed(cursor, mapping),
            mapping=mapping,
        )
        return TableRead(relation, list(dict.fromkeys([*columns, column])), watermark)

    def keys(self, table: DatabaseTable) -> Iterator[pl.DataFrame]:
        """The canonical keys of all rows that the table has now, a block at a time; nothing else travels.
        Null is what the mapping cannot read.

        Raises:
            DatabaseError: the table cannot be read as the settings say.
        """
        key = table.contract.key
        keys_only = table.model_copy(
            update={"columns": {name: table.columns[name] for name in key}, "version": None}
        )
        relation = _Relation(self._session.at(table.stream), table)
        for records in TableRead(relation, relation.columns_for(keys_only), None).blocks():
            with relation.unsuited():
                # Also of rows that quarantine holds: what breaks a rule is not gone.
                rows = apply_mapping(records.frame, keys_only, zone=self._zone, drop_repeats=False)
            yield rows.everything.select(key)


class TableRead:
    """One table being read.

    Attributes:
        stream: the table's name in counts and messages.
        records: how many have been read so far.
    """

    def __init__(self, relation: _Relation, columns: list[Column], watermark: WatermarkReader | None) -> None:
        self.stream = relation.stream
        self.records = 0
        self.is_whole = watermark is None or not watermark.has_bound
        self._relation = relation
        self._columns = columns
        self._watermark = watermark

    @property
    def schema(self) -> dict[str, str | None]:
        """Every column that the table has, read or not, with its type."""
        return self._relation.schema

    def add(self, names: Collection[str]) -> None:
        """Read further columns of the table beside those that are mapped."""
        read = {column.name for column in self._columns}
        self._columns += [c for c in self._relation.columns if c.name in names and c.name not in read]

    @property
    def sql(self) -> str:
        """The query, as the server gets it."""
        system = self._relation.session.system
        selected = ", ".join(f"{system.selected(c)} as {system.quoted(c.name)}" for c in self._columns)
        condition = self._watermark.condition if self._watermark else None
        return f"select {selected} from {self._relation.sql}" + (f" where {condition}" if condition else "")

    def blocks(self) -> Iterator[Records]:
        """The rows, a block at a time while they arrive; at least one block, if an empty one.

        A row has no place of its own in a table, so ``LINE`` is null.

        Raises:
            DatabaseError: the read was interrupted.
        """
        for block in self._relation.session.blocks(self.sql):
            frame = _within_calendar(block)
            self.records += frame.height
            if self._watermark:
                self._watermark.see(frame)
            nowhere = pl.Series([None], dtype=pl.Int64).new_from_index(0, frame.height)
            yield from_table(frame, nowhere, schema=self.schema)

    @property
    def position(self) -> Position | None:
        """How far the table is read now; None: it has no watermark, or no row has a value of it."""
        return self._watermark.position if self._watermark else None

    @property
    def notes(self) -> list[str]:
        """What people should know about what was read."""
        return self._watermark.notes if self._watermark else []


class _Relation:
    """A table, view or query of the database: what columns it has, and which of them are needed."""

    def __init__(self, session: Session, table: DatabaseTable) -> None:
        self.session = session
        self.stream = table.stream
        given = session.system.relation(table.from_) if table.from_ else f"(\n{_query(table)}\n)"
        self.sql = f"{given} as q"
        columns = session.columns(f"select * from {self.sql}")
        self.columns = session.system.refined(columns, table.from_, session.ask)
        typed = session.system.has_types
        self.schema = {column.name: column.kind if typed else None for column in self.columns}

    def columns_for(self, mapping: DatabaseTable) -> list[Column]:
        """The columns that a mapping reads; others do not travel."""
        names = set(self.schema)
        missing = sorted(source_fields(mapping, required_only=True) - names)
        if missing:
            raise self.session.place.error(
                f"{mapping.table} needs the column {', '.join(map(repr, missing))}, which is not there. "
                f"There are: {', '.join(self.schema)}. Capitals count."
            )
        fields = source_fields(mapping)
        return [column for column in self.columns if column.name in fields] or self.columns[:1]

    def watermark_column(self, name: str) -> Column:
        found = [column for column in self.columns if column.name == name]
        if not found:
            raise self.session.place.error(f"the watermark {name!r} is not there. Correct watermark.column")
        return found[0]

    @contextmanager
    def unsuited(self) -> Iterator[None]:
        """An expression of the mapping that fails is an error of this table."""
        try:
            yield
        except UnreadableFileError as error:
            raise self.session.place.error(str(error)) from None


def _query(table: DatabaseTable) -> str:
    return (table.query or "").strip().rstrip(";")


def _within_calendar(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        _clipped(name, dtype) for name, dtype in frame.schema.items() if dtype in (pl.Date, pl.Datetime)
    )


def _clipped(name: str, dtype: pl.DataType) -> pl.Expr:
    unit = 1 if dtype == pl.Date else _DAY_MICROSECONDS
    return pl.col(name).to_physical().clip(_EARLIEST_DAY * unit, _LATEST_DAY * unit).cast(dtype)


def _refuse_numbering(name: str, source: DatabaseSource, settings: Settings) -> None:
    for table in source.tables:
        if numbers_records(table):
            raise SettingsError(
                f"{settings.path}: sources.{name}: {table.table}: number_within numbers the records of a file; a "
                f"table of a database has no order. Write a query with row_number() over (partition by ... "
                f"order by ...), and map its column"
            )


def _address(name: str, source: DatabaseSource, settings: Settings, environment: Mapping[str, str]) -> str:
    if source.path is not None:
        path = settings.folder / source.path
        if not path.is_file():
            raise SettingsError(f"{settings.path}: sources.{name}.path: there is no file {source.path}")
        return str(path)
    assert source.connection is not None  # the settings say one of both
    address = environment.get(source.connection.env)
    if not address:
        raise SettingsError(
            f"{settings.path}: sources.{name}.connection.env: the environment variable {source.connection.env} is "
            f"not set. It holds the connection string, such as postgresql://user:password@host/database"
        )
    return address
