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
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib import resources
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
from altair.utils.schemapi import debug_mode
from jinja2 import Environment, PackageLoader, StrictUndefined

from pipelines.scorecard.findings import FINDINGS, Finding
from pipelines.scorecard.headlines import TILES, Tile, tables
from pipelines.scorecard.panels import PANELS, Panel
from pipelines.scorecard.texts import LANGUAGES, Texts, texts_of
from pipelines.scorecard.units import UNITS

_FILTERS = ("department", "segment")
_DEPARTMENTS = "marts.dim_departments"
_SCRIPTS = ("words.js", "tables.js", "scorecard.js")  # one after the other, in one function


def scorecard(database: Path, company: str, currency: str, cache: Path | None = None) -> str:
    """The scorecard of one publication.

    Args:
        database: the DuckDB file of the publication.
        company: whose it is, for the heading.
        currency: ISO 4217 code of its amounts.
        cache: a folder for the code that draws charts, which takes two seconds to make.

    Returns:
        a complete HTML document. The same publication gives the same page, byte for byte.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("set enable_progress_bar = false")
        there = tables(connection)
        found = {
            panel.name: (panel, _rows(connection, panel.sql))
            for panel in PANELS
            if there.issuperset(panel.tables)
        }
        tiles = [(tile, _rows(connection, tile.parts_sql)) for tile in TILES if tile.table in there]
        findings = [
            (finding, _rows(connection, finding.sql))
            for finding in FINDINGS
            if there.issuperset(finding.tables)
        ]
        names = _names(connection) if _DEPARTMENTS in there else {}
        publication = _rows(connection, "select as_of_date, version from meta.publication").only()
    panels = {name: (panel, rows) for name, (panel, rows) in found.items() if rows}
    texts = {language: texts_of(language) for language in LANGUAGES}
    content = {
        "as_of": publication["as_of_date"],
        "currency": currency,
        "tiles": [_tile(tile, rows) for tile, rows in tiles if rows],
        "findings": [
            _finding(finding, rows) for finding, rows in findings if rows and finding.panel in panels
        ],
        "panels": {name: _panel(panel, rows) for name, (panel, rows) in panels.items()},
        "specs": {name: _spec(panel.chart) for name, (panel, _) in panels.items() if panel.chart},
        "texts": {language: _words(said) for language, said in texts.items()},
        "units": UNITS,
        "names": {"department": names},
        "filters": {name: _choices(panels.values(), name) for name in _FILTERS},
    }
    scripts = [_vega(cache), _script()]
    environment = Environment(
        loader=PackageLoader("pipelines.scorecard", "."), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("scorecard.html.j2").render(
        company=company,
        publication=publication,
        groups=_grouped(panel for panel, _ in panels.values()),
        texts=texts[LANGUAGES[0]],
        languages=LANGUAGES,
        style=_file("scorecard.css"),
        content=_json(content),
        scripts=scripts,
        hashes=[_hash(script) for script in scripts],
    )


@dataclass(frozen=True)
class _Rows:
    """What a query gave, as JSON holds it: names of the columns once, and a list of values for each row."""

    columns: list[str]
    values: list[list[Any]]

    def __bool__(self) -> bool:
        return bool(self.values)

    def column(self, name: str) -> list[Any]:
        place = self.columns.index(name)
        return [row[place] for row in self.values]

    def only(self) -> dict[str, Any]:
        (row,) = self.values
        return dict(zip(self.columns, row, strict=True))

    def plain(self) -> dict[str, Any]:
        return {"columns": self.columns, "values": self.values}


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> _Rows:
    found = connection.execute(sql)
    columns = [column[0] for column in found.description]
    return _Rows(columns, [[_plain(value) for value in row] for row in found.fetchall()])


def _names(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What the departments are called; where two are called the same, their codes tell them apart."""
    return dict(
        connection.execute(
            f"select department, department_name from {_DEPARTMENTS} where department_name not like '(%'"
            " qualify count(*) over (partition by department_name) = 1 order by department"
        ).fetchall()
    )


def _plain(value: Any) -> Any:
    """As JSON holds it: an amount as a number, a day as a text."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return value


def _tile(tile: Tile, rows: _Rows) -> dict[str, Any]:
    return {"name": tile.name, "unit": tile.unit, "part": tile.part, "panel": tile.panel, **rows.plain()}


def _finding(finding: Finding, rows: _Rows) -> dict[str, Any]:
    said = {"name": finding.name, "good": finding.is_good, "panel": finding.panel, "follows": finding.follows}
    return said | rows.plain()


def _panel(panel: Panel, rows: _Rows) -> dict[str, Any]:
    return {"clicks": dict(panel.clicks), "picks": panel.picks, "leads_to": panel.leads_to, **rows.plain()}


def _grouped(panels: Iterable[Panel]) -> list[tuple[str, list[Panel]]]:
    return [(group, list(members)) for group, members in groupby(panels, key=lambda panel: panel.group)]


def _spec(chart: Callable[[], Any]) -> dict[str, Any]:
    with debug_mode(False):  # whether a chart is right Vega-Lite is for the tests to say
        return chart().to_dict(validate=False)


def _words(texts: Texts) -> dict[str, Any]:
    words = asdict(texts)
    del words["language"]
    return words


def _choices(panels: Iterable[tuple[Panel, _Rows]], name: str) -> list[str]:
    """What a filter may choose: all values of its column, rolled-up ones left out."""
    values = {value for _, rows in panels if name in rows.columns for value in rows.column(name) if value}
    return sorted(value for value in values if not value.startswith("("))


def _vega(cache: Path | None) -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    kept = None if cache is None else cache / f"vega-{version('vl-convert-python')}.js"
    if kept is not None and kept.exists():
        return kept.read_text("utf-8")
    import vl_convert

    # The bundle leaves its helpers among the page's names; nothing but vegaEmbed and vega may stay.
    script = f"(() => {{\n{_safe(vl_convert.javascript_bundle())}\n}})();"
    if kept is not None:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        whole = kept.with_suffix(".part")  # a night that is killed meanwhile leaves no half of it
        whole.write_text(script, "utf-8")
        whole.replace(kept)
    return script


def _script() -> str:
    """The page's own code, whose names stay its own."""
    return _safe("(() => {\n" + "".join(map(_file, _SCRIPTS)) + "})();")


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
