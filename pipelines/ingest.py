"""One source, one night: find what is new, read it, land it, load it.

The only module that knows the order of these steps. Each step has its own module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import duckdb
import polars as pl

from pipelines.formats.records import LINE, RECORD, Records, UnreadableFileError
from pipelines.home import Home
from pipelines.landing import FileOutcome, LandingWriter, LandingZone, Load, TableCounts
from pipelines.load import LoadedTable, last_load_id, load, remember_files
from pipelines.privacy import hold_to_secret
from pipelines.settings import FileSource, Settings, TableMapping, customer_key_secret
from pipelines.sources.files import SourceFile, content_hash, find_files, has_changed, read_file
from pipelines.sources.mapping import Mapped, apply_mapping, has_versions, numbers_records
from pipelines.warehouse import create_tables, open_warehouse

# A load is one transaction: large enough that few are needed, small enough that a kill costs minutes only.
LOAD_BYTES = 1024**3

Progress = Callable[[int, int, str], None]  # bytes done, bytes in all, file


@dataclass
class SourceResult:
    """What a night did with one source."""

    source: str
    files_found: int = 0
    files_unchanged: int = 0
    outcomes: list[FileOutcome] = field(default_factory=list)
    tables: list[LoadedTable] = field(default_factory=list)
    numbered_tables: frozenset[str] = frozenset()

    @property
    def rejected(self) -> list[FileOutcome]:
        return [outcome for outcome in self.outcomes if outcome.status == "rejected"]

    @property
    def empty(self) -> list[FileOutcome]:
        return [outcome for outcome in self.outcomes if outcome.status == "loaded" and outcome.records == 0]

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

    def total(self, count: str) -> int:
        """Sum of ``rows_read``, ``rows_loaded``, ... over the source's tables."""
        return sum(getattr(table, count) for table in self.tables)


def ingest_source(
    home: Home, settings: Settings, name: str, progress: Progress | None = None
) -> SourceResult:
    """Bring what is new in a source into the warehouse.

    A file that cannot be read is recorded with its reason and tried again the next night; the others go on.

    Raises:
        SettingsError: no file matches, a mapping's SQL is wrong, or the secret for customer keys is missing.
        CustomerKeySecretChangedError: the warehouse was built with another secret, or for another company.
        WarehouseBusyError: another run is writing.
    """
    source = settings.sources[name]
    zone = LandingZone(home.landing)
    files = find_files(name, source, settings)
    numbered = frozenset(mapping.table for mapping in source.tables if numbers_records(mapping))
    result = SourceResult(name, files_found=len(files), numbered_tables=numbered)
    with open_warehouse(home) as connection:
        create_tables(connection)
        hold_to_secret(
            connection,
            customer_key_secret(settings),
            is_public=settings.privacy.customer_key.public is not None,
        )
        _finish_landed(connection, zone)
        zone.discard_unfinished()
        cursor = _Cursor.read(connection, name)
        new = _new_files(connection, name, files, cursor)
        result.files_unchanged = len(files) - len(new)
        done, total = 0, sum(file.bytes for file, _ in new)
        for batch in _batches(new):
            load_id = last_load_id(connection) + 1
            reader = _BatchReader(zone, load_id, name, source, settings.company.timezone, cursor)
            for file, sha256 in batch:
                if progress:
                    progress(done, total, file.name)
                result.outcomes.append(reader.read(file, sha256))
                done += file.bytes
            manifest = reader.finish()
            if any(outcome.status == "loaded" for outcome in manifest.files):
                zone.write_manifest(manifest)
                result.tables += load(connection, zone, manifest)
            else:  # nothing to load, but the files are to be remembered
                remember_files(
                    connection,
                    name,
                    (
                        (o.file, o.sha256, o.bytes, o.modified_ns, o.status, None, 0, o.reason)
                        for o in manifest.files
                    ),
                )
        if progress:
            progress(total, total, "")
    return result


def rebuild(home: Home, progress: Progress | None = None) -> int:
    """Start a new warehouse and load every landed batch again, in order; returns how many there were.

    Interrupted, it is continued by the next call of ``ingest_source``.

    Raises:
        WarehouseBusyError: another run is writing.
    """
    with (
        suppress(duckdb.Error),
        open_warehouse(home),
    ):  # a damaged file is what this is for; a busy one is not
        pass
    home.warehouse.unlink(missing_ok=True)
    home.warehouse.with_name(f"{home.warehouse.name}.wal").unlink(missing_ok=True)
    with open_warehouse(home) as connection:
        create_tables(connection)
        return _finish_landed(connection, LandingZone(home.landing), progress)


def _finish_landed(
    connection: duckdb.DuckDBPyConnection, zone: LandingZone, progress: Progress | None = None
) -> int:
    """Load what was landed whole but never loaded: a run was interrupted, or the warehouse is new or lost."""
    last = last_load_id(connection)
    waiting = [load_id for load_id in zone.manifests() if load_id > last]
    for done, load_id in enumerate(waiting):
        if progress:
            progress(done, len(waiting), f"load {load_id}")
        load(connection, zone, zone.read_manifest(load_id))
    return len(waiting)


