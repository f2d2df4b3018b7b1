"""Generates the company block by block and writes its exports, its settings and its truth.

Which customers exist and what they live through is in ``lives.py``; what each system writes down in ``crm.py``,
``survey.py`` and ``support.py``. Here is only the order of work: a block of customers lives, its rows are cut by
month and written, and the block is forgotten.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.demo import crm, lives, support, survey
from pipelines.demo.blemishes import BLEMISHES, Blemish
from pipelines.demo.calendar import Calendar
from pipelines.demo.columns import labels
from pipelines.demo.files import Dialect, by_number, write_csv, write_jsonl
from pipelines.demo.lives import Customers, Orders, State
from pipelines.demo.plan import CAMPAIGNS, Plan

DEFAULT_CUSTOMERS = 5000
DEFAULT_END = dt.date(2026, 9, 30)
DEFAULT_MONTHS = 24
BLOCK_CUSTOMERS = 200_000  # about 1 GB while such a block is written
MOST_CUSTOMERS = 10_000_000
LINES_PER_CUSTOMER = 11.3  # order lines in 24 months; measured at 200,000 customers
TRUTH = "truth"

RETURNS_DIALECT = Dialect(delimiter=";", datetime_format="%d.%m.%Y %H:%M")
CONTACTS_DIALECT = Dialect(datetime_format="%Y-%m-%dT%H:%M:%S%:z")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DemoSummary:
    """What was written. ``rows`` counts the records of each export, the broken ones included."""

    folder: Path
    config: Path
    customers: int
    start: dt.date
    end: dt.date
    rows: dict[str, int]
    blemishes: dict[str, int] = field(default_factory=dict)  # broken rows and exact duplicates, by export

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
        customers: 1 to 10 million; 10 million order lines need ``customers_for(10_000_000)``.
        end: last day of the company's data.
        months: calendar months up to ``end``, at least 6.
        progress: called with (customers done, customers) after each block.

    Raises:
        ValueError: the folder holds files already, or a number is out of range.
    """
    if not 1 <= customers <= MOST_CUSTOMERS:
        raise ValueError(f"customers must be 1 to {MOST_CUSTOMERS:,}, not {customers:,}")
    if months < 6:  # noqa: PLR2004
        raise ValueError(f"months must be at least 6, so that something can change; not {months}")
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty: name a new folder, or empty it")
    folder.mkdir(parents=True, exist_ok=True)
    plan = Plan(seed, Calendar(end, months))
    writer = _Writer(folder, plan)
    writer.write_tables_of_the_company()
    starts = range(0, customers, block_customers)
    for number, first in enumerate(starts, 1):
        index = np.arange(first, min(first + block_customers, customers))
        people = lives.draw_customers(plan, index)
        state = lives.first_state(plan, people)
        orders = lives.live(plan, people, state)
        part = f"-part-{number:03d}" if len(starts) > 1 else ""
        writer.write_block(people, state, orders, part=part, is_first=first == 0)
        if progress is not None:
            progress(int(index[-1]) + 1, customers)
    writer.write_tables_that_need_counts()
    config = folder / "kizuna.yml"
    shutil.copyfile(Path(__file__).with_name("kizuna.yml"), config)
    _write_planted(folder, plan, customers, writer)
    return DemoSummary(
        folder=folder,
        config=config,
        customers=customers,
        start=plan.calendar.start,
        end=end,
        rows=dict(sorted(writer.rows.items())),
        blemishes=dict(sorted(writer.blemished.items())),
    )


def _write_planted(folder: Path, plan: Plan, customers: int, writer: _Writer) -> None:
    planted = plan.described() | {
        "customers": customers,
        "rows": dict(sorted(writer.rows.items())),
        "blemishes": [asdict(blemish) for blemish in BLEMISHES],
        "realised": dict(sorted(writer.realised.items())),
    }
    (folder / TRUTH / "planted.json").write_text(json.dumps(planted, indent=2) + "\n", encoding="utf-8")


