"""The headline KPIs in the terminal."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import duckdb
from rich import box
from rich.console import Console
from rich.table import Table

from orchestration.cli.terminal import short
from pipelines.home import Home
from pipelines.publication import PublicationError, current_version
from pipelines.scorecard.headlines import Headline, headlines
from pipelines.scorecard.texts import texts_of

_BARS = "▁▂▃▄▅▆▇█"
_GAP = "·"  # a month with too few answers


def published_headlines(home: Home) -> dict[str, Any]:
    """The headlines of what is published, with the version they are of.

    Raises:
        PublicationError: nothing is published yet.
    """
    version = current_version(home)
    if version is None:
        raise PublicationError("nothing is published yet: run a night first (kizuna run)")
    with duckdb.connect(str(version.database), read_only=True) as connection:
        found = headlines(connection)
    return {
        "as_of": version.as_of,
        "version": version.name,
        "scorecard": home.published_scorecard if home.published_scorecard.exists() else None,
        "headlines": found,
    }


def as_plain(said: dict[str, Any]) -> dict[str, Any]:
    """The same for a script: names instead of words."""
    return said | {"headlines": [asdict(headline) for headline in said["headlines"]]}


def print_headlines(out: Console, said: dict[str, Any]) -> None:
    """A table with one row per headline."""
    words = texts_of("en").page
    table = Table(title=f"As of {said['as_of']}", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("KPI")
    for name in ("value", "95 % interval", "n"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("of", no_wrap=True)
    table.add_column("twelve months", no_wrap=True)
    for headline in said["headlines"]:
        table.add_row(
            words[f"tile_{headline.name}"],
            _number(headline.value, headline.unit),
            _interval(headline),
            f"{headline.n:,}",
            f"{headline.month:%Y-%m}" if headline.month else "",
            sparkline(headline.trend),
        )
    out.print(table, highlight=False)
    if said["scorecard"]:
        out.print(f"Scorecard  {short(said['scorecard'])}", highlight=False, soft_wrap=True, markup=False)


def sparkline(values: tuple[float | None, ...]) -> str:
    """One character a value, from the lowest to the highest of them; a missing one leaves a gap."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, span = min(known), max(known) - min(known)
    top = len(_BARS) - 1
    return "".join(
        _GAP if value is None else _BARS[round(top * (value - low) / span) if span else top // 2]
        for value in values
    )


def _interval(headline: Headline) -> str:
    if headline.lower is None or headline.upper is None:
        return ""
    lower, upper = (_number(bound, headline.unit) for bound in (headline.lower, headline.upper))
    return f"{lower.removesuffix(' %')} to {upper}"


def _number(value: float, unit: str) -> str:
    return f"{value:,.0f}" if unit == "money" else f"{value:.1f}{' %' if unit == 'percent' else ''}"
