"""Which rows are new: the condition that the server evaluates, and how far a table has been read.

A watermark only ever falls behind what it could be, never runs ahead: a row read twice is a duplicate, a row that
is skipped is lost.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.settings import DatabaseTable, Watermark
from pipelines.sources.database.session import Session
from pipelines.sources.database.systems import Column, WatermarkKind

_TIME_IN_TEXT = r"^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d(?:\.\d{1,6})?))?"


@dataclass(frozen=True)
class Position:
    """How far a table is read.

    Attributes:
        newest: the newest value of the watermark that was seen: a number, or a time in the column's own terms.
        mapping: what was read, as a fingerprint.
    """

    newest: int | dt.datetime
    mapping: str

    @classmethod
    def parsed(cls, cursor: str | None, mapping: str) -> Position | None:
        """A saved cursor; None where there is none, or the mapping has changed since: then rows that were read
        before say something else now, and the table is read anew."""
        if cursor is None:
            return None
        saved = json.loads(cursor)
        if saved["mapping"] != mapping:
            return None
        newest = saved["newest"]
        return cls(newest if isinstance(newest, int) else dt.datetime.fromisoformat(newest), saved["mapping"])

    def cursor(self) -> str:
        """As it is saved."""
        return json.dumps({"newest": self.text, "mapping": self.mapping})

    @property
    def text(self) -> int | str:
        return self.newest if isinstance(self.newest, int) else self.newest.isoformat(sep=" ")


def fingerprint(table: DatabaseTable, zone: str) -> str:
    """A short name of what is read and how it is mapped. The overlap may change without reading all again."""
    assert table.watermark is not None
    read = table.model_dump(mode="json", exclude={"watermark"}, exclude_defaults=True)
    text = json.dumps([read, table.watermark.column, zone], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class WatermarkReader:
    """The watermark of one table during one read.

    Attributes:
        has_bound: whether only a part of the table is read.
    """

    def __init__(
        self,
        session: Session,
        column: Column,
        relation: str,
        settings: Watermark,
        *,
        clock: dt.datetime,
        zone: str,
        since: Position | None,
        mapping: str,
    ) -> None:
        """
        Args:
            relation: SQL to select from, under the name ``q``.
            clock: the server's, UTC.
            zone: of times without an offset.
            since: how far the table was read before.

        Raises:
            DatabaseError: the column's type cannot be a watermark, or does not suit the overlap.
        """
        self._session = session
        self._name = column.name
        self._kind = _kind(session, column, relation, settings)
        self._overlap = settings.overlap
        self._clock = _in_terms_of(self._kind, clock, zone)
        self._since = since
        self._mapping = mapping
        self._newest = since.newest if since else None
        self._without = self._ahead = 0
        self.has_bound = since is not None

    @property
    def condition(self) -> str | None:
        """SQL that picks the rows to read; None: all. Rows without a value are always read: nothing tells
        whether they are new."""
        if self._since is None:
            return None
        system = self._session.system
        name = f"q.{system.quoted(self._name)}"
        bound = self._since.newest - self._overlap  # type: ignore[operator]  # both numbers, or time and duration
        return f"({name} >= {system.literal(bound, self._kind)} or {name} is null)"

    def see(self, block: pl.DataFrame) -> None:
        """Take note of rows that were read.

        Raises:
            DatabaseError: texts that are no times were found: the server could not compare them either.
        """
        values = block[self._name]
        self._without += values.null_count()
        readable = _comparable(values, self._kind)
        if readable.null_count() > values.null_count():
            raise self._session.place.error(
                f"the watermark {self._name!r} holds values that are no times (ISO 8601), so that they cannot be "
                f"put in order. Use another column, or convert it in a query"
            )
        if self._clock is not None:
            self._ahead += (readable > self._clock).sum()
            # One row dated 2099 must not hide all that comes before 2099.
            readable = readable.clip(upper_bound=self._clock)
        newest = readable.max()
        if newest is None:
            return
        self._newest = newest if self._newest is None else max(self._newest, newest)

    @property
    def position(self) -> Position | None:
        """How far the table is read; None: no row has a value."""
        return None if self._newest is None else Position(self._newest, self._mapping)

    @property
    def notes(self) -> list[str]:
        """What people should know: rows that travel every night."""
        found = []
        if self._without:
            found.append(
                f"{self._without:,} rows have no {self._name} and are read every night. "
                f"Where they are many, use a query with coalesce(...) over an index"
            )
        if self._ahead:
            found.append(f"{self._ahead:,} rows have a {self._name} later than the server's clock")
        return found


def _kind(session: Session, column: Column, relation: str, settings: Watermark) -> WatermarkKind:
    kind = session.system.watermark_kind(column, relation, session.ask)
    if kind is None:
        raise session.place.error(
            f"the watermark {column.name!r} is of type {column.type}. It must be a time, a date or a whole number: "
            f"convert it in a query, or use another column"
        )
    if (kind is WatermarkKind.INTEGER) != isinstance(settings.overlap, int):
        written = (
            "a whole number, such as 1000"
            if kind is WatermarkKind.INTEGER
            else "a duration, such as 1h or 2d"
        )
        raise session.place.error(
            f"the watermark {column.name!r} is of type {kind.value}: write its overlap as {written}"
        )
    return kind


def _in_terms_of(kind: WatermarkKind, clock: dt.datetime, zone: str) -> dt.datetime | None:
    """The server's clock as the column would say it; None: the column has no time."""
    if kind is WatermarkKind.INTEGER:
        return None
    if kind is WatermarkKind.INSTANT:
        return clock
    return clock.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _comparable(values: pl.Series, kind: WatermarkKind) -> pl.Series:
    """Numbers, or naive times; a text's offset is left out, as it is where the server compares texts."""
    if kind is WatermarkKind.INTEGER:
        return values.cast(pl.Int64, strict=False)
    if values.dtype != pl.String:
        return values.cast(pl.Datetime("us", getattr(values.dtype, "time_zone", None))).dt.replace_time_zone(
            None
        )
    day, time = (values.str.extract(_TIME_IN_TEXT, group) for group in (1, 2))
    return (day + " " + time.fill_null("00:00:00")).str.strptime(
        pl.Datetime("us"), "%Y-%m-%d %H:%M:%S%.f", strict=False
    )
