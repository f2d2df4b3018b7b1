"""What the page says, in each of its languages. The words are in ``texts/*.yml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

LANGUAGES = ("en", "ja")


@dataclass(frozen=True)
class Texts:
    """One language.

    Args:
        panels: title and question of each panel.
        columns: headings, by column of the published tables.
        values: words for the values of columns that hold words.
        groups: titles of the parts of the page.
        findings: sentences about what stands out.
        units: what is written beside an axis.
        page: everything else. ``{currency}`` stands for that of the company.
    """

    language: str
    panels: dict[str, dict[str, Any]]
    columns: dict[str, str]
    values: dict[str, str]
    groups: dict[str, str]
    findings: dict[str, str]
    units: dict[str, str]
    page: dict[str, str]

    def column(self, name: str) -> str:
        """The heading of a column.

        Raises:
            KeyError: the language has none.
        """
        return self.columns[name]

    def value(self, value: str) -> str:
        """The word for a value; a value without one, such as a department, stays as it is."""
        return self.values.get(value, value)


@cache
def texts_of(language: str) -> Texts:
    """The texts of one of ``LANGUAGES``."""
    read = resources.files("pipelines.scorecard").joinpath("texts", f"{language}.yml").read_text("utf-8")
    words: dict[str, Any] = yaml.safe_load(read)
    return Texts(language, **words)
