"""Canonical tables of support systems: tickets, the desks they passed, and what happened to them."""

from __future__ import annotations

import polars as pl

from pipelines.contracts.model import Column, Contract, Kind, RowCheck

EVENT_KINDS = (
    "created",
    "assigned",
    "status_changed",
    "agent_replied",
    "customer_replied",
    "noted",
    "rated",
    "updated",
)
# What the words of every support tool come down to; a ticket is resolved in the last two.
STATUSES = ("new", "open", "pending", "on_hold", "solved", "closed")

TICKETS = Contract(
    "support",
    "tickets",
    ("ticket_id",),
    "One row per support ticket at its newest version.",
    (
        Column("ticket_id", Kind.TEXT, "The ticket's identifier in the source."),
        Column("customer_id", Kind.TEXT, "Account that asked, where known.", personal=True),
        Column("email", Kind.TEXT, "Address that asked, where known.", personal=True),
        Column("phone", Kind.TEXT, "Telephone number that asked, where known.", personal=True),
        Column("order_id", Kind.TEXT, "Order the ticket is about."),
        Column("opened_at", Kind.TIMESTAMP, "When it was opened.", required=True),
        Column("first_replied_at", Kind.TIMESTAMP, "When the customer first got an answer."),
        Column("resolved_at", Kind.TIMESTAMP, "When it was resolved."),
        Column("closed_at", Kind.TIMESTAMP, "When it was closed."),
        Column("channel", Kind.TEXT, "Mail, phone, chat, ..."),
        Column("category", Kind.TEXT, "What it is about."),
        Column("is_complaint", Kind.BOOLEAN, "Whether the customer complains."),
        Column("priority", Kind.TEXT, "Priority in the source's words."),
        Column("status", Kind.TEXT, "State in the source's words."),
        Column("department", Kind.TEXT, "Department that holds it."),
        Column("satisfaction_score", Kind.DECIMAL, "Score given in the support tool itself."),
        Column("reopen_count", Kind.INTEGER, "How often it was opened again."),
        Column(
            "updated_at", Kind.TIMESTAMP, "When the source last changed the row; the newest version wins."
        ),
    ),
)

TICKET_ASSIGNMENTS = Contract(
    "support",
    "ticket_assignments",
    ("ticket_id", "sequence_number"),
    "One row per assignment of a ticket, in order; a change of department is a hand-off.",
    (
        Column("ticket_id", Kind.TEXT, "Ticket that was assigned."),
        Column("sequence_number", Kind.INTEGER, "Position of the assignment in the ticket's life."),
        Column("department", Kind.TEXT, "Department it was assigned to."),
        Column("agent_id", Kind.TEXT, "Colleague it was assigned to.", personal=True),
        Column("assigned_at", Kind.TIMESTAMP, "When it was assigned.", required=True),
    ),
)

TICKET_EVENTS = Contract(
    "support",
    "ticket_events",
    ("ticket_id", "event_id"),
    "One row per thing that happened to a ticket. What an event does not say is empty.",
    (
        Column("ticket_id", Kind.TEXT, "Ticket it happened to."),
        Column("event_id", Kind.TEXT, "The event's identifier in the source, or its place in the history."),
        Column(
            "occurred_at",
            Kind.TIMESTAMP,
            "When it happened; empty only in a history that keeps the order and not the times.",
        ),
        Column(
            "sequence_number", Kind.INTEGER, "Order of the events of one moment, or of those without a time."
        ),
        Column("kind", Kind.TEXT, "What happened.", required=True, allowed=EVENT_KINDS),
        Column("department", Kind.TEXT, "Department that holds the ticket after the event."),
        Column(
            "agent_id",
            Kind.TEXT,
            "Who did it, or who got the ticket where it was assigned; of created: who asked. "
            "What that person writes later counts as the customer's.",
            personal=True,
        ),
        Column("status", Kind.TEXT, "State of the ticket after the event.", allowed=STATUSES),
        Column("channel", Kind.TEXT, "Mail, phone, chat, ..."),
    ),
    (
        RowCheck(
            "occurred_at and sequence_number are both empty, so the event has no place in the history",
            pl.col("occurred_at").is_null() & pl.col("sequence_number").is_null(),
        ),
    ),
)

TABLES = (TICKETS, TICKET_ASSIGNMENTS, TICKET_EVENTS)
