"""The words of the scorecard: every language says everything, and every chart can be drawn in it."""

from __future__ import annotations

import pytest

from pipelines.scorecard.headlines import TILES
from pipelines.scorecard.panels import PANELS
from pipelines.scorecard.texts import LANGUAGES, texts_of


@pytest.mark.parametrize("language", LANGUAGES[1:])
@pytest.mark.parametrize("part", ["panels", "columns", "page"])
def test_languages_have_the_same_words(language, part):
    first, other = getattr(texts_of(LANGUAGES[0]), part), getattr(texts_of(language), part)
    assert set(first) == set(other)
    assert all(other.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_panel_and_tile_has_a_title(language):
    texts = texts_of(language)
    assert set(texts.panels) == {panel.name for panel in PANELS}
    assert all(set(said) == {"title", "question"} for said in texts.panels.values())
    assert {f"tile_{tile.name}" for tile in TILES} <= set(texts.page)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.name)
def test_a_chart_reads_rows_that_the_page_hands_it(language, panel):
    spec = panel.chart(texts_of(language)).to_dict()
    assert spec["data"] == {"name": "rows"}
    assert "datasets" not in spec


def test_an_unknown_value_stays_as_it_is():
    assert texts_of("ja").value("stores_south") == "stores_south"
    assert texts_of("ja").value("(all)") != "(all)"
