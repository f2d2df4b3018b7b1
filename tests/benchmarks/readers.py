"""Readers that query the published file without pause while versions are published.

    python -m tests.benchmarks.readers [--readers 32] [--publications 20] [--rows 200000] [--json FILE]

How to read it: every reader is a process of its own. It opens the published file, asks in one connection for what
each table says of the version it belongs to, and closes it, again and again; meanwhile this process publishes. A
*look* is one such round; *open* is how long the opening took of it. A *mixed* look would be one in which two tables
belonged to different versions, an *error* one that failed: there must be none of either. On a machine with fewer
cores than readers a look waits mostly for its turn on a core, so the seconds compare only within one machine.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.home import Home
from pipelines.publication import TableDoc, publish

DOCS = {
    "marts.fct": TableDoc("Events.", {"id": "Number.", "day": "Day.", "night": "Night."}, date_column="day"),
    "marts.dim": TableDoc("Groups.", {"grp": "Group.", "night": "Night."}),
    "kpi.total": TableDoc("One row.", {"night": "Night.", "rows": "Events."}),
}
# What is tried is the file, not the scheduler: where readers outnumber the cores, the publication goes first.
_NICE = 10
# Every table says which night it is of; the version's number is in meta.publication as the run's id.
_LOOK = """
select (select run_id::integer from meta.publication), (select max(night) from marts.fct),
    (select max(night) from marts.dim), (select min(night) from marts.dim), (select night from kpi.total),
    (select count(*) from marts.fct) - (select rows from kpi.total)
"""


@dataclass(frozen=True)
class Seen:
    """What one reader saw. ``looks`` and ``opens`` are seconds."""

    looks: list[float]
    opens: list[float]
    nights: list[int]
    mixed: int
    errors: list[str]


@dataclass(frozen=True)
class Result:
    """What all readers saw together. Seconds, except the counts."""

    readers: int
    publications: int
    rows: int
    seconds: float
    looks: int
    versions_seen: int
    mixed: int
    went_back: int
    errors: int
    first_error: str
    look_median: float
    look_p95: float
    look_max: float
    open_median: float
    open_p95: float
    open_max: float
    publication_median: float


def measure(home: Home, *, readers: int, publications: int, rows: int) -> Result:
    """Publish once, start the readers, publish the others, and hear what the readers saw."""
    _fill(home, 1, rows)
    _publish(home, 1)
    context = multiprocessing.get_context("spawn")  # a reader is a program of its own, not a copy of this one
    end, ready, seen = context.Event(), context.Semaphore(0), context.Queue()
    processes = [
        context.Process(target=_read, args=(str(home.published_file), ready, end, seen))
        for _ in range(readers)
    ]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    started, published = time.perf_counter(), []
    for number in range(2, publications + 2):
        _fill(home, number, rows)
        at = time.perf_counter()
        _publish(home, number)
        published.append(time.perf_counter() - at)
    time.sleep(1)  # the last version, too, is to be seen
    end.set()
    found: list[Seen] = [seen.get() for _ in processes]
    seconds = time.perf_counter() - started
    for process in processes:
        process.join()
    return _together(found, readers, publications, rows, seconds, published)


def _fill(home: Home, number: int, rows: int) -> None:
    """A tenth of the rows, the newest month, belongs to the night; the others never change."""
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("set enable_progress_bar = false")
        con.execute("create schema if not exists marts; create schema if not exists kpi")
        con.execute(
            f"""
            create or replace table marts.fct as
            select i as id, date '2023-01-01' + (i % 300)::integer as day,
                case when i % 300 >= 273 then {number} else 0 end as night
            from range({rows}) as numbers(i)
            """
        )
        con.execute(
            f"create or replace table marts.dim as select i as grp, {number} as night from range(1000) t(i)"
        )
        con.execute(f"create or replace table kpi.total as select {number} as night, {rows} as rows")


def _publish(home: Home, number: int) -> None:
    publish(
        home, as_of=dt.date(2023, 10, 31), run_id=str(number), docs=DOCS, checks=[], keep_versions=3
    )  # fmt: skip


def _read(file: str, ready: Any, end: Any, seen: Any) -> None:
    os.nice(_NICE)
    looks, opens, nights, errors, mixed = [], [], [], [], 0
    is_first = True
    while not end.is_set():
        started = time.perf_counter()
        try:
            with duckdb.connect(file, read_only=True, config={"threads": 1}) as con:
                opened = time.perf_counter()
                con.execute("set enable_progress_bar = false")
                [(*found, missing)] = con.execute(_LOOK).fetchall()
        except duckdb.Error as error:
            errors.append(f"{type(error).__name__}: {error}")
            continue
        looks.append(time.perf_counter() - started)
        opens.append(opened - started)
        nights.append(found[0])
        mixed += len(set(found)) > 1 or missing != 0
        if is_first:
            ready.release()
            is_first = False
    seen.put(Seen(looks, opens, nights, mixed, errors))


def _together(
    found: Sequence[Seen], readers: int, publications: int, rows: int, seconds: float, published: list[float]
) -> Result:
    looks = sorted(second for one in found for second in one.looks)
    opens = sorted(second for one in found for second in one.opens)
    errors = [error for one in found for error in one.errors]
    return Result(
        readers=readers,
        publications=publications,
        rows=rows,
        seconds=seconds,
        looks=len(looks),
        versions_seen=len({night for one in found for night in one.nights}),
        mixed=sum(one.mixed for one in found),
        went_back=sum(b < a for one in found for a, b in zip(one.nights, one.nights[1:], strict=False)),
        errors=len(errors),
        first_error=errors[0] if errors else "",
        look_median=statistics.median(looks),
        look_p95=looks[int(0.95 * (len(looks) - 1))],
        look_max=looks[-1],
        open_median=statistics.median(opens),
        open_p95=opens[int(0.95 * (len(opens) - 1))],
        open_max=opens[-1],
        publication_median=statistics.median(published),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--readers", type=int, default=32)
    parser.add_argument("--publications", type=int, default=20)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(
            Home(Path(folder)).create(),
            readers=asked.readers,
            publications=asked.publications,
            rows=asked.rows,
        )
    print(
        f"{result.readers} readers, {result.publications} publications of {result.rows:,} rows in "
        f"{result.seconds:.0f} s on {os.cpu_count()} cores\n"
        f"  {result.looks:,} looks, {result.versions_seen} versions seen; "
        f"{result.errors} errors, {result.mixed} mixed, {result.went_back} went back\n"
        f"  look  median {result.look_median * 1000:6.0f} ms   p95 {result.look_p95 * 1000:6.0f} ms   "
        f"max {result.look_max * 1000:6.0f} ms\n"
        f"  open  median {result.open_median * 1000:6.0f} ms   p95 {result.open_p95 * 1000:6.0f} ms   "
        f"max {result.open_max * 1000:6.0f} ms\n"
        f"  publication median {result.publication_median:.1f} s"
    )
    if asked.json:
        asked.json.write_text(json.dumps(asdict(result), indent=1), encoding="utf-8")
    if result.errors or result.mixed or result.went_back:
        sys.exit(f"readers met what they must not: {result.first_error or 'mixed versions'}")


if __name__ == "__main__":
    main()
