"""Warehouses for the tests of the dbt project: one with the whole history, built once, and an empty one."""

from __future__ import annotations

from pathlib import Path

import pytest
from dbt_company import Company
from dbt_history import all_at_once
from dbt_warehouse import Warehouse


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The whole history in one load, built once. Tests only read it."""
    warehouse = Warehouse(tmp_path_factory.mktemp("built")).create()
    warehouse.load(1, all_at_once())
    warehouse.build()
    return warehouse


@pytest.fixture(scope="session")
def company(built: Warehouse) -> Company:
    """The same history as plain rows."""
    return Company(built)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """An empty warehouse: every table is there, without rows."""
    return Warehouse(tmp_path).create()
