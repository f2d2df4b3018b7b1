"""What a night did with one source, in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pipelines.ingest.columns import ColumnChanges
from pipelines.landing import FileOutcome
from pipelines.load import LoadedTable
from pipelines.settings import Settings


@dataclass(frozen=True)
class StreamResult:
    """What a night read of one table of a database or one endpoint of a service.

    Attributes:
        records: how many travelled.
        cursor: how far the stream is read now, as people read it; None: it has no cursor.
        notes: what people should know about what was read.
    """

    stream: str
    records: int
    cursor: str | None = None
    notes: tuple[str, ...] = ()


@dataclass
class SourceResult:
    """What a night did with one source."""

    source: str
    files_found: int = 0
    files_unchanged: int = 0
    outcomes: list[FileOutcome] = field(default_factory=list)
    streams: list[StreamResult] = field(default_factory=list)
    tables: list[LoadedTable] = field(default_factory=list)
    columns: ColumnChanges = field(default_factory=ColumnChanges)
    changed_files: list[str] = field(default_factory=list)  # were loaded before, with other content
    numbered_tables: frozenset[str] = frozenset()

    @property
    def rejected(self) -> list[FileOutcome]:
        return [outcome for outcome in self.outcomes if outcome.status == "rejected"]

    @property
    def doubtful(self) -> list[FileOutcome]:
        """Files that were read, but about which something is to be known."""
        return [outcome for outcome in self.outcomes if outcome.status == "loaded" and outcome.reason]

    def rows_changed(self, file: str) -> int:
        """How many rows of a file took the place of one with other content from an earlier load."""
        return sum(table.rows_changed.get(file, 0) for table in self.tables)

    @property
    def replaced_by_made_up_keys(self) -> dict[str, int]:
        """Rows that another row with the same made-up number replaced, by table.

        Either a file was exported again with other content, or what shares a number was spread over two
        files, each numbered from 1; then rows were lost, and nobody but the owner of the export can tell.
        """
        return {
            table.table: table.rows_superseded
            for table in self.tables
            if table.table in self.numbered_tables and table.rows_superseded
        }

    def rows_at_risk(self, settings: Settings) -> list[tuple[str, str, int]]:
        """Rows that another source tells, too, where one of the two deletes what it no longer has.

        A row is held for one source, which deletes it although the other still has it.

        Returns:
            The table, the other source, and how many rows this night has met.
        """
        met = Counter[tuple[str, str]]()
        for table in self.tables:
            for other, rows in table.rows_shared.items():
                met[table.table, other] += rows
        return [
            (table, other, rows)
            for (table, other), rows in met.items()
            if any(
                name in settings.sources and settings.sources[name].deletes(table)
                for name in (self.source, other)
            )
        ]

    def total(self, count: str) -> int:
        """Sum of ``rows_read``, ``rows_loaded``, ... over the source's tables."""
        return sum(getattr(table, count) for table in self.tables)
