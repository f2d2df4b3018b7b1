"""The page and the sentence that say how far to trust lifetime values."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from estimates_warehouse import warehouse

from pipelines.estimates import Outcome, refresh_lifetime_value, write_page
from pipelines.estimates.page import page
from pipelines.settings import LifetimeValue

AS_OF = dt.date(2024, 12, 31)


def with_predicted(outcome: Outcome, share: float) -> Outcome:
    """As if the model had predicted this share of what came."""
    return replace(
        outcome,
        validation=outcome.validation.with_columns(
            (share * pl.col("actual_purchases")).alias("predicted_purchases")
        ),
    )


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.88, "predicted 12 % too few purchases"),
        (1.25, "predicted 25 % too many purchases"),
        (0.996, "predicted as many purchases as came"),
    ],
)
def test_the_bias_in_words(fitted, share: float, words: str) -> None:
    _, outcome = fitted
    shifted = with_predicted(outcome, share)
    assert shifted.bias_percent == pytest.approx(100 * (share - 1))
    assert words in shifted.verdict
    assert f"For the last 182 days, which it had not seen, {outcome.model}" in shifted.verdict


class _Page(HTMLParser):
    """The elements of a page, and whether every one that was opened is closed."""

    VOID = ("meta", "rect", "polyline")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag) -> None:
        if tag not in self.VOID:
            assert self.opened.pop() == tag


def test_the_page_shows_model_parameters_and_what_came(fitted, tmp_path: Path) -> None:
    _, outcome = fitted
    path = tmp_path / "lifetime_value.html"
    write_page(path, outcome, "Tea & <Toast>", "EUR", AS_OF)
    text = path.read_text(encoding="utf-8")
    found = _Page(text)
    assert found.opened == []
    assert (
        found.tags.count("rect") == 2 * 10
    )  # a bar of what came and one of what was predicted, for each tenth
    assert found.tags.count("polyline") == 2
    assert found.tags.count("tr") == 4 + 10 + 26 + 4 + 2 * 17  # headers, tenths, weeks, models, parameters
    assert outcome.verdict in text
    assert f"{outcome.model} (chosen)" in text
    assert "Tea &amp; &lt;Toast&gt;" in text
    assert [entry.name for entry in tmp_path.iterdir()] == ["lifetime_value.html"]


def test_the_page_needs_no_network_and_runs_nothing(fitted) -> None:
    text = page(fitted[1], "Company", "EUR", AS_OF)
    assert not re.search(r"<script|https?://|url\(|@import|\bon\w+=", text)


def test_bars_and_lines_stay_in_the_picture(fitted) -> None:
    text = page(fitted[1], "Company", "EUR", AS_OF)
    for x, y, width, height in re.findall(
        r'<rect[^>]* x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', text
    ):
        assert float(x) + float(width) <= 640
        assert float(y) + float(height) == pytest.approx(240, abs=0.11)
    points = [
        tuple(map(float, point.split(",")))
        for line in re.findall(r'points="([^"]+)"', text)
        for point in line.split()
    ]
    assert len(points) == 2 * 27  # 26 weeks and the start
    assert all(0 <= x <= 640 and 0 <= y <= 240 for x, y in points)


def test_without_a_model_the_page_says_why() -> None:
    outcome = refresh_lifetime_value(warehouse([("a", 1, 9.0), ("a", 700, 9.0)]), LifetimeValue())
    text = page(outcome, "Company", "EUR", AS_OF)
    assert _Page(text).opened == []
    assert (
        "Nothing is predicted, observed values stand instead: 0 customers bought on more than one day" in text
    )
    assert "<svg" not in text
