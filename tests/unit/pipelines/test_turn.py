"""One run at a time, and a dead one holds nobody up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.home import Home
from pipelines.turn import turn, who_is_at_work
from pipelines.warehouse import WarehouseBusyError

_HOLDER = """
import sys, time
from pathlib import Path
from pipelines.home import Home
from pipelines.turn import turn
with turn(Home(Path(sys.argv[1])), brief=len(sys.argv) > 3):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(home: Home, seconds: float, *brief: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(home.root), str(seconds), *brief],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).create()


def test_a_second_run_is_refused_and_told_who_is_at_work(home: Home) -> None:
    with holder(home, 60) as first:
        with pytest.raises(WarehouseBusyError, match=f"process {first.pid}, since"), turn(home):
            pass
        first.kill()


def test_a_killed_run_leaves_the_turn_free(home: Home) -> None:
    with holder(home, 60) as first:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        with turn(home):
            pass


def test_who_is_at_work_is_told_while_it_is(home: Home) -> None:
    assert who_is_at_work(home) is None
    with holder(home, 60) as first:
        assert who_is_at_work(home).startswith(f"process {first.pid}, since")
        first.kill()
        first.wait()
    assert who_is_at_work(home) is None
    with pytest.raises(RuntimeError), turn(home):
        raise RuntimeError("the night failed")
    assert home.turn.read_bytes() == b""  # nobody has to try the lock, which could keep the next run out


def test_who_waits_is_told_once_and_comes_next(home: Home) -> None:
    told: list[str] = []
    with holder(home, 2.5), turn(home, wait=told.append):
        assert len(told) == 1


def test_a_night_waits_for_files_that_are_being_read(home: Home) -> None:
    """A sensor's run takes seconds: a night that cron starts just then must not fail for it."""
    with holder(home, 2, "brief"), turn(home):
        pass
