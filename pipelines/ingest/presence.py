"""What a source that shows all it has no longer has: the keys it still shows, and when not to believe it.

Knows nothing of where the rows come from, and deletes nothing itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import duckdb
import polars as pl

from pipelines.contracts import Contract


def shrinkage(records: int, before: int, share: float) -> str | None:
    """Why what is there now cannot be all there is; None: it can.

    Args:
        before: records of the one before; 0: there was none.
        share: ``thresholds.stop_shrunk_share``.
    """
    if not before or records >= (1 - share) * before:
        return None
    lost = 1 - records / before
    return (
        f"it has {records:,} records where the one before had {before:,}: {lost:.0%} fewer, more than "
        f"thresholds.stop_shrunk_share ({share:g}) allows. Nothing was loaded or deleted. If so many are really "
        f"gone, write thresholds: {{stop_shrunk_share: {math.ceil(lost * 100) / 100:g}}} for one night"
    )


class PresentKeys:
    """The keys that a source shows of canonical tables, in temporary tables of the warehouse."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, contracts: Iterable[Contract]) -> None:
        self._connection = connection
        for contract in contracts:
            connection.execute(
                f"create or replace temp table {_table(contract)} as "
                f"select {', '.join(contract.key)} from {contract.raw_name} limit 0"
            )

    def see(self, contract: Contract, rows: pl.DataFrame) -> int:
        """Note the keys of rows, also of those that quarantine holds: they are not gone.

        Returns:
            How many rows have no whole key, so that they may be any.
        """
        keys = rows.select(contract.key).drop_nulls()
        self._connection.register("block_of_keys", keys.to_arrow())
        self._connection.execute(f"insert into {_table(contract)} from block_of_keys")
        self._connection.unregister("block_of_keys")
        return rows.height - keys.height

    def gone(self, contract: Contract, source: str) -> pl.DataFrame:
        """The keys of the source's rows in the warehouse that were not seen."""
        key = ", ".join(contract.key)
        return self._connection.execute(
            f"select {key} from {contract.raw_name} anti join {_table(contract)} using ({key}) where _source = ?",
            [source],
        ).pl()


def _table(contract: Contract) -> str:
    return f"keys_of_{contract.schema}_{contract.table}"
