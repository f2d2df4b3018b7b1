"""Files of a version: copied, linked, removed and synced so that a kill or a power cut leaves no half."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

FILE_MODE = 0o600  # what is published is about people: the owner only
FOLDER_MODE = 0o700
NEXT_LINK = ".next-"  # before a link's name: the link that will replace it
_CHUNK = 1 << 30  # one call copies at most this much


def copy_file(source: Path, target: Path) -> None:
    """Copy inside the kernel: on file systems that share blocks it costs nothing."""
    try:
        with source.open("rb") as reader, target.open("wb") as writer:
            while os.copy_file_range(reader.fileno(), writer.fileno(), _CHUNK):
                pass
    except OSError:  # a file system without it, such as some network mounts
        shutil.copyfile(source, target)


def link_file(source: Path, target: Path) -> None:
    """One file under two names where the file system can do that, else a copy. Both must stay as they are."""
    try:
        os.link(source, target)
    except OSError:  # no hard links here, or too many of them
        copy_file(source, target)


def point_link(link: Path, target: Path) -> None:
    """Make a symbolic link lead to a target in one rename; one that does already is left alone."""
    if link.is_symlink() and link.readlink() == target:
        return
    following = link.with_name(f"{NEXT_LINK}{link.name}")
    following.unlink(missing_ok=True)
    following.symlink_to(target)
    following.replace(link)


def sync_folder(folder: Path) -> None:
    """Force a folder's entries (names, links) to disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Force every file and folder below to disk, contents before the names that lead to them."""
    for where, _, names in os.walk(folder, topdown=False):
        for name in names:
            _sync_file(Path(where, name))
        sync_folder(Path(where))


def protect_tree(folder: Path) -> None:
    """Let the owner alone read what is below."""
    for where, _, names in os.walk(folder):
        Path(where).chmod(FOLDER_MODE)
        for name in names:
            Path(where, name).chmod(FILE_MODE)


def remove_tree(folder: Path) -> None:
    """Remove a folder; that it is gone already is fine."""
    if folder.exists():
        shutil.rmtree(folder)


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
