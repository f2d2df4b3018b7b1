"""The broken records that a real export always has a few of, always the same ones.

They stand at the end of the first block's files, whatever the size of the company.
"""

from __future__ import annotations

from dataclasses import dataclass

QUARANTINED = "quarantined"
REPEATED = "repeated"  # the file's last good record once more: an exact duplicate
ORPHAN = "orphan"  # well formed, but what it refers to does not exist


@dataclass(frozen=True)
class Blemish:
    """A record of ``export`` in its file of the ``month``-th month (0-based), and what should become of it."""

    export: str
    month: int
    fate: str
    why: str
    text: str = ""


BLEMISHES = (
    Blemish(
        "customers",
        0,
        QUARANTINED,
        "registered_at is required",
        "C99999901,C99999901,nobody@example.com,,No Date,en-GB,GB,,search,{},2025-01-05 10:00:00",
    ),
    Blemish(
        "orders",
        1,
        QUARANTINED,
        "there is no thirteenth month",
        "SO90000000001,C00000001,2024-13-45 10:00:00,web,web_shop,,EUR,completed,,,2024-11-20 10:00:00",
    ),
    Blemish(
        "orders",
        2,
        QUARANTINED,
        "order_id is the key",
        ",C00000001,2024-12-10 10:00:00,web,web_shop,,EUR,completed,,,2024-12-10 10:00:00",
    ),
    Blemish(
        "orders",
        3,
        QUARANTINED,
        "three columns are missing",
        "SO90000000003,C00000001,2025-01-10 10:00:00,web,web_shop,,EUR,completed",
    ),
    Blemish("orders", 4, REPEATED, "exported twice"),
    Blemish(
        "order_lines",
        1,
        QUARANTINED,
        "quantity is no number",
        "SO90000000004,1,P0001,three,9.99,0.0,0.0,product",
    ),
    Blemish(
        "order_lines",
        2,
        QUARANTINED,
        "product_id is required",
        "SO90000000005,1,,1,9.99,0.0,0.0,product",
    ),
    Blemish(
        "order_lines",
        3,
        QUARANTINED,
        "a column too many",
        "SO90000000006,1,P0001,1,9.99,0.0,0.0,product,extra",
    ),
    Blemish(
        "order_lines",
        4,
        QUARANTINED,
        "line_type is unknown",
        "SO90000000007,1,P0001,1,9.99,0.0,0.0,gift",
    ),
    Blemish(
        "order_lines",
        5,
        ORPHAN,
        "the order does not exist",
        "SO90000000008,1,P0001,1,9.99,0.0,0.0,product",
    ),
    Blemish("order_lines", 0, REPEATED, "exported twice"),
    Blemish("order_lines", 3, REPEATED, "exported twice"),
    Blemish(
        "returns",
        2,
        QUARANTINED,
        "a refund below zero",
        "RT90000000009;SO90000000009;1;1;-5.0;faulty;10.12.2024 10:00",
    ),
    Blemish(
        "invitations",
        2,
        QUARANTINED,
        "the time is a word",
        "EMD_9,SV_purchase,,nobody@example.com,app,purchase,en-GB,soon",
    ),
    Blemish(
        "responses",
        3,
        QUARANTINED,
        "Q_NPS is 11: that answer alone is refused, the questionnaire's others are fine",
        "2025-01-15 10:00:00,2025-01-15 10:02:00,IP Address,100,120,True,2025-01-15 10:02:00,R_9,,,email,en-GB,"
        "11,4,6,,,,,,,4,4,,app,purchase,SV_purchase,,",
    ),
    Blemish(
        "tickets",
        1,
        QUARANTINED,
        "the line is cut off",
        '{"id": 9000000001, "created_at": "2024-11-12T10:00:00Z", "status":',
    ),
    Blemish(
        "tickets",
        2,
        QUARANTINED,
        "ticket_id is the key",
        '{"created_at":"2024-12-12T10:00:00Z","updated_at":"2024-12-12T10:00:00Z","type":"question",'
        '"status":"open","via":{"channel":"web"},"requester":{"email":"nobody@example.com"},"assignments":[]}',
    ),
)
