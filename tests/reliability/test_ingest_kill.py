"""Killed at any moment and run again, an ingestion leaves what one undisturbed run leaves."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import contracts
from pipelines.home import Home
from pipelines.warehouse import open_warehouse

RANDOM_KILLS = 20
STEPS_AT_LEAST = 15  # parts and manifests of a few loads

CONFIG = """
company: {name: x}
privacy: {customer_key: {public: x}}
sources:
  orders:
    files: orders/*.csv
    format: csv
    tables:
      - table: crm.orders
        columns: {order_id: id, customer_id: who, ordered_at: at, updated_at: changed}
  lines:
    files: lines/*.csv
    format: csv
    tables:
      - table: crm.order_lines
        columns: {order_id: id, line_number: {number_within: [id]}, product_id: sku, quantity: q, unit_price: p}
  tickets:
    files: tickets/*.jsonl
    format: jsonl
    tables:
      - table: support.tickets
        columns: {ticket_id: id, opened_at: at}
      - table: support.ticket_assignments
        explode: desks
        columns: {ticket_id: id, sequence_number: desks._position, assigned_at: desks.at}
"""

# Imports once, then forks a process for each order it gets: "<home> <sources> <seconds to live> <steps to live>".
NIGHTS = """
import os, signal, sys, time, traceback
from pathlib import Path
from pipelines.ingest import files, ingest_source
from pipelines.home import Home
from pipelines.settings import load_settings

files.LOAD_BYTES = 15_000  # two loads for each source
settings = load_settings(Path(sys.argv[1]), {})

def night(root, names, steps):
    def step(event, arguments):
        nonlocal steps
        if event in {"os.rename", "open"} and (event == "os.rename" or "landing" in str(arguments[0])):
            steps -= 1
            if steps == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    if steps:
        sys.addaudithook(step)
    for name in names.split(","):
        ingest_source(Home(Path(root)).create(), settings, name)

for order in sys.stdin:
    root, names, seconds, steps = order.rsplit(maxsplit=3)
    started = time.perf_counter()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            night(root, names, int(steps))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    if float(seconds):
        time.sleep(float(seconds))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), time.perf_counter() - started, flush=True)
"""


class Nights:
    """A process that runs nights and kills them."""

    def __init__(self, config: Path) -> None:
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(
            [sys.executable, "-c", NIGHTS, str(config)],
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, home: Home, sources: str, *, seconds: float = 0, steps: int = 0) -> tuple[bool, float]:
        """Whether the night was killed (or came to its end), and how long it took; 0: it is left alone."""
        self._process.stdin.write(f"{home.root} {sources} {seconds} {steps}\n")
        self._process.stdin.flush()
        code, took = self._process.stdout.readline().split()
        assert int(code) in (0, -signal.SIGKILL)
        return int(code) != 0, float(took)

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="module")
def nights(tmp_path_factory) -> Iterator[Nights]:
    folder = tmp_path_factory.mktemp("exports")
    for name in ("orders", "lines", "tickets"):
        (folder / name).mkdir()
    for n in range(3):
        orders = [f"{n * 100 + i % 250},k{i},2024-01-01,2024-01-{1 + (n * i) % 28:02d}" for i in range(300)]
        lines = [f"{n * 100 + i // 3},p{i % 7},{i % 5},1.25" for i in range(300)]
        tickets = [
            f'{{"id":{n}{i},"at":"2024-01-01","desks":[{{"at":"2024-01-0{1 + i % 9}"}}]}}' for i in range(99)
        ]
        texts = {
            f"orders/{n}.csv": ["id,who,at,changed", *orders, "broken"],
            f"lines/{n}.csv": ["id,sku,q,p", *lines, f"{n},p,many,1"],
            f"tickets/{n}.jsonl": [*tickets, "no json", '{"id":9,"at":"2024-01-01","desks":7}'],
        }
        for name, text in texts.items():
            (folder / name).write_text("\n".join(text))
    (folder / "orders" / "empty.csv").write_text("")
    (folder / "kizuna.yml").write_text(CONFIG)
    nights = Nights(folder / "kizuna.yml")
    yield nights
    nights.end()


def state(home: Home) -> dict[str, list[tuple]]:
    """Everything that ingestion wrote, but for the times of day."""
    columns = {contract.raw_name: "*" for contract in contracts.ALL} | {
        "quarantine.rows": "*",
        "ingest.loads": "* exclude (loaded_at)",
        "ingest.files": "* exclude (load_id)",  # a rejected file is noted with whichever load it was met in
    }
    with open_warehouse(home, read_only=True) as connection:
        return {
            table: connection.execute(f"select {listed} from {table} order by all").fetchall()
            for table, listed in columns.items()
        }


def undisturbed(nights: Nights, folder: Path, sources: str) -> tuple[dict[str, list[tuple]], float]:
    """What one night leaves that nobody kills, and how long it takes."""
    nights.run(Home(folder / "first"), sources)  # the first is slower
    home = Home(folder / "undisturbed")
    killed, seconds = nights.run(home, sources)
    assert not killed
    found = state(home)
    assert len(found["ingest.loads"]) > len(sources.split(","))
    assert found["quarantine.rows"]
    return found, seconds


def test_a_kill_at_a_random_moment(nights, tmp_path):
    sources = "orders,lines"
    expected, seconds = undisturbed(nights, tmp_path, sources)
    moments = random.Random(20240229)
    kills = 0
    for attempt in range(RANDOM_KILLS):
        home = Home(tmp_path / str(attempt))
        kills += nights.run(home, sources, seconds=moments.uniform(0.005, seconds))[0]
        assert not nights.run(home, sources)[0]
        assert state(home) == expected
    assert kills >= RANDOM_KILLS // 2


def test_a_kill_before_any_step_on_the_landing_zone(nights, tmp_path):
    """The moments around a manifest take microseconds: random kills would hardly ever meet them."""
    expected, _ = undisturbed(nights, tmp_path, "tickets")
    step, killed = 0, True
    while killed:
        step += 1
        home = Home(tmp_path / str(step))
        killed, _ = nights.run(home, "tickets", steps=step)
        if killed:
            assert not nights.run(home, "tickets")[0]
        assert state(home) == expected
    assert step > STEPS_AT_LEAST
