"""A source's turn in a night: the warehouse, the landing zone, and loads that are committed one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import duckdb

from pipelines.home import Home
from pipelines.ingest.batch import LoadBuilder
from pipelines.ingest.columns import SourceColumns
from pipelines.ingest.result import SourceResult
from pipelines.landing import LandingZone, Load
from pipelines.load import last_load_id, load
from pipelines.settings import FileSource, Settings, Source

Progress = Callable[[int, int, str], None]  # done, in all (bytes, rows or pages; 0: unknown), what


@dataclass
class SourceTurn:
    """What reading a source of any kind works with.

    Attributes:
        connection: the warehouse, open for writing.
        result: what the turn has done so far.
    """

    home: Home
    connection: duckdb.DuckDBPyConnection
    zone: LandingZone
    settings: Settings
    name: str
    result: SourceResult
    progress: Progress | None = None

    @property
    def source(self) -> Source:
        return self.settings.sources[self.name]

    @cached_property
    def columns(self) -> SourceColumns:
        """What is known of the source's columns; grows with what this turn reads."""
        return SourceColumns.read(self.connection, self.name, self.source)

    def report(self, done: int, total: int, what: str) -> None:
        if self.progress:
            self.progress(done, total, what)

    def new_load(self) -> LoadBuilder:
        source = self.source
        return LoadBuilder(
            self.zone,
            last_load_id(self.connection) + 1,
            self.name,
            source.mappings,
            timezone=source.timezone,
            company_timezone=self.settings.company.timezone,
            columns=self.columns,
            drop_repeats=not isinstance(source, FileSource) or source.duplicate_records == "drop",
        )

    def commit(self, manifest: Load) -> None:
        """Make a finished load last: first in the landing zone, then, in one transaction, in the warehouse."""
        self.zone.write_manifest(manifest)
        self.result.tables += load(self.connection, self.zone, manifest)

    def cursor(self, stream: str) -> str | None:
        """How far the stream was read by what is committed; None: never."""
        row = self.connection.execute(
            "select value from ingest.cursors where source = ? and stream = ?", [self.name, stream]
        ).fetchone()
        return row[0] if row else None
