"""Columns of a source over time: which are new, which are gone, and which have changed their type.

What the first load of a stream brings is known, mapped or not. A column that comes later and that no mapping
reads is kept in ``_extra``, so that nothing is lost until somebody decides what it means.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import duckdb
import polars as pl

from pipelines.contracts import Kind
from pipelines.formats.records import LINE, RECORD, Records, UnreadableFileError
from pipelines.settings import Source, TableMapping
from pipelines.sources.mapping import EXTRA, source_fields

Schema = Mapping[str, str | None]  # type of each column; None: the values do not tell, there are none
_NUMBERS = {"integer", "number"}


@dataclass(frozen=True)
class ColumnChanges:
    """What people should know about the columns of a source, each as ``'name' of stream``.

    Attributes:
        kept: came after the first load and are kept in ``_extra``.
        gone: were known, and no record of this night had them.
    """

    kept: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


@dataclass
class _Known:
    type: str | None
    first_load_id: int


class SourceColumns:
    """The columns of one source, as the warehouse knows them and as this night finds them."""

    def __init__(
        self,
        known: Iterable[tuple[str, str, str | None, int]],
        mappings: Iterable[TableMapping],
        ignored: Collection[str] = (),
    ) -> None:
        """
        Args:
            known: stream, column, type and first load.
            ignored: columns that are neither kept nor reported.
        """
        self._known: dict[str, dict[str, _Known]] = defaultdict(dict)
        for stream, column, type_, load_id in known:
            self._known[stream][column] = _Known(type_, load_id)
        self._mapped: dict[str, set[str]] = defaultdict(set)
        lists = {mapping.explode for mapping in mappings if mapping.explode}
        for mapping in mappings:
            self._mapped[mapping.stream] |= {
                name for field in source_fields(mapping) | lists for name in _with_parents(field)
            }
        self._ignored = frozenset(ignored)
        self._kept: dict[str, set[str]] = defaultdict(set)
        self._seen: dict[str, set[str]] = defaultdict(set)

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection, name: str, source: Source) -> SourceColumns:
        known = connection.execute(
            "select stream, column_name, type, first_load_id from ingest.columns where source = ?", [name]
        ).fetchall()
        return cls(known, source.mappings, source.ignored_columns)

    def check(self, mapping: TableMapping, schema: Schema) -> None:
        """Refuse records in which a column that is mapped as it stands holds another type than before.

        Raises:
            UnreadableFileError: names the column, both types and the mend.
        """
        known = self._known[mapping.stream]
        kinds = {column.name: column.kind for column in mapping.contract.columns}
        columns = [(name, kinds[name], spec) for name, spec in mapping.columns.items()]
        if mapping.version is not None:
            columns.append(("version", Kind.TIMESTAMP, mapping.version))
        for name, kind, spec in columns:
            before = known[spec.column].type if spec.column in known else None
            now = schema.get(spec.column) if spec.column else None
            if before and now and before != now and not _is_harmless({before, now}, kind):
                raise UnreadableFileError(
                    f"{mapping.table}: the column {spec.column!r} holds {now} where it held {before} before. "
                    f'If that is right, say how to read it: {name}: {{sql: CAST("{spec.column}" AS ...)}}'
                )

    def to_keep(self, mapping: TableMapping, names: Iterable[str], load_id: int) -> list[str]:
        """Those of the columns that are to be kept in ``_extra``, sorted."""
        known = self._known[mapping.stream]
        first = min((column.first_load_id for column in known.values()), default=load_id)
        return sorted(
            name
            for name in set(names) - self._mapped[mapping.stream] - self._ignored
            if (known[name].first_load_id if name in known else load_id) > first
        )

    def note(
        self, mapping: TableMapping, schema: Schema, load_id: int, *, is_complete: bool
    ) -> dict[str, str | None]:
        """Remember the columns of records that were landed.

        Args:
            is_complete: whether the schema has every column that the source has; else none can be gone.

        Returns:
            The columns of which something is new, for the load's manifest.
        """
        known = self._known[mapping.stream]
        self._kept[mapping.stream].update(self.to_keep(mapping, schema, load_id))
        news = {
            name: type_
            for name, type_ in schema.items()
            if name not in known or (type_ and type_ != known[name].type)
        }
        for name, type_ in news.items():
            known[name] = _Known(type_, known[name].first_load_id if name in known else load_id)
        if is_complete:
            self._seen[mapping.stream].update(schema)
        return news

    @property
    def changes(self) -> ColumnChanges:
        """What this night has found."""
        gone = {
            stream: set(self._known[stream]) - seen - self._ignored for stream, seen in self._seen.items()
        }
        return ColumnChanges(_named(self._kept), _named(gone))


def schema_of(records: Records) -> Schema:
    """Every column that the records' source has, with its type."""
    if records.schema is not None:
        return records.schema
    types = {
        name: _type_name(dtype) for name, dtype in records.frame.schema.items() if name not in (RECORD, LINE)
    }
    if records.unread is None:
        return types
    return dict.fromkeys(records.unread.names(), "text") | types


def with_extra(records: Records, names: list[str]) -> pl.DataFrame:
    """The records' frame with ``EXTRA``: JSON of the named columns, null where there is nothing in them."""
    if not names:
        return records.frame
    values = records.frame.select(name for name in names if name in records.frame.columns)
    unread = [name for name in names if name not in values.columns]
    if unread and records.unread is not None:
        values = pl.DataFrame([*values, *records.unread.values(unread)])
    members = [
        pl.when(pl.col(name).is_not_null()).then(
            pl.struct(_in_json(name, dtype)).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
        )
        for name, dtype in values.schema.items()
    ]
    found = values.select(pl.concat_str(members, separator=",", ignore_nulls=True).alias(EXTRA))[EXTRA]
    text = pl.select(pl.when(found != "").then(pl.concat_str(pl.lit("{"), found, pl.lit("}")))).to_series()
    return records.frame.with_columns(text.alias(EXTRA))


def _in_json(name: str, dtype: pl.DataType) -> pl.Expr:
    return pl.col(name).bin.encode("base64") if dtype == pl.Binary else pl.col(name)


def _is_harmless(types: set[str], kind: Kind) -> bool:
    """Tools write whole numbers with a point as soon as one is missing. For a number that changes nothing;
    a customer's number, which is text, would be another customer's."""
    return types <= _NUMBERS and kind in (Kind.INTEGER, Kind.DECIMAL)


def _type_name(dtype: pl.DataType) -> str | None:
    if dtype == pl.Null:
        return None
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    if isinstance(dtype, pl.Datetime):
        return "timestamp with time zone" if dtype.time_zone else "timestamp"
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "text"
    return str(dtype.base_type()).lower()


def _with_parents(field: str) -> list[str]:
    """``a.b`` reads a part of ``a``, too."""
    parts = field.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts) + 1)]


def _named(columns: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    streams: dict[str, list[str]] = defaultdict(list)
    for stream, names in columns.items():
        for name in names:
            streams[name].append(stream)
    return tuple(f"{name!r} of {' and '.join(sorted(streams[name]))}" for name in sorted(streams))
