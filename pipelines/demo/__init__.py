"""A generated company with known truth, in the shapes that real systems export.

How things hang together is told in ``lives.py``, how strong every effect is in ``plan.py``.
"""

from __future__ import annotations

from pipelines.demo.company import DEFAULT_CUSTOMERS, DEFAULT_END, DemoSummary, customers_for, generate

__all__ = ["DEFAULT_CUSTOMERS", "DEFAULT_END", "DemoSummary", "customers_for", "generate"]
