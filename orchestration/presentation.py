"""Metadata as people read it in the UI: small Markdown tables and plots. Never a value of a customer's."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

import dagster as dg

from pipelines.night import Held

_BAR_WIDTH = 24


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.MarkdownMetadataValue:
    """A Markdown table; numbers with thousands separators."""
    lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    lines += [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]
    return dg.MetadataValue.md("\n".join(lines))


def table_metadata(held: Held) -> dict[str, object]:
    """Rows and columns of a table, under the names that Dagster's pages of an asset look for."""
    columns = [dg.TableColumn(name, type_) for name, type_ in held.columns.items()]
    return {"dagster/row_count": held.rows, "dagster/column_schema": dg.TableSchema(columns)}


def picture(svg: str, caption: str) -> dg.MarkdownMetadataValue:
    """A drawing, which travels in the metadata itself: the event of a night keeps the plot of that night."""
    data = base64.b64encode(svg.encode()).decode()
    return dg.MetadataValue.md(f"{caption}\n\n![{caption}](data:image/svg+xml;base64,{data})")


def bar_plot(rows: Sequence[tuple[str, float]], unit: str = "") -> dg.MarkdownMetadataValue:
    """A horizontal bar plot in text, which the UI shows without a further request."""
    largest = max((abs(value) for _, value in rows), default=0) or 1
    width = max((len(label) for label, _ in rows), default=0)
    lines = [
        f"{label:<{width}}  {'█' * round(_BAR_WIDTH * abs(value) / largest):<{_BAR_WIDTH}} {_cell(value)}{unit}"
        for label, value in rows
    ]
    return dg.MetadataValue.md("```\n" + "\n".join(lines) + "\n```")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return str(value).replace("|", "\\|").replace("\n", " ")
