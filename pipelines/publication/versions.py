"""The versions on disk, the link that readers open, and who may change either.

A version is a folder below ``publications/`` that is named like one and whose manifest fits its files. One that
was completed but never switched to (a kill in between) is a version like any other. Folders with a dot are being
built or removed; what a killed run left of them goes with the next.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from pipelines.home import Home
from pipelines.publication.files import FILE_MODE, NEXT_LINK, point_link, remove_tree, sync_folder
from pipelines.publication.model import (
    CURRENT,
    DATABASE_NAME,
    MANIFEST_NAME,
    PARQUET_FOLDER,
    SCORECARD_NAME,
    Manifest,
    PublicationError,
    Version,
)

BUILDING = ".building-"
REMOVING = ".removing-"
_LOCK = ".lock"
VERSION_NAME = re.compile(r"\d{4}-\d{2}-\d{2}-\d{8}T\d{9}Z")  # what version_name gives

log = logging.getLogger(__name__)


def list_versions(home: Home) -> list[Version]:
    """All versions, the newest built first."""
    if not home.publications.is_dir():
        return []
    current = _linked_name(home)
    versions = [_version(folder, is_current=folder.name == current) for folder in _folders(home)]
    return sorted(
        (version for version in versions if version), key=lambda found: found.built_at, reverse=True
    )


def current_version(home: Home) -> Version | None:
    """What readers open now; None before the first publication.

    Raises:
        PublicationError: the link leads to a version that is missing or damaged.
    """
    name = _linked_name(home)
    if name is None:
        return None
    version = _version(home.publications / name, is_current=True)
    if version is None:
        raise PublicationError(
            f"{home.published_file.name} leads to version {name}, which is not whole; "
            f"{_known(list_versions(home))}: roll back to one, or publish again"
        )
    return version


def rollback(home: Home, version: str) -> Version:
    """Let readers open an earlier (or later) version, in one step; nothing is deleted.

    Args:
        version: its name, as ``list_versions`` gives it.

    Raises:
        PublicationError: there is no such version, or another publication is under way.
    """
    if not home.publications.is_dir():
        raise PublicationError(f"there is no version {version}: nothing has been published yet")
    with only_writer(home):
        versions = list_versions(home)
        chosen = next((known for known in versions if known.name == version), None)
        if chosen is None:
            raise PublicationError(f"there is no version {version!r}; {_known(versions)}")
        switch(home, chosen.name)
    return replace(chosen, is_current=True)


def read_manifest(folder: Path) -> Manifest:
    """The manifest in a version's folder.

    Raises:
        PublicationError: it is missing or no manifest.
    """
    try:
        return Manifest.model_validate_json((folder / MANIFEST_NAME).read_bytes())
    except OSError as error:
        raise PublicationError(f"version {folder.name} has no readable {MANIFEST_NAME}") from error
    except ValidationError as error:
        raise PublicationError(f"{MANIFEST_NAME} of version {folder.name} is damaged") from error


def damage(folder: Path, manifest: Manifest) -> str | None:
    """What is missing or has another size than the manifest says; None for a sound version."""
    sizes = {DATABASE_NAME: manifest.database_bytes}
    slices = (part for table in manifest.tables.values() for part in table.slices.values())
    sizes |= {part.file: part.bytes for part in slices if part.file is not None}
    for name, size in sizes.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != size:
            return f"{name} has another size than when it was published"
    if (folder / f"{DATABASE_NAME}.wal").exists():
        return f"somebody opened {DATABASE_NAME} for writing"
    return None


@contextmanager
def only_writer(home: Home) -> Iterator[None]:
    """Hold the publications alone. The operating system lets go of the lock when the process dies.

    Raises:
        PublicationError: another process holds them.
    """
    handle = os.open(home.publications / _LOCK, os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise PublicationError(
            "another publication is under way: wait until it ends and try again"
        ) from error


def switch(home: Home, name: str) -> None:
    """Point what is published at a version: one rename, so a reader meets the old link or the new one.

    The file, the Parquet folder and the scorecard are links that lead through ``current`` and stay as they are:
    whatever a reader opens, it was switched in the same step.
    """
    # DuckDB would replay a log that somebody's writing connection left beside the link into the new version.
    (home.published / f"{DATABASE_NAME}.wal").unlink(missing_ok=True)
    target = Path(os.path.relpath(home.publications, home.published)) / name
    point_link(home.published / CURRENT, target)
    point_link(home.published_file, Path(CURRENT, DATABASE_NAME))
    for link, file in ((home.published_parquet, PARQUET_FOLDER), (home.published_scorecard, SCORECARD_NAME)):
        if (home.publications / name / file).exists():
            point_link(link, Path(CURRENT, file))
        else:  # this version has none
            link.unlink(missing_ok=True)
    sync_folder(home.published)


def clear_leftovers(home: Home) -> None:
    """Remove what killed runs left. Only for the holder of ``only_writer``."""
    for pattern in (f"{BUILDING}*", f"{REMOVING}*"):
        for folder in home.publications.glob(pattern):
            remove_tree(folder)
    for link in home.published.glob(f"{NEXT_LINK}*"):
        link.unlink(missing_ok=True)


def keep_newest(home: Home, keep: int) -> tuple[str, ...]:
    """Delete all but the newest versions, and damaged ones; the current one always stays.

    Readers who have a deleted file open keep it until they close it.

    Returns:
        The names of the deleted.
    """
    kept = {version.name for version in list_versions(home)[:keep]} | {_linked_name(home)}
    surplus = sorted(folder.name for folder in _folders(home) if folder.name not in kept)
    for name in surplus:
        # Renamed first: a kill leaves no version with half of its files.
        doomed = home.publications / f"{REMOVING}{name}"
        (home.publications / name).rename(doomed)
        remove_tree(doomed)
    return tuple(surplus)


def version_name(as_of: dt.date, built_at: dt.datetime) -> str:
    """``<as_of_date>-<time of the run>``: sorts by business date, then by time."""
    return f"{as_of:%Y-%m-%d}-{built_at:%Y%m%dT%H%M%S}{built_at.microsecond // 1000:03d}Z"


def _folders(home: Home) -> list[Path]:
    return [folder for folder in home.publications.iterdir() if VERSION_NAME.fullmatch(folder.name)]


def _linked_name(home: Home) -> str | None:
    if not home.published_file.is_symlink():
        return None
    # Through ``current``, or straight, as versions of Kizuna before that link did it.
    return Path(os.path.realpath(home.published_file)).parent.name


def _version(folder: Path, *, is_current: bool) -> Version | None:
    """The version in a folder; None, and a warning, when it is not whole."""
    try:
        manifest = read_manifest(folder)
        problem = damage(folder, manifest)
    except PublicationError as error:
        problem = str(error)
    if problem:
        log.warning("publications/%s is no usable version: %s", folder.name, problem)
        return None
    return Version(
        name=folder.name,
        as_of=manifest.as_of_date,
        built_at=manifest.built_at,
        run_id=manifest.run_id,
        tables=len(manifest.tables),
        rows=manifest.rows,
        content_hash=manifest.content_hash,
        is_current=is_current,
        folder=folder,
    )


def _known(versions: list[Version]) -> str:
    return (
        f"the known ones: {', '.join(version.name for version in versions)}" if versions else "there are none"
    )
