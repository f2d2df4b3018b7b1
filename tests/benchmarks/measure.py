"""Runs a command as a process of its own and samples the memory and the processor time of it and its children.

Belongs here: clocks and memory. Does not: what is run, and what the numbers mean (``night.py``). Needs Linux (/proc).
"""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SAMPLE_SECONDS = 0.1
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")  # of processor time, in a second


@dataclass
class Measured:
    """One process. Times are seconds since the epoch, as Dagster's event log has them."""

    output: str = ""
    started: float = 0.0
    ended: float = 0.0
    samples: list[tuple[float, int]] = field(default_factory=list)  # (time, resident bytes of the tree)
    processor: list[tuple[float, float]] = field(default_factory=list)  # (time, seconds used until then)

    @property
    def seconds(self) -> float:
        return self.ended - self.started

    def peak_bytes(self, start: float | None = None, end: float | None = None) -> int:
        """The most memory held between two times; pages shared by two processes count twice."""
        first, last = start or self.started, end or self.ended
        return max((held for at, held in self.samples if first <= at <= last + SAMPLE_SECONDS), default=0)

    def processor_seconds(self, start: float | None = None, end: float | None = None) -> float:
        """Processor time, user and system, between two times: it says something where other programs run, too."""
        return self._used_until(end or self.ended) - self._used_until(start or self.started)

    def _used_until(self, time_: float) -> float:
        return max((used for at, used in self.processor if at <= time_), default=0.0)


def run_measured(command: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Run a command to its end. What it says on stderr (its progress) goes to this process' stderr.

    Raises:
        subprocess.CalledProcessError: it failed; its output is in the error.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = Measured(started=time.time())
    process = subprocess.Popen(command, env=os.environ | dict(environment), stdout=subprocess.PIPE, text=True)
    over = threading.Event()

    def sample() -> None:
        while not over.wait(SAMPLE_SECONDS):
            found.samples.append((time.time(), _resident_bytes(process.pid)))
            found.processor.append((time.time(), _processor_seconds(process.pid)))

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        found.output, _ = process.communicate()
    finally:  # also where a person ends the measurement
        process.kill()
        over.set()
        sampler.join()
    found.ended = time.time()
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    found.processor.append((found.ended, ended.ru_utime + ended.ru_stime - before.ru_utime - before.ru_stime))
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command), found.output)
    return found


def _resident_bytes(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = _children(pid)
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return 0
    return pages * _PAGE_BYTES + sum(map(_resident_bytes, children))


def _processor_seconds(pid: int) -> float:
    """Of a process, of its children that have ended and of those that run."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = _children(pid)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS + sum(map(_processor_seconds, children))


def _children(pid: int) -> list[int]:
    listed = (path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(child) for children in listed for child in children.split()]
