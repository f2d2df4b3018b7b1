"""A generated company with its lifetime values, as a night leaves it without Dagster, gate and publication."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from orchestration.assets.dbt import PROJECT
from pipelines.demo import DEFAULT_END, generate
from pipelines.estimates import Outcome, refresh_lifetime_value
from pipelines.home import Home
from pipelines.ingest import ingest_source
from pipelines.night import prepare_transformation
from pipelines.settings import Settings, customer_key_secret, load_settings
from pipelines.transformation import build, ensure_manifest
from pipelines.warehouse import open_warehouse

CUSTOMERS = 1_500
_AFTER = (
    "customer_rfm",
    "int_customers__clv",
    "int_customers__clv_at_holdout",
    "clv_model_parameters",
    "clv_validation",
    "clv_segments",
)
_NO_TESTS = tuple(f"--exclude-resource-type={kind}" for kind in ("test", "unit_test"))


@dataclass(frozen=True)
class FittedCompany:
    """A company whose lifetime values are built. Tests only read it."""

    home: Home
    settings: Settings
    outcome: Outcome

    def query(self, sql: str) -> pl.DataFrame:
        with open_warehouse(self.home, read_only=True) as connection:
            return connection.sql(sql).pl()


def fitted_in(folder: Path) -> FittedCompany:
    """Generate, load, fit between two calls of dbt, and build."""
    settings = load_settings(generate(folder / "exports", customers=CUSTOMERS, seed=11).config)
    home = Home(folder / "home").create()
    for source in settings.sources:
        ingest_source(home, settings, source)
    prepare_transformation(home, settings, DEFAULT_END, customer_key_secret(settings))
    ensure_manifest(home, PROJECT)
    _build(home, "+tag:estimates_input")
    with open_warehouse(home) as connection:
        outcome = refresh_lifetime_value(connection, settings.lifetime_value)
    _build(home, *_AFTER)
    return FittedCompany(home, settings, outcome)


def _build(home: Home, *models: str) -> None:
    for _ in build(home, PROJECT, ["--quiet", "--select", *models, *_NO_TESTS]):
        pass
