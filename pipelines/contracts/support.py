"""Canonical tables of support systems: tickets and the desks they passed."""

from __future__ import annotations

from pipelines.contracts.model import Column, Contract, Kind

TICKETS = Contract(
    "support",
    "tickets",
    ("ticket_id",),
    "One row per support ticket at its newest version.",
    (
        Column("ticket_id", Kind.TEXT, "The ticket's identifier in the source."),
        Column("customer_id", Kind.TEXT, "Account that asked, where known.", personal=True),
        Column("email", Kind.TEXT, "Address that asked, where known.", personal=True),
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

TABLES = (TICKETS, TICKET_ASSIGNMENTS)
