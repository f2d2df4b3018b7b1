"""One generated company in the warehouse, with the models that the claims need, and its truth beside it.

Belongs here: how a company is made as cheaply as it can be (no Dagster, no gate, no publication, no tests of the
models). Does not: what should come out (``claims.py``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from pipelines.demo import DEFAULT_END, generate
from pipelines.home import Home
from pipelines.ingest import ingest_source
from pipelines.night import prepare_transformation
from pipelines.settings import customer_key_secret, load_settings
from pipelines.transformation import build, ensure_manifest
from pipelines.warehouse import open_warehouse

MODELS = (
    "kpi_loyalty_by_handoffs",
    "kpi_loyalty_adjusted",
    "kpi_silent_customers",
    "kpi_indicator_divergence",
    "kpi_points_of_connection",
    "kpi_service_recovery",
    "kpi_loyalty_reweighted",
)
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
def built_company(seed: int, customers: int, project: Path) -> Iterator[Company]:
    """Generate, load and build a company of its own; nothing of it is left afterwards.

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
        for _ in build(
            home, project, [*_QUIETLY, "--select", *(f"+{model}" for model in MODELS), *_NO_TESTS]
        ):
            pass
        yield Company(Truth(exports), home)
