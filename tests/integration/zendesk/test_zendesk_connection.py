"""``kizuna doctor --connect`` asks a Zendesk once, and tells what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures.zendesk_service import TOKEN, USER, ZendeskService, answers

from pipelines.home import Home
from pipelines.ingest.connection import check_connection
from pipelines.settings import load_settings
from pipelines.sources.errors import SourceError

CONFIG = """
company: {name: x}
privacy: {customer_key: {public: x}}
sources:
  support:
    api: zendesk
    address: ADDRESS
    user: {env: ZENDESK_USER}
    token: {env: ZENDESK_TOKEN}
"""


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENDESK_USER", USER)
    monkeypatch.setenv("ZENDESK_TOKEN", TOKEN)


def _checked(service: ZendeskService, folder: Path) -> str:
    (folder / "kizuna.yml").write_text(CONFIG.replace("ADDRESS", service.address), encoding="utf-8")
    return check_connection(Home(folder / "home"), load_settings(folder / "kizuna.yml"), "support")


def test_one_request_is_enough_and_nothing_is_written(zendesk: ZendeskService, tmp_path: Path) -> None:
    assert _checked(zendesk, tmp_path) == "zendesk answers and knows us"
    assert len(zendesk.requests) == 1
    assert not (tmp_path / "home").exists()


def test_a_service_that_is_away_is_asked_once_only(zendesk: ZendeskService, tmp_path: Path) -> None:
    zendesk.failures.append(answers(503))
    with pytest.raises(SourceError, match="503"):
        _checked(zendesk, tmp_path)
    assert len(zendesk.requests) == 1
