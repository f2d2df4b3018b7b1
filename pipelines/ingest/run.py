"""One source, one night: finish what was interrupted, then read what is new and load it.

The only module that knows the order of these steps. Each kind of source has its own module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import duckdb

from pipelines.home import Home, StateFolderError
from pipelines.ingest.api import ingest_api
from pipelines.ingest.database import TableDeletions, find_deletions, ingest_database
from pipelines.ingest.files import ingest_files
from pipelines.ingest.result import SourceResult
from pipelines.ingest.source_turn import Progress, SourceTurn
from pipelines.landing import LandingZone
from pipelines.load import last_load_id, load
from pipelines.privacy import hold_to_secret
from pipelines.settings import (
    ApiSource,
    DatabaseSource,
    FileSource,
    Settings,
    SettingsError,
    Source,
    customer_key_secret,
)
from pipelines.sources.mapping import numbers_records
from pipelines.warehouse import create_tables, open_warehouse

_KINDS: dict[type[Source], Callable[[SourceTurn], None]] = {
    FileSource: ingest_files,
    DatabaseSource: ingest_database,
    ApiSource: ingest_api,
}


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
        StateFolderError: the disk is full, or the state folder cannot be written.
    """
    with _turn(home, settings, name, progress) as turn:
        _KINDS[type(turn.source)](turn)
        turn.result.columns = turn.columns.changes
    return turn.result


def compare_deletions(
    home: Home, settings: Settings, name: str, *, apply: bool = False, progress: Progress | None = None
) -> list[TableDeletions]:
    """Which rows a database no longer has, by a comparison of all keys, table by table.

    Args:
        apply: whether to delete them from the raw tables, too.

    Raises:
        SettingsError: the source is no database, or its connection string is missing.
        SourceError, CustomerKeySecretChangedError, WarehouseBusyError: as for ``ingest_source``.
    """
    if not isinstance(settings.sources[name], DatabaseSource):
        raise SettingsError(
            f"{settings.path}: sources.{name} is no database: only a database can be asked for all its keys. "
            f"Where a file is all there is, write snapshot: true"
        )
    with _turn(home, settings, name, progress) as turn:
        return find_deletions(turn, apply=apply)


@contextmanager
def _turn(home: Home, settings: Settings, name: str, progress: Progress | None) -> Iterator[SourceTurn]:
    """The warehouse for one source, after what an earlier run landed and did not load."""
    zone = LandingZone(home.landing)
    mappings = settings.sources[name].mappings
    numbered = frozenset(mapping.table for mapping in mappings if numbers_records(mapping))
    with _disk_errors_told(home), open_warehouse(home) as connection:
        create_tables(connection)
        hold_to_secret(
            connection,
            customer_key_secret(settings),
            is_public=settings.privacy.customer_key.public is not None,
        )
        _finish_landed(connection, zone)
        zone.discard_unfinished()
        result = SourceResult(name, numbered_tables=numbered)
        yield SourceTurn(home, connection, zone, settings, name, result, progress)


@contextmanager
def _disk_errors_told(home: Home) -> Iterator[None]:
    """What goes wrong with a source itself is told by whoever reads it: all that is left is our own folder."""
    try:
        yield
    except (duckdb.IOException, duckdb.FatalException, duckdb.TransactionException, OSError) as error:
        cause = str(error).partition("\n")[0]
        raise StateFolderError(
            f"the state folder {home.root} cannot be written or read: {cause}. Is the disk full, or the folder "
            f"read-only? Nothing is half done: mend it, and the next run goes on where this one stopped."
        ) from None


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
