"""From a source's system into the raw tables, exactly once."""

from pipelines.ingest.database import TableDeletions
from pipelines.ingest.result import SourceResult, StreamResult
from pipelines.ingest.run import compare_deletions, ingest_source, rebuild
from pipelines.ingest.source_turn import Progress

__all__ = [
    "Progress",
    "SourceResult",
    "StreamResult",
    "TableDeletions",
    "compare_deletions",
    "ingest_source",
    "rebuild",
]
