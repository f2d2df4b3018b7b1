"""A small demo company with one published night, and copies of it for tests that go on from there."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from orchestration.night import NightResult, run_night
from pipelines.demo import DEFAULT_END, generate
from pipelines.home import Home
from pipelines.settings import load_settings

CUSTOMERS = 400  # large enough for every table to have rows, small enough for a night in seconds


@dataclass(frozen=True)
class Company:
    """A company's exports beside its state folder."""

    config: Path
    home: Home

    def night(self, as_of: dt.date = DEFAULT_END, **arguments: object) -> NightResult:
        return run_night(load_settings(self.config), self.home, as_of, **arguments)

    def query(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.home.published_file), read_only=True) as connection:
            return connection.sql(sql).fetchall()


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """One night published. Tests only read it."""
    root = tmp_path_factory.mktemp("company")
    generate(root / "exports", customers=CUSTOMERS)
    company = Company(root / "exports" / "kizuna.yml", Home(root / "home").create())
    result = company.night()
    assert result.published, result.failures
    return company


@pytest.fixture
def company(published: Company, tmp_path: Path) -> Company:
    """A copy of the company after its first night, to change."""
    root = published.config.parents[1]
    shutil.copytree(root, tmp_path / "company", symlinks=True)
    return Company(tmp_path / "company" / "exports" / "kizuna.yml", Home(tmp_path / "company" / "home"))


@pytest.fixture
def wrong_project(tmp_path: Path) -> Callable[[str, str], Path]:
    """Makes a dbt project in which one model's rows go through a further select."""
    from orchestration.assets.dbt import PROJECT

    def make(model: str, select: str) -> Path:
        project = tmp_path / "wrong_project"
        shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
        (path,) = (project / "models").rglob(f"{model}.sql")
        path.write_text(
            f"{select} from (\n{path.read_text(encoding='utf-8')}\n) as right_rows", encoding="utf-8"
        )
        return project

    return make
