"""One load being built: records mapped, landed and counted, until it is finished and can be loaded.

Knows nothing of where the records come from.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from pipelines.formats.records import LINE, RECORD, Records
from pipelines.ingest.columns import SourceColumns, schema_of, with_extra
from pipelines.landing import FileOutcome, LandingWriter, LandingZone, Load, TableCounts
from pipelines.settings import TableMapping
from pipelines.sources.mapping import Mapped, apply_mapping, has_versions

MappedRecords = list[tuple[TableMapping, Records, Mapped]]


class LoadBuilder:
    """Takes pieces (a file, a page, a block of a table's rows) and hands their rows to the landing zone."""

    def __init__(
        self,
        zone: LandingZone,
        load_id: int,
        source: str,
        mappings: Iterable[TableMapping],
        *,
        timezone: str | None,
        company_timezone: str,
        columns: SourceColumns | None = None,
        drop_repeats: bool = True,
    ) -> None:
        """
        Args:
            columns: what is known of the source's columns; what this load brings is noted there.
            timezone: of times without an offset, where the settings declare it for the source.
            company_timezone: of those for which neither the settings nor the piece itself declare one.
            drop_repeats: whether records that no key tells apart count once.
        """
        self._writer = LandingWriter(zone, load_id)
        self.load_id = load_id
        self._source = source
        self._mappings = tuple(mappings)
        self._timezone = timezone
        self._company_timezone = company_timezone
        self._columns = SourceColumns((), self._mappings) if columns is None else columns
        self._drop_repeats = drop_repeats
        self._files: list[FileOutcome] = []
        self._cursors: dict[str, str] = {}
        self._tables: dict[str, TableCounts] = {}
        self._new_columns: dict[str, dict[str, str | None]] = {}
        self.records = 0  # taken so far, for those who bound the size of a load

    def map(self, records_by_mapping: Iterable[tuple[TableMapping, Records]]) -> MappedRecords:
        """Map a piece without landing it: a piece is landed whole or, unreadable, not at all.

        Raises:
            UnreadableFileError: a column that a mapping needs is missing or holds another type than before,
                or an expression does not suit.
        """
        return [(mapping, records, self._mapped(mapping, records)) for mapping, records in records_by_mapping]

    def land(self, name: str, mapped: MappedRecords) -> None:
        """Hand on a mapped piece. ``name``: of its file, table or endpoint, for every row's ``_file``."""
        rejected_lines: set[int] = set()
        for mapping, records, rows in mapped:
            self._land(name, mapping, records, rows, rejected_lines)
            rejected_lines.update(records.rejected["line"])
        for mapping, records, _ in mapped:
            self._note_columns(mapping, records)
        self.records += max((records.count for _, records, _ in mapped), default=0)

    def delete(self, mapping: TableMapping, keys: pl.DataFrame) -> None:
        """Hand on the keys of rows that the source no longer has; they go after the load's own rows have come.

        Args:
            keys: the columns of the contract's key, as the raw table holds them. A key that the raw table
                does not know, or whose row is another source's, deletes nothing.
        """
        self._tables.setdefault(mapping.table, TableCounts()).keys_deleted += keys.height
        self._writer.add_deleted(mapping.contract, keys)

    def remember_file(self, outcome: FileOutcome) -> None:
        """Note what became of a file."""
        self._files.append(outcome)

    def set_cursor(self, stream: str, value: str) -> None:
        """Note how far a stream is read; committed with the rows. ``value``: JSON without secrets or personal data."""
        self._cursors[stream] = value

    def finish(self) -> Load:
        """Write what is pending; the manifest."""
        self._writer.finish()
        if (
            self._cursors
        ):  # a load that only moves a cursor is counted, too: its number must not be given again
            for mapping in self._mappings:
                self._tables.setdefault(mapping.table, TableCounts())
        versioned = {mapping.table for mapping in self._mappings if has_versions(mapping)}
        return Load(
            self.load_id,
            self._source,
            tuple(self._files),
            self._tables,
            keep_oldest=tuple(dict.fromkeys(m.table for m in self._mappings if m.keep == "oldest")),
            unversioned=tuple(dict.fromkeys(m.table for m in self._mappings if m.table not in versioned)),
            cursors=self._cursors,
            columns=self._new_columns,
        )

    def _mapped(self, mapping: TableMapping, records: Records) -> Mapped:
        zone = self._timezone or records.zone or self._company_timezone
        schema = schema_of(records)
        self._columns.check(mapping, schema)
        frame = with_extra(records, self._columns.to_keep(mapping, schema, self.load_id))
        return apply_mapping(frame, mapping, zone=zone, drop_repeats=self._drop_repeats)

    def _note_columns(self, mapping: TableMapping, records: Records) -> None:
        news = self._columns.note(
            mapping, schema_of(records), self.load_id, is_complete=records.unread is None
        )
        if news:
            self._new_columns.setdefault(mapping.stream, {}).update(news)

    def _land(
        self, name: str, mapping: TableMapping, records: Records, rows: Mapped, known: set[int]
    ) -> None:
        """Hand the rows on. An unreadable record counts once, for the first table that meets it; ``known``:
        the lines that an earlier table has met."""
        contract = mapping.contract
        counts = self._tables.setdefault(contract.name, TableCounts())
        unreadable = records.rejected.filter(~pl.col("line").is_in(known))
        counts.records_read += records.count
        counts.rows_excluded += rows.excluded + records.rejected.height - unreadable.height
        counts.read.add(rows.everything, contract)
        counts.read.rows += unreadable.height
        counts.repeated.add(rows.repeated, contract)
        counts.quarantined.add(rows.rejected, contract)
        counts.quarantined.rows += unreadable.height
        self._writer.add_rows(contract, name, rows.rows)
        self._quarantine(name, contract.name, unreadable)
        if rows.rejected.height:
            texts = records.original_text(rows.rejected[RECORD])
            rejected = rows.rejected.select(
                pl.col(LINE).alias("line"), "reason", pl.Series("original_text", texts, pl.String)
            )
            self._quarantine(name, contract.name, rejected)

    def _quarantine(self, name: str, table: str, rows: pl.DataFrame) -> None:
        self._writer.add_quarantined(
            rows.with_columns(pl.lit(name).alias("file"), pl.lit(table).alias("table_name"))
        )
