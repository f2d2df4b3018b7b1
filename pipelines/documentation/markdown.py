"""docs/data_dictionary.md. ``python -m pipelines.documentation.markdown`` writes it anew."""

from __future__ import annotations

from pathlib import Path

from pipelines.documentation.metrics import metrics, saved_queries
from pipelines.documentation.tables import Table, canonical_tables, published_tables

_ROOT = Path(__file__).resolve().parents[2]
PROJECT, PAGE = _ROOT / "dbt_project", _ROOT / "docs" / "data_dictionary.md"
_HEAD = """\
# Data dictionary

Written by `python -m pipelines.documentation.markdown` from the models' YAML and the contracts: edit those.
`kizuna docs` writes the same as a page that also says which columns of your exports each column goes back to.
"""
_PUBLISHED = """\
## What is published

In `published/kizuna.duckdb`; how to connect is in [bi.md](bi.md). Where a text names a *seed*, it is the table of
rules of that name in `dbt_project/seeds`, which a company can change.
"""
_METRICS = """\
## Metrics

What `mf query` knows; how to ask is in [bi.md](bi.md#metrics-mf-query).
"""
_METRICS_HEAD = ("| metric | name | meaning |", "| --- | --- | --- |")
_SAVED_HEAD = ("| saved query | answers |", "| --- | --- |")
_CANONICAL = """\
## What sources are mapped to

In the warehouse, which only the pipeline opens; how to describe a source is in [sources.md](sources.md).
"""


def as_markdown(project: Path) -> str:
    """The whole page: each table with what one row is, each column with its type and meaning, and the metrics."""
    parts = [_HEAD, _PUBLISHED, *map(_section, published_tables(project))]
    parts += [_METRICS, _metrics(project)]
    parts += [_CANONICAL, *map(_section, canonical_tables())]
    return "\n".join(parts)


def _metrics(project: Path) -> str:
    asked = (f"| {metric.name} | {metric.label} | {_cell(metric.meaning)} |" for metric in metrics(project))
    saved = (f"| {query.name} | {_cell(query.meaning)} |" for query in saved_queries(project))
    return "\n".join([*_METRICS_HEAD, *asked, "", *_SAVED_HEAD, *saved, ""])


def _section(table: Table) -> str:
    rows = "\n".join(
        f"| {column.name} | {_cell(column.type)} | {_cell(column.meaning)} |" for column in table.columns
    )
    return f"### {table.name}\n\n{table.description}\n\n| column | type | meaning |\n| --- | --- | --- |\n{rows}\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(as_markdown(PROJECT), encoding="utf-8")
