"""The page out of a publication that has hardly anything, and what may not break out of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import duckdb
import pytest
import vl_convert

from pipelines.scorecard.findings import NAMED_INITIATIVE
from pipelines.scorecard.page import scorecard

NASTY = "</script><img src=x onerror=alert(1)>"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """One department with a name that means harm, one month, one table."""
    path = tmp_path / "kizuna.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema kpi; create schema meta; create schema marts")
        connection.execute(
            "create table meta.publication as select date '2024-02-29' as as_of_date, 'v1' as version"
        )
        connection.execute(
            "create table marts.dim_dates as"
            " select day::date as date_day, date_trunc('month', day)::date as month_start"
            " from range(date '2024-01-01', date '2024-03-01', interval 1 day) as days (day)"
        )
        connection.execute(
            "create table kpi.kpi_loyalty_monthly as select date '2024-02-01' as month, 'month' as level,"
            " '(all)' as department, 12.5::double as nps, 2.5::double as nps_lower, 22.5::double as nps_upper,"
            " 80 as nps_n, 30 as nps_promoters, 30 as nps_passives, 20 as nps_detractors, null::double as csat,"
            " null::double as csat_lower, null::double as csat_upper, 0 as csat_n, null::double as ces,"
            " null::double as ces_lower, null::double as ces_upper, 0 as ces_n, null::double as response_rate,"
            " null::double as response_rate_lower, null::double as response_rate_upper, 0 as invitations"
        )
        connection.execute(
            "insert into kpi.kpi_loyalty_monthly by name"
            " select * replace ('month_department' as level, ? as department)"
            " from kpi.kpi_loyalty_monthly",
            [NASTY],
        )
    return path


def content_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="content">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_panels_and_tiles_without_a_table_or_a_number_are_left_out(database):
    content = content_of(scorecard(database, "Shop", "EUR"))
    assert set(content["panels"]) == {"loyalty", "satisfaction"}
    shown = {
        tile["name"]: dict(zip(tile["columns"], tile["values"][0], strict=True)) for tile in content["tiles"]
    }
    assert set(shown) == {"nps", "csat", "ces", "response_rate"}  # the page leaves out those without a number
    assert [shown["nps"][name] for name in ("part", "value", "n", "month")] == [
        "(all)",
        12.5,
        80,
        "2024-02-01",
    ]
    assert content["findings"] == []


def test_the_same_publication_gives_the_same_page(database):
    assert scorecard(database, "Shop", "EUR") == scorecard(database, "Shop", "EUR")


def test_initiatives_of_one_name_are_told_apart():
    tried = [
        ("1", "Call", "North"),
        ("2", "Music", "North"),
        ("3", "Music", "South"),
        ("4", "Gift", "All"),
        ("5", "Gift", "All"),
    ]
    with duckdb.connect() as connection:
        connection.execute(
            "create table tried (initiative_id text, initiative_name text, scope_name text, outcome text)"
        )
        connection.executemany("insert into tried values ($1, $2, $3, 'nps'), ($1, $2, $3, 'csat')", tried)
        named = connection.execute(
            f"select distinct initiative_id, {NAMED_INITIATIVE} from tried order by 1"
        ).fetchall()
    assert [name for _, name in named] == ["Call", "Music, North", "Music, South", "Gift (4)", "Gift (5)"]


def test_the_code_that_draws_is_made_once(database, tmp_path, monkeypatch):
    first = scorecard(database, "Shop", "EUR", cache=tmp_path / "cache")
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda: pytest.fail("made again"))
    assert scorecard(database, "Shop", "EUR", cache=tmp_path / "cache") == first


def test_names_cannot_break_out_of_the_page(database):
    page = scorecard(database, NASTY, "EUR")
    assert NASTY not in page
    assert content_of(page)["filters"]["department"] == [NASTY]


def test_only_its_own_scripts_may_run(database):
    page = scorecard(database, "Shop", "EUR")
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', page)[1]
    assert "default-src 'none'" in policy
    assert "'unsafe-eval'" not in policy
    assert policy.split("script-src")[1].count("unsafe") == 0
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts}
    assert len(scripts) == 2
    assert set(re.findall(r"'sha256-(.*?)'", policy)) == hashes


def test_every_word_of_the_page_is_a_word_before_its_script_runs(database: Path) -> None:
    """``texts.page.copy`` is a method of the dictionary, not the word for copying."""
    page = scorecard(database, "Company", "EUR")
    assert ">Copy</button>" in page
    assert "object at 0x" not in page
