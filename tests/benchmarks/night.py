"""How long a night takes, beside what DuckDB alone needs for the same data in the same run.

    python -m tests.benchmarks.night [--order-lines 10000000] [--next 10000] [--folder DIR] [--json FILE]
    python -m tests.benchmarks.night --fixed

How to read the table: a row is a stage of the night, from the end of the stage before it to its own end, so that the
stages add up to the whole process. *first* is the night that meets all files of the company for the first time,
*next* one with ``--next`` new order lines a day later. *memory* is the most that the process and its children held
during the stage. *floor* is what stands in ``bare.py``: bare DuckDB on the same files, the same compiled SQL, a plain
copy of the published tables. *fixed* is a first night of a company of 100 customers: what a night costs before it
has any data to speak of. ``--fixed`` measures nothing else, first and next night, with the processor time of each
stage: that can be compared where other programs run, too.

A number of seconds says something about a machine; the ratios under the table, measured in one run, say something
about Kizuna. Nothing else should run meanwhile. The generated company stays in the folder for the next time.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestration.instance import open_instance
from pipelines.demo import DEFAULT_END, customers_for, generate, generated_with, write_next_night
from pipelines.home import Home
from tests.benchmarks.measure import Measured, run_measured

TINY_CUSTOMERS = 100
SEED = 1
REPOSITORY = Path(__file__).resolve().parents[2]

# The last step of each stage, in the order of the night.
STAGES = {
    "raw_tables": "reading and loading",
    "raw_gate": "gate of what came in",
    "dbt_inputs": "models and tests before the estimates",
    "lifetime_value": "estimates",
    "dbt_models": "models and their tests",
    "published_gate": "gate of what is published",
    "publication": "publication",
}
START = "start and parsing"
END = "summary and end"
FLOORS = {"load": "reading and loading", "models": "models and their tests", "copy": "publication"}


@dataclass(frozen=True)
class Stage:
    """One stage of a night."""

    name: str
    seconds: float
    peak_bytes: int
    processor_seconds: float


@dataclass(frozen=True)
class Night:
    """One night as a process, and its stages."""

    seconds: float
    peak_bytes: int
    processor_seconds: float
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class Report:
    """All that one run measured."""

    order_lines: int
    next_order_lines: int
    first: Night
    next: Night
    fixed: Night
    fixed_next: Night
    floor: dict[str, Stage]  # by the stage of the night that it stands beside

    @property
    def floor_seconds(self) -> float:
        return sum(stage.seconds for stage in self.floor.values())

    @property
    def ratio_to_floor(self) -> float:
        """Of what a night takes beyond its fixed cost."""
        return (self.first.seconds - self.fixed.seconds) / self.floor_seconds

    @property
    def next_to_first(self) -> float:
        return self.next.seconds / self.first.seconds

    @property
    def next_to_first_without_fixed(self) -> float:
        return (self.next.seconds - self.fixed_next.seconds) / (self.first.seconds - self.fixed.seconds)


def measure(folder: Path, order_lines: int, next_order_lines: int) -> Report:
    """Measure both nights of a large and of a tiny company, and the floor of the large one."""
    fixed, fixed_next = measure_fixed(folder)
    work = folder / "run"
    large = work / "large"
    customers = customers_for(order_lines)
    company = _company(folder, large, customers)
    home = Home(large / "home").create()
    first = _night(home, company, DEFAULT_END)
    floor = {stage: _bare(part, home, company, work / "bare") for part, stage in FLOORS.items()}
    following = _next_night(home, company, next_order_lines)
    return Report(order_lines, next_order_lines, first, following, fixed, fixed_next, floor)


def measure_fixed(folder: Path) -> tuple[Night, Night]:
    """A first and a next night of the tiny company."""
    work = folder / "run"
    shutil.rmtree(work, ignore_errors=True)
    nights = _two_nights(folder, work / "tiny", TINY_CUSTOMERS, next_order_lines=100)
    shutil.rmtree(work / "tiny")
    return nights


def _two_nights(folder: Path, work: Path, customers: int, next_order_lines: int) -> tuple[Night, Night]:
    company = _company(folder, work, customers)
    home = Home(work / "home").create()
    return _night(home, company, DEFAULT_END), _next_night(home, company, next_order_lines)


def _company(folder: Path, work: Path, customers: int) -> Path:
    """A company to work on: links to the files of the generated one, to which a next night may be added."""
    generated = folder / f"company-{customers}"
    if generated_with(generated) != (customers, SEED):
        shutil.rmtree(generated, ignore_errors=True)
        _say(f"generating a company of {customers:,} customers in {generated}")
        generate(generated, customers=customers, seed=SEED, progress=_say_customers)
    shutil.copytree(generated, work / "company", copy_function=os.link)
    return work / "company"


def _next_night(home: Home, company: Path, order_lines: int) -> Night:
    _say(f"adding a night of {order_lines:,} order lines")
    write_next_night(company, order_lines=order_lines)
    return _night(home, company, DEFAULT_END + dt.timedelta(days=1))


def _night(home: Home, company: Path, as_of: dt.date) -> Night:
    config = company / "kizuna.yml"
    _say(f"the night of {as_of} in {home.root}")
    # Not python -c: DuckDB takes a process without a script for a person at a prompt and shows progress on stdout.
    kizuna = Path(sys.executable).with_name("kizuna")
    command = [str(kizuna), "run", "--json", "--config", str(config), "--as-of", str(as_of)]
    measured = run_measured(command, {"KIZUNA_HOME": str(home.root), "PYTHONPATH": str(REPOSITORY)})
    run_id = json.loads(measured.output)["run_id"]
    stages = tuple(_stages(measured, _step_ends(home, config, run_id)))
    for stage in stages:
        _say(
            f"  {stage.name}: {stage.seconds:.1f} s, {stage.processor_seconds:.1f} s of processor time,"
            f" {stage.peak_bytes / 1e9:.2f} GB"
        )
    return Night(measured.seconds, measured.peak_bytes(), measured.processor_seconds(), stages)


def _step_ends(home: Home, config: Path, run_id: str) -> dict[str, tuple[float, float]]:
    """Start and end of every step, from Dagster's event log."""
    with open_instance(home, config) as instance:
        found = instance.get_run_step_stats(run_id)
    return {step.step_key: (step.start_time or 0.0, step.end_time or 0.0) for step in found}


