"""What no system writes down: the truth behind every customer, order, answer, ticket and department.

For tests and validation only. Nothing here is ever mapped in a ``kizuna.yml``.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo import crm, support, survey
from pipelines.demo.columns import labels
from pipelines.demo.lives import Customers, Orders, State
from pipelines.demo.plan import ALL_CODES, LOCALES, PROBLEMS, REGRET, SALES_CODES, Plan
from pipelines.demo.support import Tickets
from pipelines.demo.survey import Asked


def customers_frame(customers: Customers, state: State) -> pl.DataFrame:
    """One row per customer: who they are, and how things stand with them at the end of the data."""
    return pl.DataFrame(
        {
            "customer_index": customers.index,
            "customer_id": crm.customer_id(customers.index),
            "affinity": customers.affinity,
            "purchases_per_day": np.exp(customers.log_rate),
            "home_department": labels(SALES_CODES, customers.home),
            "locale": labels(LOCALES, customers.locale),
            "has_second_account": np.isfinite(customers.second_account_from),
            "pilot": customers.pilot.astype(np.int8),
        }
    ).hstack(state_frame(state))


def state_frame(state: State) -> pl.DataFrame:
    """How things stand, as ``stored_state`` reads it back. Times in days since the company's first day."""
    return pl.DataFrame(
        {
            "is_alive": np.isfinite(state.next_at),
            "attitude": state.attitude,
            "habit": state.habit,
            "last_at": state.last_at,
            "next_at": state.next_at,
            "next_campaign": state.next_campaign.astype(np.int8),
            "attempts": state.attempts.astype(np.int32),
            "orders": state.orders.astype(np.int32),
        }
    )


def stored_state(plan: Plan, frame: pl.DataFrame) -> State:
    """The state of customers out of rows that ``state_frame`` wrote, in the same order."""
    attitude = frame["attitude"].to_numpy().copy()
    return State(
        attitude=attitude,
        habit=frame["habit"].to_numpy().copy(),
        last_at=frame["last_at"].to_numpy().copy(),
        next_at=frame["next_at"].to_numpy().copy(),
        next_campaign=frame["next_campaign"].to_numpy().astype(np.int64),
        attempts=frame["attempts"].to_numpy().astype(np.int64),
        orders=frame["orders"].to_numpy().astype(np.int64),
        wave_attitude=np.repeat(attitude[:, None], len(plan.wave_starts), axis=1),
    )


def orders_frame(plan: Plan, sales: crm.Sales) -> pl.DataFrame:
    """One row per order, cancelled ones too."""
    orders, lines = sales.orders, sales.lines
    return pl.DataFrame(
        {
            "order_id": sales.order_ids,
            "customer_id": crm.customer_id(sales.customers.index[orders.customer]),
            "ordered_at": plan.calendar.local(orders.ordered_at),
            "department": labels(SALES_CODES, orders.department),
            "campaign_id": labels(crm.CAMPAIGN_IDS, orders.campaign),
            "was_tempted": orders.was_tempted,
            "is_cancelled": orders.is_cancelled,
            "problem": labels(PROBLEMS, orders.problem),
            "complained": orders.complains,
            "is_silent": orders.is_silent,
            "has_ticket": orders.has_ticket,
            "hand_offs": orders.hand_offs.astype(np.int8),
            "is_resolved": orders.is_resolved,
            "regrets": orders.problem == REGRET,
            "result": orders.result,
            "process": orders.process,
            "attitude_before": orders.attitude_before,
            "attitude_after": orders.attitude_after,
            "habit_after": orders.habit_after,
            "is_last": orders.is_last,
            "net_amount": np.round(np.bincount(lines.order, lines.net, minlength=len(orders)), 2),
        }
    )


def tickets_frame(plan: Plan, customers: Customers, orders: Orders, tickets: Tickets) -> pl.DataFrame:
    """One row per ticket of the orders, also of those opened after the last day."""
    row = tickets.order
    return pl.DataFrame(
        {
            "ticket_id": support.ticket_ids(tickets),
            "order_id": crm.order_id(customers.index[orders.customer[row]], orders.number[row]),
            "customer_id": crm.customer_id(customers.index[orders.customer[row]]),
            "opened_at": plan.calendar.utc(tickets.opened_at),
            "is_complaint": orders.complains[row],
            "problem": labels(PROBLEMS, orders.problem[row]),
            "hand_offs": orders.hand_offs[row].astype(np.int8),
            "is_resolved": orders.is_resolved[row],
        }
    )


def answers_frame(plan: Plan, customers: Customers, asked: Asked) -> pl.DataFrame:
    """One row per questionnaire handed in: the latent values, and the NPS answer without a cultural style."""
    latent = survey.nps_latent(asked)
    return pl.DataFrame(
        {
            "response_id": survey.response_ids(asked),
            "customer_id": crm.customer_id(customers.index[asked.customer]),
            "touchpoint": labels(survey.TOUCHPOINTS, asked.touchpoint),
            "department": labels(ALL_CODES, asked.department),
            "submitted_at": plan.calendar.utc(asked.answered_at),
            "locale": labels(LOCALES, customers.locale[asked.customer]),
            "attitude": asked.attitude,
            "nps_latent": latent,
            "nps_uncompressed": survey.nps_scale(plan).answer(latent).astype(np.int8),
        }
    )


def departments_frame(plan: Plan) -> pl.DataFrame:
    """One row per department and month: colleagues' morale, and how customers are treated (sales only)."""
    months = [plan.calendar.date_of(day) for day in plan.calendar.month_starts[:-1]]
    quality = np.full(plan.morale.shape, np.nan)
    quality[: len(SALES_CODES)] = plan.process_quality
    return pl.DataFrame(
        {
            "department": np.repeat(ALL_CODES, len(months)),
            "month": months * len(ALL_CODES),
            "morale": plan.morale.ravel(),
            "process_quality": pl.Series(quality.ravel()).fill_nan(None),
        }
    )
