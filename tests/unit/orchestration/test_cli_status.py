"""``kizuna status`` before, during and after nights of every kind, and the end of ``kizuna run``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from orchestration.cli.summary import home_status, print_night, print_status
from orchestration.history import Night
from pipelines.home import Home

SOURCE = {
    "source": "shop", "files": 12, "files_rejected": 0, "records": 1234, "rows_read": 1234, "rows_loaded": 1230,
    "rows_quarantined": 4, "rows_duplicate": 0, "rows_deleted": 0,
}  # fmt: skip
PAGES = dict.fromkeys(("file", "scorecard", "data_docs", "lifetime_value", "documentation"))


def night(status: str, **more: Any) -> dict[str, Any]:
    started = dt.datetime(2026, 10, 1, 2, 0, tzinfo=dt.UTC)
    return vars(
        Night(
            **{
                "run_id": "0123456789abcdef",
                "as_of": "2026-09-30",
                "status": status,
                "started_at": started,
                "seconds": 61.4,
                "step": "dbt_models",
                "failures": [],
            }
            | more
        )
    )


def status(**more: Any) -> dict[str, Any]:
    return {
        "home": Path("home"),
        "published": "2026-09-30-20261001T020101000Z",
        "as_of": dt.date(2026, 9, 30),
        "built_at": dt.datetime(2026, 10, 1, 2, 1, 1, tzinfo=dt.UTC),
        "tables": 50,
        "rows": 352_200,
        "versions": 7,
        "at_work": None,
        "nights": [night("success")],
        "ingestion": [SOURCE],
        "pages": PAGES | {"file": Path("home/published/kizuna.duckdb"), "scorecard": Path("home/s.html")},
    } | more


def shown(found: dict[str, Any]) -> str:
    out = Console(width=80, record=True)
    print_status(out, found)
    return out.export_text()


def test_after_a_good_night_it_says_what_is_published_and_where_to_look():
    text = shown(status())
    assert max(map(len, text.splitlines())) <= 80
    for part in (
        "2026-09-30-20261001T020101000Z",
        "352,200 rows",
        "7 versions",
        "published",
        "61 s",
        "1,234",
    ):
        assert part in text
    assert "Open       home/published/kizuna.duckdb" in text
    assert "Scorecard  home/s.html" in text
    assert "Checks" not in text  # there is no such page


def test_after_a_failed_night_it_says_why_and_what_readers_have():
    failed = night("failure", failures=["dbt_models: [orders] does not build", "kpi.total: too few rows"])
    text = shown(status(nights=[failed, night("success")]))
    assert "error: dbt_models: [orders] does not build" in text
    assert "error: kpi.total: too few rows" in text
    assert "Readers keep what they had" in text


def test_of_an_older_failure_it_says_no_more_than_that_there_was_one():
    text = shown(status(nights=[night("success"), night("failure", failures=["too few rows"])]))
    assert "failed" in text
    assert "too few rows" not in text


def test_during_a_night_it_says_what_is_being_done():
    at_work = "process 7, since 2026-10-01 02:00:00 UTC"
    running = night("started", seconds=None)
    text = shown(status(nights=[running], at_work=at_work, ingestion=None))
    assert f"A run is at work: building the models ({at_work})" in text
    assert "when the run has ended" in text


def test_a_killed_night_says_where_it_ended_and_what_to_do():
    text = shown(status(nights=[night("killed", seconds=None, step="sources__shop")]))
    assert "The last night was killed while reading shop. Begin it again with: kizuna run" in text


def test_before_the_first_night_it_says_how_to_begin(tmp_path: Path):
    text = shown(home_status(Home(tmp_path / "home")))
    assert "Nothing has been published yet" in text
    assert "kizuna demo" in text
    assert not (tmp_path / "home").exists()  # a look writes nothing


@pytest.mark.parametrize("published", [None, "2026-09-30-20261001T020101000Z"])
def test_the_end_of_a_night_names_the_pages_or_why_there_is_nothing_new(published: str | None):
    out, err = Console(width=80, record=True), Console(width=80, record=True)
    summary = status(
        published=published, run_id="r", seconds=61.4, warnings=["[w] 2 late"], failures=["[f] no"]
    )
    print_night(out, err, summary | summary["pages"])
    told, warned = out.export_text(), err.export_text()
    assert "warning: [w] 2 late" in warned
    assert ("Scorecard  home/s.html" in told) == (published is not None)
    assert ("Nothing was published." in warned) == (published is None)
