"""Readers see one whole version, whenever the publication dies and however often it switches."""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

from pipelines.home import Home
from pipelines.publication import TableDoc, Tuning, current_version, list_versions, publish, read_manifest

DOCS = {
    "marts.fct": TableDoc("Events.", {"id": "Number.", "day": "Day.", "night": "Night."}, date_column="day"),
    "kpi.total": TableDoc("One row.", {"night": "Night.", "rows": "Number of events."}),
}
TUNING = Tuning(rows_to_split=1, bloat_to_rebuild=1000.0)
KILLS = 25

# Publishes one night after another until it is killed; each night has its own number in every table.
NIGHTS = """
import sys
from pathlib import Path
from pipelines.home import Home
from tests.reliability.test_publication_kill import fill, night

home = Home(Path(sys.argv[1]))
number = int(sys.argv[2])
print("ready", flush=True)
while True:
    fill(home, number)
    night(home)
    number += 1
"""


def fill(home: Home, number: int) -> None:
    """A warehouse of which every table says which night it is; half of the months are those of before."""
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create schema if not exists marts; create schema if not exists kpi")
        con.execute(
            f"""
            create or replace table marts.fct as
            select i as id, date '2023-01-01' + (i % 120)::integer as day,
                case when i % 120 < 59 then {number} else 0 end as night
            from range(2400) as numbers(i)
            """
        )
        con.execute(f"create or replace table kpi.total as select {number} as night, 2400 as rows")


def night(home: Home) -> None:
    publish(
        home,
        as_of=dt.date(2023, 4, 30),
        run_id="run",
        docs=DOCS,
        checks=[],
        keep_versions=2,
        tuning=TUNING,
    )


def night_read(con: duckdb.DuckDBPyConnection) -> int:
    """The night that a reader sees; fails when tables of two nights are mixed."""
    [row] = con.execute(
        """
        select max(f.night), min(f.night) filter (where f.day < date '2023-03-01'), count(*),
            (select night from kpi.total), (select count(*) from meta.publication)
        from marts.fct as f
        """
    ).fetchall()
    newest, oldest, rows, total, stamps = row
    assert (newest, rows, stamps) == (total, 2400, 1)
    assert oldest == newest
    return newest


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "state").create()
    fill(home, 1)
    night(home)
    return home


def start(home: Home, number: int) -> subprocess.Popen:
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", NIGHTS, str(home.root), str(number)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"ready\n"
    return process


def test_a_kill_at_any_moment_leaves_one_whole_version(home):
    moments = random.Random(20230430)
    number = 2
    for _ in range(KILLS):
        process = start(home, number)
        time.sleep(moments.uniform(0.0, 0.6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with duckdb.connect(str(home.published_file), read_only=True) as con:
            seen = night_read(con)
            [[stamped]] = con.execute("select version from meta.publication").fetchall()
        version = current_version(home)
        assert stamped == version.name == read_manifest(version.folder).version
        number = seen + 1
    fill(home, number)
    night(home)
    left = {path.name for path in home.publications.iterdir()} - {".lock"}
    assert left == {version.name for version in list_versions(home)}
    assert len(left) == 2
    assert {path.name for path in home.published.iterdir()} == {"kizuna.duckdb"}
    with duckdb.connect(str(home.published_file), read_only=True) as con:
        assert night_read(con) == number


def test_readers_meet_whole_versions_while_nights_are_switched(home):
    done = threading.Event()
    seen: list[int] = []
    problems: list[BaseException] = []

    def query() -> None:
        try:
            while not done.is_set():
                with duckdb.connect(str(home.published_file), read_only=True) as con:
                    first = night_read(con)
                    time.sleep(0.05)
                    assert night_read(con) == first  # the same connection keeps its version
                seen.append(first)
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            problems.append(error)

    reader = threading.Thread(target=query)
    reader.start()
    for number in range(2, 10):
        fill(home, number)
        night(home)
    done.set()
    reader.join()
    assert problems == []
    assert seen == sorted(seen)
    assert len(set(seen)) > 2
