"""What a shell offers when somebody presses Tab, beside commands, options and files.

Belongs here: names that a look at a small file or folder gives. Does not: anything slow to import or that can fail;
a shell that offers nothing is better than one that waits or shows an error.
"""

from __future__ import annotations

import json
from pathlib import Path

import typer

from pipelines.home import Home

_PUBLISHED = ("kpi.", "marts.", "meta.")


def versions(incomplete: str) -> list[tuple[str, str]]:
    """Names of the versions on disk, and which of them readers open."""
    home = Home.from_environment()
    current = home.published_file.resolve().parent.name
    folders = home.publications.glob(f"{incomplete}*") if home.publications.is_dir() else []
    names = sorted((folder.name for folder in folders if not folder.name.startswith(".")), reverse=True)
    return [(name, "current" if name == current else "earlier or later") for name in names]


def columns(incomplete: str) -> list[str]:
    """``schema.table`` while several begin like that, then the columns of the one."""
    try:  # LineageBook reads it, too, after imports that take longer than anybody waits for Tab
        pages = json.loads(Home.from_environment().lineage.read_text(encoding="utf-8"))
        tables = {
            table: [name for name in page["columns"] if name.isidentifier()] for table, page in pages.items()
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # nothing built, or another layout
        return []
    table = incomplete.rpartition(".")[0]
    if table not in tables:
        known = [name for name in tables if name.startswith(incomplete if incomplete else _PUBLISHED)]
        if len(known) != 1:
            return [f"{name}." for name in sorted(known)]
        table, incomplete = known[0], ""
    found = [f"{table}.{column}" for column in tables[table]]
    return [name for name in found if name.startswith(incomplete)]


def sources(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the sources in the settings file that the line names, or in the one that is there."""
    import yaml

    try:
        content = yaml.safe_load(
            Path(context.params.get("config") or "kizuna.yml").read_text(encoding="utf-8")
        )
        return [name for name in content["sources"] if name.startswith(incomplete)]
    except (OSError, ValueError, yaml.YAMLError, LookupError, TypeError):
        return []


def canonical_tables(incomplete: str) -> list[str]:
    """Names of the tables that exports are mapped to."""
    from pipelines.contracts import BY_NAME

    return [name for name in BY_NAME if name.startswith(incomplete)]
