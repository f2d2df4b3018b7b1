"""Three nights of a company whose tickets wander: sales, returns, messages, tickets of every way of telling, answers.

Seeded rows, many of them late: a night brings lines without their order, events of old tickets, a customer who turns
out to be another. Belongs here: the rows. Does not: what should become of them.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from random import Random
from typing import Any

Row = dict[str, Any]
Night = dict[str, list[Row]]

CUSTOMERS = 40
DESKS = ("help", "repairs", "billing")
LATE_SHARE = 0.25  # of rows that come with the second night


def _moment(random: Random) -> datetime:
    """Any second from January to a few days after the business date."""
    return datetime(2024, 1, 1) + timedelta(seconds=random.randrange(186 * 86_400))


def _somebody(random: Random, unknown: float) -> str | None:
    return None if random.random() < unknown else f"c{random.randrange(CUSTOMERS)}"


def _sales(random: Random) -> Night:
    rows: Night = defaultdict(list)
    for number in range(160):
        order = f"o{number}"
        rows["crm.orders"].append(
            {
                "order_id": order,
                "customer_id": _somebody(random, 0.1),
                "ordered_at": _moment(random),
                "status": random.choice(["delivered", "delivered", "cancelled", None]),
                "department": random.choice(["shop", "web", None]),
                "sales_channel": random.choice(["store", "web"]),
                "currency": "JPY",
            }
        )
        for line in range(1, random.choice([1, 2, 2, 3, 4])):
            rows["crm.order_lines"].append(
                {
                    "order_id": order,
                    "line_number": line,
                    "product_id": "tea",
                    "quantity": random.choice([1, 2, 3, -1]),
                    "unit_price": f"{random.randrange(5, 40)}.{random.randrange(100):02}",
                    "discount_amount": random.choice([None, "0.75"]),
                    "line_type": random.choice([None, "product", "product", "shipping"]),
                }
            )
        if random.random() < 0.2:
            rows["crm.returns"].append(
                {
                    "return_id": f"r{number}",
                    "order_id": order,
                    "refund_amount": "3.25",
                    "returned_at": _moment(random),
                }
            )
    for number in range(60):
        rows["crm.campaign_contacts"].append(
            {
                "campaign_id": f"k{number % 3}",
                "customer_id": f"c{random.randrange(CUSTOMERS)}",
                "sent_at": _moment(random),
                "channel": "mail",
            }
        )
    return rows


def _history(random: Random, ticket: str, opened_at: datetime, told_times: bool) -> list[Row]:
    """Events with desks and states; without times only their numbers tell the order."""
    rows: list[Row] = [{"kind": "created", "status": "new", "occurred_at": opened_at}]
    at = opened_at
    for _ in range(random.randrange(8)):
        at += timedelta(seconds=random.randrange(3 * 86_400))
        rows.append(
            {
                **random.choice(
                    [
                        {"kind": "assigned", "department": random.choice(DESKS)},
                        {"kind": "agent_replied", "department": random.choice([None, *DESKS])},
                        {"kind": "customer_replied"},
                        {
                            "kind": "status_changed",
                            "status": random.choice(["open", "pending", "solved", "closed"]),
                        },
                        {"kind": "updated", "status": "solved", "department": random.choice(DESKS)},
                    ]
                ),
                "occurred_at": at,
            }
        )
    return [
        {
            "ticket_id": ticket,
            "event_id": f"e{number}",
            "sequence_number": number,
            **(row if told_times else row | {"occurred_at": None}),
        }
        for number, row in enumerate(rows)
    ]


def _support(random: Random) -> Night:
    rows: Night = defaultdict(list)
    for number in range(180):
        ticket, opened_at = f"t{number}", _moment(random)
        over_at = opened_at + timedelta(seconds=random.randrange(20 * 86_400))
        rows["support.tickets"].append(
            {
                "ticket_id": ticket,
                "customer_id": _somebody(random, 0.15),
                "opened_at": opened_at,
                "first_replied_at": random.choice(
                    [None, opened_at + timedelta(seconds=random.randrange(86_400))]
                ),
                "resolved_at": over_at if random.random() < 0.6 else None,
                "closed_at": over_at + timedelta(days=2) if random.random() < 0.6 else None,
                "channel": random.choice(["mail", "chat"]),
                "department": random.choice([None, *DESKS]),
                "reopen_count": random.choice([None, 0, 0, 1]),
            }
        )
        told = random.choice(["times", "times", "times", "assignments", "assignments", "order", "nothing"])
        if told in ("times", "order"):
            rows["support.ticket_events"] += _history(random, ticket, opened_at, told == "times")
        if told == "assignments":
            for step in range(random.randrange(1, 6)):
                rows["support.ticket_assignments"].append(
                    {
                        "ticket_id": ticket,
                        "sequence_number": step,
                        "department": random.choice([None, *DESKS, *DESKS]),
                        "assigned_at": opened_at
                        + timedelta(hours=7 * step, seconds=random.randrange(86_400)),
                    }
                )
    return rows


def _answers(random: Random, tickets: list[Row]) -> Night:
    rows: Night = defaultdict(list)
    for number in range(260):
        ticket = random.choice(tickets) if random.random() < 0.8 else None
        after = timedelta(seconds=random.randrange(12 * 86_400))
        about: Row = {
            "response_id": f"q{number}",
            "survey_id": "s1",
            "respondent_type": "internal" if random.random() < 0.05 else random.choice(["external", None]),
            "customer_id": _somebody(random, 0.6),
            "ticket_id": ticket and ticket["ticket_id"],
            "department": random.choice([*DESKS, None]),
            "touchpoint": "support" if ticket else "relationship",
            "submitted_at": ticket["opened_at"] + after if ticket else _moment(random),
        }
        for metric, top in (("nps", 10), ("csat", 5), ("ces", 7)):
            score = None if random.random() < 0.2 else random.randrange(1 if metric != "nps" else 0, top + 1)
            rows["survey.responses"].append(about | {"question_id": metric, "metric": metric, "score": score})
        if random.random() < 0.1:
            comment = {"question_id": "text", "metric": "open_text", "comment": random.choice(["fine", " "])}
            rows["survey.responses"].append(about | comment)
    return rows


def nights() -> tuple[Night, Night, Night]:
    """Most rows, the late ones, and at last a customer who is one with another and tickets that changed hands."""
    random = Random(11)
    support = _support(random)
    everything = {**_sales(random), **support, **_answers(random, support["support.tickets"])}
    first: Night = {
        "crm.customers": [
            {"customer_id": f"c{number}", "registered_at": datetime(2023, 1, 1)}
            for number in range(CUSTOMERS)
        ]
    }
    second: Night = {}
    for table, rows in everything.items():
        late = [random.random() < LATE_SHARE for _ in rows]
        first[table] = [row for row, is_late in zip(rows, late, strict=True) if not is_late]
        second[table] = [row for row, is_late in zip(rows, late, strict=True) if is_late]
    third: Night = {
        "crm.customers": [{"customer_id": "c1", "registered_at": datetime(2023, 1, 1), "person_id": "c0"}],
        "support.tickets": [
            row | {"customer_id": "c2", "department": "help"} for row in support["support.tickets"][:5]
        ],
    }
    return first, second, third
