"""The scorecard of a published night: its numbers are those of the file, and people can use it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.scorecard.headlines import TILES
from pipelines.scorecard.panels import PANELS

from .conftest import Company
from .test_ui import CHROMIUM, FLAGS

READY_MS = 2000
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def page_file(published: Company) -> Path:
    return published.home.published_scorecard


@pytest.fixture(scope="module")
def content(page_file: Path) -> dict:
    written = page_file.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="content">(.*?)</script>', written, re.DOTALL)
    return json.loads(found[1])


def test_every_number_is_one_of_the_published_file(published, content):
    assert {panel.name for panel in PANELS} - set(content["panels"]) <= {"regret", "handoffs", "divergence"}
    with duckdb.connect(str(published.home.published_file), read_only=True) as connection:
        for panel in PANELS:
            if panel.name not in content["panels"]:
                continue
            expected = connection.sql(panel.sql).pl().to_dicts()
            shown = content["panels"][panel.name]["rows"]
            assert len(shown) == len(expected) > 0
            for row, published_row in zip(shown, expected, strict=True):
                assert row.keys() == published_row.keys()
                for column, value in published_row.items():
                    same = row[column] == value or str(row[column]) == str(value)
                    assert same or row[column] == pytest.approx(float(value), rel=1e-12), (panel.name, column)
        tiles = {tile["name"]: tile for tile in content["tiles"]}
        for tile in TILES:
            values = connection.sql(tile.sql).pl().to_dicts()
            value = values[0]["value"] if values else None
            assert (None if tile.name not in tiles else tiles[tile.name]["value"]) == value


def test_every_published_column_of_a_panel_has_a_heading(content):
    helpers = {"is_alert"}
    for name, panel in content["panels"].items():
        for language, texts in content["texts"].items():
            assert set(panel["rows"][0]) - set(texts["columns"]) <= helpers, (name, language)


@pytest.fixture(scope="module")
def browser() -> Iterator:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Opened:
    """The page in a tab, with what it said and asked for."""

    def __init__(self, browser, path: Path, width: int = 1400, **options) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, locale=options.pop("locale", "en-US"), **options
        )
        self.tab = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.tab.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.goto(path.resolve().as_uri())
        self.tab.wait_for_selector("html[data-ready], html[data-failed]")

    def rows(self, panel: str) -> list[list[str]]:
        return self.tab.evaluate(
            "name => [...document.querySelectorAll(`#${name} tbody tr`)]"
            ".map(row => [...row.cells].map(cell => cell.textContent))",
            panel,
        )

    def choose(self, name: str, value: str) -> None:
        self.tab.select_option(f"select[name={name}]", value)
        self.tab.wait_for_timeout(300)


@pytest.fixture
def opened(browser, page_file) -> Iterator[Opened]:
    page = Opened(browser, page_file)
    yield page
    assert page.errors == []
    page.context.close()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed on this machine")
class TestInABrowser:
    @pytest.mark.parametrize("width", [1400, 420])
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_it_opens_offline_without_an_error(self, browser, page_file, content, width, scheme):
        page = Opened(browser, page_file, width, color_scheme=scheme, offline=True)
        assert page.errors == []
        assert page.requests == [page_file.resolve().as_uri()]
        drawn = page.tab.locator(".chart svg").count()
        assert drawn == len(content["panels"])
        assert page.tab.evaluate("document.documentElement.scrollWidth") <= width
        page.context.close()

    def test_it_is_ready_within_two_seconds(self, browser, page_file):
        ready = []
        for _ in range(3):  # the best of three: other tests are at work on this machine
            page = Opened(browser, page_file)
            ready.append(int(page.tab.evaluate("document.documentElement.dataset.ready")))
            page.context.close()
        assert min(ready) < READY_MS

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_axe_finds_nothing_serious(self, browser, page_file, scheme):
        from axe_playwright_python.sync_playwright import Axe

        page = Opened(browser, page_file, color_scheme=scheme, bypass_csp=True)
        page.tab.locator("details summary").first.click()
        found = Axe().run(page.tab).response["violations"]
        serious = [(one["id"], one["help"]) for one in found if one["impact"] in SERIOUS]
        assert serious == []
        page.context.close()

    def test_a_department_is_followed_everywhere(self, opened, content):
        department = content["filters"]["department"][0]
        before = opened.rows("loyalty")
        opened.choose("department", department)
        after = opened.rows("loyalty")
        assert before != after
        assert {row[1] for row in after} == {department}
        assert {row[0] for row in opened.rows("departments")} == {department}
        opened.tab.click("button[type=reset]")
        opened.tab.wait_for_timeout(500)
        assert opened.rows("loyalty") == before

    def test_a_click_on_a_segment_chooses_it(self, opened):
        cell = opened.tab.locator("#grid .chart svg .mark-rect path").first
        cell.scroll_into_view_if_needed()
        box = cell.bounding_box()  # its name lies over the cell: people click on either
        opened.tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        opened.tab.wait_for_timeout(500)
        segment = opened.tab.input_value("select[name=segment]")
        assert segment != "(all)"
        assert {row[0] for row in opened.rows("grid")} == {segment}

    def test_a_shorter_period_has_fewer_months(self, opened):
        everything = opened.rows("loyalty")
        opened.choose("period", "6")
        shorter = opened.rows("loyalty")
        assert len(shorter) == 6 < len(everything)
        assert shorter == everything[-6:]

    def test_it_speaks_japanese(self, browser, page_file):
        page = Opened(browser, page_file, locale="ja-JP")
        assert page.tab.get_attribute("html", "lang") == "ja"
        assert "ロイヤルティ" in page.tab.inner_text("h1")
        heads = page.tab.locator("#grid th").all_inner_texts()
        assert "セグメント" in heads or "セグメント" in page.tab.inner_text("#filters")
        page.choose("language", "en")
        assert "scorecard" in page.tab.inner_text("h1")
        assert page.errors == []
        page.context.close()

    def test_on_paper_it_is_light_and_without_controls(self, browser, page_file):
        page = Opened(browser, page_file, color_scheme="dark")
        page.tab.emulate_media(media="print")
        assert not page.tab.is_visible("#filters")
        assert page.tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        page.context.close()
