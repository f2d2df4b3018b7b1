"""Files of a source: which are new, and what becomes of each.

Where a file is all there is (``snapshot: true``), only the newest is read, the last by name; what it no longer has
is deleted with the same load.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import duckdb

from pipelines.formats.records import UnreadableFileError
from pipelines.ingest.batch import LoadBuilder, MappedRecords
from pipelines.ingest.presence import PresentKeys, shrinkage
from pipelines.ingest.source_turn import SourceTurn
from pipelines.landing import FileOutcome
from pipelines.load import remember_files
from pipelines.settings import FileSource
from pipelines.sources.files import SourceFile, content_hash, find_files, has_changed, read_file

# A load is one transaction: large enough that few are needed, small enough that a kill costs minutes only.
LOAD_BYTES = 1024**3


def ingest_files(turn: SourceTurn) -> None:
    """Read the files that are new or changed, several to a load.

    Raises:
        SettingsError: no file matches, or a mapping's SQL is wrong.
    """
    source = turn.source
    assert isinstance(source, FileSource)
    files = find_files(turn.name, source, turn.settings)
    cursor = _Cursor.read(turn.connection, turn.name)
    new = _new_files(turn.connection, turn.name, files, cursor)
    _forget_refused(turn.connection, turn.name, files)
    turn.result.files_found = len(files)
    turn.result.files_unchanged = len(files) - len(new)
    turn.result.changed_files = [file.name for file, _ in new if cursor.has_loaded(file)]
    if source.snapshot:
        _ingest_newest(turn, source, new)
    else:
        _ingest_all(turn, source, new, cursor)


def _ingest_all(
    turn: SourceTurn, source: FileSource, new: Sequence[tuple[SourceFile, str]], cursor: _Cursor
) -> None:
    done, total = 0, sum(file.bytes for file, _ in new)
    for batch in _batches(new):
        builder = turn.new_load()
        for file, sha256 in batch:
            turn.report(done, total, file.name)
            outcome = _read(builder, source, file, sha256, cursor)
            _take(turn, builder, outcome)
            done += file.bytes
        _commit(turn, builder)
    turn.report(total, total, "")


def _take(turn: SourceTurn, builder: LoadBuilder, outcome: FileOutcome) -> None:
    builder.remember_file(outcome)
    turn.result.outcomes.append(outcome)


def _commit(turn: SourceTurn, builder: LoadBuilder) -> None:
    manifest = builder.finish()
    if any(outcome.status == "loaded" for outcome in manifest.files):
        turn.commit(manifest)
    else:  # nothing to load, but the files are to be remembered
        remember_files(turn.connection, turn.name, manifest.files, load_id=None)


def _read(
    builder: LoadBuilder, source: FileSource, file: SourceFile, sha256: str, cursor: _Cursor
) -> FileOutcome:
    """Read, map and land one file; a file is landed whole or, unreadable, not at all."""
    if cursor.holds_elsewhere(file, sha256):
        return _outcome(file, sha256, "same_content")
    mapped = _mapped(builder, source, file, sha256)
    if isinstance(mapped, str):
        return _outcome(file, sha256, "rejected", reason=mapped)
    builder.land(file.name, mapped)
    cursor.loaded.add((sha256, file.modified_ns))
    records = mapped[0][1].count
    return _outcome(file, sha256, "loaded", records, None if records else "the file holds no records")


def _mapped(builder: LoadBuilder, source: FileSource, file: SourceFile, sha256: str) -> MappedRecords | str:
    """The file's records, mapped; or the reason why it cannot be read."""
    try:
        if not sha256:
            return "the file cannot be opened: it is gone, may not be read, or is none (a pipe, a link into nothing)"
        mapped = builder.map(read_file(file, source))
    except UnreadableFileError as error:
        return str(error)
    except OSError as error:
        return f"the file cannot be opened ({error.strerror})"
    return "the file is still being written; the next run reads it again" if has_changed(file) else mapped


def _outcome(
    file: SourceFile, sha256: str, status: str, records: int = 0, reason: str | None = None
) -> FileOutcome:
    return FileOutcome(file.name, sha256, file.bytes, file.modified_ns, status, records, reason)


_SNAPSHOT = "snapshot"  # the stream whose cursor says which file was the last, and how many records it had


