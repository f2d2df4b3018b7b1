"""Which files have arrived since the last look, so that they can be read without waiting for the night.

Belongs here: telling new files from known ones, and whole ones from those still being written, by looking at
names, sizes and times alone. Does not: whether their content is new. Ingestion decides that again under its own
lock, so asking for one run too many costs a look at the folder, never a row.

What was seen is kept as text between two looks. It holds a short fingerprint for each file that lies there now,
so it is no longer than the folder, and no name that might be somebody's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.home import Home
from pipelines.landing import LandingZone
from pipelines.settings import FileSource, Settings
from pipelines.sources.files import SourceFile, matching_files

# Of 2**48 fingerprints, two in a folder of ten thousand files are equal with a chance below one in a million.
_FINGERPRINT_BYTES = 6


@dataclass(frozen=True)
class Look:
    """What one look at the folders found.

    Attributes:
        arrived: by source, how many files are new and whole; sources without any are not in it.
        growing: how many have just come or are still being written: the next look tells.
        lying: how many there are in all.
        key: names this request; the same for the same memory and the same files, whoever asks.
        memory: to be handed to the next look.
    """

    arrived: Mapping[str, int]
    growing: int
    lying: int
    key: str
    memory: str


@dataclass(frozen=True)
class _Seen:
    """What was seen of one source: fingerprints of the files asked for, and of those that may still grow."""

    asked: frozenset[str] = frozenset()
    growing: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Memory:
    requests: int = 0  # how many were made: a file that comes back as it once was is asked for again
    sources: Mapping[str, _Seen] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> _Memory:
        content = json.loads(text)
        sources = {
            name: _Seen(frozenset(seen["asked"]), frozenset(seen["growing"]))
            for name, seen in content["sources"].items()
        }
        return cls(content["requests"], sources)

    def write(self) -> str:
        sources = {
            name: {"asked": sorted(seen.asked), "growing": sorted(seen.growing)}
            for name, seen in self.sources.items()
        }
        return json.dumps({"requests": self.requests, "sources": sources}, separators=(",", ":"))


def look(settings: Settings, home: Home, memory: str | None) -> Look:
    """Look at the folders of all sources that are files.

    A file has arrived when it is not known and has the size and time of the look before. Each is asked for once:
    one that ingestion rejects waits for the night, or for somebody to change it.

    Args:
        memory: of the look before; None: there was none. What the landing zone says was loaded is then known.
    """
    sources = {name: source for name, source in settings.sources.items() if isinstance(source, FileSource)}
    before = _Memory.read(memory) if memory else _Memory()
    unknown = [name for name in sources if name not in before.sources]
    loaded = _loaded(home, unknown) if unknown else {}
    seen: dict[str, _Seen] = {}
    arrived: dict[str, frozenset[str]] = {}
    lying = 0
    for name, source in sources.items():
        there = frozenset(_fingerprint(file) for file in matching_files(source, settings))
        past = before.sources.get(name) or _Seen(asked=loaded.get(name, frozenset()))
        new = there - past.asked
        whole = new & past.growing
        seen[name] = _Seen(there & past.asked | whole, new - whole)
        lying += len(there)
        if whole:
            arrived[name] = whole
    after = _Memory(before.requests + bool(arrived), seen)
    asked = [part for name, files in arrived.items() for part in (name, *sorted(files))]
    return Look(
        arrived={name: len(files) for name, files in arrived.items()},
        growing=sum(len(found.growing) for found in seen.values()),
        lying=lying,
        key=f"{after.requests}-{_digest(asked)}",
        memory=after.write(),
    )


def _loaded(home: Home, sources: Iterable[str]) -> dict[str, frozenset[str]]:
    """The files that were loaded, by source. The warehouse knows it too, but a run may have it open."""
    wanted = frozenset(sources)
    zone = LandingZone(home.landing)
    found: dict[str, set[str]] = {name: set() for name in wanted}
    for load_id in zone.manifests():
        load = zone.read_manifest(load_id)
        if load.source in wanted:
            found[load.source].update(
                _digest((file.file, str(file.bytes), str(file.modified_ns)))
                for file in load.files
                if file.status != "rejected"
            )
    return {name: frozenset(files) for name, files in found.items()}


def _fingerprint(file: SourceFile) -> str:
    return _digest((file.name, str(file.bytes), str(file.modified_ns)))


def _digest(parts: Iterable[str]) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=_FINGERPRINT_BYTES).hexdigest()
