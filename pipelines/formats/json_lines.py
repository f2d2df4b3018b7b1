"""JSON Lines: one JSON object per line, nested fields addressed by dots, every value as text.

Fields are extracted, not inferred: a schema guessed from a night's file would flip with the next one.
DuckDB extracts them, because it says of each line whether it is JSON at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache

import duckdb
import polars as pl

from pipelines.formats.records import LINE, RECORD, Records, rejected_frame, trimmed

_NO_OBJECT = "the line is no JSON object"
POSITION = "_position"  # field of an exploded element: its place in the list, from 1


@dataclass(frozen=True)
class JsonLines:
    """The document of ``text`` (UTF-8): read once for every list that a table explodes."""

    text: bytes

    def records(self, fields: Collection[str], explode: str | None) -> Records:
        return read_json_lines(self.text, fields, explode=explode)


def read_json_lines(text: bytes, fields: Iterable[str], *, explode: str | None = None) -> Records:
    """Read the named fields of each line.

    Args:
        text: UTF-8.
        fields: dotted paths such as ``via.channel``; a path that a line lacks is null there. Objects and
            lists come as JSON text.
        explode: path of a list; the records are then its elements, their fields ``<explode>.<field>``,
            a line without the list has none, and one with something else in its place is rejected.
    """
    lines = (
        pl.read_lines(text, name="text")
        .with_row_index(LINE, offset=1)
        .filter(pl.col("text").str.strip_chars() != "")
        .with_row_index(RECORD)
        .cast({LINE: pl.Int64, RECORD: pl.Int64})
    )

    def texts(records: pl.Series) -> list[str]:
        return lines["text"].gather(records).to_list()

    record, line = _quoted(RECORD), _quoted(LINE)
    with _engine().cursor() as connection:
        connection.register("lines", lines.to_arrow())
        connection.execute(
            f"""create temp table judged as
            select *, case
                when not json_valid(text) or json_type(text) <> 'OBJECT' then '{_NO_OBJECT}'
                {_no_list(explode) if explode else ""}
                end as reason
            from lines"""
        )
        bad = connection.sql(
            f"select {record} as r, {line} as line, reason from judged where reason is not null order by r"
        ).pl()
        columns = ", ".join(f"{_extract(f, explode)} as {_quoted(f)}" for f in fields)
        elements = (
            f", unnest(from_json(text -> '{_path(explode)}', '[\"JSON\"]')) as element,"
            f" generate_subscripts(from_json(text -> '{_path(explode)}', '[\"JSON\"]'), 1) as position"
            if explode
            else ""
        )
        frame = connection.sql(
            f"with good as materialized (select {record}, {line}, text{elements} from judged where reason is null)"
            f" select {columns + ', ' if columns else ''}{record}, {line} from good"
            f" order by {record}{', position' if explode else ''}"
        ).pl()
    return Records(
        frame=trimmed(frame),
        rejected=rejected_frame(bad["line"].to_list(), bad["reason"].to_list(), texts(bad["r"])),
        original_text=texts,
    )


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """One database in memory for all files: opening one takes longer than reading a small file."""
    return duckdb.connect()


def _no_list(explode: str) -> str:
    """Branch of a case: no list at all is an empty one, but anything else in its place is a loss."""
    shown, path = explode.replace("'", "''"), _path(explode)
    return f"when json_type(text, '{path}') not in ('ARRAY', 'NULL') then '{shown} is no list'"


def _extract(field: str, explode: str | None) -> str:
    if explode and field == f"{explode}.{POSITION}":
        return "cast(position as varchar)"
    if explode and field.startswith(f"{explode}."):
        return f"json_extract_string(element, '{_path(field.removeprefix(explode + '.'))}')"
    return f"json_extract_string(text, '{_path(field)}')"


def _path(field: str) -> str:
    parts = "".join(f'."{part}"' for part in field.replace("'", "''").split("."))
    return f"${parts}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
