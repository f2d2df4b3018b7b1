"""Which relations are published, and the rule that each table and column says what it means."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from pipelines.publication.model import PublicationError, TableDoc
from pipelines.publication.naming import column_display_name, table_display_name

SCHEMAS = ("marts", "kpi", "meta")
PUBLICATION_TABLE = "meta.publication"
TABLES_TABLE = "meta.tables"
COLUMNS_TABLE = "meta.columns"
ABOUT_TABLES = (PUBLICATION_TABLE, TABLES_TABLE, COLUMNS_TABLE)  # the publication writes them: see ``about``
# Parquet has no such integer: DuckDB would write a rounded double without a word.
_NOT_IN_PARQUET = ("HUGEINT", "UHUGEINT")
_NAMED_AT_MOST = 20  # names in one message; more help nobody


@dataclass(frozen=True)
class Relation:
    """A table or view of the warehouse that is published; ``columns`` maps name to DuckDB type, in order."""

    schema: str
    table: str
    columns: Mapping[str, str]
    doc: TableDoc

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"

    @property
    def display_name(self) -> str:
        return self.doc.display_name or table_display_name(self.table)

    def column_display_name(self, column: str) -> str:
        return self.doc.display_names.get(column) or column_display_name(column)

    @property
    def schema_hash(self) -> str:
        """A hash of the names and types of the columns, in order."""
        text = "\n".join(f"{column}\t{kind}" for column, kind in self.columns.items())
        return hashlib.sha256(text.encode()).hexdigest()

    def within(self, catalog: str) -> str:
        """Its quoted name in an attached database."""
        return f"{identifier(catalog)}.{identifier(self.schema)}.{identifier(self.table)}"


def identifier(name: str) -> str:
    """A name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text quoted for SQL, where DuckDB takes no bound value (COPY, ATTACH, COMMENT)."""
    return "'" + text.replace("'", "''") + "'"


def columns_of(con: duckdb.DuckDBPyConnection, catalog: str) -> dict[str, dict[str, str]]:
    """Columns and types of all relations in an attached database, by relation."""
    found = con.execute(
        """
        select schema_name || '.' || table_name, column_name, data_type
        from duckdb_columns()
        where database_name = ? and not internal
        order by schema_name, table_name, column_index
        """,
        [catalog],
    ).fetchall()
    relations: dict[str, dict[str, str]] = {}
    for name, column, kind in found:
        relations.setdefault(name, {})[column] = kind
    return relations


def published_relations(
    con: duckdb.DuckDBPyConnection, catalog: str, docs: Mapping[str, TableDoc]
) -> list[Relation]:
    """What the warehouse has to publish, sorted by name.

    Raises:
        PublicationError: there is nothing, or a table or column is not described, or cannot be published.
    """
    relations = columns_of(con, catalog)
    found = {name: columns for name, columns in relations.items() if name.split(".", 1)[0] in SCHEMAS}
    if not found:
        raise PublicationError(
            f"the warehouse has no relation in {', '.join(SCHEMAS)}: build the marts first"
        )
    for name in ABOUT_TABLES:
        if name in found:
            raise PublicationError(f"{name} is written by the publication; remove it from the warehouse")
    _refuse("no description for", _undescribed(found, docs), "describe it in its model's yml")
    _refuse("no type of Parquet holds", _too_wide(found), "cast it to bigint or decimal in its model")
    published = [Relation(*name.split(".", 1), columns, docs[name]) for name, columns in found.items()]
    _refuse("no date or timestamp to split a table by:", _undated(published), "name another date_column")
    return published


def _refuse(problem: str, names: list[str], mend: str) -> None:
    if names:
        more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
        raise PublicationError(f"{problem} {', '.join(names[:_NAMED_AT_MOST])}{more}: {mend}")


def _undescribed(found: Mapping[str, Mapping[str, str]], docs: Mapping[str, TableDoc]) -> list[str]:
    missing = []
    for name, columns in found.items():
        doc = docs.get(name)
        if doc is None:
            missing.append(name)
            continue
        if not doc.description.strip():
            missing.append(name)
        missing += [f"{name}.{column}" for column in columns if not doc.columns.get(column, "").strip()]
    return missing


def _too_wide(found: Mapping[str, Mapping[str, str]]) -> list[str]:
    return [
        f"{name}.{column} ({kind})"
        for name, columns in found.items()
        for column, kind in columns.items()
        if kind in _NOT_IN_PARQUET
    ]


def _undated(relations: list[Relation]) -> list[str]:
    return [
        f"{relation.name}.{relation.doc.date_column}"
        for relation in relations
        if relation.doc.date_column is not None
        and not relation.columns.get(relation.doc.date_column, "").startswith(("DATE", "TIMESTAMP"))
    ]
