"""Files of a source: which there are, which are new, and what is in them.

A file is known by its content (SHA-256). Size and modification time only save reading a file again that
has neither changed: a copy that keeps both over other content is not noticed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.formats.document import Document
from pipelines.formats.records import Records
from pipelines.formats.registry import FORMATS
from pipelines.settings import FileSource, Settings, SettingsError, TableMapping
from pipelines.sources.mapping import source_fields


@dataclass(frozen=True)
class SourceFile:
    """One file as it lies there now. ``name`` is its path relative to the settings file or, outside that
    folder, to the fixed part of the pattern: the same on every machine."""

    path: Path
    name: str
    bytes: int
    modified_ns: int


def find_files(source_name: str, source: FileSource, settings: Settings) -> list[SourceFile]:
    """The files that match the source's pattern, in the order of their names.

    Raises:
        SettingsError: none matches, and the source is required.
    """
    files = matching_files(source, settings)
    if not files and source.required:
        raise SettingsError(
            f"{settings.path}: sources.{source_name}.files: no file matches {settings.as_written(source.files)}. "
            f"Correct the pattern, or write required: false where the files may be absent."
        )
    return files


def matching_files(source: FileSource, settings: Settings) -> list[SourceFile]:
    """The files that match the source's pattern, in the order of their names; there may be none."""
    pattern = settings.folder / source.files
    fixed = _fixed_part(pattern)
    base = (
        settings.folder
        if pattern.is_relative_to(settings.folder) and not Path(source.files).is_absolute()
        else fixed
    )
    relative = pattern.relative_to(fixed).as_posix()
    # Also what cannot be read, such as a link into nothing: somebody meant it to be a file, and is told.
    paths = [path for path in fixed.glob(relative) if not path.is_dir()]
    return sorted((_as_it_lies(path, base) for path in paths), key=lambda file: file.name)


def _as_it_lies(path: Path, base: Path) -> SourceFile:
    name = path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name
    try:
        status = path.stat()
    except OSError:  # gone since it was listed: reading it will say so
        return SourceFile(path, name, 0, 0)
    return SourceFile(path, name, status.st_size, status.st_mtime_ns)


def has_changed(file: SourceFile) -> bool:
    """Whether the file is being written, or was replaced, since it was listed."""
    try:
        status = file.path.stat()
    except OSError:
        return True
    return (status.st_size, status.st_mtime_ns) != (file.bytes, file.modified_ns)


def _fixed_part(pattern: Path) -> Path:
    """The folder of a pattern down to its first wildcard."""
    parts: list[str] = []
    for part in pattern.parts[:-1]:
        if any(sign in part for sign in "*?["):
            break
        parts.append(part)
    return Path(*parts)


def content_hash(path: Path) -> str:
    """SHA-256 of the file as it lies there, in hexadecimal; empty where it cannot be opened."""
    if not path.is_file():  # opening a pipe would wait for ever
        return ""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def read_file(file: SourceFile, source: FileSource) -> Iterator[tuple[TableMapping, Records]]:
    """The records of a file for each of the source's tables.

    Raises:
        UnreadableFileError: the file as a whole cannot be read.
    """
    document = FORMATS[source.format].open(file.path, source.options)
    yield from records_for(document, source.mappings)


def records_for(
    document: Document, mappings: Sequence[TableMapping]
) -> Iterator[tuple[TableMapping, Records]]:
    """The records of a document for each mapping: read once, and once more for every list that one explodes."""
    for explode in dict.fromkeys(mapping.explode for mapping in mappings):
        served = [mapping for mapping in mappings if mapping.explode == explode]
        records = document.records(_fields(served), explode)
        yield from ((mapping, records) for mapping in served)


def _fields(mappings: Iterable[TableMapping]) -> list[str]:
    return sorted(set().union(*(source_fields(mapping) for mapping in mappings)))