def _ingest_newest(turn: SourceTurn, source: FileSource, new: Sequence[tuple[SourceFile, str]]) -> None:
    """Read the newest file that can be believed; those before it have nothing to say any more."""
    total = sum(file.bytes for file, _ in new)
    value = turn.cursor(_SNAPSHOT)
    last = json.loads(value) if value else {}
    records_before = last.get("records") or _rows_held(turn, source)
    builder = turn.new_load()
    read: str | None = None
    for file, sha256 in sorted(new, key=lambda entry: entry[0].name, reverse=True):
        newest = read or (last["file"] if last and file.name < last["file"] else None)
        if newest:
            _take(turn, builder, _outcome(file, sha256, "outdated", reason=f"{newest} is newer"))
            continue
        turn.report(0, total, file.name)
        outcome = _read_snapshot(turn, builder, source, file, sha256, records_before)
        _take(turn, builder, outcome)
        if outcome.status == "loaded":
            read = file.name
            builder.set_cursor(_SNAPSHOT, json.dumps({"file": file.name, "records": outcome.records}))
    if new:
        _commit(turn, builder)
    turn.report(total, total, "")


def _rows_held(turn: SourceTurn, source: FileSource) -> int:
    """Rows of the source, of whichever table has most: as many as the records that brought them, or fewer.

    They stand in for the snapshot before the first, so that no family of files is taken for one by mistake.
    """
    counts = [
        turn.connection.execute(
            f"select count(*) from {mapping.contract.raw_name} where _source = ?", [turn.name]
        ).fetchall()[0][0]
        for mapping in source.mappings
        if mapping.explode is None
    ]
    return max(counts, default=0)


def _read_snapshot(
    turn: SourceTurn,
    builder: LoadBuilder,
    source: FileSource,
    file: SourceFile,
    sha256: str,
    records_before: int,
) -> FileOutcome:
    mapped = _mapped(builder, source, file, sha256)
    if isinstance(mapped, str):
        return _outcome(file, sha256, "rejected", reason=mapped)
    records = mapped[0][1].count
    refused = shrinkage(records, records_before, turn.settings.thresholds.stop_shrunk_share)
    if refused:
        return _outcome(file, sha256, "rejected", reason=f"the file has shrunk: {refused}")
    builder.land(file.name, mapped)
    loaded = _outcome(file, sha256, "loaded", records, None if records else "the file holds no records")
    doubt = _delete_what_is_gone(turn, builder, mapped)
    return replace(loaded, reason=doubt) if doubt else loaded


def _delete_what_is_gone(turn: SourceTurn, builder: LoadBuilder, mapped: MappedRecords) -> str | None:
    """Delete the rows that the snapshot no longer has, unless a record that cannot be read may be one of them.

    Returns:
        Why nothing was deleted where something seems to be gone.
    """
    mappings = {mapping.table: mapping for mapping, _, _ in mapped}
    present = PresentKeys(turn.connection, (mapping.contract for mapping in mappings.values()))
    unknown = max(records.rejected.height for _, records, _ in mapped)
    for mapping, _, rows in mapped:
        unknown += present.see(mapping.contract, rows.everything)
    gone = {table: present.gone(mapping.contract, turn.name) for table, mapping in mappings.items()}
    if unknown and any(keys.height for keys in gone.values()):
        return (
            f"{sum(keys.height for keys in gone.values()):,} rows seem to be gone, but {unknown:,} records cannot be "
            f"told from them because they have no key. Nothing was deleted; mend the records in quarantine"
        )
    for table, keys in gone.items():
        if keys.height:
            builder.delete(mappings[table], keys)
    return None


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

    def has_loaded(self, file: SourceFile) -> bool:
        """Whether a file of this name was loaded."""
        known = self.by_name.get(file.name)
        return known is not None and known[3] == "loaded"

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


def _forget_refused(connection: duckdb.DuckDBPyConnection, source: str, files: list[SourceFile]) -> None:
    """Files that were rejected and have been taken away: nobody is to be told of them for ever."""
    connection.execute(
        "delete from ingest.files where source = ? and status = 'rejected' and not list_contains(?, file)",
        [source, [file.name for file in files]],
    )


def _batches(files: Sequence[tuple[SourceFile, str]]) -> Iterator[list[tuple[SourceFile, str]]]:
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
