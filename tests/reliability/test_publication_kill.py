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
RANDOM_KILLS = 8
STEPS_AT_LEAST = 6  # two links, the version's rename, the link and its rename, retention

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

# Publishes one night and dies just before the n-th time that it touches the file system in one of these ways.
DIES_AT_STEP = """
import os, signal, sys
from pathlib import Path
from pipelines.home import Home
from tests.reliability.test_publication_kill import fill, night

home, number, steps = Home(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
fill(home, number)

def step(event, arguments):
    global steps
    if event in {"os.link", "os.rename", "os.symlink", "shutil.rmtree"}:
        steps -= 1
        if steps < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(step)
night(home)
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


def child(script: str, *arguments: object) -> subprocess.Popen:
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
    )


def assert_one_whole_version(home: Home) -> int:
    """What readers open is one night and agrees with the current version; returns the night."""
    with duckdb.connect(str(home.published_file), read_only=True) as con:
        seen = night_read(con)
        [[stamped]] = con.execute("select version from meta.publication").fetchall()
    version = current_version(home)
    assert stamped == version.name == read_manifest(version.folder).version
    return seen


def assert_next_night_cleans_up(home: Home, number: int) -> None:
    fill(home, number)
    night(home)
    assert assert_one_whole_version(home) == number
    left = {path.name for path in home.publications.iterdir()} - {".lock"}
    assert left == {version.name for version in list_versions(home)}
    assert len(left) <= 2
    assert {path.name for path in home.published.iterdir()} == {"current", "kizuna.duckdb", "parquet"}


def test_a_kill_at_any_moment_leaves_one_whole_version(home):
    moments = random.Random(20230430)
    seen = 1
    for _ in range(RANDOM_KILLS):
        process = child(NIGHTS, home.root, seen + 1)
        assert process.stdout.readline() == b"ready\n"
        time.sleep(moments.uniform(0.0, 0.6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        seen = assert_one_whole_version(home)
    assert_next_night_cleans_up(home, seen + 1)


def test_a_kill_before_any_step_leaves_one_whole_version(home):
    """The steps around the switch take microseconds: random moments would hardly ever meet them."""
    fill(home, 2)
    night(home)
    seen, step, killed = 2, 0, True
    while killed:
        process = child(DIES_AT_STEP, home.root, seen + 1, step)
        process.communicate()
        killed = process.returncode == -signal.SIGKILL
        assert killed or process.returncode == 0
        found = assert_one_whole_version(home)
        assert found in (seen, seen + 1)
        seen, step = found, step + 1
    assert step > STEPS_AT_LEAST
    assert_next_night_cleans_up(home, seen + 1)


def test_a_client_that_dies_while_writing_to_the_published_file_spoils_no_later_version(home):
    """DuckDB would replay the log that it leaves into whatever the name leads to next."""
    script = """
import duckdb, os, sys
con = duckdb.connect(sys.argv[1])
con.execute("update kpi.total set rows = -1")
os._exit(1)
"""
    child(script, home.published_file).communicate()
    assert list(home.root.rglob("*.wal"))
    (home.published / "kizuna.duckdb.wal").touch()  # where a client that does not resolve the link leaves it
    assert_next_night_cleans_up(home, 2)
    assert not list(home.root.rglob("*.wal"))


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
