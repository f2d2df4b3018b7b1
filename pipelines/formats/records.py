"""What every reader returns, and the one error it raises for a whole file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import polars as pl

# Names that no file has: exports of other pipelines do come with a column _line.
RECORD = "kizuna:record"  # position of the record in its file, from 0
LINE = "kizuna:line"  # the record's first line in its file, from 1

REJECTED_SCHEMA = {"line": pl.Int64, "reason": pl.String, "original_text": pl.String}


class UnreadableFileError(Exception):
    """The file as a whole cannot be read; the message says why and how to mend it, and quotes no data."""


class Unread(Protocol):
    """Fields of records from which only the named ones were taken."""

    def names(self) -> frozenset[str]:
        """The fields at the top of the records, those that were taken included."""
        ...

    def values(self, names: Collection[str]) -> pl.DataFrame:
        """The named fields of the records, row by row as in the frame."""
        ...


@dataclass(frozen=True)
class Records:
    """The records of one file.

    Attributes:
        frame: the readable records, one row each: the file's columns beside ``RECORD`` and ``LINE``; text
            has no blanks around it and is null where nothing is left.
        rejected: the unreadable ones (``REJECTED_SCHEMA``).
        original_text: gives, for values of ``RECORD``, the records as they stand in the file.
        zone: time zone that the file itself declares for its times without an offset.
        labels: what a column is called beside its name, such as a survey's question; for people to read.
        unread: what else the records hold; None: the frame has all of it.
        schema: type of each column that the source has, where the frame does not tell; None: it does.
    """

    frame: pl.DataFrame
    rejected: pl.DataFrame
    original_text: Callable[[pl.Series], list[str]]
    zone: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    unread: Unread | None = None
    schema: Mapping[str, str | None] | None = None

    @property
    def count(self) -> int:
        """Records in the file, readable or not."""
        return self.frame.height + self.rejected.height


def rejected_frame(lines: list[int], reasons: list[str], texts: list[str]) -> pl.DataFrame:
    """A frame of rejected records, also of none."""
    return pl.DataFrame({"line": lines, "reason": reasons, "original_text": texts}, schema=REJECTED_SCHEMA)


def from_table(table: pl.DataFrame, lines: pl.Series | None = None, **described: Any) -> Records:
    """The records of a format whose files hold a table, so that no record of theirs is unreadable.

    Args:
        table: the file's columns. A record's original text is its row as JSON.
        lines: where each row stands in its file, from 1; by default rows are counted.
        described: ``zone``, ``labels`` and ``schema``.
    """
    counted = pl.Series(range(table.height), dtype=pl.Int64)
    numbered = table.select(
        counted.alias(RECORD), pl.all(), (counted + 1 if lines is None else lines).alias(LINE)
    )

    def texts(records: pl.Series) -> list[str]:
        return table[records.to_list()].select(pl.struct(pl.all()).struct.json_encode())[:, 0].to_list()

    return Records(trimmed(numbered), rejected_frame([], [], []), texts, **described)


def trimmed(frame: pl.DataFrame) -> pl.DataFrame:
    """Text without blanks around it, and null where nothing is left."""
    # Most columns have none to take away, and looking is three times faster than taking.
    blanks = frame.select(pl.col(pl.String).str.contains(r"^\s|\s$|^$").any())
    text = pl.col([name for name in blanks.columns if blanks[name][0]]).str.strip_chars()
    return frame.with_columns(pl.when(text != "").then(text))
