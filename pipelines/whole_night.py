"""Whether what stands in the warehouse is one night's: built as a whole, and checked as a whole.

Belongs here: what is noted of that while a night runs, and the refusal to publish anything else. Does not: who runs
what (``orchestration``), and what is checked (``data_quality``).

People can run a part of a night: one model, the publication alone, the rest of a run that failed. Then tables of
different dates may stand side by side. A night is named by its first run; a run that goes on from where it failed
belongs to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.home import Home
from pipelines.publication import PublicationError

_RUN_THE_NIGHT = "Nothing was published. Run the job nightly, which builds, checks and publishes: kizuna run"


def begin_tables(home: Home, night: str) -> None:
    """A night begins to build all tables anew."""
    _write(home, {"night": night})


def add_tables(home: Home, night: str, *, whole: bool) -> None:
    """A step is about to build tables; what was checked before does not count any more.

    Args:
        whole: the step builds all of its tables, not those alone that somebody has selected.
    """
    goes_on = whole and _read(home).get("night") == night
    _write(home, {"night": night if goes_on else None})


def remember_checks(home: Home, night: str, records: Sequence[Mapping[str, Any]]) -> None:
    """All tables were checked; what was found is kept until they are published."""
    if _read(home).get("night") == night:
        _write(home, {"night": night, "checks": list(records)})


def checks_of(home: Home, night: str) -> list[dict[str, Any]]:
    """What the gate found in the tables of this night.

    Raises:
        PublicationError: the tables are not those of one night, or not all of them were checked.
    """
    noted = _read(home)
    if noted.get("night") != night:
        raise PublicationError(
            f"the tables in the warehouse are not those of one whole night: this run did not build them all, or "
            f"another run has built some of them since. {_RUN_THE_NIGHT}"
        )
    if "checks" not in noted:
        raise PublicationError(f"not all tables were checked after they had been built. {_RUN_THE_NIGHT}")
    return list(noted["checks"])


def _read(home: Home) -> dict[str, Any]:
    path = _file(home)
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _write(home: Home, noted: Mapping[str, Any]) -> None:
    path = _file(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    following = path.with_suffix(".next")
    following.write_text(json.dumps(noted, default=str), encoding="utf-8")
    following.replace(path)


def _file(home: Home) -> Path:
    return home.quality / "night.json"
