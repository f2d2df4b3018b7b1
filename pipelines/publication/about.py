"""What a version says about itself: ``meta.publication`` and ``meta.columns``.

Belongs here: their columns, and what is in them. They are written with the version rather than built by dbt,
because they tell of the publication (a clock, a run, the versions before), which the models must not know: the
tables of ``marts`` and ``kpi`` are the same for the same inputs, these are not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.publication.model import Manifest
from pipelines.publication.relations import COLUMNS_TABLE, PUBLICATION_TABLE, Relation


@dataclass(frozen=True)
class Stamp:
    """The one row of ``meta.publication``."""

    as_of_date: dt.date
    version: str
    run_id: str
    built_at: dt.datetime
    kizuna_version: str
    duckdb_version: str
    tables: int
    rows: int
    content_hash: str
    checks_passed: int
    checks_warned: int


@dataclass(frozen=True)
class AboutTable:
    """A table about the version. ``columns`` maps name to type and description, in order."""

    name: str
    description: str
    columns: Mapping[str, tuple[str, str]]
    rows: Sequence[Sequence[object]]


_PUBLICATION_COLUMNS = {
    "as_of_date": ("date", "The business date up to which events are counted in every table."),
    "version": ("varchar", "Name of this version, as `kizuna publication rollback` takes it."),
    "run_id": ("varchar", "The run that built this version; the orchestration shows it under this id."),
    "built_at": ("timestamp", "When this version was built (UTC)."),
    "kizuna_version": ("varchar", "The version of Kizuna that built it."),
    "duckdb_version": (
        "varchar",
        "The version of DuckDB that wrote it; content hashes compare within one version.",
    ),
    "tables": ("integer", "Number of published tables; meta.publication and meta.columns are not counted."),
    "rows": ("bigint", "Rows of all published tables together; those two are not counted."),
    "content_hash": ("varchar", "Hash over all tables of marts and kpi: equal hashes are equal numbers."),
    "checks_passed": ("integer", "Quality checks that passed before this version was published."),
    "checks_warned": ("integer", "Quality checks that found something worth a look but no reason to stop."),
}
_PUBLICATION_DESCRIPTION = "One row: which data this file holds, from which run, and how its checks ended."

_COLUMNS_COLUMNS = {
    "schema_name": ("varchar", "Schema of the table: marts, kpi or meta."),
    "table_name": ("varchar", "Name of the table."),
    "column_name": ("varchar", "Name of the column."),
    "column_number": ("integer", "Its place in the table, from 1."),
    "data_type": ("varchar", "Its type, as DuckDB writes it."),
    "description": ("varchar", "What it means; the same text as the column's comment."),
    "published_since": (
        "date",
        "The business date of the first version that had a column of this name without a break since.",
    ),
}
_COLUMNS_DESCRIPTION = (
    "One row per column of the published tables: a dictionary for tools that do not show comments."
)


def about_tables(
    relations: Sequence[Relation], since: Mapping[str, Mapping[str, dt.date]], stamp: Stamp
) -> list[AboutTable]:
    """Both tables, with their rows.

    Args:
        since: by table and column, as ``published_since`` gives it.
    """
    columns = [
        (relation.schema, relation.table, column, number, kind, relation.doc.columns[column],
         since[relation.name][column])
        for relation in relations
        for number, (column, kind) in enumerate(relation.columns.items(), 1)
    ]  # fmt: skip
    return [
        AboutTable(
            PUBLICATION_TABLE,
            _PUBLICATION_DESCRIPTION,
            _PUBLICATION_COLUMNS,
            [[getattr(stamp, name) for name in _PUBLICATION_COLUMNS]],
        ),
        AboutTable(COLUMNS_TABLE, _COLUMNS_DESCRIPTION, _COLUMNS_COLUMNS, columns),
    ]


def published_since(relation: Relation, before: Manifest | None, as_of: dt.date) -> dict[str, dt.date]:
    """By column, the business date of the first version that had it; never later than this one's."""
    known = before.tables.get(relation.name) if before else None
    if before is None or known is None:
        return dict.fromkeys(relation.columns, as_of)
    return {
        # A manifest of before there was such a record tells only that the column was there.
        column: min(as_of, known.published_since.get(column, before.as_of_date))
        if column in known.columns
        else as_of
        for column in relation.columns
    }
