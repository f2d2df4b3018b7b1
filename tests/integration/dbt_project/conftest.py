"""Warehouses for the tests of the dbt project: one with the whole history, built once, and an empty one."""

from __future__ import annotations

from pathlib import Path

import dbt_warehouse
import pytest
from dbt.contracts.graph.manifest import Manifest
from dbt_company import Company
from dbt_history import all_at_once
from dbt_warehouse import Warehouse
from fixtures.made_once import made_once


@pytest.fixture(scope="session", autouse=True)
def _parsed(dbt_manifest: Manifest) -> None:
    dbt_warehouse.use(dbt_manifest)


def _build_all_at_once(folder: Path) -> None:
    warehouse = Warehouse(folder).create()
    warehouse.load(1, all_at_once())
    warehouse.build()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The whole history in one load, built once. Tests only read it, in several processes; dbt gets a copy."""
    return Warehouse(made_once(tmp_path_factory, "built", _build_all_at_once))


@pytest.fixture(scope="session")
def company(built: Warehouse) -> Company:
    """The same history as plain rows."""
    return Company(built)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """An empty warehouse: every table is there, without rows."""
    return Warehouse(tmp_path).create()
