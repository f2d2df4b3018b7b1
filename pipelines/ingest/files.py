"""Files of a source: which are new, and what becomes of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from pipelines.formats.records import UnreadableFileError
from pipelines.ingest.batch import LoadBuilder
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
    turn.result.files_found = len(files)
    turn.result.files_unchanged = len(files) - len(new)
    done, total = 0, sum(file.bytes for file, _ in new)
    for batch in _batches(new):
        builder = turn.new_load()
        for file, sha256 in batch:
            turn.report(done, total, file.name)
            outcome = _read(builder, source, file, sha256, cursor)
            builder.remember_file(outcome)
            turn.result.outcomes.append(outcome)
            done += file.bytes
        manifest = builder.finish()
        if any(outcome.status == "loaded" for outcome in manifest.files):
            turn.commit(manifest)
        else:  # nothing to load, but the files are to be remembered
            remember_files(turn.connection, turn.name, manifest.files, load_id=None)
    turn.report(total, total, "")


def _read(
    builder: LoadBuilder, source: FileSource, file: SourceFile, sha256: str, cursor: _Cursor
) -> FileOutcome:
    """Read, map and land one file; a file is landed whole or, unreadable, not at all."""

    def outcome(status: str, records: int = 0, reason: str | None = None) -> FileOutcome:
        return FileOutcome(file.name, sha256, file.bytes, file.modified_ns, status, records, reason)

    if cursor.holds_elsewhere(file, sha256):
        return outcome("same_content")
    try:
        if not sha256:
            raise UnreadableFileError("the file cannot be opened: it is gone, or may not be read")
        mapped = builder.map(read_file(file, source))
        if has_changed(file):
            raise UnreadableFileError("the file is still being written; the next run reads it again")
    except UnreadableFileError as error:
        return outcome("rejected", reason=str(error))
    except OSError as error:
        return outcome("rejected", reason=f"the file cannot be opened ({error.strerror})")
    builder.land(file.name, mapped)
    cursor.loaded.add((sha256, file.modified_ns))
    records = mapped[0][1].count
    return outcome("loaded", records, None if records else "the file holds no records")


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
