"""The data dictionary as a page, with what each published column goes back to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines.documentation.tables import Column, Table
from pipelines.lineage import LineageBook, Origin, exported_columns
from pipelines.settings import Settings


@dataclass(frozen=True)
class Source:
    """A column that no model makes, and what fills it, in the words of kizuna.yml."""

    origin: Origin
    exports: tuple[str, ...]


@dataclass(frozen=True)
class Described:
    """A column with the columns right before it, and with those at the other end of the way."""

    column: Column
    made_of: tuple[Origin, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Section:
    """A table of the page."""

    table: Table
    columns: tuple[Described, ...]


def dictionary_page(
    published: Sequence[Table], canonical: Sequence[Table], book: LineageBook, settings: Settings
) -> str:
    """The page."""
    exports = cache(partial(exported_columns, settings))

    def described(table: Table, column: Column) -> Described:
        origin = Origin(table.name, column.name)
        in_the_end = sorted(book.sources(origin)) or [origin]  # of a raw column, itself
        return Described(
            column, book.before(origin), tuple(Source(found, tuple(exports(found))) for found in in_the_end)
        )

    def section(table: Table) -> Section:
        return Section(table, tuple(described(table, column) for column in table.columns))

    return (
        environment()
        .get_template("dictionary.html.j2")
        .render(
            company=settings.company.name,
            parts={
                "What is published": list(map(section, published)),
                "What sources are mapped to": list(map(section, canonical)),
            },
            listed={table.name for table in (*published, *canonical)},
        )
    )


def environment() -> Environment:
    """The templates of this room; everything is escaped."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
