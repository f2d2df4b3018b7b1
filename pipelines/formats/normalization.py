"""Unicode normalisation of what a file says, where a source declares it.

Values are normalised after the records were split: of a full-width comma or quote, NFKC makes one that would
change where records end. Names of columns and original texts stay as they stand in the file.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from pipelines.formats.document import Document
from pipelines.formats.records import Records, Unread, trimmed

Form = Literal["NFC", "NFKC"]


@dataclass(frozen=True)
class Normalized:
    """A document whose values are given in one Unicode form."""

    document: Document
    form: Form

    def records(self, fields: Collection[str], explode: str | None) -> Records:
        """See ``Document``."""
        found = self.document.records(fields, explode)
        unread = _NormalizedFields(found.unread, self.form) if found.unread is not None else None
        return replace(found, frame=_normalized(found.frame, self.form), unread=unread)


@dataclass(frozen=True)
class _NormalizedFields:
    unread: Unread
    form: Form

    def names(self) -> frozenset[str]:
        return self.unread.names()

    def values(self, names: Collection[str]) -> pl.DataFrame:
        return _normalized(self.unread.values(names), self.form)


def _normalized(frame: pl.DataFrame, form: Form) -> pl.DataFrame:
    # ASCII is its own normal form, and most columns are nothing else: looking is ten times faster.
    others = frame.select(pl.col(pl.String).str.contains(r"[^\x00-\x7f]").any())
    text = pl.col([name for name in others.columns if others[name][0]])
    return trimmed(frame.with_columns(text.str.normalize(form)))
