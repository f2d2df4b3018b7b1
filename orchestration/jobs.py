"""The one job. The schedule, the command line and the UI all run it."""

from __future__ import annotations

import dagster as dg

NIGHTLY = "nightly"

nightly = dg.define_asset_job(
    NIGHTLY,
    selection=dg.AssetSelection.all(),
    description="From the sources to the published file: ingest, check, transform, check, publish.",
    # One process: every further one would import everything again, and DuckDB lets one process write.
    executor_def=dg.in_process_executor,
)
