"""Ways out: copies of a version in a folder that the user names, for accounts that the state folder keeps out.

Belongs here: the copy, its rights, and the switch of the folder's ``current`` link. Does not: ``published/``, which
belongs to the version itself and is switched with it.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.publication.files import copy_file, link_file, point_link, remove_tree, sync_folder, sync_tree
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
from pipelines.publication.versions import BUILDING, REMOVING, VERSION_NAME, read_manifest

_READ = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
_READ_AND_ENTER = _READ | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


class FolderError(PublicationError):
    """The folder leads to what it led to before; what is published stays published."""


@dataclass(frozen=True)
class Selection:
    """Which of a version's files go to a folder.

    Args:
        setting: that names the folder, for messages.
        files: given a version's folder, their paths in the copy and in the version; empty: the version has none.
    """

    setting: str
    files: Callable[[Path], Mapping[str, str]]


def _file_and_page(version: Path) -> dict[str, str]:
    return {name: name for name in (DATABASE_NAME, SCORECARD_NAME) if (version / name).is_file()}


def _parquet(version: Path) -> dict[str, str]:
    files = sorted((version / PARQUET_FOLDER).rglob("*.parquet"))
    return {
        path.relative_to(version / PARQUET_FOLDER).as_posix(): path.relative_to(version).as_posix()
        for path in files
    }


FILE_AND_PAGE = Selection("publication.folder", _file_and_page)
PARQUET = Selection("publication.parquet", _parquet)


def copy_to_folder(version: Version, folder: Path, keep: int, selection: Selection) -> int:
    """Let ``current`` in a folder lead to a copy of a version's files, with the manifest beside them.

    A file whose content the version before has too is linked to it, where the file system can do that. Who may
    read the folder may read the copies, whatever the umask says; only their owner may write them.

    Args:
        keep: how many copies stay, this one included; readers who have resolved ``current`` go on reading theirs.

    Returns:
        Files that were copied rather than linked; 0 where the copy was there already.

    Raises:
        FolderError: the folder cannot be written, or the version has no such files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(folder)
        files = selection.files(version.folder)
        if not files:
            raise FolderError(
                f"{selection.setting}: version {version.name} has no such files; the next night writes them"
            )
        files = {**files, MANIFEST_NAME: MANIFEST_NAME}
        copied = 0
        if not _is_whole(folder / version.name, version, files):
            _remove(folder / version.name)
            building = folder / f"{BUILDING}{version.name}"
            copied = _copy(version, building, folder / CURRENT, files)
            _give_rights(building, folder)
            sync_tree(building)
            building.rename(folder / version.name)
        _give_rights(folder / version.name, folder)  # of a copy that was there: the folder's may have changed
        sync_folder(folder)
        point_link(folder / CURRENT, Path(version.name))
        sync_folder(folder)
        _keep_newest(folder, keep, version.name)
    except OSError as error:
        raise FolderError(
            f"{selection.setting}: {error.filename or folder}: {error.strerror}. "
            "When that is mended: kizuna publication export"
        ) from error
    return copied


def _copy(version: Version, target: Path, before: Path, files: Mapping[str, str]) -> int:
    same = _same_files(read_manifest(version.folder), before)
    copied = 0
    for name, file in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        known = same.get(file)
        if known is not None and known.is_file():
            link_file(known, path)
        else:
            copy_file(version.folder / file, path)
            copied += 1
    return copied


def _is_whole(copy: Path, version: Version, files: Mapping[str, str]) -> bool:
    """Whether every file is there with its size: somebody may have tidied up."""
    return all(
        (copy / name).is_file() and (copy / name).stat().st_size == (version.folder / file).stat().st_size
        for name, file in files.items()
    )


def _same_files(manifest: Manifest, before: Path) -> Mapping[str, Path]:
    """By file of this version, the file of the copy before that has the same content."""
    try:
        earlier = read_manifest(before)
    except PublicationError:  # no copy before, or one that somebody has damaged
        return {}
    if earlier.duckdb_version != manifest.duckdb_version:  # hashes compare within one version
        return {}
    known = {
        (name, part, found.content_hash): found.file
        for name, table in earlier.tables.items()
        for part, found in table.slices.items()
        if found.file
    }
    return {
        found.file: before.resolve() / Path(file).relative_to(PARQUET_FOLDER)
        for name, table in manifest.tables.items()
        for part, found in table.slices.items()
        if found.file and (file := known.get((name, part, found.content_hash)))
    }


def _give_rights(copy: Path, folder: Path) -> None:
    """The folder's own rights to read, as it was set up for its readers (a group, an access list); none to write."""
    mode = folder.stat().st_mode
    for path in (copy, *copy.rglob("*")):
        found = path.stat().st_mode
        if stat.S_ISDIR(found):  # a group that folders hand down stays handed down
            wanted = mode & _READ_AND_ENTER | stat.S_IRWXU | found & stat.S_ISGID
        else:
            wanted = mode & _READ | stat.S_IRUSR | stat.S_IWUSR
        if stat.S_IMODE(found) != wanted:
            path.chmod(wanted)


def _keep_newest(folder: Path, keep: int, current: str) -> None:
    """By time of their building, which ends their names; only folders that are named like a version are ours."""
    copies = sorted(
        (path for path in folder.iterdir() if VERSION_NAME.fullmatch(path.name)),
        key=lambda path: path.name.rpartition("-")[2],
        reverse=True,
    )
    for path in copies[keep:]:
        if path.name != current:
            _remove(path)


def _remove(copy: Path) -> None:
    """Renamed first: a kill leaves no copy with half of its files."""
    if copy.exists():
        remove_tree(copy.rename(copy.with_name(f"{REMOVING}{copy.name}")))


def _clear_leftovers(folder: Path) -> None:
    for pattern in (f"{BUILDING}*", f"{REMOVING}*"):
        for leftover in folder.glob(pattern):
            remove_tree(leftover)
