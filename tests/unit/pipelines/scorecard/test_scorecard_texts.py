"""The words of the scorecard: every language says everything, and every chart can be drawn in it."""

from __future__ import annotations

import json
import re

import pytest

from pipelines.scorecard.findings import FINDINGS
from pipelines.scorecard.headlines import TILES
from pipelines.scorecard.panels import PANELS
from pipelines.scorecard.texts import LANGUAGES, texts_of
from pipelines.scorecard.units import unit_of


@pytest.mark.parametrize("language", LANGUAGES[1:])
@pytest.mark.parametrize("part", ["panels", "columns", "groups", "findings", "units", "page"])
def test_languages_have_the_same_words(language, part):
    first, other = getattr(texts_of(LANGUAGES[0]), part), getattr(texts_of(language), part)
    assert set(first) == set(other)
    assert all(other.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_panel_and_tile_has_a_title(language):
    texts = texts_of(language)
    assert set(texts.panels) == {panel.name for panel in PANELS}
    for panel in PANELS:
        told = {"title", "question"} if panel.chart else {"title", "question", "heading", "badge", "parts"}
        assert set(texts.panels[panel.name]) == told
    assert {panel.group for panel in PANELS} == set(texts.groups)
    assert {finding.name for finding in FINDINGS} == set(texts.findings)
    assert {f"tile_{tile.name}" for tile in TILES} <= set(texts.page)


DRAWN = [panel for panel in PANELS if panel.chart]


@pytest.mark.parametrize("panel", DRAWN, ids=lambda panel: panel.name)
def test_a_chart_is_right_and_reads_rows_that_the_page_hands_it(panel):
    spec = panel.chart().to_dict()  # Altair checks it against the schema of Vega-Lite
    assert spec["data"] == {"name": "rows"}
    assert "datasets" not in spec


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("panel", DRAWN, ids=lambda panel: panel.name)
def test_every_place_in_a_chart_has_a_text(language, panel):
    texts = texts_of(language)
    places = set(re.findall(r"\{\{(\w+)\.(.+?)\}\}", json.dumps(panel.chart().to_dict(validate=False))))
    assert places
    for part, name in places:
        if part != "values":  # a value without a word is said as it is
            assert '"' not in getattr(texts, part)[name]  # some stand within expressions


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
def test_every_finding_leads_to_a_panel_and_says_what_it_found(finding):
    assert finding.panel in {panel.name for panel in PANELS}
    selected = set(re.findall(r"\w+", finding.sql))
    for language in LANGUAGES:
        said = re.findall(r"\{(\w+)±?\}", texts_of(language).findings[finding.name])
        assert said
        assert set(said) <= selected


def test_the_ends_of_an_interval_have_the_unit_of_what_they_are_about():
    assert unit_of("csat_lower") == unit_of("csat_upper") == "percent"
    with pytest.raises(KeyError, match="loyalness"):
        unit_of("loyalness_lower")


def test_an_unknown_value_stays_as_it_is():
    assert texts_of("ja").value("stores_south") == "stores_south"
    assert texts_of("ja").value("(all)") != "(all)"
