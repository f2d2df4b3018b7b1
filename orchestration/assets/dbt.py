"""The dbt models as assets of the same graph, built by one call of dbt."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.asset_utils import get_subset_selection_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from dagster_dbt.dbt_manifest import validate_manifest

from orchestration.keys import OWNERS, WRITER_POOL
from orchestration.resources import Company
from pipelines.home import Home
from pipelines.night import models_fingerprint, remember_models_built, why_models_are_built_anew
from pipelines.transformation import build, drop_orphans, ensure_manifest

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
_NO_UNIT_TESTS = "resource_type:unit_test"  # they test the SQL, not the night's data: make test runs them


class Translator(DagsterDbtTranslator):
    """Asset keys are ``schema/table``, as people write the tables; groups come from the models' meta."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        return dg.AssetKey(
            [dbt_resource_props["schema"], dbt_resource_props.get("identifier") or dbt_resource_props["name"]]
        )

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:  # noqa: ARG002
        return OWNERS


def model_assets(home: Home, project: Path = PROJECT) -> dg.AssetsDefinition:
    """All models, seeds and tests as one multi-asset."""
    manifest = validate_manifest(ensure_manifest(home, project))
    translator = Translator()

    @dbt_assets(
        name="dbt_models",
        manifest=manifest,
        dagster_dbt_translator=translator,
        pool=WRITER_POOL,
        exclude=_NO_UNIT_TESTS,
    )
    def dbt_models(context: dg.AssetExecutionContext, company: dg.ResourceParam[Company]) -> Iterator[Any]:
        fingerprint = models_fingerprint(project, company.settings, f"duckdb {duckdb.__version__}")
        arguments = _selection(context, manifest, translator)
        if reason := why_models_are_built_anew(company.home, fingerprint):
            context.log.info(f"Incremental models are built anew: {reason}.")
            arguments.append("--full-refresh")
        for event in build(company.home, project, arguments):
            yield from DbtCoreCliEventMessage(event, {}).to_default_asset_events(
                manifest, translator, context
            )
        for name in drop_orphans(company.home, manifest):
            context.log.info(f"Dropped {name}: no model builds it any more.")
        if not context.is_subset:  # the models that were not selected still wait for what is new
            remember_models_built(company.home, fingerprint)

    return dbt_models


def _selection(
    context: dg.AssetExecutionContext, manifest: Mapping[str, Any], translator: DagsterDbtTranslator
) -> list[str]:
    """dbt's arguments for what people have selected in the UI; by default all but the unit tests."""
    arguments, tests = get_subset_selection_for_context(
        context, manifest, None, _NO_UNIT_TESTS, None, translator, None
    )
    return [*arguments, *(["--indirect-selection", tests] if tests else [])]
