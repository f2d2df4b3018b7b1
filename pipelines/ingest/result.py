"""What a night did with one source, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from pipelines.ingest.columns import ColumnChanges
from pipelines.landing import FileOutcome
from pipelines.load import LoadedTable
from pipelines.settings import Settings, Source


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


@dataclass(frozen=True)
class SharedRows:
    """Rows of a table that two sources tell.

    Attributes:
        other: the other source.
        rows: how many of them this night has met.
        risk: ``deleted``: a row is held for one source, which deletes it although the other still has it;
            ``kept``: one source keeps the oldest row, the other the newest.
    """

    table: str
    other: str
    rows: int
    risk: Literal["deleted", "kept"]


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

    def rows_at_risk(self, settings: Settings) -> list[SharedRows]:
        """Rows that another source tells, too, where what one of the two does with them hurts the other."""
        met = Counter[tuple[str, str]]()
        for table in self.tables:
            for other, rows in table.rows_shared.items():
                met[table.table, other] += rows
        return [
            SharedRows(table, other, rows, risk)
            for (table, other), rows in met.items()
            if (risk := _risk(table, [settings.sources.get(self.source), settings.sources.get(other)]))
        ]

    def total(self, count: str) -> int:
        """Sum of ``rows_read``, ``rows_loaded``, ... over the source's tables."""
        return sum(getattr(table, count) for table in self.tables)


def _risk(table: str, told_by: Iterable[Source | None]) -> Literal["deleted", "kept"] | None:
    """What may happen to rows of a table that two sources tell; None is one that the settings name no more."""
    sources = [source for source in told_by if source is not None]
    if any(source.deletes(table) for source in sources):
        return "deleted"
    kept = {mapping.keep for source in sources for mapping in source.mappings if mapping.table == table}
    return "kept" if len(kept) > 1 else None
