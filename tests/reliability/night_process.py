"""A process that runs ingestions, each in a child of its own that may be killed or kept short of something.

Not a test: what the tests of bad luck share. The process imports once and then forks for every order, which
it gets as a line of JSON on its standard input and answers by another.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.formats import excel, text
from pipelines.home import Home, StateFolderError
from pipelines.ingest import api, files, ingest_source
from pipelines.settings import SettingsError, load_settings
from pipelines.sources.errors import SourceError

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Order:
    """One night.

    Attributes:
        sources: by default all, in the order of the settings.
        kill_after_seconds, kill_at_step: when it is killed; 0: it is left alone. A step is the opening or
            renaming of a file in the landing zone.
        load_bytes, load_pages: how many bytes of files, and pages of a service, make a load.
        maximum_bytes: how large a file's content may be; 0: as large as in real life.
        memory: bytes of address space; 0: as much as there is.
        file_size: how many bytes a file may grow to, as on a full disk; 0: any.
        seconds: after which it counts as hanging.
    """

    config: Path
    home: Path
    sources: tuple[str, ...] = ()
    kill_after_seconds: float = 0
    kill_at_step: int = 0
    load_bytes: int = 1024**3
    load_pages: int = 10
    maximum_bytes: int = 0
    memory: int = 0
    file_size: int = 0
    seconds: float = 60


@dataclass(frozen=True)
class Night:
    """How it ended.

    Attributes:
        exit: 0, or minus the signal that ended it.
        seconds: how long it took.
        peak_mib: of memory.
        errors: by source, the name of the exception and its message.
        traceback: of an error that is none of those that are meant to reach people.
        at: the file that was being read last.
    """

    exit: int
    seconds: float
    peak_mib: int
    errors: dict[str, list[str]]
    traceback: str
    at: str

    @property
    def was_killed(self) -> bool:
        return self.exit == -signal.SIGKILL

    @property
    def hung(self) -> bool:
        return self.exit == -signal.SIGALRM


class NightProcess:
    """Runs nights one after another."""

    def __init__(self, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "POLARS_MAX_THREADS": "2"} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, order: Order) -> Night:
        self._process.stdin.write(json.dumps(asdict(order), default=str) + "\n")
        self._process.stdin.flush()
        return Night(**json.loads(self._process.stdout.readline()))

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def main() -> None:
    for line in sys.stdin:
        given = json.loads(line)
        order = Order(**given | {key: Path(given[key]) for key in ("config", "home")})
        print(json.dumps(_followed(order)), flush=True)


def _followed(order: Order) -> dict[str, Any]:
    reading, writing = os.pipe()
    started = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _night_of_its_own(order, writing)
    os.close(writing)
    if order.kill_after_seconds:
        time.sleep(order.kill_after_seconds)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    with os.fdopen(reading) as pipe:
        said = [json.loads(line) for line in pipe if line.endswith("\n")]
    _, status, usage = os.wait4(child, 0)
    return {
        "exit": os.waitstatus_to_exitcode(status),
        "seconds": time.perf_counter() - started,
        "peak_mib": usage.ru_maxrss // 1024,
        "errors": {item["source"]: item["error"] for item in said if "source" in item},
        "traceback": "".join(item["traceback"] for item in said if "traceback" in item),
        "at": next((item["at"] for item in reversed(said) if "at" in item), ""),
    }


def _night_of_its_own(order: Order, pipe: int) -> None:
    def report(**said: Any) -> None:
        os.write(pipe, json.dumps(said).encode() + b"\n")

    try:
        _night(order, report)
    except BaseException:  # noqa: BLE001 - handed to the test, also a panic of polars
        report(traceback=traceback.format_exc())
    finally:
        os._exit(0)


def _night(order: Order, report: Callable[..., None]) -> None:
    _limit(order)
    settings = load_settings(order.config)
    home = Home(order.home).create()
    for name in order.sources or settings.sources:
        try:
            ingest_source(home, settings, name, lambda _done, _total, what: report(at=what))
        except (SettingsError, SourceError, StateFolderError) as error:
            report(source=name, error=[type(error).__name__, str(error)])


def _limit(order: Order) -> None:
    steps = order.kill_at_step

    def step(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal steps
        if event in {"os.rename", "open"} and (event == "os.rename" or "landing" in str(arguments[0])):
            steps -= 1
            if steps == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    if steps:
        sys.addaudithook(step)
    signal.setitimer(signal.ITIMER_REAL, order.seconds)
    if order.memory:
        resource.setrlimit(resource.RLIMIT_AS, (order.memory, order.memory))
    if order.file_size:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.file_size, order.file_size))
    if order.maximum_bytes:
        text.MAXIMUM_TEXT_BYTES = excel.MAXIMUM_WORKBOOK_BYTES = order.maximum_bytes
    files.LOAD_BYTES = order.load_bytes
    api.LOAD_PAGES = order.load_pages


if __name__ == "__main__":
    main()
