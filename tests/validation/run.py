"""Over how many generated companies the published tables find what is planted in them: ``make validate``.

    python -m tests.validation.run [--seeds 50] [--customers 4000] [--processes 2] [--minutes M]

Every seed is a company of its own: generated, loaded, the needed models built once, held against its truth, removed.
The page it writes is ``docs/validation.md``; nothing in it is judged by hand. A claim that fails is no error here:
it is a result.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import multiprocessing
import shutil
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipelines.transformation import TransformationError

from .company import built_company
from .findings import Finding
from .reference import Reference, References, reference
from .report import Run, page
from .rooms import ROOMS

TWIN = 10  # times the customers, so that its own chance hardly counts beside that of the company
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Results:
    """What has come in so far, by seed."""

    findings: dict[int, list[Finding]] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)


def validate(
    seeds: int, customers: int, processes: int, minutes: float | None, known: Reference, progress: Progress
) -> Results:
    """Try seeds 1 to ``seeds``; after so many minutes none is begun any more."""
    until = None if minutes is None else time.monotonic() + 60 * minutes
    results = Results()
    bar = progress.add_task("companies", total=seeds)
    with TemporaryDirectory(prefix="kizuna-validation-") as folder:
        # A copy, so that all companies are built by the same models whoever edits them meanwhile.
        project = Path(folder) / "dbt_project"
        shutil.copytree(REPOSITORY / "dbt_project", project)
        for seed, future in _in_turn(seeds, customers, processes, until, project, known):
            try:
                results.findings[seed] = future.result()
            except TransformationError as error:
                results.failed[seed] = str(error)
            progress.advance(bar)
    return results


def _in_turn(
    seeds: int, customers: int, processes: int, until: float | None, project: Path, known: Reference
) -> Iterator[tuple[int, Future[list[Finding]]]]:
    """Finished seeds; a new one begins when one is finished."""
    waiting = iter(range(1, seeds + 1))
    running: dict[Future[list[Finding]], int] = {}
    # Spawned: dbt and DuckDB hold threads and locks that a fork would copy half-way.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        while True:
            while len(running) < processes and (until is None or time.monotonic() < until):
                seed = next(waiting, None)
                if seed is None:
                    break
                running[pool.submit(_try_seed, seed, customers, project, known)] = seed
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future


def _try_seed(seed: int, customers: int, project: Path, known: Reference) -> list[Finding]:
    references = References(reference(TWIN * customers, seed), known)
    models = [model for room in ROOMS for model in room.models]
    with built_company(seed, customers, project, models) as company:
        return [finding for room in ROOMS for finding in room.findings(company, references)]


def _notes(known: Reference, chosen: argparse.Namespace) -> list[str]:
    notes = [
        f"the large company: {known.customers:,} customers of a seed of its own; within a year of an order they"
        f" complained about {known.resolved_rate:.0%} buy again where it was resolved and"
        f" {known.unresolved_rate:.0%} where not"
    ]
    if chosen.minutes is not None:
        notes.append(f"no company was begun after {chosen.minutes:g} minutes")
    return notes


def _run(chosen: argparse.Namespace) -> Run:
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    ) as progress:
        measuring = progress.add_task("large company", total=1)
        known = reference(chosen.large)
        progress.advance(measuring)
        results = validate(chosen.seeds, chosen.customers, chosen.processes, chosen.minutes, known, progress)
    return Run(
        command=_command(chosen),
        date=f"{dt.date.today()}",
        customers=chosen.customers,
        asked_seeds=chosen.seeds,
        findings=results.findings,
        failed=results.failed,
        notes=_notes(known, chosen),
    )


def _command(chosen: argparse.Namespace) -> str:
    """The command that gives these numbers again; where they are written does not belong to it."""
    options = ("seeds", "customers", "processes", "large", "minutes")
    given = (f"--{name} {getattr(chosen, name)}" for name in options if getattr(chosen, name) is not None)
    return " ".join(("python -m tests.validation.run", *given))


def _stored(file: Path) -> Run:
    run = json.loads(file.read_text(encoding="utf-8"))
    run["findings"] = {
        int(seed): [Finding(**one) for one in found] for seed, found in run["findings"].items()
    }
    run["failed"] = {int(seed): error for seed, error in run["failed"].items()}
    return Run(**run)


def main(arguments: Iterable[str] | None = None) -> None:
    """Try the seeds and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=50, help="companies to try (default 50)")
    parser.add_argument("--customers", type=int, default=4_000, help="of each company (default 4,000)")
    parser.add_argument("--processes", type=int, default=2, help="companies at a time (default 2)")
    parser.add_argument(
        "--minutes", type=float, help="begin no company after so many minutes (default: all are tried)"
    )
    parser.add_argument(
        "--large", type=int, default=200_000, help="customers of the company to compare with (200,000)"
    )
    parser.add_argument(
        "--page", type=Path, default=REPOSITORY / "docs" / "validation.md", help="where to write"
    )
    parser.add_argument("--json", type=Path, help="also write all findings to this file")
    parser.add_argument("--stored", type=Path, help="write the page again from such a file; nothing is run")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    run = _stored(chosen.stored) if chosen.stored else _run(chosen)
    if chosen.json:
        chosen.json.write_text(json.dumps(asdict(run), indent=1, default=float) + "\n", encoding="utf-8")
    chosen.page.write_text("\n".join(page(run, ROOMS)) + "\n", encoding="utf-8")
    print(f"written: {chosen.page}")


if __name__ == "__main__":
    main()
