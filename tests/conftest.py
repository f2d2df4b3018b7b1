"""What tests of every kind share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from fixtures.zendesk_service import ZendeskService, running

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest


@pytest.fixture
def zendesk() -> Iterator[ZendeskService]:
    """An empty Zendesk on loopback."""
    with running(ZendeskService()) as service:
        yield service


@pytest.fixture(scope="session")
def dbt_manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The parsed dbt project. Whatever builds models asks for it, so that no two processes parse."""
    from fixtures.parsed_dbt import parsed_once

    return parsed_once(tmp_path_factory)


@pytest.fixture(autouse=True)
def _environment_names_no_other_company() -> Iterator[None]:
    """A command in a later test would take the settings of a test that has ended for its own."""
    before = os.environ.get("KIZUNA_CONFIG")
    yield
    assert os.environ.get("KIZUNA_CONFIG") == before
