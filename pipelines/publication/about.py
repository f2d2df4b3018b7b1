"""What a version says about itself: ``meta.publication``, ``meta.tables`` and ``meta.columns``.

Belongs here: their columns, and what is in them. They are written with the version rather than built by dbt,
because they tell of the publication (a clock, a run, the versions before), which the models must not know: the
tables of ``marts`` and ``kpi`` are the same for the same inputs, these are not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.publication.model import Deprecation, Manifest
from pipelines.publication.relations import COLUMNS_TABLE, PUBLICATION_TABLE, TABLES_TABLE, Relation


@dataclass(frozen=True)
class Stamp:
    """The one row of ``meta.publication``."""

    as_of_date: dt.date
    version: str
    run_id: str
    built_at: dt.datetime
    kizuna_version: str
    duckdb_version: str
    contract_version: str | None
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
    "contract_version": (
        "varchar",
        "Version of the published contract: its first number rises when a table or column has gone, its second when "
        "one came or was deprecated.",
    ),
    "tables": (
        "integer",
        "Number of published tables; meta.publication, meta.tables and meta.columns are not counted.",
    ),
    "rows": ("bigint", "Rows of all published tables together; those three are not counted."),
    "content_hash": ("varchar", "Hash over all tables of marts and kpi: equal hashes are equal numbers."),
    "checks_passed": ("integer", "Quality checks that passed before this version was published."),
    "checks_warned": ("integer", "Quality checks that found something worth a look but no reason to stop."),
}
_PUBLICATION_DESCRIPTION = "One row: which data this file holds, from which run, and how its checks ended."

_WHAT_IS_DEPRECATED = {
    "deprecated_since": ("date", "Day on which the removal was announced; empty: it stays."),
    "removed_after": ("date", "Last day on which it is published for certain; empty: it stays."),
    "use_instead": ("varchar", "What to read instead of what is deprecated."),
}

_TABLES_COLUMNS = {
    "schema_name": ("varchar", "Schema of the table: marts, kpi or meta."),
    "table_name": ("varchar", "Name of the table."),
    "display_name": ("varchar", "The table's name for people, for menus and headings."),
    "description": (
        "varchar",
        "What one row of the table is, and what it says; the same text as the table's comment.",
    ),
    "columns": ("integer", "Number of the table's columns."),
    "rows": ("bigint", "Number of the table's rows."),
    **_WHAT_IS_DEPRECATED,
}
_TABLES_DESCRIPTION = "One row per published table, with its name for people and what it says."

_COLUMNS_COLUMNS = {
    "schema_name": ("varchar", "Schema of the table: marts, kpi or meta."),
    "table_name": ("varchar", "Name of the table."),
    "column_name": ("varchar", "Name of the column."),
    "display_name": ("varchar", "The column's name for people, for axes and headings."),
    "column_number": ("integer", "The column's place in the table, from 1."),
    "data_type": ("varchar", "The column's type, as DuckDB writes it."),
    "description": ("varchar", "What the column means; the same text as the column's comment."),
    "published_since": (
        "date",
        "The business date of the first version that had a column of this name without a break since.",
    ),
    **_WHAT_IS_DEPRECATED,
}
_COLUMNS_DESCRIPTION = (
    "One row per column of the published tables: a dictionary for tools that do not show comments."
)

# What stands in them, for who describes all published tables: description and columns by table.
ABOUT = {
    PUBLICATION_TABLE: (_PUBLICATION_DESCRIPTION, _PUBLICATION_COLUMNS),
    TABLES_TABLE: (_TABLES_DESCRIPTION, _TABLES_COLUMNS),
    COLUMNS_TABLE: (_COLUMNS_DESCRIPTION, _COLUMNS_COLUMNS),
}


def about_tables(
    relations: Sequence[Relation],
    rows: Mapping[str, int],
    since: Mapping[str, Mapping[str, dt.date]],
    stamp: Stamp,
) -> list[AboutTable]:
    """The three tables, with their rows.

    Args:
        rows: of each table.
        since: by table and column, as ``published_since`` gives it.
    """
    tables = [
        (relation.schema, relation.table, relation.display_name, relation.doc.comment, len(relation.columns),
         rows[relation.name], *_deprecation(relation.doc.deprecated))
        for relation in relations
    ]  # fmt: skip
    columns = [
        (relation.schema, relation.table, column, relation.column_display_name(column), number, kind,
         relation.doc.comment_on(column), since[relation.name][column],
         *_deprecation(relation.doc.deprecated_columns.get(column)))
        for relation in relations
        for number, (column, kind) in enumerate(relation.columns.items(), 1)
    ]  # fmt: skip
    found = {
        PUBLICATION_TABLE: [[getattr(stamp, name) for name in _PUBLICATION_COLUMNS]],
        TABLES_TABLE: tables,
        COLUMNS_TABLE: columns,
    }
    return [
        AboutTable(name, description, described, found[name])
        for name, (description, described) in ABOUT.items()
    ]


def about_columns() -> dict[str, dict[str, str]]:
    """Columns and types of the three tables, by name: a part of what readers may rely on."""
    return {
        name: {column: kind for column, (kind, _) in columns.items()} for name, (_, columns) in ABOUT.items()
    }


def _deprecation(deprecated: Deprecation | None) -> tuple[dt.date | None, dt.date | None, str | None]:
    if deprecated is None:
        return None, None, None
    return deprecated.since, deprecated.removed_after, deprecated.use_instead


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
