"""The headline KPIs in the terminal."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from rich.console import Console

from orchestration.cli.kpi import as_plain, print_headlines, published_headlines, sparkline
from pipelines.home import Home
from pipelines.publication import PublicationError
from pipelines.scorecard.headlines import Headline

SAID = {
    "as_of": dt.date(2024, 3, 15),
    "version": "v1",
    "scorecard": Path("published/scorecard.html"),
    "headlines": [
        Headline("nps", "points", 12.34, 1.0, 23.0, 1234, dt.date(2024, 2, 1), (1.0, None, 12.34)),
        Headline("bad_sales", "percent", 9.0, None, None, 50, dt.date(2024, 2, 1), ()),
        Headline("lifetime_value", "money", 1234.5, 1200.0, 1300.0, 9, None, ()),
    ],
}


@pytest.mark.parametrize(
    ("values", "line"),
    [((), ""), ((None,), ""), ((1.0, None, 2.0), "▁·█"), ((3.0, 3.0), "▄▄"), ((0.0, 5.0, 10.0), "▁▅█")],
)
def test_a_sparkline_shows_gaps_and_does_not_divide_by_nothing(values, line):
    assert sparkline(values) == line


def test_the_table_shows_value_interval_cases_and_month():
    out = Console(width=140, record=True)
    print_headlines(out, SAID)
    shown = out.export_text()
    lines = {line.strip().split("  ")[0]: line for line in shown.splitlines()}
    assert all(text in lines["NPS"] for text in ("12.3", "1.0 to 23.0", "1,234", "2024-02", "▁·█"))
    assert "9.0 %" in lines["Bad sales so far"]
    assert " to " not in lines["Bad sales so far"]
    assert "1,234" in lines["Expected value of a customer"]
    assert "published/scorecard.html" in shown


def test_scripts_get_names_and_numbers():
    first = as_plain(SAID)["headlines"][0]
    assert (first["name"], first["value"], first["month"]) == ("nps", 12.34, dt.date(2024, 2, 1))


def test_before_the_first_night_it_says_what_to_do(tmp_path):
    with pytest.raises(PublicationError, match="kizuna run"):
        published_headlines(Home(tmp_path / "home").create())
