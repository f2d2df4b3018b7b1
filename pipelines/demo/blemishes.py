"""The broken records that a real export always has a few of, always the same ones.

They stand at the end of the first block's files, whatever the size of the company.
"""

from __future__ import annotations

from dataclasses import dataclass

QUARANTINED = "quarantined"
ORPHAN = "orphan"  # well formed, but what it refers to does not exist


@dataclass(frozen=True)
class Blemish:
    """A record of ``export`` in its file of the ``month``-th month (0-based), and what should become of it."""

    export: str
    month: int
    text: str
    fate: str
    why: str


BLEMISHES = (
    Blemish(
        "customers", 0,
        "C99999901,C99999901,nobody@example.com,,No Date,en-GB,GB,,search,{},2025-01-05 10:00:00",
        QUARANTINED, "registered_at is required",
    ),
    Blemish(
        "orders", 1,
        "SO90000000001,C00000001,2024-13-45 10:00:00,web,web_shop,,EUR,completed,,,2024-11-20 10:00:00",
        QUARANTINED, "there is no thirteenth month",
    ),
    Blemish(
        "orders", 2,
        ",C00000001,2024-12-10 10:00:00,web,web_shop,,EUR,completed,,,2024-12-10 10:00:00",
        QUARANTINED, "order_id is the key",
    ),
    Blemish(
        "orders", 3,
        "SO90000000003,C00000001,2025-01-10 10:00:00,web,web_shop,,EUR,completed",
        QUARANTINED, "three columns are missing",
    ),
    Blemish("order_lines", 1, "SO90000000004,1,P0001,three,9.99,0.0,0.0,product", QUARANTINED, "quantity is no number"),
    Blemish("order_lines", 2, "SO90000000005,1,,1,9.99,0.0,0.0,product", QUARANTINED, "product_id is required"),
    Blemish("order_lines", 3, "SO90000000006,1,P0001,1,9.99,0.0,0.0,product,extra", QUARANTINED, "a column too many"),
    Blemish("order_lines", 4, "SO90000000007,1,P0001,1,9.99,0.0,0.0,gift", QUARANTINED, "line_type is unknown"),
    Blemish("order_lines", 5, "SO90000000008,1,P0001,1,9.99,0.0,0.0,product", ORPHAN, "the order does not exist"),
    Blemish("returns", 2, "RT90000000009;SO90000000009;1;1;-5.0;faulty;10.12.2024 10:00", QUARANTINED, "refund below zero"),
    Blemish("invitations", 2, "EMD_9,SV_purchase,,nobody@example.com,app,purchase,en-GB,soon", QUARANTINED, "no time"),
    Blemish("tickets", 1, '{"id": 9000000001, "created_at": "2024-11-12T10:00:00Z", "status":', QUARANTINED, "cut off"),
    Blemish(
        "tickets", 2,
        '{"created_at":"2024-12-12T10:00:00Z","updated_at":"2024-12-12T10:00:00Z","type":"question","status":"open",'
        '"subject":"No number","via":{"channel":"web"},"requester":{"name":"N","email":"nobody@example.com"},'
        '"tags":[],"assignments":[]}',
        QUARANTINED, "ticket_id is the key",
    ),
)  # fmt: skip
