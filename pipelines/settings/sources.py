"""Where rows come from: files, a database, or a service over HTTP."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from pipelines.formats.document import ReadOptions
from pipelines.formats.registry import FORMATS
from pipelines.settings.base import Model, Name, known_timezone
from pipelines.settings.mapping import TableMapping


def _one_ascii_sign(value: str) -> str:
    if len(value) != 1 or not (value == "\t" or " " <= value <= "~"):
        raise ValueError(
            "write one ASCII sign, such as ; or a tab in double quotes (it is looked for byte by byte)"
        )
    return value


_Sign = Annotated[str, AfterValidator(_one_ascii_sign)]


class Secret(Model):
    """A secret, by the name of the environment variable that holds it: it is never written in the file."""

    env: Name


def _known_format(name: str) -> str:
    if name not in FORMATS:
        raise ValueError(f"{name!r} is no format; it is one of {', '.join(sorted(FORMATS))}")
    return name


class _Source(Model):
    """What all kinds of sources have in common."""

    timezone: str | None = None  # of times without an offset; default: the file's own, then the company's
    ignored_columns: tuple[Name, ...] = ()  # columns that are known, and neither kept nor reported

    @field_validator("timezone")
    @classmethod
    def _timezone(cls, value: str | None) -> str | None:
        return value if value is None else known_timezone(value)


class FileSource(_Source):
    """A family of files of one shape. Paths are relative to the settings file; one that begins with a variable,
    to the working directory."""

    files: Name
    format: Annotated[str, AfterValidator(_known_format)]
    tables: tuple[TableMapping, ...]
    encoding: str = "utf-8"
    delimiter: _Sign = ","
    quote: _Sign | None = '"'
    header_rows: Annotated[int, Field(ge=0)] = 1  # the first names the columns, the others are skipped
    columns: tuple[str, ...] | None = None  # names of the columns where the file has no header
    null_values: tuple[str, ...] = ("",)
    records: Name | None = None  # JSON: dotted path of the list that holds the records
    sheet: Name | None = None  # Excel: name of the sheet; default: the only one that holds anything
    skip_rows: Annotated[int, Field(ge=0)] = 0  # Excel: rows above the header, such as a title
    normalize: Literal["NFC", "NFKC"] | None = None  # of the text: NFKC makes full-width digits plain ones
    duplicate_records: Literal["drop", "keep"] = "drop"  # of records that no key of their own tells apart
    snapshot: bool = False  # whether a file is all there is: what the next one no longer has is deleted
    required: bool = True  # whether a pattern that matches no file is an error

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            raise ValueError(f"{value!r} is no encoding; write utf-8, cp932, latin-1, utf-16, ...") from None
        return value

    @model_validator(mode="after")
    def _reads_one_way(self) -> FileSource:
        _hold_together(self.tables)
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote are the same sign")
        options = FORMATS[self.format].options
        useless = sorted((self.model_fields_set & _READ_OPTIONS) - options)
        if useless:
            raise ValueError(f"format: {self.format} does not read {useless[0]}: remove the key")
        if "columns" in options and (self.header_rows == 0) != bool(self.columns):
            raise ValueError(
                "columns names the columns of a file without a header: write it with header_rows: 0, and only then"
            )
        if len(set(self.columns or ())) < len(self.columns or ()):
            raise ValueError("columns has a name twice")
        if any(t.explode for t in self.tables) and not FORMATS[self.format].has_lists:
            raise ValueError("explode is for formats with lists: write format: json or jsonl")
        return self

    @property
    def mappings(self) -> tuple[TableMapping, ...]:
        """The mappings as they are applied: one for each question of a survey."""
        plain = tuple(mapping for table in self.tables for mapping in table.plain())
        return tuple(mapping.normalized(self.normalize) for mapping in plain) if self.normalize else plain

    def deletes(self, table: str) -> bool:  # noqa: ARG002 - a file is all there is of all its tables
        """Whether rows of a canonical table go when the source no longer has them."""
        return self.snapshot

    @property
    def is_family(self) -> bool:
        """Whether each file is one of many that stay as they are, rather than one that is exported again and again."""
        return not self.snapshot and any(sign in self.files for sign in "*?[")

    @property
    def options(self) -> ReadOptions:
        """What the reader of the format is told."""
        return ReadOptions(**{name: getattr(self, name) for name in _READ_OPTIONS})


_READ_OPTIONS = {field.name for field in dataclasses.fields(ReadOptions)} - {"beginning"}


_DURATION = re.compile(r"^(\d+)\s*(s|min|h|d)$")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def _duration(value: object) -> object:
    """Also a whole number, for a watermark that is one."""
    if isinstance(value, int | dt.timedelta) and not isinstance(value, bool):
        return value
    found = _DURATION.match(str(value))
    if not found:
        raise ValueError(f"{value!r} is no duration: write 30min, 1h or 2d")
    return dt.timedelta(seconds=int(found.group(1)) * _SECONDS[found.group(2)])


class Watermark(Model):
    """The column that tells which rows of a table are new.

    A transaction may commit a row later than its time says, so every night reads again what lies within
    ``overlap`` before the newest value seen.
    """

    column: Name
    overlap: Annotated[dt.timedelta | Annotated[int, Field(ge=0)], BeforeValidator(_duration)] = dt.timedelta(
        hours=1
    )


class DatabaseTable(TableMapping):
    """One table, view or query of a database."""

    from_: Name | None = Field(default=None, alias="from")
    query: Name | None = None
    watermark: Watermark | None = None  # without one, the whole table is read every night

    @model_validator(mode="after")
    def _one_relation(self) -> DatabaseTable:
        if (self.from_ is None) == (self.query is None):
            raise ValueError("write either from (a table or view) or query")
        if self.explode:
            raise ValueError("explode is for formats with lists; unnest them in a query")
        if self.questions:
            raise ValueError("questions is for files: make a row of each answer in a query (unpivot)")
        return self

    @property
    def stream(self) -> str:
        """Its name in counts, cursors and messages."""
        return self.from_ or f"query of {self.table}"


class DatabaseSource(_Source):
    """Tables of a database. The connection string holds a password, so it comes from the environment."""

    database: Literal["postgres", "mysql", "sqlite"]
    connection: Secret | None = None
    path: Name | None = None  # of a SQLite file, relative to the settings file
    tables: tuple[DatabaseTable, ...]

    @model_validator(mode="after")
    def _is_reachable(self) -> DatabaseSource:
        _hold_together(self.tables)
        if self.database == "sqlite" and (self.path is None or self.connection is not None):
            raise ValueError("a SQLite file is given by path, relative to this file")
        if self.database != "sqlite" and (self.connection is None or self.path is not None):
            raise ValueError("write connection: {env: NAME_OF_A_VARIABLE} that holds the connection string")
        streams = [table.stream for table in self.tables if table.watermark]
        if len(set(streams)) < len(streams):
            raise ValueError(
                "two tables with a watermark read the same relation: make one a query of its own"
            )
        return self

    @property
    def mappings(self) -> tuple[TableMapping, ...]:
        """The mappings as they are applied: one for each question of a survey."""
        return tuple(mapping for table in self.tables for mapping in table.plain())

    def deletes(self, table: str) -> bool:
        """Whether rows of a canonical table go when the source no longer has them."""
        return all(read.watermark is None for read in self.tables if read.table == table)


class ApiSource(_Source):
    """A service that is asked over HTTP for what is new."""

    api: Literal["zendesk"]
    address: Name
    user: Secret | None = None  # the agent whose API token it is; without one, token is an OAuth token
    token: Secret
    start: dt.date = dt.date(2000, 1, 1)  # how far back the first night goes
    requests_per_minute: Annotated[int, Field(ge=1)] = 10  # Zendesk's limit for incremental exports
    tables: tuple[TableMapping, ...]

    @field_validator("address")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("write an address that begins with https://: a token travels with each request")
        if not parts.hostname or parts.username or parts.password:
            raise ValueError("write an address such as https://example.zendesk.com, without user or password")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _reads_one_way(self) -> ApiSource:
        _hold_together(self.tables)
        return self

    @property
    def mappings(self) -> tuple[TableMapping, ...]:
        """The mappings as they are applied: one for each question of a survey."""
        return tuple(mapping for table in self.tables for mapping in table.plain())

    def deletes(self, table: str) -> bool:  # noqa: ARG002 - no service tells what it no longer has
        """Whether rows of a canonical table go when the source no longer has them."""
        return False


def _hold_together(tables: Sequence[TableMapping]) -> None:
    if not tables:
        raise ValueError("tables must name at least one table that the records are rows of")
    kept = {mapping.table: mapping.keep for mapping in tables}
    if any(kept[mapping.table] != mapping.keep for mapping in tables):
        raise ValueError("two mappings of one table must keep the same version, newest or oldest")


# In parentheses, so that an error's location can be told from a key of the file.
def _kind(value: Any) -> str:
    keys = value if isinstance(value, dict) else getattr(type(value), "model_fields", ())
    return "(database)" if "database" in keys else "(api)" if "api" in keys else "(files)"


Source = Annotated[
    Annotated[FileSource, Tag("(files)")]
    | Annotated[DatabaseSource, Tag("(database)")]
    | Annotated[ApiSource, Tag("(api)")],
    Discriminator(_kind),
]
