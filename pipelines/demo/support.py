"""What the support tool exports: tickets as JSON Lines with their assignments nested, times in UTC.

Shaped like Zendesk: ``via.channel``, tags, a requester, a satisfaction rating. A monthly file holds the state
at the month's end of every ticket that changed in it, so a ticket still open then stands in two files.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.demo import crm, draws, people
from pipelines.demo.columns import labels, nulls
from pipelines.demo.draws import Floats, Keys
from pipelines.demo.lives import Customers, Orders
from pipelines.demo.plan import LATE, PROBLEMS, SERVICE, Plan

Ints = NDArray[np.int64]

_CHANNELS = ("email", "web", "chat", "voice")
_CHANNEL_SHARES = np.array([0.38, 0.24, 0.18, 0.20])
_VOICE = 3
_FIRST_DESK_SHARES = np.array([0.76, 0.10, 0.09, 0.05])
_QUESTION_TOPICS = ("delivery date", "invoice copy", "product advice", "change of address")
_PROBLEM_TOPICS = ("", "late delivery", "faulty product", "wrong product", "charge", "bargain regretted")
_CLOSED_UNSOLVED_SHARE = 0.6  # of tickets that are never solved; the others stay pending
_PATIENCE_DAYS = 14.0
_CLOSING_DAYS = 4.0
_COLLEAGUE_CHANGE_SHARE = 0.15  # a second agent at the same desk: no hand-off
_REOPENED_SHARE = 0.12
_RATED_SHARE = 0.30
_WITH_ORDER_SHARE = 0.60
_WITH_ADDRESS_SHARE = 0.92
_AGENTS_PER_DESK = 12
_TICKET = 800  # the child of an order that its ticket is; the small numbers are its lines
_KIND_TAGS = ("question", "complaint")


@dataclass(frozen=True)
class Tickets:
    """One value per ticket; times in days, NaN: never. ``order`` is the row of the order."""

    order: Ints
    keys: Keys
    opened_at: Floats
    first_replied_at: Floats
    resolved_at: Floats
    closed_at: Floats
    over_at: Floats  # solved, or closed without
    steps: Ints  # assignments
    desks: Ints  # tickets x most assignments: number of the desk
    assigned_at: Floats  # tickets x most assignments

    @property
    def last_desk(self) -> Ints:
        return self.desks[np.arange(len(self.order)), self.steps - 1]

    def taken(self, rows: Ints | NDArray[np.bool_]) -> Tickets:
        return Tickets(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def open_tickets(orders: Orders, handling: crm.Handling) -> Tickets:
    """The tickets of these orders: complaints after the goods are there or overdue, questions before."""
    order = np.flatnonzero(orders.has_ticket)
    keys = draws.child(orders.keys[order], _TICKET)
    complains = orders.complains[order]
    overdue = np.where(
        orders.problem[order] == LATE, handling.promised_at[order], handling.handed_over_at[order]
    )
    opened_at = np.where(complains, overdue + 0.3, orders.ordered_at[order] + 0.05) + 2.5 * draws.uniform(
        keys, "opened"
    )
    hand_offs = orders.hand_offs[order]
    desks, assigned_at, steps = _journey(keys, opened_at, hand_offs)
    last_at = assigned_at[np.arange(len(order)), steps - 1]
    work = np.exp(-1.1 + 0.8 * draws.normal(keys, "work"))  # days at the desk that solves it, median 8 hours
    is_resolved = orders.is_resolved[order]
    resolved_at = np.where(is_resolved, last_at + work, np.nan)
    gives_up = ~is_resolved & (draws.uniform(keys, "closed unsolved") < _CLOSED_UNSOLVED_SHARE)
    over_at = np.where(is_resolved, resolved_at, np.where(gives_up, last_at + _PATIENCE_DAYS, np.nan))
    closed_at = np.where(is_resolved, resolved_at + _CLOSING_DAYS, over_at)
    first_reply = opened_at + np.exp(-2.6 + 0.9 * draws.normal(keys, "first reply"))
    return Tickets(
        order=order,
        keys=keys,
        opened_at=opened_at,
        first_replied_at=np.fmin(first_reply, resolved_at),
        resolved_at=resolved_at,
        closed_at=closed_at,
        over_at=over_at,
        steps=steps,
        desks=desks,
        assigned_at=assigned_at,
    )


def _journey(keys: Keys, opened_at: Floats, hand_offs: Ints) -> tuple[Ints, Floats, Ints]:
    """Desks and times of the assignments. Only a change of desk is a hand-off, a change of agent is none."""
    changes_colleague = draws.uniform(keys, "second agent") < _COLLEAGUE_CHANGE_SHARE
    steps = 1 + hand_offs + changes_colleague
    most = int(steps.max(initial=1))
    desks = np.empty((len(keys), most), dtype=np.int64)
    assigned_at = np.empty((len(keys), most))
    desks[:, 0] = draws.choice(keys, "first desk", _FIRST_DESK_SHARES)
    assigned_at[:, 0] = opened_at + 0.02 * draws.uniform(keys, "assigned")
    for step in range(1, most):
        moved = (desks[:, step - 1] + 1 + draws.whole(keys, f"desk {step}", len(SERVICE) - 1)) % len(SERVICE)
        desks[:, step] = np.where(step <= hand_offs, moved, desks[:, step - 1])
        waited = 0.05 - 0.6 * np.log(draws.uniform(keys, f"waited {step}"))
        assigned_at[:, step] = assigned_at[:, step - 1] + waited
    return desks, assigned_at, steps


def ticket_ids(tickets: Tickets) -> pl.Series:
    return pl.Series(tickets.keys >> np.uint64(11)).cast(pl.String)  # 53 bits: what JSON readers keep exactly


def ticket_ids_by_order(orders: Orders, tickets: Tickets) -> pl.Series:
    """The ticket of each order, null where there is none."""
    row = np.full(len(orders), -1)
    row[tickets.order] = np.arange(len(tickets.order))
    if not len(tickets.order):
        return nulls(len(orders))
    return ticket_ids(tickets)[np.maximum(row, 0)].set(pl.Series(row < 0), None)


def tickets_frame(
    plan: Plan, customers: Customers, orders: Orders, tickets: Tickets, until: float
) -> tuple[pl.DataFrame, Ints]:
    """Tickets as exported, nested, and the month of the file each version stands in."""
    month_of = plan.calendar.month_of
    opened = month_of(tickets.opened_at)
    over = np.where(tickets.over_at < until, month_of(tickets.over_at), -1)
    is_known = tickets.opened_at < until
    still_open = np.flatnonzero(is_known & (over != opened))
    settled = np.flatnonzero(is_known & (over >= 0))
    frames = [
        _versions(
            plan, customers, orders, tickets.taken(still_open), _month_ends(plan, opened[still_open], until)
        ),
        _versions(plan, customers, orders, tickets.taken(settled), np.full(len(settled), until)),
    ]
    months = np.concatenate([opened[still_open], over[settled]])
    together = pl.concat(frames)
    in_time_order = np.lexsort((together["id"].to_numpy(), together["updated_at"].to_numpy(), months))
    return together[in_time_order], months[in_time_order]


def _month_ends(plan: Plan, month: Ints, until: float) -> Floats:
    return np.minimum(plan.calendar.month_starts[month + 1].astype(np.float64), until)


def _versions(
    plan: Plan, customers: Customers, orders: Orders, tickets: Tickets, seen_at: Floats
) -> pl.DataFrame:
    """Tickets as they stood at ``seen_at``: nothing later is in them."""
    keys, order = tickets.keys, tickets.order
    calendar = plan.calendar

    def by_then(at: Floats) -> Floats:
        return np.where(at < seen_at, at, np.nan)

    first_replied_at, resolved_at = by_then(tickets.first_replied_at), by_then(tickets.resolved_at)
    closed_at = by_then(tickets.closed_at)
    known_steps = ((tickets.assigned_at < seen_at[:, None]) & _is_step(tickets)).sum(axis=1).clip(min=1)
    steps_at = np.where(
        _is_step(tickets) & (tickets.assigned_at < seen_at[:, None]), tickets.assigned_at, -np.inf
    )
    changes = np.stack(
        [tickets.opened_at, first_replied_at, resolved_at, closed_at, steps_at.max(axis=1, initial=-np.inf)]
    )
    updated_at = np.nanmax(changes, axis=0, initial=-np.inf)
    complains = orders.complains[order]
    over = np.isfinite(closed_at)
    solved = np.isfinite(resolved_at)
    status = np.select([over, solved, known_steps > 1], [3, 2, 1], 0)
    question = len(PROBLEMS) + draws.whole(keys, "topic", len(_QUESTION_TOPICS))
    text = labels((*_PROBLEM_TOPICS, *_QUESTION_TOPICS), np.where(complains, orders.problem[order], question))
    channel = draws.choice(keys, "channel", _CHANNEL_SHARES)
    desk = labels(SERVICE, tickets.desks[np.arange(len(order)), known_steps - 1])
    frame = pl.DataFrame(
        {
            "id": ticket_ids(tickets).cast(pl.Int64),
            "created_at": _zulu(calendar.utc(tickets.opened_at)),
            "updated_at": _zulu(calendar.utc(updated_at)),
            "type": labels(("question", "problem"), complains.astype(np.int64)),
            "subject": text.str.to_titlecase(),
            "priority": labels(("normal", "high"), complains.astype(np.int64)),
            "status": labels(("open", "pending", "solved", "closed"), status),
            "group": desk,
            "topic": text,
            "order_number": _order_numbers(customers, orders, tickets),
        }
    )
    return frame.with_columns(
        pl.struct(labels(_CHANNELS, channel).alias("channel")).alias("via"),
        _requesters(plan, customers, orders, tickets, channel),
        pl.concat_list(
            labels(_KIND_TAGS, complains.astype(np.int64)).alias("kind"),
            text.str.replace_all(" ", "_").alias("topic tag"),
        ).alias("tags"),
        pl.struct(_ratings(orders, tickets, over)).alias("satisfaction_rating"),
        pl.struct(
            _zulu(calendar.utc(first_replied_at)).alias("first_replied_at"),
            _zulu(calendar.utc(resolved_at)).alias("solved_at"),
            _zulu(calendar.utc(closed_at)).alias("closed_at"),
            pl.Series(
                "reopens", (solved & (draws.uniform(keys, "reopened") < _REOPENED_SHARE)).astype(np.int64)
            ),
        ).alias("metric_set"),
        _assignments(plan, tickets, known_steps),
    )


def _is_step(tickets: Tickets) -> NDArray[np.bool_]:
    return np.arange(tickets.desks.shape[1])[None, :] < tickets.steps[:, None]


def _zulu(times: NDArray[np.datetime64]) -> pl.Series:
    return pl.Series(times).dt.strftime("%Y-%m-%dT%H:%M:%SZ")


def _order_numbers(customers: Customers, orders: Orders, tickets: Tickets) -> pl.Series:
    row = tickets.order
    numbers = crm.order_id(customers.index[orders.customer[row]], orders.number[row])
    return numbers.set(pl.Series(draws.uniform(tickets.keys, "with order") >= _WITH_ORDER_SHARE), None)


def _requesters(
    plan: Plan, customers: Customers, orders: Orders, tickets: Tickets, channel: Ints
) -> pl.Series:
    row = orders.customer[tickets.order]
    unknown = (channel == _VOICE) | (draws.uniform(tickets.keys, "with address") >= _WITH_ADDRESS_SHARE)
    addresses = people.emails(plan.seed, customers)[row].set(pl.Series(unknown), None)
    phones = people.phones(customers)[row].set(pl.Series(channel != _VOICE), None)
    frame = pl.DataFrame({"name": people.names(customers)[row], "email": addresses, "phone": phones})
    return frame.to_struct("requester")


def _ratings(orders: Orders, tickets: Tickets, over: NDArray[np.bool_]) -> pl.Series:
    """1 to 5 stars given in the support tool itself, null where it was not rated."""
    order = tickets.order
    latent = np.where(orders.is_resolved[order], 0.6, -1.2) - 0.35 * orders.hand_offs[order]
    stars = np.clip(np.round(3.8 + latent + 0.7 * draws.normal(tickets.keys, "stars")), 1, 5).astype(np.int64)
    unrated = ~over | (draws.uniform(tickets.keys, "rates") >= _RATED_SHARE)
    return pl.Series("score", stars).set(pl.Series(unrated), None)


def _assignments(plan: Plan, tickets: Tickets, known_steps: Ints) -> pl.Series:
    """The list of assignments of each ticket, oldest first."""
    count = len(tickets.order)
    ticket = np.repeat(np.arange(count), known_steps)
    first = np.append(0, np.cumsum(known_steps))[:-1]
    step = np.arange(len(ticket)) - first[ticket]
    desk = tickets.desks[ticket, step]
    agent = draws.whole(draws.child(tickets.keys[ticket], step), "agent", _AGENTS_PER_DESK)
    frame = pl.DataFrame(
        {
            "ticket": ticket,
            "department": labels(SERVICE, desk),
            "agent_id": "A" + pl.Series(1000 + desk * 100 + agent).cast(pl.String),
            "assigned_at": _zulu(plan.calendar.utc(tickets.assigned_at[ticket, step])),
        }
    )
    nested = frame.group_by("ticket", maintain_order=True).agg(
        pl.struct("department", "agent_id", "assigned_at").alias("assignments")
    )
    return nested["assignments"]
