"""The page as one file: rows out of the publication, charts, words and code put together.

Nothing on it is computed here. The page may run only the scripts that are in it (their hashes stand in its content
security policy) and may fetch nothing.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, PackageLoader, StrictUndefined

from pipelines.scorecard.headlines import Headline, headlines, tables
from pipelines.scorecard.panels import PANELS, Panel
from pipelines.scorecard.texts import LANGUAGES, Texts, texts_of

_FILTERS = ("department", "segment")


def scorecard(database: Path, company: str) -> str:
    """The scorecard of one publication.

    Args:
        database: the DuckDB file of the publication.
        company: whose it is, for the heading.

    Returns:
        a complete HTML document. The same publication gives the same page, byte for byte.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("set enable_progress_bar = false")
        there = tables(connection)
        panels = {panel.name: panel for panel in PANELS if there.issuperset(panel.tables)}
        rows = {name: _rows(connection, panel.sql) for name, panel in panels.items()}
        tiles = headlines(connection)
        publication = _rows(connection, "select as_of_date, version from meta.publication")[0]
    shown = {name: panel for name, panel in panels.items() if rows[name]}
    content = {
        "tiles": [_tile(tile) for tile in tiles],
        "panels": {name: _panel(panel, rows[name]) for name, panel in shown.items()},
        "specs": {language: _specs(shown.values(), texts_of(language)) for language in LANGUAGES},
        "texts": {language: _words(texts_of(language)) for language in LANGUAGES},
        "filters": {name: _choices(shown.values(), rows, name) for name in _FILTERS},
    }
    scripts = [_vega(), _script("scorecard.js")]
    environment = Environment(
        loader=PackageLoader("pipelines.scorecard", "."), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("scorecard.html.j2").render(
        company=company,
        publication=publication,
        panels=list(shown),
        texts=texts_of(LANGUAGES[0]),
        languages=LANGUAGES,
        style=_file("scorecard.css"),
        content=_json(content),
        scripts=scripts,
        hashes=[_hash(script) for script in scripts],
    )


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    found = connection.execute(sql)
    names = [column[0] for column in found.description]
    return [dict(zip(names, map(_plain, row), strict=True)) for row in found.fetchall()]


def _plain(value: Any) -> Any:
    """As JSON holds it: an amount as a number, a day as a text."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return value


def _tile(headline: Headline) -> dict[str, Any]:
    said = asdict(headline)
    del said["trend"]  # the panels show it
    return {name: _plain(value) for name, value in said.items()}


def _panel(panel: Panel, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"rows": rows, "words": panel.words, "clicks": panel.clicks}


def _specs(panels: Iterable[Panel], texts: Texts) -> dict[str, Any]:
    return {panel.name: _spec(panel, texts) for panel in panels}


def _spec(panel: Panel, texts: Texts) -> dict[str, Any]:
    spec = panel.chart(texts).to_dict()
    if isinstance(spec["height"], dict):  # as high as it has rows: only the width is fitted
        spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec


def _words(texts: Texts) -> dict[str, Any]:
    return {
        "panels": texts.panels,
        "columns": texts.columns,
        "values": texts.values,
        "page": texts.page,
    }


def _choices(panels: Iterable[Panel], rows: Mapping[str, list[dict[str, Any]]], name: str) -> list[str]:
    """What a filter may choose: all values of its column, rolled-up ones left out."""
    values = {row[name] for panel in panels for row in rows[panel.name] if row.get(name)}
    return sorted(value for value in values if not value.startswith("("))


@cache
def _vega() -> str:
    import vl_convert  # takes a second to load, and only publications need it

    # The bundle leaves its helpers among the page's names; nothing but vegaEmbed and vega may stay.
    return f"(() => {{\n{_safe(vl_convert.javascript_bundle())}\n}})();"


def _script(name: str) -> str:
    return _safe(_file(name))


def _file(name: str) -> str:
    return resources.files("pipelines.scorecard").joinpath(name).read_text("utf-8")


def _safe(script: str) -> str:
    return script.replace("</script", "<\\/script")


def _json(content: Any) -> str:
    """Text that may stand inside a script element."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace(
        "<", "\\u003c"
    )


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
