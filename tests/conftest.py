"""What tests of every kind share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from fixtures.zendesk_service import ZendeskService, running


@pytest.fixture
def zendesk() -> Iterator[ZendeskService]:
    """An empty Zendesk on loopback."""
    with running(ZendeskService()) as service:
        yield service


@pytest.fixture(autouse=True)
def _environment_names_no_other_company() -> Iterator[None]:
    """A command in a later test would take the settings of a test that has ended for its own."""
    before = os.environ.get("KIZUNA_CONFIG")
    yield
    assert os.environ.get("KIZUNA_CONFIG") == before
