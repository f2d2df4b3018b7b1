"""Everything that Dagster is told. The code location is this module; ``defs`` is built when Dagster loads it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.assets.dbt import PROJECT, model_assets
from orchestration.assets.documentation import documentation_asset
from orchestration.assets.estimates import estimates_asset
from orchestration.assets.matching import matching_assets
from orchestration.assets.publication import publication_asset, ways_out_assets
from orchestration.assets.raw import raw_tables, source_assets
from orchestration.checks import published_checks, raw_checks
from orchestration.jobs import arrivals_job, file_sources, nightly
from orchestration.keys import CONFIG_VARIABLE
from orchestration.match_rates import match_rates_check
from orchestration.resources import BusinessDate, Company, ProgressDisplay, in_turn
from orchestration.schedules import nightly_schedule
from orchestration.sensors import arrivals_sensor
from pipelines.home import Home
from pipelines.settings import CONFIG_NAME, Settings, load_settings
from pipelines.transformation import ensure_manifest


def build_definitions(
    settings: Settings, home: Home, *, project: Path = PROJECT, **resource_overrides: Any
) -> dg.Definitions:
    """All assets, checks, jobs, the schedule and the sensor of one company.

    Args:
        project: folder of the dbt project; a test may hand in one that is wrong on purpose.
        resource_overrides: replace resources by name (``business_date``, ``display``, ...).
    """
    home.create()
    manifest = ensure_manifest(home, project)
    resources: dict[str, Any] = {
        "company": in_turn(Company(settings, home)),
        "business_date": BusinessDate(),
        "display": dg.ResourceDefinition.hardcoded_resource(
            ProgressDisplay(),
            description="Where long steps say how far they are: the terminal of kizuna run.",
        ),
    }
    can_arrive = bool(file_sources(settings))
    return dg.Definitions(
        assets=[
            *source_assets(settings),
            raw_tables(settings),
            *matching_assets(settings),
            *model_assets(home, project),
            estimates_asset(manifest),
            publication_asset(manifest),
            *ways_out_assets(settings),
            documentation_asset(project),
        ],
        asset_checks=[raw_checks(settings), match_rates_check, published_checks()],
        jobs=[nightly, arrivals_job(settings)] if can_arrive else [nightly],
        schedules=[nightly_schedule(settings)],
        sensors=[arrivals_sensor(settings, home)] if can_arrive else [],
        resources=resources | resource_overrides,
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The company of ``KIZUNA_CONFIG``, by default ``kizuna.yml`` in the working directory."""
    settings = load_settings(Path(os.environ.get(CONFIG_VARIABLE, CONFIG_NAME)))
    return build_definitions(settings, Home.from_environment())
