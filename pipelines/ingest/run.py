"""One source, one night: finish what was interrupted, then read what is new and load it.

The only module that knows the order of these steps. Each kind of source has its own module.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import duckdb

from pipelines.home import Home
from pipelines.ingest.files import ingest_files
from pipelines.ingest.result import SourceResult
from pipelines.ingest.source_turn import Progress, SourceTurn
from pipelines.landing import LandingZone
from pipelines.load import last_load_id, load
from pipelines.privacy import hold_to_secret
from pipelines.settings import FileSource, Settings, Source, customer_key_secret
from pipelines.sources.mapping import numbers_records
from pipelines.warehouse import create_tables, open_warehouse

_KINDS: dict[type[Source], Callable[[SourceTurn], None]] = {FileSource: ingest_files}


def ingest_source(
    home: Home, settings: Settings, name: str, progress: Progress | None = None
) -> SourceResult:
    """Bring what is new in a source into the warehouse.

    A file that cannot be read is recorded with its reason and tried again the next night; the others go on.

    Raises:
        SettingsError: no file matches, a mapping's SQL is wrong, or a secret is missing.
        SourceError: a database or a service cannot be read; what was committed before stays.
        CustomerKeySecretChangedError: the warehouse was built with another secret, or for another company.
        WarehouseBusyError: another run is writing.
    """
    source = settings.sources[name]
    zone = LandingZone(home.landing)
    numbered = frozenset(mapping.table for mapping in source.mappings if numbers_records(mapping))
    result = SourceResult(name, numbered_tables=numbered)
    with open_warehouse(home) as connection:
        create_tables(connection)
        hold_to_secret(
            connection,
            customer_key_secret(settings),
            is_public=settings.privacy.customer_key.public is not None,
        )
        _finish_landed(connection, zone)
        zone.discard_unfinished()
        _KINDS[type(source)](SourceTurn(connection, zone, settings, name, result, progress))
    return result


def rebuild(home: Home, progress: Progress | None = None) -> int:
    """Start a new warehouse and load every landed batch again, in order; returns how many there were.

    Interrupted, it is continued by the next call of ``ingest_source``.

    Raises:
        WarehouseBusyError: another run is writing.
    """
    with (
        suppress(duckdb.Error),
        open_warehouse(home),
    ):  # a damaged file is what this is for; a busy one is not
        pass
    home.warehouse.unlink(missing_ok=True)
    home.warehouse.with_name(f"{home.warehouse.name}.wal").unlink(missing_ok=True)
    with open_warehouse(home) as connection:
        create_tables(connection)
        return _finish_landed(connection, LandingZone(home.landing), progress)


def _finish_landed(
    connection: duckdb.DuckDBPyConnection, zone: LandingZone, progress: Progress | None = None
) -> int:
    """Load what was landed whole but never loaded: a run was interrupted, or the warehouse is new or lost."""
    last = last_load_id(connection)
    waiting = [load_id for load_id in zone.manifests() if load_id > last]
    for done, load_id in enumerate(waiting):
        if progress:
            progress(done, len(waiting), f"load {load_id}")
        load(connection, zone, zone.read_manifest(load_id))
    return len(waiting)
