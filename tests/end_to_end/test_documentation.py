"""The pages about the tables in a real browser: they open offline, and lead from a KPI to the export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.settings import load_settings

from .conftest import Company
from .test_ui import CHROMIUM, FLAGS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed on this machine"),
]


class Visit:
    """A page, with what it asked for and what it complained of."""

    def __init__(self, page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def asked_beside(self, url: str) -> list[str]:
        own = ("data:", "about:", url.split("#", maxsplit=1)[0])
        return [asked for asked in self.asked if not asked.startswith(own)]


@pytest.fixture
def visit(tmp_path) -> Iterator[Visit]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=CHROMIUM, headless=True, args=FLAGS
        )
        browser.set_default_timeout(60_000)
        yield Visit(browser.new_page())
        browser.close()


@pytest.mark.parametrize(
    ("page", "shows"),
    [
        ("index.html", "Data dictionary"),
        ("dictionary.html#kpi.kpi_loyalty_monthly.nps", "kpi.kpi_loyalty_monthly"),
        ("dbt.html#!/model/model.kizuna.kpi_loyalty_monthly", "nps_standard_error"),
    ],
)
def test_a_page_opens_offline_and_complains_of_nothing(
    published: Company, visit: Visit, page: str, shows: str
) -> None:
    url = f"{published.home.docs.as_uri()}/{page}"
    visit.page.goto(url)
    visit.page.get_by_text(shows).first.wait_for(state="attached")
    visit.page.wait_for_timeout(1_000)  # what it would load late
    assert visit.asked_beside(url) == []
    assert visit.complaints == []


def test_every_page_that_the_first_one_names_is_there(published: Company, visit: Visit) -> None:
    visit.page.goto((published.home.docs / "index.html").as_uri())
    links = visit.page.eval_on_selector_all("a", "all => all.map(a => a.getAttribute('href'))")
    assert len(links) == 6
    assert [link for link in links if not (published.home.docs / link).is_file()] == []


def test_a_kpi_leads_to_the_question_of_the_survey(published: Company, visit: Visit) -> None:
    visit.page.goto(f"{(published.home.docs / 'dictionary.html').as_uri()}#kpi.kpi_loyalty_monthly.nps")
    row = visit.page.locator('tr:has(td[id="kpi.kpi_loyalty_monthly.nps"])')
    row.locator("summary").click()
    row.get_by_text("raw_survey.responses.score").wait_for()
    row.get_by_text("Q_NPS").first.wait_for()


def test_nothing_of_the_machine_or_of_a_person_is_on_the_pages(published: Company) -> None:
    people = published.config.parent / "crm" / "customers"
    some = next(people.glob("*.csv")).read_text(encoding="utf-8").splitlines()[1].split(",")
    address = next(value for value in some if "@" in value)
    for page in published.home.docs.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert str(published.home.root.parent) not in text
        assert str(Path.cwd()) not in text
        assert address not in text


def test_pages_are_written_again_only_where_something_has_changed(company: Company) -> None:
    from orchestration.assets.dbt import PROJECT
    from pipelines.documentation import refresh_documentation

    settings = load_settings(company.config)
    assert refresh_documentation(company.home, PROJECT, settings) is False
    company.config.write_text(f"{company.config.read_text(encoding='utf-8')}\n# changed\n", encoding="utf-8")
    assert refresh_documentation(company.home, PROJECT, load_settings(company.config)) is True
