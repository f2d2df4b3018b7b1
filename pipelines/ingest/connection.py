"""Whether a database or a service can be reached and lets us in, without reading what is in it."""

from __future__ import annotations

import datetime as dt

from pipelines.home import Home
from pipelines.ingest.api import open_service
from pipelines.settings import ApiSource, DatabaseSource, Settings
from pipelines.sources.database import open_database

_RECENT = dt.timedelta(hours=1)  # of a service that tells what changed: hardly a row


def check_connection(home: Home, settings: Settings, name: str) -> str:
    """Ask a source's system once; says in words what answered.

    Raises:
        SettingsError: a secret is missing, or the source is files.
        SourceError: the system cannot be reached, refuses us, or has not the tables that are mapped.
    """
    source = settings.sources[name]
    if isinstance(source, DatabaseSource):
        with open_database(name, settings, home.extensions) as database:
            for table in source.tables:
                database.read(table, None)  # looks at its columns; rows come with its blocks
        return f"{source.database} answers, and has the {len(source.tables):,} relations that are mapped"
    assert isinstance(source, ApiSource)
    with open_service(settings, name, attempts=1) as service:
        next(iter(service.pages("tickets", None, dt.datetime.now(dt.UTC) - _RECENT)), None)
    return f"{source.api} answers and knows us"
