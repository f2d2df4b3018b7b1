"""Great Expectations' data docs as pages that open offline. Importing this module imports Great Expectations.

Its own pages load styles, scripts, icons and a logo from eight hosts. Here its content is rendered into a
page of ours, which holds its few styles itself and refers to nothing outside the folder. No personal data
gets in: the gate asks Great Expectations for counts only, and what is shown of rows comes from
:mod:`data_quality.results`.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, DictLoader

from data_quality.results import GateResult

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --bad: #c02b2b; --warn: #9a6700; --good: #1f7a3d }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 75rem; padding: 1rem 2rem 4rem }
h1 { font-size: 1.5rem } h2, h5 { font-size: 1.1rem; margin: 1.5rem 0 .3rem } h6 { margin: .8rem 0 .2rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line) }
.badge, code { background: #8882; border-radius: 4px; padding: 0 .3rem }
.bad, .text-danger { color: var(--bad) } .warn { color: var(--warn) }
.good, .text-success { color: var(--good) }
.fas { font-style: normal; font-weight: bold }
.fa-check-circle::before { content: "\\2713 passed" } .fa-times::before { content: "\\2717 failed" }
.fa-exclamation-triangle::before { content: "! not checked" }
"""

_FRAME = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>{% block title %}{% endblock %}</title>
<style>{% include "style.css" %}</style>
</head>
<body>
{% block body %}{% endblock %}
</body>
</html>
"""

_TABLE_PAGE = """{% extends "frame.html" %}
{% macro failure(result) %}
<li><strong class="{{ 'bad' if result.severity == 'error' else 'warn' }}">{{ result.severity }}</strong>
{{ result.expectation }}: {{ result.finding }}{% if result.failing_keys|length > 1 %}; also
{{ result.failing_keys[1:]|join('; ') }}{% endif %}<br>{{ result.protects }}</li>
{% endmacro %}
{% block title %}{{ table.table }}{% endblock %}
{% block body %}
<p><a href="index.html">All tables</a></p>
<h1>{{ table.table }}</h1>
{% set failed = table.results|rejectattr("success")|list %}
{% if failed %}<ul>{% for result in failed %}{{ failure(result) }}{% endfor %}</ul>{% endif %}
{% for section in sections %}{% set section_loop = loop %}{% include "section.j2" %}{% endfor %}
{% endblock %}
"""

_INDEX_PAGE = """{% extends "frame.html" %}
{% block title %}Data quality: {{ result.name }}{% endblock %}
{% block body %}
{% macro count(failed, what) %}{{ failed|length }} {{ what }}{{ '' if failed|length == 1 else 's' }}{% endmacro %}
<h1>Data quality: {{ result.name }}</h1>
<p class="{{ 'good' if result.passed else 'bad' }}">{{ 'Passed' if result.passed else 'Stopped' }}:
{{ count(result.errors, 'error') }}, {{ count(result.warnings, 'warning') }}.</p>
<ul>{% for line in result.summary().splitlines() %}<li>{{ line }}</li>{% endfor %}</ul>
<table>
<thead><tr><th>Table</th><th>Expectations</th><th>Errors</th><th>Warnings</th></tr></thead>
<tbody>
{% for table in result.tables %}
{% set failed = table.results|rejectattr("success")|list %}
{% set errors = failed|selectattr("severity", "equalto", "error")|list|length %}
<tr><td><a href="{{ table.table }}.html">{{ table.table }}</a></td><td>{{ table.results|length }}</td>
<td class="{{ 'bad' if errors else '' }}">{{ errors }}</td><td>{{ failed|length - errors }}</td></tr>
{% endfor %}
</tbody>
</table>
{% endblock %}
"""


def write(folder: Path, result: GateResult, validations: Mapping[str, Any]) -> None:
    """Replace ``folder`` by an ``index.html`` and one page per table.

    Args:
        validations: Great Expectations' result of each table's suite; a table that is missing has none.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    view = _view()
    renderer = ValidationResultsPageRenderer()
    for table in result.tables:
        found = validations.get(table.table)
        sections = _sections(renderer, found) if found else []
        page = view.env.get_template("table.html").render(table=table, sections=sections)
        (folder / f"{table.table}.html").write_text(page, encoding="utf-8")
    index = view.env.get_template("index.html").render(result=result)
    (folder / "index.html").write_text(index, encoding="utf-8")


def _sections(renderer: ValidationResultsPageRenderer, found: Any) -> list[dict[str, Any]]:
    """Great Expectations' content, without what leads nowhere here.

    Its overview links to pages that are not written, and an exception folds its traceback under a script: the list
    of failures above says what was raised.
    """
    for result in found.results:
        result.exception_info = {
            "raised_exception": False,
            "exception_traceback": "",
            "exception_message": "",
        }
    _overview, *sections = renderer.render(found).to_json_dict()["sections"]
    return sections


@functools.cache
def _view() -> _View:
    """One for all gates of a process: a new one would compile every template again."""
    return _View()


class _View(DefaultJinjaPageView):
    """Great Expectations' filters and partial templates under pages of ours."""

    def __init__(self) -> None:
        super().__init__()
        pages = {
            "frame.html": _FRAME,
            "table.html": _TABLE_PAGE,
            "index.html": _INDEX_PAGE,
            "style.css": _STYLE,
        }
        self.env.loader = ChoiceLoader([DictLoader(pages), self.env.loader])
