"""The published contract: the tables and columns that readers may rely on, and how one of them leaves.

Belongs here: the committed list (``dbt_project/contracts/published.yml``), its comparison with what the models
declare, and the command that accepts changes:

    python -m pipelines.publication.contract           what differs, and what would break a reader
    python -m pipelines.publication.contract accept    write it down; refused where it would break a reader

Does not: what is published (``relations``), and the types that dbt itself enforces while it builds.

A column is never renamed, and its type never changed: the better one is added beside it, and the old one is
marked ``deprecated`` in the ``meta`` of its yml. It may go once its notice is over. ``docs/bi.md`` tells readers.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipelines.publication.about import about_columns
from pipelines.publication.model import Deprecation
from pipelines.publication.relations import SCHEMAS

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
NOTICE = dt.timedelta(
    days=92
)  # a quarter: a report that is made once in one meets the notice before the removal
_FILE = Path("contracts", "published.yml")
_HEADER = """\
# What readers of the published file may rely on: every table, column and type, and what is on its way out.
# Written by `python -m pipelines.publication.contract accept`, which refuses what would break a reader. The first
# number of the version rises when something has gone, the second when something came or was deprecated.
"""


@dataclass(frozen=True)
class Column:
    """A published column. ``kind`` is the type in the words of its yml."""

    kind: str
    deprecated: Deprecation | None = None


@dataclass(frozen=True)
class Published:
    """A published table with its columns, by name."""

    columns: Mapping[str, Column]
    deprecated: Deprecation | None = None


@dataclass(frozen=True)
class PublishedContract:
    """Tables by name (``marts.fct_orders``); an empty version has promised nothing yet."""

    version: tuple[int, int] = (0, 0)
    tables: Mapping[str, Published] = field(default_factory=dict)

    @property
    def version_text(self) -> str:
        return ".".join(map(str, self.version))


def read_deprecation(meta: Mapping[str, Any]) -> Deprecation | None:
    """What ``deprecated`` in the ``meta`` of a yml says.

    Raises:
        ValueError: it lacks since, removed_after or use_instead, or gives shorter notice than ``NOTICE``.
    """
    written = meta.get("deprecated")
    if written is None:
        return None
    if set(written) != {"since", "removed_after", "use_instead"} or not str(written["use_instead"]).strip():
        raise ValueError("write deprecated: {since: DATE, removed_after: DATE, use_instead: WORDS}")
    since, removed_after = (dt.date.fromisoformat(str(written[key])) for key in ("since", "removed_after"))
    if removed_after - since < NOTICE:
        raise ValueError(f"from since to removed_after are fewer than {NOTICE.days} days")
    return Deprecation(since, removed_after, str(written["use_instead"]))


def declared(project: Path = PROJECT) -> dict[str, Published]:
    """What the models' yml and the publication itself declare, sorted by name.

    Raises:
        ValueError: a deprecation is not whole; the message names the column.
    """
    found = {
        name: Published({column: Column(kind) for column, kind in columns.items()})
        for name, columns in about_columns().items()
    }
    for schema in SCHEMAS:
        for file in (project / "models" / schema).rglob("*.yml"):
            for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models", []):
                name = f"{schema}.{model['name']}"
                columns = {
                    column["name"]: Column(
                        column["data_type"], _deprecation(f"{name}.{column['name']}", column)
                    )
                    for column in model["columns"]
                }
                found[name] = Published(columns, _deprecation(name, model))
    return dict(sorted(found.items()))


def _deprecation(name: str, described: Mapping[str, Any]) -> Deprecation | None:
    try:
        return read_deprecation(described.get("config", {}).get("meta", {}))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def promised(project: Path = PROJECT) -> PublishedContract:
    """What the committed file promises; nothing where there is none."""
    path = project / _FILE
    if not path.is_file():
        return PublishedContract()
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    major, minor = content["version"].split(".")
    return PublishedContract(
        (int(major), int(minor)),
        {
            name: Published(
                {column: _read_column(written) for column, written in table["columns"].items()},
                read_deprecation(table),
            )
            for name, table in content["tables"].items()
        },
    )


def _read_column(written: str | Mapping[str, Any]) -> Column:
    if isinstance(written, str):
        return Column(written)
    return Column(written["type"], read_deprecation(written))


def breaks(before: PublishedContract, now: Mapping[str, Published], today: dt.date) -> list[str]:
    """What would break somebody who relies on the promise, or cut a notice short: one sentence each."""
    return [*_removals(before, now, today), *_cut_short(before, now, today)]


def _removals(before: PublishedContract, now: Mapping[str, Published], today: dt.date) -> Iterator[str]:
    for name, table in before.tables.items():
        if name not in now:
            if not _is_over(table.deprecated, today):
                yield f"{name} is gone before its notice is over"
            continue
        for column, promise in table.columns.items():
            found = now[name].columns.get(column)
            if found is None and not _is_over(promise.deprecated or table.deprecated, today):
                yield f"{name}.{column} is gone before its notice is over"
            elif found is not None and found.kind != promise.kind:
                yield f"{name}.{column} is {found.kind} and was {promise.kind}: add a new column instead"


def _cut_short(before: PublishedContract, now: Mapping[str, Published], today: dt.date) -> Iterator[str]:
    known = dict(_deprecations(before.tables))
    for name, deprecated in _deprecations(now):
        if name in known:
            if deprecated.removed_after < known[name].removed_after:
                yield f"{name} would go on {deprecated.removed_after}, earlier than announced"
        elif deprecated.removed_after < today + NOTICE:
            yield f"{name} would go on {deprecated.removed_after}, with less than {NOTICE.days} days' notice"


def _is_over(deprecated: Deprecation | None, today: dt.date) -> bool:
    return deprecated is not None and today > deprecated.removed_after


def _deprecations(tables: Mapping[str, Published]) -> Iterator[tuple[str, Deprecation]]:
    for name, table in tables.items():
        if table.deprecated:
            yield name, table.deprecated
        for column, found in table.columns.items():
            if found.deprecated:
                yield f"{name}.{column}", found.deprecated


def differences(before: PublishedContract, now: Mapping[str, Published]) -> list[str]:
    """By table and column, what the committed file does not say as the models do."""
    old, new = dict(_parts(before.tables)), dict(_parts(now))
    return [
        *(f"new: {name}" for name in new if name not in old),
        *(f"gone: {name}" for name in old if name not in new),
        *(f"changed: {name}" for name in new if name in old and new[name] != old[name]),
    ]


def _parts(tables: Mapping[str, Published]) -> Iterator[tuple[str, object]]:
    for name, table in tables.items():
        yield name, table.deprecated
        for column, found in table.columns.items():
            yield f"{name}.{column}", found


def accept(project: Path = PROJECT, today: dt.date | None = None) -> PublishedContract:
    """Write down what the models declare.

    Raises:
        ValueError: it would break a reader; nothing was written.
    """
    before, now = promised(project), declared(project)
    broken = breaks(before, now, today or dt.datetime.now(dt.UTC).date())
    if broken:
        raise ValueError("\n".join(broken))
    contract = PublishedContract(_next_version(before, now), now)
    path = project / _FILE
    path.parent.mkdir(exist_ok=True)
    content = {
        "version": contract.version_text,
        "tables": {
            name: _written(table.deprecated)
            | {"columns": {column: _written_column(found) for column, found in table.columns.items()}}
            for name, table in now.items()
        },
    }
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    path.write_text(_HEADER + text, encoding="utf-8")
    return contract


def _next_version(before: PublishedContract, now: Mapping[str, Published]) -> tuple[int, int]:
    found = differences(before, now)
    major, minor = before.version
    if any(text.startswith("gone") for text in found) or not major:
        return major + 1, 0
    return (major, minor + 1) if found else before.version


def _written_column(column: Column) -> str | dict[str, Any]:
    return {"type": column.kind, **_written(column.deprecated)} if column.deprecated else column.kind


def _written(deprecated: Deprecation | None) -> dict[str, Any]:
    return {"deprecated": vars(deprecated)} if deprecated else {}


def main(arguments: list[str]) -> int:
    """The command; returns its exit code."""
    if arguments not in ([], ["accept"]):
        print(__doc__)
        return 2
    if arguments:
        try:
            print(f"the published contract is version {accept().version_text}")
        except ValueError as error:
            print(f"not accepted:\n{error}")
            return 1
        return 0
    before, now = promised(), declared()
    found = breaks(before, now, dt.datetime.now(dt.UTC).date()) or differences(before, now)
    print("\n".join(found) or f"the models are as version {before.version_text} promises")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