@dataclass
class _Cursor:
    """What the warehouse knows of a source's files."""

    by_name: dict[str, tuple[str, int, int, str]]
    loaded: set[tuple[str, int]]  # hash and time of what was loaded

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection, source: str) -> _Cursor:
        rows = connection.execute(
            "select file, sha256, bytes, modified_ns, status from ingest.files where source = ?", [source]
        ).fetchall()
        return cls(
            {file: (sha256, size, modified, status) for file, sha256, size, modified, status in rows},
            {(sha256, modified) for _, sha256, _, modified, status in rows if status == "loaded"},
        )

    def knows(self, file: SourceFile) -> bool:
        """Whether the file is as it was when it was loaded. A rejected one is tried again: settings change."""
        known = self.by_name.get(file.name)
        return known is not None and known[3] != "rejected" and known[1:3] == (file.bytes, file.modified_ns)

    def holds_elsewhere(self, file: SourceFile, sha256: str) -> bool:
        """Whether this is a loaded file under another name. One written at another time is an export of its
        own: where it says the same as an earlier one, it may take back what came between."""
        return (sha256, file.modified_ns) in self.loaded

    def holds(self, file: SourceFile, sha256: str) -> bool:
        """Whether this content was loaded under this name."""
        known = self.by_name.get(file.name)
        return known is not None and known[3] != "rejected" and known[0] == sha256


def _new_files(
    connection: duckdb.DuckDBPyConnection, source: str, files: list[SourceFile], cursor: _Cursor
) -> list[tuple[SourceFile, str]]:
    """Files with new content, and its hash. One that was only written again gets its new time noted."""
    new = []
    for file in files:
        if cursor.knows(file):
            continue
        sha256 = content_hash(file.path)
        if cursor.holds(file, sha256):
            connection.execute(
                "update ingest.files set modified_ns = ? where source = ? and file = ?",
                [file.modified_ns, source, file.name],
            )
        else:
            new.append((file, sha256))
    return new


class _BatchReader:
    """Reads the files of one load into the landing zone."""

    def __init__(
        self,
        zone: LandingZone,
        load_id: int,
        name: str,
        source: FileSource,
        company_zone: str,
        cursor: _Cursor,
    ) -> None:
        self._writer = LandingWriter(zone, load_id)
        self._load_id = load_id
        self._name = name
        self._source = source
        self._zone_name = source.timezone or company_zone
        self._cursor = cursor
        self._outcomes: list[FileOutcome] = []
        self._tables: dict[str, TableCounts] = {}

    def read(self, file: SourceFile, sha256: str) -> FileOutcome:
        """Read, map and land one file; a file is landed whole or, unreadable, not at all."""
        records, reason = 0, None
        if self._cursor.holds_elsewhere(file, sha256):
            status = "same_content"
        else:
            try:
                if not sha256:
                    raise UnreadableFileError("the file cannot be opened: it is gone, or may not be read")
                mapped = list(self._mapped(file))
                if has_changed(file):
                    raise UnreadableFileError("the file is still being written; the next run reads it again")
            except UnreadableFileError as error:
                status, reason = "rejected", str(error)
            except OSError as error:
                status, reason = "rejected", f"the file cannot be opened ({error.strerror})"
            else:
                status = "loaded"
                records = mapped[0][1].count
                reason = None if records else "the file holds no records"
                rejected_lines: set[int] = set()
                for mapping, found, rows in mapped:
                    self._land(file, mapping, found, rows, rejected_lines)
                    rejected_lines.update(found.rejected["line"])
                self._cursor.loaded.add((sha256, file.modified_ns))
        outcome = FileOutcome(file.name, sha256, file.bytes, file.modified_ns, status, records, reason)
        self._outcomes.append(outcome)
        return outcome

    def finish(self) -> Load:
        self._writer.finish()
        mappings = self._source.tables
        versioned = {mapping.table for mapping in mappings if has_versions(mapping)}
        return Load(
            self._load_id,
            self._name,
            tuple(self._outcomes),
            self._tables,
            keep_oldest=tuple(dict.fromkeys(m.table for m in mappings if m.keep == "oldest")),
            unversioned=tuple(dict.fromkeys(m.table for m in mappings if m.table not in versioned)),
        )

    def _mapped(self, file: SourceFile) -> Iterator[tuple[TableMapping, Records, Mapped]]:
        drop_repeats = self._source.duplicate_records == "drop"
        for mapping, records in read_file(file, self._source):
            rows = apply_mapping(records.frame, mapping, zone=self._zone_name, drop_repeats=drop_repeats)
            yield mapping, records, rows

    def _land(
        self, file: SourceFile, mapping: TableMapping, records: Records, rows: Mapped, known: set[int]
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
        self._writer.add_rows(contract, file.name, rows.rows)
        self._quarantine(file, contract.name, unreadable)
        if rows.rejected.height:
            texts = records.original_text(rows.rejected[RECORD])
            rejected = rows.rejected.select(
                pl.col(LINE).alias("line"), "reason", pl.Series("original_text", texts, pl.String)
            )
            self._quarantine(file, contract.name, rejected)

    def _quarantine(self, file: SourceFile, table: str, rows: pl.DataFrame) -> None:
        self._writer.add_quarantined(
            rows.with_columns(pl.lit(file.name).alias("file"), pl.lit(table).alias("table_name"))
        )


def _batches(files: list[tuple[SourceFile, str]]) -> Iterator[list[tuple[SourceFile, str]]]:
    batch: list[tuple[SourceFile, str]] = []
    size = 0
    for file, sha256 in files:
        if batch and size + file.bytes > LOAD_BYTES:
            yield batch
            batch, size = [], 0
        batch.append((file, sha256))
        size += file.bytes
    if batch:
        yield batch
