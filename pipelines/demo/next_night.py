"""One more day of a company that stands already: for the second night of a demo or a benchmark.

The customers whose next purchases would come soonest all buy on that one day, so that it holds as many order
lines as wanted; tickets and answers about these orders come in the same night, and some older orders are
delivered.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.demo import crm, draws, lives, support, survey, truth
from pipelines.demo.calendar import Calendar
from pipelines.demo.draws import Floats
from pipelines.demo.export import TRUTH, Batch, ExportWriter
from pipelines.demo.lives import Customers, Orders, State
from pipelines.demo.plan import NO_CAMPAIGN, Plan

CHANGED_ORDERS = 200
_LINES_PER_ORDER = 2.25
_ENOUGH = 0.97  # of the order lines wanted
_HURRY_DAYS = 3.0  # what takes so many days is put at 63 % of what is left of the day


@dataclass(frozen=True)
class NextNight:
    """What was added."""

    date: dt.date
    rows: dict[str, int]


def write_next_night(folder: Path, *, order_lines: int = 10_000) -> NextNight:
    """Add the files of the day after the last one to a folder that ``generate`` wrote.

    Called again it adds the day after that. The same calls give the same bytes.

    Raises:
        FileNotFoundError: the folder holds no demo company.
        ValueError: nobody buys there any more.
    """
    planted = json.loads((folder / TRUTH / "planted.json").read_text(encoding="utf-8"))
    plan = Plan(planted["seed"], Calendar(dt.date.fromisoformat(planted["end"]), planted["months"]))
    nights = sorted((folder / TRUTH / "nights").glob("*.parquet"))
    day = plan.calendar.days + len(nights)
    date = plan.calendar.date_of(day)
    writer = ExportWriter(folder, plan)
    states = _latest_states(folder, nights)
    wanted = states.sort("next_at", "customer_index").head(round(order_lines / _LINES_PER_ORDER))
    if not len(wanted):
        raise ValueError(f"{folder}: no customer of this company buys any more: make one with more customers")
    index = wanted["customer_index"].to_numpy()
    customers = lives.draw_customers(plan, index)
    state = truth.stored_state(plan, wanted)
    orders = _buy_until(plan, customers, state, day, order_lines)

    batch = Batch(until=day + 1.0, night=date.isoformat())
    handling = crm.handle(orders)
    tickets = support.open_tickets(orders, handling)
    asked = survey.ask_after_orders(plan, orders, handling, tickets)
    writer.write_changed_orders(date.isoformat(), _delivered(folder, plan, date))
    writer.write_orders(batch, customers, orders, handling)
    hurried_tickets = _hurried_tickets(orders, tickets, batch.until)
    writer.write_support(batch, customers, orders, hurried_tickets)
    writer.write_surveys(
        batch, customers, orders, hurried_tickets, asked=_hurried_answers(orders, asked, batch.until)
    )
    path = folder / TRUTH / "nights" / f"{date}.parquet"
    path.parent.mkdir(exist_ok=True)
    wanted.select("customer_index").hstack(truth.state_frame(state)).write_parquet(path)
    return NextNight(date, dict(sorted(writer.rows.items())))


def _latest_states(folder: Path, nights: list[Path]) -> pl.DataFrame:
    """How things stand with every customer who still buys."""
    columns = [
        "customer_index",
        "attitude",
        "habit",
        "last_at",
        "next_at",
        "next_campaign",
        "attempts",
        "orders",
    ]
    states = pl.read_parquet(sorted((folder / TRUTH / "customers").glob("*.parquet")), columns=columns)
    for night in nights:
        states = states.update(pl.read_parquet(night, columns=columns), on="customer_index")
    return states.filter(pl.col("next_at").is_finite())


def _buy_until(plan: Plan, customers: Customers, state: State, day: int, order_lines: int) -> Orders:
    """Purchases of one day; in a small company everybody buys several times."""
    parts: list[Orders] = []
    lines = 0.0
    still_buying = np.flatnonzero(np.isfinite(state.next_at))
    while lines < _ENOUGH * order_lines and still_buying.size:
        missing = max(1, round((order_lines - lines) / _LINES_PER_ORDER))
        who = still_buying[:missing]
        keys = draws.child(customers.keys[who], state.attempts[who])
        state.next_campaign[who] = NO_CAMPAIGN
        at = day + plan.calendar.open_hour(draws.uniform(keys, "hour of the night's day"))
        parts.append(lives.consider(plan, customers, state, who, at))
        lines += len(crm.fill_baskets(plan, customers, parts[-1]).order)
        still_buying = np.flatnonzero(np.isfinite(state.next_at))
    orders = Orders.joined(parts)
    return orders.taken(np.lexsort((orders.number, orders.customer, orders.ordered_at)))


def _hurried(at: Floats, since: Floats, until: float) -> Floats:
    """The same events in the same order, all before ``until``."""
    return since + (until - since) * (1 - np.exp(-(at - since) / _HURRY_DAYS))


def _hurried_tickets(orders: Orders, tickets: support.Tickets, until: float) -> support.Tickets:
    since = orders.ordered_at[tickets.order]
    times = ("opened_at", "first_replied_at", "resolved_at", "closed_at", "over_at")
    hurried = {name: _hurried(getattr(tickets, name), since, until) for name in times}
    assigned_at = _hurried(tickets.assigned_at, since[:, None], until)
    return replace(tickets, **hurried, assigned_at=assigned_at)


def _hurried_answers(orders: Orders, asked: survey.Asked, until: float) -> survey.Asked:
    since = orders.ordered_at[asked.reference]
    return replace(
        asked,
        sent_at=_hurried(asked.sent_at, since, until),
        answered_at=_hurried(asked.answered_at, since, until),
    )


def _delivered(folder: Path, plan: Plan, date: dt.date) -> pl.DataFrame:
    """Newer versions of some orders of the last month that were still on their way."""
    last_month = plan.calendar.month_name(plan.calendar.months - 1)
    files = [f for f in sorted((folder / "crm" / "orders").glob("*.csv")) if f.name >= last_month]
    exported = pl.concat(
        [pl.read_csv(file, infer_schema=False, truncate_ragged_lines=True) for file in files]
    )
    newest = exported.sort("ChangedAt", "OrderNo").unique("OrderNo", keep="last", maintain_order=True)
    on_their_way = newest.filter(pl.col("State") == "shipped").sort("OrderNo").head(CHANGED_ORDERS)
    now = f"{date} 10:00:00"
    return on_their_way.with_columns(
        pl.lit("delivered").alias("State"), pl.lit(now).alias("DeliveredAt"), pl.lit(now).alias("ChangedAt")
    )
