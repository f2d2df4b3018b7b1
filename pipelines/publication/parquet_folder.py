"""A way out: the Parquet files of a version in a folder that the user names, such as one that others may read.

Belongs here: the copy, and the switch of its ``current`` link. Does not: ``published/parquet``, which belongs to
the version itself and is switched with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipelines.publication.files import copy_file, link_file, point_link, remove_tree, sync_folder, sync_tree
from pipelines.publication.model import (
    CURRENT,
    MANIFEST_NAME,
    PARQUET_FOLDER,
    Manifest,
    PublicationError,
    Version,
)
from pipelines.publication.versions import BUILDING, VERSION_NAME, read_manifest


class ParquetFolderError(PublicationError):
    """The folder leads to what it led to before; what is published stays published."""


def copy_to_folder(version: Version, folder: Path, keep: int) -> int:
    """Let ``current`` in a folder lead to a copy of a version's Parquet files.

    A file whose content the version before has too is linked to it, where the file system can do that. Rights
    follow the folder and the umask, not Kizuna's own state folder: a folder is named so that others may read it.

    Args:
        keep: how many copies stay, this one included; readers who have resolved ``current`` go on reading theirs.

    Returns:
        Files that were copied rather than linked.

    Raises:
        ParquetFolderError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob(f"{BUILDING}*"):
            remove_tree(leftover)
        copied = 0
        if not (folder / version.name).is_dir():
            building = folder / f"{BUILDING}{version.name}"
            copied = _copy(version, building, folder / CURRENT)
            sync_tree(building)
            building.rename(folder / version.name)
            sync_folder(folder)
        point_link(folder / CURRENT, Path(version.name))
        sync_folder(folder)
        _keep_newest(folder, keep, version.name)
    except OSError as error:
        raise ParquetFolderError(
            f"publication.parquet: {error.filename or folder}: {error.strerror}. "
            "When that is mended: kizuna publication export"
        ) from error
    return copied


def _copy(version: Version, target: Path, before: Path) -> int:
    manifest = read_manifest(version.folder)
    same = _same_files(manifest, before)
    copied = 0
    for source in sorted((version.folder / PARQUET_FOLDER).rglob("*.parquet")):
        file = source.relative_to(version.folder)
        path = target / file.relative_to(PARQUET_FOLDER)
        path.parent.mkdir(parents=True, exist_ok=True)
        known = same.get(file.as_posix())
        if known is not None and known.is_file():
            link_file(known, path)
        else:
            copy_file(source, path)
            copied += 1
    copy_file(version.folder / MANIFEST_NAME, target / MANIFEST_NAME)
    return copied


def _same_files(manifest: Manifest, before: Path) -> Mapping[str, Path]:
    """By file of this version, the file of the copy before that has the same content."""
    if not (before / MANIFEST_NAME).is_file():
        return {}
    earlier = read_manifest(before)
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


def _keep_newest(folder: Path, keep: int, current: str) -> None:
    """By time of their building, which ends their names; only folders that are named like a version are ours."""
    copies = sorted(
        (path for path in folder.iterdir() if VERSION_NAME.fullmatch(path.name)),
        key=lambda path: path.name.rpartition("-")[2],
        reverse=True,
    )
    for path in copies[keep:]:
        if path.name != current:
            remove_tree(path)
