"""Cuts what a block of customers lived through into the files of every system, and counts what it wrote.

Which columns a file has is in ``crm.py``, ``survey.py`` and ``support.py``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.demo import crm, support, survey, truth
from pipelines.demo.blemishes import REPEATED, Blemish
from pipelines.demo.files import PLAIN, Dialect, by_number, write_csv, write_jsonl
from pipelines.demo.lives import Customers, Orders, State
from pipelines.demo.plan import CAMPAIGNS, Plan
from pipelines.demo.support import Tickets
from pipelines.demo.survey import Asked

RETURNS_DIALECT = Dialect(delimiter=";", datetime_format="%d.%m.%Y %H:%M")
CONTACTS_DIALECT = Dialect(datetime_format="%Y-%m-%dT%H:%M:%S%:z")
TRUTH = "truth"


@dataclass(frozen=True)
class Batch:
    """What is written together: a block of customers, or a night.

    Nothing that happens at or after the day ``until`` is in it. ``night`` names the files instead of their months.
    """

    until: float
    part: str = ""
    night: str | None = None
    blemishes: tuple[Blemish, ...] = ()


class ExportWriter:
    """Writes a company's files below ``folder``. ``rows`` counts the records of each export."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan
        self.rows: Counter[str] = Counter()
        self.blemished: Counter[str] = Counter()
        self.realised: Counter[str] = Counter()
        self._contacts = np.zeros(len(CAMPAIGNS), dtype=np.int64)
        self._pilot = np.zeros(0, dtype=np.int64)

    def write_tables_of_the_company(self) -> None:
        """What does not depend on the customers."""
        plan = self.plan
        rise = plan.calendar.date_of(plan.price_rise_at)
        before = crm.products_frame(plan, after_rise=False)
        after = crm.products_frame(plan, after_rise=True)
        self._table("products", f"crm/products/{plan.calendar.start}.csv", before)
        self._table("products", f"crm/products/{rise}.csv", after)
        self._table("departments", "org/departments.csv", crm.departments_frame())
        self._table("kpi_targets", "org/kpi_targets.csv", crm.targets_frame(plan))
        colleagues = survey.colleagues_frame(plan)
        self._table("colleagues", "survey/colleagues.csv", colleagues, survey.dialect(colleagues))
        self._truth("departments.parquet", truth.departments_frame(plan))

    def write_tables_of_all_blocks(self) -> None:
        """What can be written only when every customer is known."""
        self._table("campaigns", "crm/campaigns.csv", crm.campaigns_frame(self.plan, self._contacts))
        self._table("initiatives", "org/initiatives.csv", crm.initiatives_frame(self.plan, self._pilot))

    def write_customers(self, batch: Batch, customers: Customers, state: State) -> None:
        """Who the customers are, and which campaigns wrote to them."""
        plan = self.plan
        accounts = crm.customers_frame(plan, customers, batch.until)
        accounts, tail = self._blemish(batch, "customers", 0, accounts)
        self._table("customers", f"crm/customers/customers{batch.part}.csv", accounts, tail=tail)
        for number, campaign in enumerate(CAMPAIGNS):
            contacts = crm.contacts_frame(plan, customers, number)
            name = f"crm/campaign_contacts/{campaign.campaign_id}{batch.part}.csv.gz"
            self._table("campaign_contacts", name, contacts, CONTACTS_DIALECT)
            self._contacts[number] += len(contacts)
        if not self._pilot.size:  # the pilot takes place among the first customers
            self._pilot = customers.pilot
        self._truth(f"customers/customers{batch.part}.parquet", truth.customers_frame(customers, state))

    def write_orders(
        self, batch: Batch, customers: Customers, orders: Orders, handling: crm.Handling
    ) -> None:
        """Orders with their versions, their lines and what came back."""
        plan = self.plan
        lines = crm.fill_baskets(plan, customers, orders)
        made = crm.Sales(customers, orders, handling, lines)
        versions, months = crm.order_versions(plan, made, batch.until)
        self._periods(batch, "crm/orders", versions, months)
        order_months = plan.calendar.month_of(orders.ordered_at)
        self._periods(batch, "crm/order_lines", crm.lines_frame(made), order_months[lines.order])
        returns, months = crm.returns_frame(plan, made, batch.until)
        self._periods(batch, "crm/returns", returns, months, RETURNS_DIALECT)
        name = batch.night or f"orders{batch.part}"
        self._truth(f"orders/{name}.parquet", truth.orders_frame(plan, made))
        self.realised["orders"] += len(orders)
        self.realised["order_lines"] += len(lines.order)
        self.realised["problems"] += int((orders.is_silent | orders.complains).sum())
        self.realised["complaints"] += int(orders.complains.sum())

    def write_support(self, batch: Batch, customers: Customers, orders: Orders, tickets: Tickets) -> None:
        """Tickets as JSON Lines."""
        frame, months = support.tickets_frame(self.plan, customers, orders, tickets, batch.until)
        for month, rows in by_number(frame, months):
            blemished, tail = self._blemish(batch, "tickets", month, rows)
            name = f"support/tickets/{self._period(batch, month)}.jsonl.gz"
            write_jsonl(self.folder / name, blemished, tail)
            self.rows["tickets"] += len(blemished) + tail.count("\n")
        name = batch.night or f"tickets{batch.part}"
        self._truth(f"tickets/{name}.parquet", truth.tickets_frame(self.plan, customers, orders, tickets))

    def write_surveys(
        self, batch: Batch, customers: Customers, orders: Orders, tickets: Tickets, *, asked: Asked
    ) -> None:
        """Invitations, and the answers to them."""
        plan = self.plan
        sent = asked.taken(np.flatnonzero(asked.sent_at < batch.until))
        sent = sent.taken(np.lexsort((sent.keys, sent.sent_at)))
        invitations = survey.invitations_frame(plan, customers, sent)
        self._periods(batch, "survey/invitations", invitations, plan.calendar.month_of(sent.sent_at))
        answered = sent.taken(np.flatnonzero(sent.answered_at < batch.until))
        answered = answered.taken(np.lexsort((answered.keys, answered.answered_at)))
        ticket_ids = support.ticket_ids_by_order(orders, tickets)
        responses = survey.responses_frame(plan, customers, orders, answered, ticket_ids)
        months = plan.calendar.month_of(answered.answered_at)
        self._periods(batch, "survey/responses", responses, months, survey.dialect(responses))
        name = batch.night or f"answers{batch.part}"
        self._truth(f"answers/{name}.parquet", truth.answers_frame(plan, customers, answered))

    def write_changed_orders(self, night: str, changed: pl.DataFrame) -> None:
        """Newer versions of orders that older files hold."""
        self._table("orders", f"crm/orders/{night}-changed.csv", changed)

    def _periods(
        self,
        batch: Batch,
        where: str,
        frame: pl.DataFrame,
        months: NDArray[np.int64],
        dialect: Dialect = PLAIN,
    ) -> None:
        export = where.rsplit("/", maxsplit=1)[-1]
        for month, rows in by_number(frame, months):
            blemished, tail = self._blemish(batch, export, month, rows)
            name = f"{where}/{self._period(batch, month)}.csv"
            self._table(export, name, blemished, dialect, tail=tail)

    def _period(self, batch: Batch, month: int) -> str:
        return batch.night or f"{self.plan.calendar.month_name(month)}{batch.part}"

    def _table(
        self, export: str, name: str, frame: pl.DataFrame, dialect: Dialect = PLAIN, *, tail: str = ""
    ) -> None:
        write_csv(self.folder / name, frame, dialect, tail)
        self.rows[export] += len(frame) + tail.count("\n")

    def _blemish(
        self, batch: Batch, export: str, month: int, frame: pl.DataFrame
    ) -> tuple[pl.DataFrame, str]:
        """The rows with the last one repeated where that is planned, and the broken records to put after them."""
        chosen = [b for b in batch.blemishes if (b.export, b.month) == (export, month)]
        self.blemished[export] += len(chosen)
        repeated = sum(b.fate == REPEATED for b in chosen)
        tail = "".join(f"{b.text}\n" for b in chosen if b.fate != REPEATED)
        return pl.concat([frame, *[frame.tail(1)] * repeated]), tail

    def _truth(self, name: str, frame: pl.DataFrame) -> None:
        path = self.folder / TRUTH / name
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(path)
