"""``kizuna``: the command line. Talks to people; everything it does is done elsewhere.

Dagster, dbt and Great Expectations take seconds to import, so a command imports what it needs when it runs.
"""

from __future__ import annotations

from orchestration.cli.main import main

__all__ = ["main"]
