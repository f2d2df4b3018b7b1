"""The nights so far, read from Dagster's own files without Dagster.

Belongs here: what somebody asks who wants to know how things stand. Does not: anything that writes.

Importing Dagster takes seconds. Its run list and event log are SQLite files of a version that is pinned, and a test
compares what is read here with what Dagster itself says of the same runs.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.names import ANY_ASSETS, AS_OF, BY_COMMAND, NIGHTLY, PUBLICATION, RAW_TABLES
from orchestration.wording import failed_check, failed_step
from pipelines.home import Home
from pipelines.turn import who_is_at_work

_FAILED_ROWS = "dagster_dbt/failed_row_count"
# Between the start of a scheduled run and its turn lie imports: seconds, a minute on a loaded machine.
_START = dt.timedelta(minutes=10)


@dataclass(frozen=True)
class Night:
    """One run of the nightly job, or of all assets from the UI.

    Attributes:
        status: Dagster's (``queued``, ``started``, ``success``, ``failure``, ``canceled``, ...), or ``killed``: it
            never said that it ended, and its process is gone.
        seconds: how long it took; None while it runs.
        step: the last one that began; None where none has.
        failures: why it failed, in words.
    """

    run_id: str
    as_of: str
    status: str
    started_at: dt.datetime | None
    seconds: float | None
    step: str | None
    failures: list[str]


def last_nights(home: Home, limit: int = 5) -> list[Night]:
    """The newest first. Empty before the first one."""
    runs = home.dagster / "history" / "runs.db"
    if not runs.exists():
        return []
    with _reading(runs) as connection:
        rows = connection.execute(
            """select run_id, status, start_time, end_time from runs
            where pipeline_name = ? or (pipeline_name = ? and 2 = (
                select count(*) from json_each(run_body, '$.step_keys_to_execute') where value in (?, ?)
            ))
            order by id desc limit ?""",
            [NIGHTLY, ANY_ASSETS, RAW_TABLES, PUBLICATION, limit],
        ).fetchall()
        tags = {
            run_id: dict(
                connection.execute("select key, value from run_tags where run_id = ?", [run_id]).fetchall()
            )
            for run_id, *_ in rows
        }
    is_free = who_is_at_work(home) is None
    return [_night(home, *row, tags[row[0]], is_free=is_free) for row in rows]


def _night(
    home: Home,
    run_id: str,
    status: str,
    start: float | None,
    end: float | None,
    tags: Mapping[str, str],
    *,
    is_free: bool,
) -> Night:
    started_at = dt.datetime.fromtimestamp(start, dt.UTC) if start else None
    if status in ("STARTED", "CANCELING") and is_free and (BY_COMMAND in tags or _is_old(started_at)):
        status = "KILLED"
    log = home.dagster / "history" / "runs" / f"{run_id}.db"
    return Night(
        run_id=run_id,
        as_of=tags.get(AS_OF, ""),
        status=status.lower(),
        started_at=started_at,
        seconds=end - start if start and end else None,
        step=_last_step(log) if log.exists() else None,
        failures=_failures(log) if status in ("FAILURE", "CANCELED") and log.exists() else [],
    )


def _is_old(started_at: dt.datetime | None) -> bool:
    return started_at is not None and dt.datetime.now(dt.UTC) - started_at > _START


def _last_step(log: Path) -> str | None:
    with _reading(log) as connection:
        begun = connection.execute(
            "select step_key from event_logs where dagster_event_type = 'STEP_START' order by id desc limit 1"
        ).fetchone()
    return begun[0] if begun else None


def _failures(log: Path) -> list[str]:
    """What failed, in its order."""
    with _reading(log) as connection:
        events = connection.execute(
            """select event from event_logs where dagster_event_type in ('STEP_FAILURE', 'ASSET_CHECK_EVALUATION')
            order by id"""
        ).fetchall()
    return [line for (event,) in events for line in _words(json.loads(event)["dagster_event"])]


def _words(event: Mapping[str, Any]) -> list[str]:
    told = event["event_specific_data"]
    if event["event_type_value"] == "STEP_FAILURE":
        line = failed_step(event["step_key"], list(_chain(told["error"])))
        return [line] if line else []
    if told["success"] or not told["severity"]["__enum__"].endswith(".ERROR"):
        return []
    rows = told["metadata"].get(_FAILED_ROWS)
    return failed_check(
        ".".join(told["asset_key"]["path"]),
        told["check_name"],
        told["description"],
        rows["value"] if rows else None,
    )


def _chain(error: Mapping[str, Any] | None) -> Iterator[tuple[str | None, str]]:
    while error is not None:
        yield error["cls_name"], error["message"]
        error = error["cause"]


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        yield connection
