"""Writes the pages into ``KIZUNA_HOME/docs``; anew only where what they show has changed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from importlib.metadata import version as installed_version
from pathlib import Path

from pipelines.documentation.dbt_page import dbt_page
from pipelines.documentation.dictionary_page import dictionary_page, environment
from pipelines.documentation.tables import canonical_tables, published_tables
from pipelines.home import Home
from pipelines.lineage import LineageBook
from pipelines.settings import Settings
from pipelines.transformation import compiled_sql, describe, project_fingerprint

_MADE_FROM = "made_from"


def refresh_documentation(home: Home, project: Path, settings: Settings) -> bool:
    """Write the pages unless they show the project, the settings and the lineage as they are now.

    Returns whether they were written.

    Raises:
        TransformationError: dbt cannot describe the warehouse.
    """
    made_from = _fingerprint(home, project, settings)
    note = home.docs / _MADE_FROM
    if note.is_file() and note.read_text(encoding="utf-8") == made_from:
        return False
    write_documentation(home, project, settings)
    return True


def write_documentation(home: Home, project: Path, settings: Settings) -> Path:
    """Write the pages; returns the one that leads to the others.

    Raises:
        TransformationError: dbt cannot describe the warehouse.
    """
    building = home.docs.with_suffix(".building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o700)
    described = describe(home, project)
    dictionary = dictionary_page(
        published_tables(project), canonical_tables(), LineageBook(home.lineage), settings
    )
    dbt = dbt_page(
        described.page, described.manifest, described.catalog, lambda node: compiled_sql(home, node)
    )
    (building / "dictionary.html").write_text(dictionary, encoding="utf-8")
    (building / "dbt.html").write_text(dbt, encoding="utf-8")
    (building / "index.html").write_text(_index(home, settings), encoding="utf-8")
    (building / _MADE_FROM).write_text(_fingerprint(home, project, settings), encoding="utf-8")
    shutil.rmtree(home.docs, ignore_errors=True)
    building.rename(home.docs)
    return home.docs / "index.html"


def _index(home: Home, settings: Settings) -> str:
    pages = (
        ("Scorecard", home.published_scorecard, "What is published, for managers."),
        (
            "Data dictionary",
            home.docs / "dictionary.html",
            "Every table and column, and which columns of your exports it goes back to.",
        ),
        (
            "Models",
            home.docs / "dbt.html",
            "dbt's pages: the SQL of every model, its tests, and the graph of all.",
        ),
        (
            "Checks before the publication",
            home.quality / "published" / "index.html",
            "Great Expectations on every published table, last night.",
        ),
        (
            "Checks of what came in",
            home.quality / "raw" / "index.html",
            "Great Expectations on the raw tables, last night.",
        ),
        (
            "Lifetime value",
            home.quality / "lifetime_value.html",
            "The models that were fitted, and how well they predicted the holdout.",
        ),
    )
    shown = [
        {"name": name, "says": says, "link": Path(os.path.relpath(path, home.docs)).as_posix()}
        for name, path, says in pages
    ]
    return environment().get_template("index.html.j2").render(company=settings.company.name, pages=shown)


def _fingerprint(home: Home, project: Path, settings: Settings) -> str:
    told = [
        installed_version("kizuna"),
        project_fingerprint(project),
        settings.path.read_text(encoding="utf-8"),
        home.lineage.read_text(encoding="utf-8") if home.lineage.is_file() else "",
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
