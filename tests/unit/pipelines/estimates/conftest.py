"""One fitted warehouse for the tests that only read it, and one to change."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from estimates_warehouse import HOLDOUT_DAYS, buyers, warehouse

from pipelines.estimates import Outcome, refresh_lifetime_value
from pipelines.settings import LifetimeValue


@pytest.fixture(scope="session")
def settings() -> LifetimeValue:
    return LifetimeValue(holdout_days=HOLDOUT_DAYS)


@pytest.fixture(scope="session")
def fitted(settings: LifetimeValue) -> Iterator[tuple[duckdb.DuckDBPyConnection, Outcome]]:
    """The warehouse of 600 buyers after a fit, and the outcome. Tests only read it."""
    connection = warehouse(buyers())
    yield connection, refresh_lifetime_value(connection, settings)
    connection.close()


@pytest.fixture
def unfitted() -> Iterator[duckdb.DuckDBPyConnection]:
    """The same buyers before a fit."""
    connection = warehouse(buyers())
    yield connection
    connection.close()
