"""``kizuna lineage``: from a column back to the columns of the exports."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from pipelines.home import Home
from pipelines.lineage import LineageBook, Origin, exported_columns
from pipelines.settings import Settings

_WIDE = 2_000  # characters


def way_back(home: Home, settings: Settings, column: str) -> list[dict[str, Any]]:
    """The steps from ``schema.table.column``, each with its depth, and what fills it in an export.

    Raises:
        typer.BadParameter: no model makes such a column; the message names near ones.
    """
    book = LineageBook(home.lineage)
    table, _, name = column.rpartition(".")
    if name not in book.tables.get(table, ()):
        raise typer.BadParameter(_not_there(book, table, name))
    return [
        {
            "depth": step.depth,
            "column": str(step.origin),
            "exports": exported_columns(settings, step.origin),
            "told_above": step.is_known and bool(step.made_of),
        }
        for step in book.chain(Origin(table, name))
    ]


def print_way(out: Console, steps: list[dict[str, Any]]) -> None:
    """A tree: under each column what it is made of."""
    branches: list[Tree] = []
    for step in steps:
        tree = Tree(_line(step))
        if step["depth"]:
            branches[step["depth"] - 1].children.append(tree)
        branches[step["depth"] :] = [tree]
    # As wide as it is: a terminal wraps it, a file gets whole lines.
    out.print(branches[0], highlight=False, crop=False, width=_WIDE)


def _line(step: dict[str, Any]) -> str:
    exports = f"  [green]{escape('; '.join(step['exports']))}[/]" if step["exports"] else ""
    return f"{escape(step['column'])}{exports}{'  [dim](see above)[/]' if step['told_above'] else ''}"


def _not_there(book: LineageBook, table: str, name: str) -> str:
    if not book.tables:
        return "nothing has been built yet, so nobody knows: kizuna run"
    if table in book.tables:
        return f"{table} has no column {name!r}; it has {', '.join(book.tables[table])}"
    return f"no model makes a table {table!r}: write schema.table.column, such as kpi.kpi_loyalty_monthly.nps"
