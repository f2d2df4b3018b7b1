"""What is known of each table's columns: learnt from the compiled SQL of the models as they are built, kept as JSON.

Reading the SQL of a hundred models takes two seconds. So what was read is kept with a hash of the statement and of
the columns that it met, and a night reads only what has changed.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.lineage.sql import ROWS, Origin, read_origins

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """One column on the way back, and how many steps it lies behind the first; ``made_by`` tells what it is made of."""

    origin: Origin
    depth: int
    made_of: tuple[Origin, ...]
    is_known: bool  # seen before on this way: what is behind it was told there


class LineageBook:
    """By table and column, the columns right before it.

    Args:
        path: where it is kept; a book that cannot be read is an empty one, as everything in it is learnt again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pages: dict[str, dict[str, Any]] = _read(path)
        self._columns: dict[str, list[str]] = {}
        self._sources: dict[Origin, frozenset[Origin]] = {}

    def know(self, table: str, columns: Sequence[str]) -> None:
        """Say which columns a table has that no model makes, or that is not built yet."""
        self._columns[table] = list(columns)

    def learn(self, table: str, sql: str, parents: Collection[str]) -> None:
        """Read what the columns of a table are made of; its parents must be known or learnt.

        SQL that sqlglot does not understand leaves the parents: then each column comes from their rows.
        """
        # Of its own columns only where it reads itself: a first night knows none, and the next would read all again.
        reads_itself = table in sql.replace('"', "")
        known = sorted({*parents, table} if reads_itself else parents)
        met = json.dumps([sql, {parent: self._columns.get(parent) for parent in known}])
        digest = hashlib.sha256(met.encode()).hexdigest()
        if self._pages.get(table, {}).get("digest") != digest:
            self._sources.clear()
            self._pages[table] = {"digest": digest, "columns": self._read(table, sql, parents)}
        self.know(table, [name for name in self._pages[table]["columns"] if name != ROWS])

    def _read(self, table: str, sql: str, parents: Collection[str]) -> dict[str, list[Origin]]:
        from sqlglot.errors import SqlglotError

        try:
            # An incremental model may read itself, too.
            found = read_origins(
                sql, {known: self._columns[known] for known in {*parents, table} & set(self._columns)}
            )
        except SqlglotError as error:
            log.warning("%s: only its tables are known, not its columns (%s)", table, type(error).__name__)
            return {ROWS: [Origin(parent, ROWS) for parent in sorted(parents)]}
        # That it reads itself says nothing about where a value comes from.
        return {
            name: sorted(origin for origin in origins if origin.table != table)
            for name, origins in found.items()
        }

    def keep_only(self, tables: Collection[str]) -> None:
        """Forget the tables that are gone."""
        self._pages = {table: page for table, page in self._pages.items() if table in tables}

    def save(self) -> None:
        """Write the book, whole or not at all."""
        building = self._path.with_suffix(".building")
        building.parent.mkdir(parents=True, exist_ok=True)
        building.write_text(json.dumps(self._pages), encoding="utf-8")
        building.replace(self._path)

    @property
    def tables(self) -> Mapping[str, list[str]]:
        """The columns of every table that a model makes."""
        return {
            table: [name for name in page["columns"] if name != ROWS] for table, page in self._pages.items()
        }

    def before(self, origin: Origin) -> tuple[Origin, ...]:
        """What a column is made of, one step back; nothing for what no model makes."""
        columns = self._pages.get(origin.table, {}).get("columns", {})
        found = columns.get(origin.column, columns.get(ROWS, ()) if set(columns) == {ROWS} else ())
        return tuple(Origin(*entry) for entry in found)

    def sources(self, origin: Origin) -> frozenset[Origin]:
        """What a column goes back to in the end: columns, or rows, of tables that no model makes."""
        if origin not in self._sources:
            self._sources[origin] = frozenset()  # two models that read each other's columns end here
            parents = self.before(origin)
            own = {parent for parent in parents if parent.table not in self._pages}
            self._sources[origin] = own.union(*(self.sources(parent) for parent in parents))
        return self._sources[origin]

    def chain(self, origin: Origin) -> Iterator[Step]:
        """The whole way back, depth first: each column once with what is behind it."""
        seen: set[Origin] = set()
        waiting = [(origin, 0)]
        while waiting:
            found, depth = waiting.pop()
            made_of = self.before(found)
            is_known = found in seen
            seen.add(found)
            yield Step(found, depth, made_of, is_known)
            if not is_known:
                waiting += [(parent, depth + 1) for parent in reversed(made_of)]


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
