"""How much memory there is, so that a file that does not fit is refused with a message.

Without it the operating system ends the night by SIGKILL, and nobody learns which file it was.
"""

from __future__ import annotations

import os
from pathlib import Path

from pipelines.formats.records import UnreadableFileError

_SYSTEM = Path("/proc/meminfo")
# Limits of a container, which the system's own number knows nothing of: of today's kind and of the older one.
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_MIB = 1024**2


def require_memory(needed: int) -> None:
    """See that reading a file can take this many bytes.

    Raises:
        UnreadableFileError: it would take more than there is.
    """
    free = available_memory()
    if needed > free:
        raise UnreadableFileError(
            f"reading the file takes about {needed // _MIB:,} MiB of memory, and {free // _MIB:,} MiB are free; "
            f"split it into smaller files"
        )


def available_memory() -> int:
    """Bytes that can be had without swapping; where the system does not say so, all that it has."""
    return min([_of_the_system(), *_of_the_container()])


def _of_the_system() -> int:
    try:
        lines = _SYSTEM.read_text(encoding="ascii").splitlines()
    except OSError:  # not Linux
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(found["MemAvailable"].split()[0]) * 1024


def _of_the_container() -> list[int]:
    """The limit itself: what is in use counts files that the system has merely kept at hand."""
    texts = [path.read_text(encoding="ascii").strip() for path in _LIMITS if path.is_file()]
    return [int(text) for text in texts if text.isdigit()]  # "max": none
