"""Records that are JSON objects: nested fields addressed by dots, every value as text.

Belongs here: what is in a record. Does not: where the records of a file begin and end, which is the
business of ``json_lines`` and ``json_document``.

Fields are extracted, not inferred: a schema guessed from a night's file would flip with the next one.
DuckDB extracts them, because it says of each record whether it is JSON at all.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, cached_property

import duckdb
import polars as pl

from pipelines.formats.records import LINE, RECORD, Records, rejected_frame, trimmed

POSITION = "_position"  # field of an exploded element: its place in the list, from 1


@dataclass(frozen=True)
class JsonRecords:
    """A document (``formats.document``) that is read once for every list that a table explodes.

    Attributes:
        texts: ``RECORD``, ``LINE`` and ``text``, the record as it stands in the file, in file order.
        no_object: reason why a record that is no JSON object is rejected.
    """

    texts: pl.DataFrame
    no_object: str

    def records(self, fields: Collection[str], explode: str | None) -> Records:
        """Read the named fields of each record.

        Args:
            fields: dotted paths such as ``via.channel``; a path that a record lacks is null there. Objects
                and lists come as JSON text.
            explode: dotted path of a list; the rows are then its elements, their fields
                ``<explode>.<field>``. A record without the list has none. One with something else in its
                place is rejected, and so is an element that is no object.
        """
        with engine().cursor() as connection:
            connection.register("texts", self.texts.to_arrow())
            connection.execute(
                f"create temp table judged as select *, {self._reason(explode)} as reason from texts"
            )
            connection.execute(f"create temp table rows as {_rows(explode)}")
            bad = connection.sql(
                f"select {_RECORD}, {_LINE}, reason from rows where reason is not null"
                f" order by {_RECORD}, position"
            ).pl()
            columns = ", ".join(f"{_extract(field, explode)} as {_quoted(field)}" for field in fields)
            frame = connection.sql(
                f"select {columns + ', ' if columns else ''}{_RECORD}, {_LINE} from rows"
                f" where reason is null order by {_RECORD}, position"
            ).pl()
        return Records(
            frame=trimmed(frame),
            rejected=rejected_frame(
                bad[LINE].to_list(), bad["reason"].to_list(), self._originals(bad[RECORD])
            ),
            original_text=self._originals,
            unread=_Fields(self, explode),
        )

    def names(self, explode: str | None) -> frozenset[str]:
        """The fields at the top of each record or, exploded, of each element; as ``records`` calls them."""
        with engine().cursor() as connection:
            connection.register("texts", self.texts.to_arrow())
            connection.execute(
                f"create temp table judged as select *, {self._reason(explode)} as reason from texts"
            )
            value = "text" if explode is None else "element"
            found = connection.execute(
                f"select distinct unnest(json_keys({value})) from ({_rows(explode)}) where reason is null"
            ).fetchall()
        prefix = f"{explode}." if explode else ""
        return frozenset(f"{prefix}{name}" for (name,) in found)

    def _reason(self, explode: str | None) -> str:
        no_object = (
            f"when not json_valid(text) or json_type(text) <> 'OBJECT' then {_literal(self.no_object)}"
        )
        # No list at all is an empty one, but anything else in its place is a loss.
        no_list = (
            f"when json_type(text, {_path(explode)}) not in ('ARRAY', 'NULL') then {_literal(f'{explode} is no list')}"
            if explode
            else ""
        )
        return f"case {no_object} {no_list} end"

    def _originals(self, records: pl.Series) -> list[str]:
        return self.texts["text"].gather(records).to_list()


class _Fields:
    """What a document's records hold beside the fields that were asked for; looked up when somebody asks."""

    def __init__(self, document: JsonRecords, explode: str | None) -> None:
        self._document = document
        self._explode = explode

    @cached_property
    def _names(self) -> frozenset[str]:
        return self._document.names(self._explode)

    def names(self) -> frozenset[str]:
        return self._names

    def values(self, names: Collection[str]) -> pl.DataFrame:
        return self._document.records(names, self._explode).frame.select(names)


def numbered(texts: pl.Series, lines: pl.Series | None = None) -> pl.DataFrame:
    """The frame of ``JsonRecords``. ``lines``: where each record begins; without them, its place from 1."""
    places = pl.int_range(1, texts.len() + 1, eager=True) if lines is None else lines
    return pl.DataFrame(
        {RECORD: pl.int_range(texts.len(), eager=True), LINE: places, "text": texts},
        schema_overrides={RECORD: pl.Int64, LINE: pl.Int64},
    )


@cache
def engine() -> duckdb.DuckDBPyConnection:
    """One database in memory for all files: opening one takes longer than reading a small file."""
    return duckdb.connect()


def _rows(explode: str | None) -> str:
    if explode is None:
        return "select *, 1 as position from judged"
    elements = f"from_json(text -> {_path(explode)}, '[\"JSON\"]')"
    no_object = f"case when json_type(element) <> 'OBJECT' then {_literal(f'an element of {explode} is no object')} end"
    return f"""
        select * replace ({no_object} as reason) from (
            select *, unnest({elements}) as element, generate_subscripts({elements}, 1) as position
            from judged where reason is null
        )
        union all by name
        select *, 1 as position from judged where reason is not null
    """


def _extract(field: str, explode: str | None) -> str:
    if explode and field == f"{explode}.{POSITION}":
        return "cast(position as varchar)"
    if explode and field.startswith(f"{explode}."):
        return f"json_extract_string(element, {_path(field.removeprefix(f'{explode}.'))})"
    return f"json_extract_string(text, {_path(field)})"


def _path(field: str) -> str:
    return _literal("$" + "".join(f'."{part}"' for part in field.split(".")))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_RECORD, _LINE = _quoted(RECORD), _quoted(LINE)
