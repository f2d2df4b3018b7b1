"""A small demo company with one published night, and copies of it for tests that go on from there."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from fixtures.made_once import made_once

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


def _at(root: Path) -> Company:
    return Company(root / "exports" / "kizuna.yml", Home(root / "home"))


def _with_one_night(root: Path) -> None:
    generate(root / "exports", customers=CUSTOMERS)
    Home(root / "home").create()
    result = _at(root).night()
    assert result.published, result.failures


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory, dbt_manifest: object) -> Company:
    """One night published. Tests only read it, and a server has a copy: other processes read it, too."""
    return _at(made_once(tmp_path_factory, "company", _with_one_night))


def copied(company: Company, to: Path) -> Company:
    """The company with its state, to change."""
    shutil.copytree(company.config.parents[1], to, symlinks=True)
    return _at(to)


@pytest.fixture
def company(published: Company, tmp_path: Path) -> Company:
    """A copy of the company after its first night, to change."""
    return copied(published, tmp_path / "company")


@pytest.fixture
def wrong_project(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Makes a dbt project in which the rows of some models, by name, go through a further select of ``{model}``."""
    from orchestration.assets.dbt import PROJECT

    def make(selects: dict[str, str]) -> Path:
        project = tmp_path / "wrong_project"
        shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
        for model, select in selects.items():
            (path,) = (project / "models").rglob(f"{model}.sql")
            right = path.read_text(encoding="utf-8")
            path.write_text(select.replace("{model}", f"\n{right}\n"), encoding="utf-8")
        return project

    return make
