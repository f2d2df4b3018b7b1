"""One generated company in the warehouse, with the models that the rooms need, and its truth beside it.

Belongs here: how a company is made as cheaply as it can be (no Dagster, no gate, no publication, no tests of the
models). Does not: what should come out (the rooms).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from pipelines.demo import DEFAULT_END, generate
from pipelines.estimates import refresh_lifetime_value
from pipelines.home import Home
from pipelines.ingest import ingest_source
from pipelines.night import prepare_transformation
from pipelines.settings import customer_key_secret, load_settings
from pipelines.transformation import build, ensure_manifest
from pipelines.warehouse import open_warehouse

_QUIETLY = ("--quiet", "--threads", "1")  # companies are built beside one another
_NO_TESTS = tuple(f"--exclude-resource-type={kind}" for kind in ("test", "unit_test"))


@dataclass(frozen=True)
class Truth:
    """What the generator planted, and what came of it."""

    exports: Path

    @cached_property
    def planted(self) -> dict[str, Any]:
        return json.loads((self.exports / "truth" / "planted.json").read_text(encoding="utf-8"))

    def frame(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.exports / "truth" / name / "*.parquet")

    @cached_property
    def departments(self) -> pl.DataFrame:
        return pl.read_parquet(self.exports / "truth" / "departments.parquet")


@dataclass(frozen=True)
class Company:
    """A company whose models are built."""

    truth: Truth
    home: Home

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return self.frame(sql).to_dicts()

    def frame(self, sql: str) -> pl.DataFrame:
        with open_warehouse(self.home, read_only=True) as connection:
            return connection.sql(sql).pl()


@contextmanager
def built_company(seed: int, customers: int, project: Path, models: Sequence[str]) -> Iterator[Company]:
    """Generate, load and build a company of its own; nothing of it is left afterwards.

    Args:
        models: to build, with all before them.

    Raises:
        TransformationError: a model could not be built.
    """
    with TemporaryDirectory(prefix="kizuna-validation-") as folder:
        exports = Path(folder) / "exports"
        config = generate(exports, customers=customers, seed=seed).config
        settings = load_settings(config)
        home = Home(Path(folder) / "home").create()
        for source in settings.sources:
            ingest_source(home, settings, source)
        prepare_transformation(home, settings, DEFAULT_END, customer_key_secret(settings))
        ensure_manifest(home, project)  # parsed once per process
        _build(home, project, "+tag:estimates_input")
        with open_warehouse(home) as connection:
            refresh_lifetime_value(connection, settings.lifetime_value)
        _build(home, project, *(f"+{model}" for model in models))
        yield Company(Truth(exports), home)


def _build(home: Home, project: Path, *selected: str) -> None:
    for _ in build(home, project, [*_QUIETLY, "--select", *selected, *_NO_TESTS]):
        pass
