"""Names that runs carry, for who writes them and for who reads them without Dagster. Imports nothing."""

from __future__ import annotations

NIGHTLY = "nightly"  # the job of the night
ARRIVALS = "arrivals"  # the job that reads new files
ANY_ASSETS = "__ASSET_JOB"  # Dagster's own: what somebody materializes in the UI
# Steps that only a whole night runs both of.
RAW_TABLES, PUBLICATION = "raw_tables", "publication"

AS_OF = "kizuna/as_of"  # tag: the business date of a night
BY_COMMAND = "kizuna/command_line"  # tag of runs that live in the process of `kizuna run`
# Tag of runs that wait for their turn: the process that waits. Dagster's pages hide tags that begin like this.
PROCESS = ".dagster/kizuna/process"
