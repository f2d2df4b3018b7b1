"""The ways out beside the published file, as the settings ask for them.

Belongs here: which there are, and in what order. Does not: how each works (``folders``, ``postgres``).
Each takes the current version as it is published; whatever happens here, that stays.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.home import Home
from pipelines.publication.folders import FILE_AND_PAGE, PARQUET, copy_to_folder
from pipelines.publication.model import PublicationError, Version
from pipelines.publication.postgres import export_to_postgres
from pipelines.settings import PostgresExport, Settings, setting_secret


@dataclass(frozen=True)
class WayOut:
    """One that the settings ask for. ``run`` takes the version and says in words what was done."""

    name: str
    run: Callable[[Version], str]


def ways_out(home: Home, settings: Settings, environment: Mapping[str, str] = os.environ) -> list[WayOut]:
    """The ways out of these settings; empty: the published file and its Parquet folder are all there is."""
    keep = settings.publication.keep_versions
    found = []
    folder = settings.publication.folder
    if folder is not None:
        found.append(WayOut("folder", lambda version: _to_folder(version, home.root / folder, keep)))
    lake = settings.publication.parquet
    if isinstance(lake, str):
        found.append(WayOut("parquet", lambda version: _to_lake(version, home.root / lake, keep)))
    postgres = settings.publication.postgres
    if postgres is not None:
        found.append(
            WayOut("postgres", lambda version: _to_postgres(home, settings, postgres, version, environment))
        )
    return found


def take_ways_out(ways: list[WayOut], version: Version) -> dict[str, str]:
    """Take each, also where another has failed.

    Returns:
        What was done, in words, by name.

    Raises:
        PublicationError: some failed; one message for all.
        SettingsError: a secret is not set.
    """
    done, failures = {}, []
    for way in ways:
        try:
            done[way.name] = way.run(version)
        except PublicationError as error:
            failures.append(str(error))
    if failures:
        raise PublicationError(f"{version.name} is published, but {'; and '.join(failures)}")
    return done


def _to_folder(version: Version, folder: Path, keep: int) -> str:
    copied = copy_to_folder(version, folder, keep, FILE_AND_PAGE)
    return "copied, with its scorecard and manifest" if copied else "its copy was there already"


def _to_lake(version: Version, folder: Path, keep: int) -> str:
    copied = copy_to_folder(version, folder, keep, PARQUET)
    return f"{copied:,} files copied, the others are those of the version before"


def _to_postgres(
    home: Home, settings: Settings, export: PostgresExport, version: Version, environment: Mapping[str, str]
) -> str:
    address = setting_secret(settings, "publication.postgres.connection", export.connection, environment)
    exported = export_to_postgres(
        version,
        address,
        export.schema_name,
        variable=export.connection.env,
        extensions=home.extensions,
    )
    text = (
        f"{sum(exported.rows_written.values()):,} rows of {len(exported.rows_written)} tables written to schema "
        f"{export.schema_name}, {exported.unchanged} tables unchanged"
    )
    return "; ".join([text, *exported.warnings])
