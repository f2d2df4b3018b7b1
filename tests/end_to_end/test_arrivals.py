"""``kizuna ui`` with its daemon: a file that is put into the folder is read, without anybody's doing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestration.jobs import ARRIVALS
from orchestration.sensors import ARRIVED_TAG
from pipelines.home import Home

CONFIG = """
company: {name: Test}
privacy: {customer_key: {public: test}}
schedule: {enabled: false}
arrivals: {every_seconds: 2}
sources:
  orders:
    files: exports/orders*.csv
    format: csv
    required: false
    tables: [{table: crm.orders, columns: {order_id: id, ordered_at: at}}]
"""
WITHIN_SECONDS = 240  # twenty on a quiet machine


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "kizuna.yml"
    path.write_text(CONFIG, encoding="utf-8")
    (tmp_path / "exports").mkdir()
    return path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def daemon(config: Path, home: Home) -> Iterator[subprocess.Popen[bytes]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).with_name("kizuna")),
        "ui",
        "--config",
        str(config),
        "--port",
        str(port),
    ]
    process = subprocess.Popen(
        command,
        env=os.environ | {"KIZUNA_HOME": str(home.root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield process
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)


def _wait(until: Callable[[], bool], daemon: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not until():
        assert daemon.poll() is None, "kizuna ui ended by itself"
        assert time.monotonic() < deadline, f"nothing was read within {WITHIN_SECONDS} s"
        time.sleep(0.5)


def _files_read(home: Home) -> list[str]:
    loads = [json.loads(path.read_text()) for path in sorted((home.landing / "loads").glob("*.json"))]
    return [file["file"] for load in loads for file in load["files"]]


def test_a_file_is_read_when_it_arrives(config: Path, home: Home, daemon: subprocess.Popen[bytes]) -> None:
    for number in (1, 2):
        text = f"id,at\n{number},2026-01-01\n"
        (config.parent / "exports" / f"orders-{number}.csv").write_text(text, encoding="utf-8")
    _wait(lambda: len(_files_read(home)) > 0, daemon)
    assert _files_read(home) == ["exports/orders-1.csv", "exports/orders-2.csv"]
    time.sleep(8)  # four more looks

    from orchestration.instance import open_instance

    with open_instance(home, config) as instance:
        (run,) = instance.get_runs()
    assert run.job_name == ARRIVALS
    assert run.tags[ARRIVED_TAG] == "orders: 2"
