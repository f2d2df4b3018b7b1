"""Hashes of what a table holds, whatever the order of its rows, and its slices by month.

A row's hash is DuckDB's ``hash`` over its columns in order, hashed once more: the first combines columns by
multiplication and exclusive or, so without the second two rows that swap a value could leave the sum as it
was. A slice is its number of rows and the sum of their hashes (128 bits, so it does not overflow). Sums add
up: a table's hash is the same whether it was read by month or at once. DuckDB may change ``hash`` from
version to version, so hashes are compared within one version only.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from pipelines.publication.relations import Relation, identifier

WHOLE = "all"  # the one slice of a table that is not split
UNDATED = "undated"  # the slice of rows with no date, or one that no calendar month can name

_FIRST, _END = "DATE '1000-01-01'", "DATE '9999-01-01'"  # months with four-digit years


@dataclass(frozen=True)
class Fingerprint:
    """Number of rows and sum of their hashes."""

    rows: int
    total: int

    @property
    def content_hash(self) -> str:
        return f"{self.rows}-{self.total:032x}"


def together(parts: Iterable[Fingerprint]) -> Fingerprint:
    """The fingerprint of the union of disjoint slices."""
    parts = list(parts)
    return Fingerprint(sum(part.rows for part in parts), sum(part.total for part in parts))


def fingerprints(
    con: duckdb.DuckDBPyConnection, relation: Relation, catalog: str, rows_to_split: int
) -> dict[str, Fingerprint]:
    """One scan of a relation: a fingerprint a month, or one for all of it.

    Args:
        rows_to_split: a relation with a date column and at least this many rows is split.

    Returns:
        By slice: ``2023-07`` and the like and ``undated``, or ``all`` alone.
    """
    months = _by_month(con, relation, catalog)
    whole = together(months.values())
    if relation.doc.date_column is None or whole.rows < max(rows_to_split, 1):
        return {WHOLE: whole}
    return months


def rows_of(slices: Iterable[str], date_column: str | None) -> str:
    """The SQL condition that is true for the rows of these slices and for no other row."""
    if date_column is None:
        return "true"
    column = identifier(date_column)
    return "(" + " or ".join(_condition(name, column) for name in slices) + ")"


def hash_of_tables(content_hashes: Mapping[str, str], schema_hashes: Mapping[str, str]) -> str:
    """One hash over many tables, by name."""
    text = "\n".join(
        f"{name}\t{schema_hashes[name]}\t{content_hashes[name]}" for name in sorted(content_hashes)
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _by_month(con: duckdb.DuckDBPyConnection, relation: Relation, catalog: str) -> dict[str, Fingerprint]:
    columns = ", ".join(identifier(column) for column in relation.columns)
    month = "null"
    if relation.doc.date_column is not None:
        date = identifier(relation.doc.date_column)
        # A number: date_trunc fails on a column that holds an infinite date, even where that is left out.
        month = (
            f"case when {date} >= {_FIRST} and {date} < {_END} then year({date}) * 100 + month({date}) end"
        )
    found = con.execute(
        f"""
        select {month} as slice_month, count(*), sum(hash(hash({columns})))
        from {relation.within(catalog)}
        group by slice_month
        order by slice_month nulls last
        """
    ).fetchall()
    return {_slice_name(number): Fingerprint(rows, int(total)) for number, rows, total in found}


def _slice_name(month: int | None) -> str:
    return UNDATED if month is None else f"{month // 100}-{month % 100:02d}"


def _condition(slice_name: str, column: str) -> str:
    if slice_name == UNDATED:
        return f"coalesce({column} < {_FIRST} or {column} >= {_END}, true)"
    start = dt.date.fromisoformat(f"{slice_name}-01")
    end = (start + dt.timedelta(days=31)).replace(day=1)
    return f"({column} >= DATE '{start}' and {column} < DATE '{end}')"
