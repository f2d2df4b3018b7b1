"""From a source's system into the raw tables, exactly once."""

from pipelines.ingest.result import SourceResult, StreamResult
from pipelines.ingest.run import ingest_source, rebuild
from pipelines.ingest.source_turn import Progress

__all__ = ["Progress", "SourceResult", "StreamResult", "ingest_source", "rebuild"]
