"""What the settings' sources have brought in so far, for people."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipelines.home import Home
from pipelines.privacy import fingerprint
from pipelines.settings import ApiSource, DatabaseSource, FileSource, Settings, Source, customer_key_secret
from pipelines.warehouse import open_warehouse


@dataclass(frozen=True)
class SourceOverview:
    """One source.

    Attributes:
        kind: the format of its files, or the system that is asked.
        reads: the files' pattern, the relations, or the address.
        last_new_at: when rows last came in, in UTC; None: never.
        rows_loaded, rows_quarantined: over all loads.
    """

    name: str
    kind: str
    reads: str
    tables: tuple[str, ...]
    last_new_at: dt.datetime | None
    rows_loaded: int
    rows_quarantined: int


def sources_overview(home: Home, settings: Settings) -> list[SourceOverview]:
    """All sources of the settings, in their order.

    Raises:
        WarehouseBusyError: a run is writing.
    """
    loads = _loads(home)
    return [
        SourceOverview(
            name,
            _kind(source),
            _reads(source, settings),
            tuple(dict.fromkeys(mapping.table for mapping in source.mappings)),
            *loads.get(name, (None, 0, 0)),
        )
        for name, source in settings.sources.items()
    ]


def forgotten_sources(home: Home, settings: Settings) -> list[str]:
    """Names of sources that have brought rows of this company and are not in its settings any more.

    Raises:
        SettingsError: the company's secret is not set.
        WarehouseBusyError: a run is writing.
    """
    if not home.warehouse.exists():
        return []
    with open_warehouse(home, read_only=True) as connection:
        rows = connection.execute(
            """select distinct source from ingest.loads
            where exists (from privacy.hash_key where fingerprint = ?) order by source""",
            [fingerprint(customer_key_secret(settings))],
        ).fetchall()
    return [source for (source,) in rows if source not in settings.sources]


def _loads(home: Home) -> dict[str, tuple[dt.datetime | None, int, int]]:
    if not home.warehouse.exists():
        return {}
    with open_warehouse(home, read_only=True) as connection:
        rows = connection.execute(
            """select source, max(loaded_at) filter (where rows_loaded > 0),
                sum(rows_loaded)::bigint, sum(rows_quarantined)::bigint
            from ingest.loads group by source"""
        ).fetchall()
    return {source: (last, loaded, quarantined) for source, last, loaded, quarantined in rows}


def _kind(source: Source) -> str:
    if isinstance(source, FileSource):
        return source.format
    return source.database if isinstance(source, DatabaseSource) else source.api


def _reads(source: Source, settings: Settings) -> str:
    if isinstance(source, FileSource):
        return settings.as_written(source.files)
    if isinstance(source, DatabaseSource):
        return ", ".join(dict.fromkeys(table.stream for table in source.tables))
    assert isinstance(source, ApiSource)
    return source.address
