"""The Dagster UI in a real browser: what a data engineer sees after a night."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Company, copied

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 180  # half a minute on a quiet machine

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed on this machine"),
]


@pytest.fixture(scope="module")
def address(published: Company, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``kizuna ui`` as people start it, on a free port."""
    company = copied(published, tmp_path_factory.mktemp("ui") / "company")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("kizuna")), "ui", "--config", str(company.config)]
    server = subprocess.Popen(
        [*command, "--port", str(port)],
        env=os.environ | {"KIZUNA_HOME": str(company.home.root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield _when_up(f"http://127.0.0.1:{port}", server)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=60)


def _when_up(address: str, server: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, "kizuna ui ended by itself"
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=5):
                return address
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    raise AssertionError(f"kizuna ui did not answer within {START_SECONDS} s")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=CHROMIUM,
            headless=True,
            args=FLAGS,
            viewport={"width": 1700, "height": 1000},
        )
        browser.set_default_timeout(60_000)
        yield browser.new_page()
        browser.close()


def test_the_asset_graph_is_in_groups(address: str, page) -> None:
    page.goto(f"{address}/asset-groups")
    for group in (
        "sources",
        "raw",
        "staging",
        "core",
        "rfm",
        "loyalty",
        "value",
        "kpi",
        "meta",
        "publication",
    ):
        page.get_by_text(group, exact=True).first.wait_for()


def test_the_nightly_run_is_green(address: str, page) -> None:
    page.goto(f"{address}/runs")
    page.get_by_text("nightly", exact=True).first.wait_for()
    page.get_by_text("Success", exact=True).first.wait_for()


def test_a_check_shows_its_expectations(address: str, page) -> None:
    page.goto(f"{address}/assets/kpi/kpi_loyalty_monthly?view=checks&checkDetail=great_expectations")
    page.get_by_text("great_expectations").first.wait_for()
    page.get_by_text("Passed").first.wait_for()


def test_the_publication_says_which_file_to_open(address: str, page) -> None:
    page.goto(f"{address}/assets/publication")
    page.get_by_text("published/kizuna.duckdb").first.wait_for()


def test_the_schedule_and_the_sensor_are_on(address: str, page) -> None:
    page.goto(f"{address}/automation")
    page.get_by_text("nightly_schedule").first.wait_for()
    page.get_by_text("arrivals_sensor").first.wait_for()
    # The two switches; the other boxes select rows.
    page.locator("input[type=checkbox]:checked").nth(1).wait_for(state="attached")


def test_no_asset_is_grey_or_stale_after_a_night(address: str) -> None:
    query = "{assetNodes {assetKey {path} staleStatus assetMaterializations(limit: 1) {timestamp}}}"
    request = urllib.request.Request(
        f"{address}/graphql",
        json.dumps({"query": query}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
        assets = json.load(answer)["data"]["assetNodes"]
    assert len(assets) > 100
    faded = [
        asset["assetKey"]["path"]
        for asset in assets
        if asset["staleStatus"] != "FRESH" or not asset["assetMaterializations"]
    ]
    assert faded == []


@pytest.mark.parametrize(
    ("asset", "link", "title"),
    [
        ("publication", "/pages/scorecard.html", "loyalty scorecard"),
        ("kpi/kpi_loyalty_monthly", "/pages/docs/dictionary.html#kpi.kpi_loyalty_monthly", "Data dictionary"),
    ],
)
def test_a_click_on_a_link_opens_its_page(address: str, page, asset: str, link: str, title: str) -> None:
    page.goto(f"{address}/assets/{asset}")
    with page.context.expect_page() as opened:
        page.get_by_text(link, exact=True).first.click()
    opened.value.wait_for_load_state()
    assert opened.value.url == f"{address}{link}"
    assert title in opened.value.title()
    opened.value.close()
