"""The dbt models as assets of the same graph, built by one dbt process."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets

from orchestration.keys import OWNERS, WRITER_POOL
from orchestration.resources import Company
from pipelines.home import Home
from pipelines.night import models_built, models_fingerprint, remember_models_built

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"


class Translator(DagsterDbtTranslator):
    """Asset keys are ``schema/table``, as people write the tables; groups come from the models' meta."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        return dg.AssetKey(
            [dbt_resource_props["schema"], dbt_resource_props.get("identifier") or dbt_resource_props["name"]]
        )

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:  # noqa: ARG002
        return OWNERS


def dbt_resource(home: Home, project: Path = PROJECT) -> DbtCliResource:
    """dbt on the company's warehouse; its target and logs lie in the state folder."""
    os.environ["KIZUNA_WAREHOUSE"] = str(home.warehouse)  # the profile reads it in dbt's own process
    beside_this_python = Path(sys.executable).with_name("dbt")
    return DbtCliResource(
        project_dir=str(project), profiles_dir=str(project), dbt_executable=str(beside_this_python)
    )


def ensure_manifest(home: Home, project: Path = PROJECT) -> Path:
    """The parsed project; parsed again only where its files have changed since."""
    target = home.dbt / "target"
    manifest = target / "manifest.json"
    newest = max(path.stat().st_mtime for path in project.rglob("*") if path.is_file())
    if not manifest.is_file() or manifest.stat().st_mtime < newest:
        target.mkdir(parents=True, exist_ok=True)
        dbt_resource(home, project).cli(["parse", "--quiet"], target_path=target).wait()
    return manifest


def model_assets(home: Home, project: Path = PROJECT) -> dg.AssetsDefinition:
    """All models, seeds and tests as one multi-asset."""

    @dbt_assets(
        name="dbt_models",
        manifest=ensure_manifest(home, project),
        dagster_dbt_translator=Translator(),
        pool=WRITER_POOL,
        exclude="resource_type:unit_test",  # they test the SQL, not the night's data: make test runs them
    )
    def dbt_models(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, company: dg.ResourceParam[Company]
    ) -> Iterator[Any]:
        fingerprint = models_fingerprint(project, company.settings, f"duckdb {duckdb.__version__}")
        changed = models_built(company.home).fingerprint != fingerprint
        if changed:
            context.log.info("The models or their settings have changed: incremental models are built anew.")
        arguments = ["build", "--full-refresh"] if changed else ["build"]
        yield from dbt.cli(arguments, context=context, target_path=company.home.dbt / "target").stream()
        remember_models_built(company.home, fingerprint)

    return dbt_models
