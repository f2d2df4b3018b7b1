"""A generated company with known truth, in the shapes that real systems export.

``generate`` writes a company of any size up to 10 million customers, ``write_next_night`` one more day of it.
Both write exports (``crm/``, ``survey/``, ``support/``, ``org/``), ``generate`` also the ``kizuna.yml`` that maps
them; ``truth/`` beside them is for tests and is never mapped.

How things hang together (all latent values in standard deviations of latent satisfaction, sd):

- A purchase gives a *result* (what the customer got) and a *process* (how they were treated). About one order in
  seven has a problem: it is late, faulty, unsuitable, wrongly charged, or regretted after a flash sale. Each kind
  leaves a trace (a delay, a return, a penalty line), severity 0.6 to 1.4 sd. One customer in 24 with a problem
  complains; 23 stay silent, lose 0.2 sd more and leave more often. A resolved complaint gives 1.2 sd back, an
  unresolved one takes 0.8 sd. Every hand-off of a ticket costs 0.55 sd of process.
- *Attitude* moves 40 % of the way to each experience, which is 35 % result and 65 % process. Answers follow
  attitude: NPS mostly, CSAT the result, CES ease, the six points of connection the process. The dissatisfied
  answer less, and one locale answers nearer to the middle of every scale at the same attitude.
- *Habit* follows attitude with a memory of 75 days. The rate of purchases and the chance of leaving follow habit.
  So the sinking department (process -1.6 sd over five months, result unchanged) shows in NPS months before it
  shows in revenue, and never in CSAT.
- Colleagues' morale moves the process of their department one quarter later. One initiative works in the two
  departments that take it up at different times, one does nothing, one is a randomised pilot.
- Campaigns bring purchases of their own; the flash sales are regretted by a third, the members' evenings are
  enjoyed. After a price rise of 6 % up to 30 % of purchases are given up, fewer where habit is strong.
- Holders of the loyalty card buy more often, families buy more at once, people who came by referral like the
  company more; the other traits mean nothing.

What happens to a customer is told in ``lives.py``; how strong every effect is, and when, stands in ``plan.py``.
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
    generated_with,
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
    "generated_with",
    "write_next_night",
]
