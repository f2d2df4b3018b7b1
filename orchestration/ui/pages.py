"""The pages of Kizuna in the UI: their addresses, and which files stand behind them.

Addresses have no host: they stay right in Dagster's event log, whatever port or proxy the UI is behind tomorrow.
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from pipelines.home import Home

PREFIX = "/pages"
SCORECARD = "scorecard.html"
LIFETIME_VALUE = "quality/lifetime_value.html"
DOCUMENTATION, DICTIONARY, MODELS = "docs/index.html", "docs/dictionary.html", "docs/dbt.html"


def link(page: str, anchor: str = "") -> dg.UrlMetadataValue:
    """A link to a page, for metadata; ``anchor`` names a place on it."""
    return dg.MetadataValue.url(f"{PREFIX}/{page}" + (f"#{anchor}" if anchor else ""))


def checks(folder: str = "published") -> str:
    """The page that leads to what a gate found in all tables; ``folder`` is the gate's name."""
    return f"quality/{folder}/index.html"


def checks_of(table: str, folder: str = "published") -> str:
    """The page of what a gate found in a table."""
    return f"quality/{folder}/{table}.html"


def page_file(home: Home, page: str) -> Path | None:
    """The file behind a page; None where there is no such page, or not yet.

    The state folder holds personal data: nothing leaves it here but pages, and those only out of the folders of pages.
    """
    room, _, rest = page.partition("/")
    folders = {"quality": home.quality, "docs": home.docs}
    if page == SCORECARD:
        return home.published_scorecard if home.published_scorecard.is_file() else None
    if room not in folders:
        return None
    folder = folders[room].resolve()
    file = (folder / rest).resolve()
    is_page = file.is_relative_to(folder) and file.suffix == ".html" and file.is_file()
    return file if is_page else None
