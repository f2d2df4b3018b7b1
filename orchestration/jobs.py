"""The jobs: the night, which the schedule, the command line and the UI all run, and the reading of new files."""

from __future__ import annotations

from typing import Any

import dagster as dg

from orchestration.keys import source_key
from orchestration.names import ARRIVALS, NIGHTLY
from pipelines.settings import FileSource, Settings

nightly = dg.define_asset_job(
    NIGHTLY,
    selection=dg.AssetSelection.all(),
    description="From the sources to the published file: ingest, check, transform, check, publish.",
    # One process: every further one would import everything again, and DuckDB lets one process write.
    executor_def=dg.in_process_executor,
)


def arrivals_job(settings: Settings) -> Any:  # Dagster's type of it has no public name
    """Brings in what is new in the sources that are files, and no more. There must be one."""
    return dg.define_asset_job(
        ARRIVALS,
        selection=dg.AssetSelection.assets(*(source_key(name) for name in file_sources(settings))),
        description="Reads the files that have arrived. Checks, models and the publication are the night's.",
        executor_def=dg.in_process_executor,
    )


def file_sources(settings: Settings) -> list[str]:
    """Names of the sources whose files can arrive."""
    return [name for name, source in settings.sources.items() if isinstance(source, FileSource)]
