"""Generates the company block by block: a block of customers lives, its rows are written, and it is forgotten.

Which customers exist and what they live through is in ``lives.py``, what each system writes down in ``crm.py``,
``survey.py`` and ``support.py``; here is only the order of work.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pipelines.demo import crm, lives, support, survey
from pipelines.demo.blemishes import BLEMISHES
from pipelines.demo.calendar import Calendar
from pipelines.demo.export import TRUTH, Batch, ExportWriter
from pipelines.demo.plan import Plan

DEFAULT_CUSTOMERS = 5000
DEFAULT_END = dt.date(2026, 9, 30)
DEFAULT_MONTHS = 24
FEWEST_MONTHS = 6  # in fewer nothing that is planted has time to show
MOST_CUSTOMERS = 10_000_000
BLOCK_CUSTOMERS = 200_000  # about 1.6 GB while such a block is written
LINES_PER_CUSTOMER = 11.34  # order lines in 24 months; measured at 890,000 customers

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DemoSummary:
    """What was written. ``rows`` counts the records of each export, the broken ones included."""

    folder: Path
    config: Path  # its kizuna.yml
    customers: int
    start: dt.date
    end: dt.date  # the last day with data: a good as-of date
    rows: dict[str, int]
    blemishes: dict[str, int]  # broken and repeated records, by export

    @property
    def order_lines(self) -> int:
        return self.rows["order_lines"]


def customers_for(order_lines: int) -> int:
    """How many customers a company of 24 months needs for about so many order lines."""
    return max(1, round(order_lines / LINES_PER_CUSTOMER))


def generate(
    folder: Path,
    *,
    customers: int = DEFAULT_CUSTOMERS,
    seed: int = 1,
    end: dt.date = DEFAULT_END,
    months: int = DEFAULT_MONTHS,
    progress: Progress | None = None,
    block_customers: int = BLOCK_CUSTOMERS,
) -> DemoSummary:
    """Write a company's exports, ``kizuna.yml`` and ``truth/`` into an empty folder.

    The same arguments give the same bytes. ``block_customers`` changes how rows are spread over part files,
    never a row.

    Args:
        folder: made if missing.
        customers: 1 to 10 million; for so many order lines: ``customers_for(10_000_000)``.
        end: last day of the company's data.
        months: calendar months up to ``end``, at least 6.
        progress: called with (customers done, customers) after each block.

    Raises:
        ValueError: the folder holds files already, or a number is out of range.
    """
    _check(folder, customers, months)
    folder.mkdir(parents=True, exist_ok=True)
    plan = Plan(seed, Calendar(end, months))
    writer = ExportWriter(folder, plan)
    writer.write_tables_of_the_company()
    blocks = range(0, customers, block_customers)
    for number, first in enumerate(blocks, 1):
        index = np.arange(first, min(first + block_customers, customers))
        batch = Batch(
            until=float(plan.calendar.days),
            part=f"-part-{number:03d}" if len(blocks) > 1 else "",
            blemishes=BLEMISHES if number == 1 else (),
        )
        _write_block(writer, batch, index)
        if progress is not None:
            progress(int(index[-1]) + 1, customers)
    writer.write_tables_of_all_blocks()
    config = folder / "kizuna.yml"
    shutil.copyfile(Path(__file__).with_name("kizuna.yml"), config)
    _write_planted(writer, customers)
    return DemoSummary(
        folder=folder,
        config=config,
        customers=customers,
        start=plan.calendar.start,
        end=end,
        rows=dict(sorted(writer.rows.items())),
        blemishes={export: n for export, n in sorted(writer.blemished.items()) if n},
    )


def _check(folder: Path, customers: int, months: int) -> None:
    if not 1 <= customers <= MOST_CUSTOMERS:
        raise ValueError(f"customers must be 1 to {MOST_CUSTOMERS:,}, not {customers:,}")
    if months < FEWEST_MONTHS:
        raise ValueError(f"months must be at least {FEWEST_MONTHS}, not {months}")
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty: name a new folder, or empty it")


def _write_block(writer: ExportWriter, batch: Batch, index: lives.Ints) -> None:
    plan = writer.plan
    customers = lives.draw_customers(plan, index)
    state = lives.first_state(plan, customers)
    orders = lives.live(plan, customers, state)
    handling = crm.handle(orders)
    tickets = support.open_tickets(orders, handling)
    after_orders = survey.ask_after_orders(plan, orders, handling, tickets)
    asked = survey.joined([after_orders, *survey.ask_panel(plan, customers, state)])
    writer.write_customers(batch, customers, state)
    writer.write_orders(batch, customers, orders, handling)
    writer.write_support(batch, customers, orders, tickets)
    writer.write_surveys(batch, customers, orders, tickets, asked=asked)


def generated_with(folder: Path) -> tuple[int, int] | None:
    """The customers and the seed of the company in a folder; None: there is none, or not a whole one."""
    planted = folder / TRUTH / "planted.json"  # written last
    if not planted.is_file():
        return None
    values = json.loads(planted.read_text(encoding="utf-8"))
    return values["customers"], values["seed"]


def _write_planted(writer: ExportWriter, customers: int) -> None:
    planted = writer.plan.described() | {
        "customers": customers,
        "rows": dict(sorted(writer.rows.items())),
        "realised": dict(sorted(writer.realised.items())),
        "blemishes": [asdict(blemish) for blemish in BLEMISHES],
    }
    text = json.dumps(planted, indent=2, ensure_ascii=False) + "\n"
    (writer.folder / TRUTH / "planted.json").write_text(text, encoding="utf-8")
