"""A generated company with known truth, in the shapes that real systems export.

How things hang together is told in ``lives.py``; how strong every effect is, and when, in ``plan.py``.
"""

from __future__ import annotations

from pipelines.demo.company import (
    DEFAULT_CUSTOMERS,
    DEFAULT_END,
    DEFAULT_MONTHS,
    MOST_CUSTOMERS,
    DemoSummary,
    customers_for,
    generate,
)
from pipelines.demo.next_night import NextNight, write_next_night

__all__ = [
    "DEFAULT_CUSTOMERS",
    "DEFAULT_END",
    "DEFAULT_MONTHS",
    "MOST_CUSTOMERS",
    "DemoSummary",
    "NextNight",
    "customers_for",
    "generate",
    "write_next_night",
]
