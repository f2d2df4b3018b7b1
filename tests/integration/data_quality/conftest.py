"""The gate over a warehouse of a test's own, in which everything is true until the test breaks it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from breakages import Gate
from sound_warehouse import write_warehouse

from data_quality.expectations import Suite
from data_quality.gate import run_gate
from data_quality.results import GateResult


@pytest.fixture(scope="session")
def _sound_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "warehouse.duckdb"
    write_warehouse(path)
    return path


@pytest.fixture
def warehouse(_sound_warehouse: Path, tmp_path: Path) -> Path:
    """A warehouse of one's own to break."""
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(_sound_warehouse.read_bytes())
    return path


@pytest.fixture
def gate(warehouse: Path, tmp_path: Path) -> Gate:
    """Break the warehouse with SQL, then run suites on it: ``gate(suites, "update ...", ...)``."""

    def run(suites: tuple[Suite, ...], *breakages: str) -> GateResult:
        with duckdb.connect(str(warehouse)) as connection:
            for breakage in breakages:
                connection.execute(breakage)
        return run_gate(warehouse, suites, tmp_path / "quality", "test")

    return run
