"""What was expected and what came, drawn as SVG: for the page about lifetime values, and as pictures on their own.

Belongs here: the two plots. Does not: the numbers, which stand in a table wherever a plot is shown.
"""

from __future__ import annotations

import polars as pl

from pipelines.estimates.outcome import Outcome

WIDTH, HEIGHT = 640, 240
_MARGIN = 4  # keeps a line's width in the picture
STYLE = """\
.actual { fill: #8a8a8a; stroke: #8a8a8a; } .predicted { fill: #005a9c; stroke: #005a9c; }
polyline { fill: none !important; stroke-width: 2; } polyline.predicted { stroke-dasharray: 6 4; }"""
_BARS_LABEL = (
    "Bars: purchases that came and that were predicted, by tenth; the numbers are in the table below"
)
_LINES_LABEL = (
    "Lines: purchases so far that came and that were predicted, by week; the numbers are in the table below"
)


def bars(outcome: Outcome) -> str:
    """Purchases by tenth of the customers: for each, a bar of what came beside one of what was predicted."""
    tenths = outcome.part("decile")
    counts = tenths.select("actual_purchases", "predicted_purchases").rows()
    highest = max((max(row) for row in counts), default=0) or 1
    width = WIDTH / (2.5 * max(tenths.height, 1))  # half a bar's width of space after each two
    return _svg(
        _BARS_LABEL,
        [
            f'<rect class="{kind}" x="{(2.5 * number + place) * width:.1f}" y="{HEIGHT * (1 - count / highest):.1f}" '
            f'width="{width:.1f}" height="{HEIGHT * count / highest:.1f}"/>'
            for number, row in enumerate(counts)
            for place, (kind, count) in enumerate(zip(("actual", "predicted"), row, strict=True))
        ],
    )


def lines(outcome: Outcome) -> str:
    """Purchases so far by week of the holdout, from nothing at its start: what came, and dashed what was predicted."""
    so_far = purchases_so_far(outcome)
    highest = max((max(row) for row in so_far.select("actual", "predicted").rows()), default=0) or 1
    step = WIDTH / max(so_far.height, 1)

    def points(values: list[float]) -> str:
        heights = [HEIGHT - (HEIGHT - _MARGIN) * value / highest for value in (0, *values)]
        return " ".join(f"{step * week:.1f},{height:.1f}" for week, height in enumerate(heights))

    return _svg(
        _LINES_LABEL,
        [
            f'<polyline class="{kind}" points="{points(so_far[kind].to_list())}"/>'
            for kind in ("actual", "predicted")
        ],
    )


def purchases_so_far(outcome: Outcome) -> pl.DataFrame:
    """Per week (``position``) of the holdout: ``actual`` and ``predicted`` purchases since it began."""
    return outcome.part("week").select(
        "position",
        pl.col("actual_purchases").cum_sum().alias("actual"),
        pl.col("predicted_purchases").cum_sum().alias("predicted"),
    )


def as_file(svg: str) -> str:
    """A plot as an SVG file of its own, with its colours in it."""
    opening, rest = svg.split(">", 1)
    size = f'width="{WIDTH}" height="{HEIGHT}"'
    return f'{opening} xmlns="http://www.w3.org/2000/svg" {size}><style>{STYLE}</style>{rest}'


def _svg(label: str, shapes: list[str]) -> str:
    drawn = "\n".join(shapes)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">\n{drawn}\n</svg>'
