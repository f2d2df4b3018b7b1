"""JSON Lines: one JSON object per line."""

from __future__ import annotations

import polars as pl

from pipelines.formats.json_records import JsonRecords, numbered
from pipelines.formats.records import LINE


def json_lines(text: bytes) -> JsonRecords:
    """The lines of UTF-8 text that are not blank."""
    lines = (
        pl.read_lines(text, name="text")
        .with_row_index(LINE, offset=1)
        .filter(pl.col("text").str.strip_chars() != "")
    )
    return JsonRecords(numbered(lines["text"], lines[LINE]), "the line is no JSON object")
