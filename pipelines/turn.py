"""One night at a time: who may write to a state folder.

The writers' pool of Dagster orders the steps of runs, not the runs: two nights would take turns step by step, and
one would publish what the other has built for another date. And a slot that a killed process held stays taken. So
a run holds a lock of the operating system, which ends with the process whatever ends it.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipelines.home import Home
from pipelines.warehouse import WarehouseBusyError

_POLL_SECONDS = 1.0  # how late a waiting run may notice that it is its turn
_OWNER_READS = 0o600
_BRIEF = "reading new files, "


@contextmanager
def turn(home: Home, *, wait: Callable[[str], None] | None = None, brief: bool = False) -> Iterator[None]:
    """Hold the state folder for one run.

    Args:
        wait: told once who is at work; the run then waits for its turn. None: it waits for a brief run alone.
        brief: whether this run is over soon, so that the night of somebody's cron need not fail for it.

    Raises:
        WarehouseBusyError: another run is at work, and nobody wants to wait.
    """
    handle = os.open(home.turn, os.O_RDWR | os.O_CREAT, _OWNER_READS)
    try:
        while not _taken(handle):
            other = os.read(handle, 200).decode(errors="replace") or "just started"
            os.lseek(handle, 0, os.SEEK_SET)
            if wait is None and not other.startswith(_BRIEF):
                raise WarehouseBusyError(
                    f"another run is at work in {home.root} ({other}). Wait until it ends, or end it. "
                    f"BI tools and people read {home.published_file} meanwhile."
                )
            if wait is not None:
                wait(f"Another run is at work ({other}); this one waits for it.")
                wait = _say_nothing
            time.sleep(_POLL_SECONDS)
        os.ftruncate(handle, 0)
        since = f"process {os.getpid()}, since {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
        os.write(handle, f"{_BRIEF if brief else ''}{since}".encode())
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def who_is_at_work(home: Home) -> str | None:
    """The process that holds the state folder, in words; None: nobody does."""
    try:
        handle = os.open(home.turn, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        said = os.read(handle, 200).decode(errors="replace")
        # A run that ended in its own time has left nothing; only after a killed one the lock is tried, for an instant.
        return said if said and not _taken(handle) else None
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _say_nothing(_message: str) -> None:
    """Who waits has been told once."""
