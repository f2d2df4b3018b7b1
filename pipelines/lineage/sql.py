"""The columns that one select reads for each of its own, by sqlglot.

What counts is what a value is computed of: the columns in its expression, through subqueries and common table
expressions. Conditions of joins and filters decide which rows there are, not what a value is; of a count of rows the
origin is the rows of the table that is counted.

sqlglot has a function of that name, too. It forgets what a count counts, and begins anew for each column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlglot import exp, parse_one
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

ROWS = "*"  # stands for a table's rows, where nothing of their columns is read
_DIALECT = "duckdb"
_UNKNOWN = "varchar"  # types make no difference here

Origins = frozenset["Origin"]


class Origin(NamedTuple):
    """A column of a table, ``schema.table``; ``*`` for its rows."""

    table: str
    column: str

    def __str__(self) -> str:
        return f"rows of {self.table}" if self.column == ROWS else f"{self.table}.{self.column}"


def read_origins(sql: str, tables: Mapping[str, Sequence[str]]) -> dict[str, Origins]:
    """By column of the select, in its order, the columns right before it; under ``*``, where its rows come from.

    Args:
        tables: the columns of each ``schema.table`` that it reads.

    Raises:
        sqlglot.errors.SqlglotError: the statement is none that sqlglot understands.
    """
    tree = parse_one(sql, dialect=_DIALECT)
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)  # the warehouse's own name, which depends on its file
    schema = MappingSchema(dialect=_DIALECT)
    for table, columns in tables.items():
        schema.add_table(table, dict.fromkeys(columns, _UNKNOWN), dialect=_DIALECT)
    tree = qualify(
        tree, schema=schema, dialect=_DIALECT, validate_qualify_columns=False, quote_identifiers=False
    )
    scope = build_scope(tree)
    reader = _Reader()
    columns = {name: reader.of_column(scope, name) for name in tree.named_selects}
    return {**columns, ROWS: reader.of_rows(scope)}


class _Reader:
    """Follows columns through the scopes of one statement; remembers what it has found."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], Origins] = {}

    def of_column(self, scope: Scope, name: str) -> Origins:
        key = (id(scope), name)
        if key not in self._known:
            self._known[key] = frozenset()  # a recursive expression meets itself
            self._known[key] = frozenset(self._column(scope, name))
        return self._known[key]

    def of_rows(self, scope: Scope) -> Origins:
        """The tables whose rows become the rows of a scope: what stands first after ``from``."""
        key = (id(scope), ROWS)
        if key not in self._known:
            self._known[key] = frozenset()
            self._known[key] = frozenset(self._rows(scope))
        return self._known[key]

    def _column(self, scope: Scope, name: str) -> Iterator[Origin]:
        if scope.set_operation_scopes:
            place = scope.expression.named_selects.index(name)
            for part in scope.set_operation_scopes:
                yield from self.of_column(part, part.expression.named_selects[place])
            return
        for selected in scope.expression.selects:
            if selected.alias_or_name == name:
                yield from self._expression(scope, selected)

    def _expression(self, scope: Scope, expression: exp.Expression) -> Iterator[Origin]:
        for part in expression.walk(prune=lambda node: isinstance(node, exp.Query)):
            if isinstance(part, exp.Column):
                yield from self._read(scope, part)
            elif isinstance(part, exp.Count) and (part.this is None or isinstance(part.this, exp.Star)):
                yield from self.of_rows(scope)
            elif isinstance(part, exp.Query):
                inner = _scope_of(scope, part.unnest())
                for name in inner.expression.named_selects if inner else ():
                    yield from self.of_column(inner, name)

    def _read(self, scope: Scope | None, column: exp.Column) -> Iterator[Origin]:
        while scope is not None and column.table not in scope.sources:
            scope = scope.parent  # a subquery that looks at the row around it
        if scope is None:
            return
        source = scope.sources[column.table]
        if isinstance(source, exp.Table):
            yield Origin(_name(source), column.name)
        elif source.is_udtf:
            yield from self._expression(source.parent or source, source.expression)
        else:
            yield from self.of_column(source, column.name)

    def _rows(self, scope: Scope) -> Iterator[Origin]:
        for part in scope.set_operation_scopes:
            yield from self.of_rows(part)
        first = scope.expression.args.get("from_")
        source = scope.sources.get(first.this.alias_or_name) if first else None
        if isinstance(source, exp.Table):
            yield Origin(_name(source), ROWS)
        elif source is not None:
            yield from self.of_rows(source)


def _scope_of(scope: Scope, query: exp.Expression) -> Scope | None:
    """The scope of a subquery in one of a scope's expressions."""
    return next((inner for inner in scope.subquery_scopes if inner.expression is query), None)


def _name(table: exp.Table) -> str:
    return f"{table.db}.{table.name}"
