"""The shapes that the publication's modules share, and ``manifest.json``: what a version holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pipelines.errors import KizunaError

DATABASE_NAME = "kizuna.duckdb"
MANIFEST_NAME = "manifest.json"
SCORECARD_NAME = "scorecard.html"
PARQUET_FOLDER = "parquet"
CURRENT = "current"  # the link to the version that readers open now
# DuckDB clients from 1.0 on read it; the default of a newer DuckDB shuts older ones out.
STORAGE_VERSION = "v1.0.0"


class PublicationError(KizunaError):
    """Nothing was switched: readers see what they saw before. The message says what to mend."""


@dataclass(frozen=True)
class Deprecation:
    """A table or column on its way out: still published, and what reads it has until then to change.

    Args:
        since: the day the notice was given.
        removed_after: the last day it is published for certain.
        use_instead: in words, what says the same.
    """

    since: dt.date
    removed_after: dt.date
    use_instead: str

    @property
    def notice(self) -> str:
        return f"Deprecated since {self.since}, may go after {self.removed_after}: use {self.use_instead}. "


@dataclass(frozen=True)
class TableDoc:
    """What a business person reads about a table.

    Args:
        description: of the table.
        columns: a description for each column.
        date_column: the date or timestamp by which a large table is replaced month by month.
        display_name: where the rule (``naming``) makes a bad one of the table's name.
        display_names: of columns, likewise.
        deprecated: where the table is on its way out.
        deprecated_columns: those of its columns that are.
    """

    description: str
    columns: Mapping[str, str]
    date_column: str | None = None
    display_name: str | None = None
    display_names: Mapping[str, str] = field(default_factory=dict)
    deprecated: Deprecation | None = None
    deprecated_columns: Mapping[str, Deprecation] = field(default_factory=dict)

    @property
    def comment(self) -> str:
        """The description, after the notice where there is one."""
        return (self.deprecated.notice if self.deprecated else "") + self.description

    def comment_on(self, column: str) -> str:
        deprecated = self.deprecated_columns.get(column)
        return (deprecated.notice if deprecated else "") + self.columns[column]


@dataclass(frozen=True)
class Tuning:
    """Numbers that decide what a night costs, never what it publishes."""

    # A million rows are rewritten in some two seconds with their Parquet. And a month much smaller than a row
    # group of DuckDB (122,880 rows) leaves dead space in its neighbours: splitting small tables does not pay.
    rows_to_split: int = 1_000_000
    # Replacing a row costs as much as writing it anew: past half of all rows a new file wins, and is compact.
    changed_share_to_rebuild: float = 0.5
    # Bytes per row against those of the last file written whole: a third of the file would be dead space.
    bloat_to_rebuild: float = 1.5
    # DuckDB's own limit; with Python and the file buffers 10 million rows stay under 2 GB.
    memory_limit: str = "1GB"


@dataclass(frozen=True)
class Version:
    """A version on disk, whole and checked."""

    name: str
    as_of: dt.date
    built_at: dt.datetime
    run_id: str
    tables: int
    rows: int
    content_hash: str
    is_current: bool
    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / DATABASE_NAME


@dataclass(frozen=True)
class Published:
    """What a publication did.

    Attributes:
        rows: of each table, by its name (``marts.fct_orders``).
        content_hashes: of each table.
        build: ``delta`` when the version before was the base, else ``whole``, with the reason.
        rows_written: how many rows went through the build; the others came with the base.
        bytes: size of the DuckDB file.
        removed: names of the versions that retention deleted.
    """

    version: Version
    rows: Mapping[str, int]
    content_hashes: Mapping[str, str]
    build: Literal["whole", "delta"]
    reason: str
    rows_written: int
    bytes: int
    checks_passed: int
    checks_warned: int
    removed: tuple[str, ...] = field(default=())


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True)


class Slice(_Stored):
    """A month of a large table, or the whole of a small one, and its Parquet file.

    ``file`` is relative to the version's folder; None: Parquet was not asked for.
    """

    rows: int
    content_hash: str
    file: str | None
    bytes: int


class Table(_Stored):
    """``columns`` maps name to type, in order; ``split_by`` is the date column when each month is a slice.

    ``published_since`` has the business date of the first version with a column of that name.
    """

    rows: int
    content_hash: str
    schema_hash: str
    columns: dict[str, str]
    published_since: dict[str, dt.date] = {}
    split_by: str | None
    slices: dict[str, Slice]


class Manifest(_Stored):
    """``manifest.json``.

    ``content_hash`` covers all tables of ``marts`` and ``kpi``: equal hashes (with equal ``duckdb_version``)
    are equal numbers. ``compact_bytes_per_row`` is that of the last file written whole.
    """

    version: str
    as_of_date: dt.date
    run_id: str
    built_at: dt.datetime
    kizuna_version: str
    duckdb_version: str
    storage_version: str
    content_hash: str
    rows: int
    build: Literal["whole", "delta"]
    reason: str
    database_bytes: int
    compact_bytes_per_row: float
    tables: dict[str, Table]
    checks: list[dict[str, Any]]