class _Writer:
    """Writes one company's files and counts what it wrote."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan
        self.rows: Counter[str] = Counter()
        self.blemished: Counter[str] = Counter()
        self.realised: Counter[str] = Counter()
        self.contacts = np.zeros(len(CAMPAIGNS), dtype=np.int64)
        self.pilot = np.zeros(0, dtype=np.int64)

    def write_tables_of_the_company(self) -> None:
        """What does not depend on the customers."""
        crm_folder, plan = self.folder / "crm", self.plan
        before = crm.products_frame(plan, after_rise=False)
        after = crm.products_frame(plan, after_rise=True)
        self._csv("products", crm_folder / "products" / f"{plan.calendar.start}.csv", before)
        rise = plan.calendar.date_of(plan.price_rise_at)
        self._csv("products", crm_folder / "products" / f"{rise}.csv", after)
        self._csv("departments", self.folder / "org" / "departments.csv", crm.departments_frame())
        self._csv("kpi_targets", self.folder / "org" / "kpi_targets.csv", crm.targets_frame(plan))
        colleagues = survey.colleagues_frame(plan)
        header = Dialect(header=survey.three_header_rows(colleagues.columns))
        self._csv("colleagues", self.folder / "survey" / "colleagues.csv", colleagues, header)
        _truth_of_departments(plan).write_parquet(_made(self.folder / TRUTH) / "departments.parquet")

    def write_tables_that_need_counts(self) -> None:
        self._csv(
            "campaigns", self.folder / "crm" / "campaigns.csv", crm.campaigns_frame(self.plan, self.contacts)
        )
        initiatives = crm.initiatives_frame(self.plan, self.pilot)
        self._csv("initiatives", self.folder / "org" / "initiatives.csv", initiatives)

    def write_block(
        self, people: Customers, state: State, orders: Orders, *, part: str, is_first: bool
    ) -> None:
        """All rows of a block of customers, cut by month."""
        plan, until = self.plan, float(self.plan.calendar.days)
        blemishes = BLEMISHES if is_first else ()
        if is_first:
            self.pilot = people.pilot
        everyone = crm.customers_frame(plan, people, until)
        self._csv(
            "customers",
            self.folder / "crm" / "customers" / f"customers{part}.csv",
            everyone,
            blemishes=blemishes,
        )
        for number in range(len(CAMPAIGNS)):
            self._contacts(people, number, part)
        self.write_orders(people, orders, part, until, blemishes)
        handling = crm.handle(orders)
        tickets = support.open_tickets(orders, handling)
        asked = [
            survey.ask_after_orders(plan, people, orders, handling, tickets),
            *survey.ask_panel(plan, people, state),
        ]
        self.write_support(people, orders, tickets, part, until, blemishes)
        self.write_surveys(people, orders, tickets, asked, part, until, blemishes)
        self._write_truth(people, state, orders, tickets, part)

    def write_orders(
        self, people: Customers, orders: Orders, part: str, until: float, blemishes: tuple[Blemish, ...] = ()
    ) -> None:
        plan = self.plan
        handling = crm.handle(orders)
        lines = crm.fill_baskets(plan, people, orders)
        versions, months = crm.order_versions(plan, people, orders, handling, until)
        self._monthly("orders", "crm", versions, months, part, blemishes=blemishes)
        order_months = plan.calendar.month_of(orders.ordered_at)
        line_frame = crm.lines_frame(people, orders, lines)
        self._monthly("order_lines", "crm", line_frame, order_months[lines.order], part, blemishes=blemishes)
        returns, months = crm.returns_frame(plan, people, orders, handling, lines, until)
        self._monthly("returns", "crm", returns, months, part, RETURNS_DIALECT, blemishes=blemishes)
        truth = crm.orders_truth(plan, people, orders, lines)
        truth.write_parquet(_made(self.folder / TRUTH / "orders") / f"orders{part}.parquet")
        self.realised["orders"] += len(orders)
        self.realised["order_lines"] += len(line_frame)
        self.realised["problems"] += int((orders.is_silent | orders.complains).sum())
        self.realised["complaints"] += int(orders.complains.sum())

    def write_support(
        self, people: Customers, orders: Orders, tickets: support.Tickets, part: str, until: float,
        blemishes: tuple[Blemish, ...] = (),
    ) -> None:  # fmt: skip
        frame, months = support.tickets_frame(self.plan, people, orders, tickets, until)
        for month, rows in by_number(frame, months):
            name = self.plan.calendar.month_name(month)
            tail = _tail("tickets", blemishes, month, self)
            write_jsonl(self.folder / "support" / "tickets" / f"{name}{part}.jsonl.gz", rows, tail)
            self.rows["tickets"] += len(rows) + tail.count("\n")

    def write_surveys(
        self, people: Customers, orders: Orders, tickets: support.Tickets, asked: list[survey.Asked], part: str,
        until: float, blemishes: tuple[Blemish, ...] = (),
    ) -> None:  # fmt: skip
        plan = self.plan
        ids = support.ticket_ids_by_order(orders, tickets)
        everybody = survey.joined(asked)
        sent = everybody.taken(np.flatnonzero(everybody.sent_at < until))
        sent = sent.taken(np.lexsort((sent.keys, sent.sent_at)))
        invitations = survey.invitations_frame(plan, people, sent)
        months = plan.calendar.month_of(sent.sent_at)
        self._monthly("invitations", "survey", invitations, months, part, blemishes=blemishes)
        answered = sent.taken(np.flatnonzero(sent.answered_at < until))
        answered = answered.taken(np.lexsort((answered.keys, answered.answered_at)))
        responses = survey.responses_frame(plan, people, orders, answered, ids)
        header = Dialect(header=survey.three_header_rows(responses.columns))
        months = plan.calendar.month_of(answered.answered_at)
        self._monthly("responses", "survey", responses, months, part, header, blemishes)
        truth = survey.answers_truth(plan, people, answered)
        truth.write_parquet(_made(self.folder / TRUTH / "answers") / f"answers{part}.parquet")

    def _write_truth(
        self, people: Customers, state: State, orders: Orders, tickets: support.Tickets, part: str
    ) -> None:
        truth = self.folder / TRUTH
        customers = truth_of_customers(self.plan, people, state)
        customers.write_parquet(_made(truth / "customers") / f"customers{part}.parquet")
        frame = support.tickets_truth(self.plan, people, orders, tickets)
        frame.write_parquet(_made(truth / "tickets") / f"tickets{part}.parquet")

    def _contacts(self, people: Customers, number: int, part: str) -> None:
        frame = crm.contacts_frame(self.plan, people, number)
        self.contacts[number] += len(frame)
        path = self.folder / "crm" / "campaign_contacts" / f"{CAMPAIGNS[number].campaign_id}{part}.csv.gz"
        self._csv("campaign_contacts", path, frame, CONTACTS_DIALECT)

    def _monthly(
        self, export: str, system: str, frame: pl.DataFrame, months: NDArray[np.int64], part: str,
        dialect: Dialect = Dialect(), blemishes: tuple[Blemish, ...] = (),  # noqa: B008
    ) -> None:  # fmt: skip
        for month, rows in by_number(frame, months):
            path = self.folder / system / export / f"{self.plan.calendar.month_name(month)}{part}.csv"
            self._csv(export, path, rows, dialect, blemishes, month)

    def _csv(
        self, export: str, path: Path, frame: pl.DataFrame, dialect: Dialect = Dialect(),  # noqa: B008
        blemishes: tuple[Blemish, ...] = (), month: int = 0,
    ) -> None:  # fmt: skip
        tail = _tail(export, blemishes, month, self)
        write_csv(path, frame, dialect, tail)
        self.rows[export] += len(frame) + tail.count("\n")


def _tail(export: str, blemishes: tuple[Blemish, ...], month: int, writer: _Writer) -> str:
    """The broken records that stand at the end of an export's file of this month."""
    chosen = [blemish for blemish in blemishes if (blemish.export, blemish.month) == (export, month)]
    writer.blemished[export] += len(chosen)
    return "".join(blemish.text + "\n" for blemish in chosen)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def truth_of_customers(plan: Plan, people: Customers, state: State) -> pl.DataFrame:
    """Per customer what no system writes down, and how things stand at the end."""
    return pl.DataFrame(
        {
            "customer_index": people.index,
            "customer_id": crm.customer_id(people.index),
            "affinity": people.affinity,
            "purchases_per_day": np.exp(people.log_rate),
            "home_department": labels(crm.SALES_CODES, people.home),
            "locale": labels(crm.LOCALES, people.locale),
            "has_second_account": np.isfinite(people.second_account_from),
            "is_alive": np.isfinite(state.next_at),
            "pilot": people.pilot.astype(np.int8),
            "attitude": state.attitude,
            "habit": state.habit,
            "last_at": state.last_at,
            "next_at": state.next_at,
            "attempts": state.attempts.astype(np.int32),
            "orders": state.orders.astype(np.int32),
        }
    )


def _truth_of_departments(plan: Plan) -> pl.DataFrame:
    """Quality and morale by department and month, in standard deviations."""
    months = [plan.calendar.date_of(day) for day in plan.calendar.month_starts[:-1]]
    return pl.concat(
        [
            pl.DataFrame(
                {
                    "department": [code] * len(months),
                    "month": months,
                    "morale": plan.morale[number],
                    "process_quality": plan.process_quality[number] if number < len(crm.SALES) else None,
                },
                schema_overrides={"process_quality": pl.Float64},
            )
            for number, code in enumerate(crm.ALL_CODES)
        ]
    )
