"""The pages of Kizuna in the UI: what a link opens, and that nothing but pages leaves the state folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from orchestration.ui import pages
from orchestration.ui.webserver import Webserver
from pipelines.home import Home

PAGES = (pages.checks(), pages.checks_of("kpi.x"), pages.LIFETIME_VALUE, pages.DICTIONARY)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """With pages, and with files beside them that nobody is to read here."""
    home = Home(tmp_path / "home").create()
    home.docs.mkdir()
    for page in PAGES:
        file = home.root / page
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"this is {page}", encoding="utf-8")
    (home.publications / "scorecard.html").write_text("this is the scorecard", encoding="utf-8")
    home.published_scorecard.symlink_to(home.publications / "scorecard.html")
    for secret in (home.warehouse, home.quality / "night.json", home.root / "private.html"):
        secret.write_text("secret", encoding="utf-8")
    (home.docs / "away.html").symlink_to(home.root / "private.html")
    return home


@pytest.fixture
def browser(home: Home, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("KIZUNA_HOME", str(home.root))
    return TestClient(Starlette(routes=Webserver(None).build_routes()))


@pytest.mark.parametrize("page", PAGES)
def test_a_link_opens_its_page(browser: TestClient, page: str) -> None:
    answer = browser.get(pages.link(page, "a.column").value)
    assert (answer.status_code, answer.text) == (200, f"this is {page}")
    assert answer.headers["content-type"].startswith("text/html")


def test_the_scorecard_is_the_one_that_is_published(browser: TestClient) -> None:
    assert browser.get(pages.link(pages.SCORECARD).value).text == "this is the scorecard"


@pytest.mark.parametrize(
    "page",
    [
        "quality/night.json",
        "quality/../private.html",
        "quality/%2e%2e/private.html",
        "docs/away.html",
        "warehouse.duckdb",
        "publications/scorecard.html",
        "quality//private.html",
        "docs",
        "",
    ],
)
def test_nothing_else_of_the_state_folder_can_be_read(browser: TestClient, page: str) -> None:
    answer = browser.get(f"{pages.PREFIX}/{page}")
    assert "secret" not in answer.text
    assert answer.status_code == 404


def test_a_page_that_no_night_has_written_yet_says_so(browser: TestClient) -> None:
    answer = browser.get(pages.link(pages.MODELS).value)
    assert answer.status_code == 404
    assert "a night writes it" in answer.text
