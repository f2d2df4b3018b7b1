"""What tests of every kind share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fixtures.zendesk_service import ZendeskService, running


@pytest.fixture
def zendesk() -> Iterator[ZendeskService]:
    """An empty Zendesk on loopback."""
    with running(ZendeskService()) as service:
        yield service
