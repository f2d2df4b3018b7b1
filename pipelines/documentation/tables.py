"""Every table that people read, with its columns: as the models' YAML and the contracts describe them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml import CSafeLoader  # ten times as fast as the one in Python

from pipelines import contracts
from pipelines.contracts.dictionary import meaning
from pipelines.publication import SCHEMAS
from pipelines.publication.about import ABOUT


@dataclass(frozen=True)
class Column:
    """A column: its type, as its contract or model names it, and its meaning."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """A table, ``schema.table``. Its description says in its first sentence what one row is."""

    name: str
    description: str
    columns: tuple[Column, ...]

    @property
    def schema(self) -> str:
        return self.name.split(".")[0]


def published_tables(project: Path) -> list[Table]:
    """What BI tools see, by schema in the order in which people read them."""
    described = [
        Table(
            f"{schema}.{model['name']}",
            _line(model["description"]),
            tuple(
                Column(column["name"], column["data_type"], _line(column["description"]))
                for column in model["columns"]
            ),
        )
        for schema in SCHEMAS
        for model in _models(project / "models" / schema)
    ]
    about = [
        Table(name, description, tuple(Column(c, type_, text) for c, (type_, text) in columns.items()))
        for name, (description, columns) in ABOUT.items()
    ]
    return sorted([*described, *about], key=lambda table: (SCHEMAS.index(table.schema), table.name))


def canonical_tables() -> list[Table]:
    """What every source is mapped to: the raw tables, without the columns that say where a row comes from."""
    return [
        Table(
            contract.raw_name,
            f"{contract.description} Key: {', '.join(contract.key)}.",
            tuple(Column(column.name, column.kind.value, meaning(column)) for column in contract.columns),
        )
        for contract in contracts.ALL
    ]


def _models(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.rglob("*.yml")):
        read = yaml.load(path.read_text(encoding="utf-8"), Loader=CSafeLoader)
        yield from read.get("models", [])


def _line(text: str) -> str:
    return " ".join(text.split())