def _stages(measured: Measured, steps: dict[str, tuple[float, float]]) -> Iterator[Stage]:
    first_step = min(start for start, _ in steps.values())
    ends = [
        (START, first_step),
        *((name, steps[step][1]) for step, name in STAGES.items()),
        (END, measured.ended),
    ]
    since = measured.started
    for name, end in ends:
        yield Stage(
            name, end - since, measured.peak_bytes(since, end), measured.processor_seconds(since, end)
        )
        since = end


def _bare(part: str, home: Home, company: Path, folder: Path) -> Stage:
    _say(f"the floor: {part}")
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.benchmarks.bare", part, str(home.root)]
    measured = run_measured(
        [*command, str(company / "kizuna.yml"), str(folder)], {"PYTHONPATH": str(REPOSITORY)}
    )
    seconds = json.loads(measured.output)["seconds"]
    _say(f"  {seconds:.1f} s, {measured.peak_bytes() / 1e9:.2f} GB")
    return Stage(FLOORS[part], seconds, measured.peak_bytes(), measured.processor_seconds())


def table(report: Report) -> Iterator[str]:
    """The report as lines of Markdown."""
    yield f"{report.order_lines:,} order lines, then {report.next_order_lines:,} more:"
    yield ""
    yield "| stage | first, s | memory, GB | floor, s | memory, GB | ratio | next, s | fixed, s |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for first, following, fixed in zip(
        report.first.stages, report.next.stages, report.fixed.stages, strict=True
    ):
        floor = report.floor.get(first.name)
        cells = ("", "", "") if floor is None else _floor_cells(first.seconds, floor)
        yield _row(
            first.name,
            f"{first.seconds:.1f}",
            f"{first.peak_bytes / 1e9:.2f}",
            *cells,
            f"{following.seconds:.1f}",
            f"{fixed.seconds:.1f}",
        )
    yield _row(
        "whole process",
        f"{report.first.seconds:.1f}",
        f"{report.first.peak_bytes / 1e9:.2f}",
        f"{report.floor_seconds:.1f}",
        f"{max(stage.peak_bytes for stage in report.floor.values()) / 1e9:.2f}",
        f"{report.first.seconds / report.floor_seconds:.2f}",
        f"{report.next.seconds:.1f}",
        f"{report.fixed.seconds:.1f}",
    )
    yield ""
    yield f"- fixed cost of a night: {report.fixed.seconds:.1f} s"
    yield f"- the rest of the first night to the floor: {report.ratio_to_floor:.2f}"
    yield f"- most memory: {max(report.first.peak_bytes, report.next.peak_bytes) / 1e9:.2f} GB"
    yield (
        f"- next night to first night: {report.next_to_first:.3f};"
        f" without the fixed cost of each: {report.next_to_first_without_fixed:.3f}"
    )


def fixed_table(first: Night, following: Night) -> Iterator[str]:
    """What a night costs before it has data, as lines of Markdown."""
    yield "| stage | first, s | processor, s | next, s | processor, s |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for one, other in zip((*first.stages, first), (*following.stages, following), strict=True):
        cells = (one.seconds, one.processor_seconds, other.seconds, other.processor_seconds)
        name = one.name if isinstance(one, Stage) else "whole process"
        yield _row(name, *(f"{cell:.1f}" for cell in cells))


def _floor_cells(seconds: float, floor: Stage) -> tuple[str, str, str]:
    return f"{floor.seconds:.1f}", f"{floor.peak_bytes / 1e9:.2f}", f"{seconds / floor.seconds:.2f}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _say(text: str) -> None:
    print(f"{dt.datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


def _say_customers(done: int, total: int) -> None:
    _say(f"  {done:,} of {total:,} customers")


def main(arguments: Iterable[str] | None = None) -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--order-lines", type=int, default=10_000_000, help="of the company (default 10,000,000)"
    )
    parser.add_argument(
        "--next", type=int, default=10_000, help="order lines of the next night (default 10,000)"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()) / "kizuna-benchmark",
        help="for the companies and the nights; can be removed (10 million lines: about 12 GB)",
    )
    parser.add_argument("--json", type=Path, help="also write all numbers to this file")
    parser.add_argument("--fixed", action="store_true", help="the tiny company alone")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    if chosen.fixed:
        print("\n".join(fixed_table(*measure_fixed(chosen.folder))))
        return
    report = measure(chosen.folder, chosen.order_lines, chosen.next)
    print("\n".join(table(report)))
    if chosen.json:
        chosen.json.write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
