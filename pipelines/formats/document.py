"""A file that has been opened and decoded, ready to give its records: what every format's reader returns."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pipelines.formats.records import Records
from pipelines.formats.text import as_utf8, read_beginning, read_bytes


@dataclass(frozen=True)
class ReadOptions:
    """What a user declares about a family of files; each format reads some of it."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str | None = '"'
    header_rows: int = 1  # the first names the columns, the others are skipped
    columns: tuple[str, ...] | None = None  # names of the columns where the file has no header
    null_values: tuple[str, ...] = ("",)
    records: str | None = None  # JSON: dotted path of the list that holds the records
    sheet: str | None = None  # Excel: name of the sheet
    skip_rows: int = 0  # Excel: rows above the header, such as a title
    normalize: Literal["NFC", "NFKC"] | None = None  # Unicode normalisation of the text
    beginning: int | None = None  # bytes of text that a mere look at the file reads; never declared


class Document(Protocol):
    """One file or one page of an API."""

    def records(self, fields: Collection[str], explode: str | None) -> Records:
        """The records.

        Args:
            fields: the columns wanted; a format whose files name their columns gives all of them anyway.
            explode: dotted path of a list whose elements are the records; formats without lists ignore it.
        """
        ...


@dataclass(frozen=True)
class Tabular:
    """A document with one set of records, whoever asks."""

    table: Records

    def records(self, fields: Collection[str], explode: str | None) -> Records:  # noqa: ARG002 - see Document
        return self.table


def text_of(path: Path, options: ReadOptions) -> bytes:
    """The file's text in UTF-8, decompressed.

    Raises:
        UnreadableFileError: a damaged archive, or bytes that are not in the declared encoding.
    """
    if options.beginning is None:
        return as_utf8(read_bytes(path), options.encoding)
    return as_utf8(read_beginning(path, options.beginning, options.encoding, options.quote), options.encoding)
