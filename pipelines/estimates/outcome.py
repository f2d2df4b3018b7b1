"""What became of the fits, for people: the tables of this room once more, and the bias in words."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import polars as pl

from pipelines.settings import LifetimeValue

_NEGLIGIBLE_PERCENT = 0.5  # rounds to nothing


@dataclass(frozen=True)
class Outcome:
    """``model`` is None where nothing is predicted; ``reason`` says why, or why this model."""

    model: str | None
    reason: str
    customers: int
    """With a purchase by the business date."""
    value_basis: str
    """What a purchase is worth: see ``int_purchases__value_basis``."""
    settings: LifetimeValue
    parameters: pl.DataFrame
    """As ``estimates.clv_parameters``."""
    validation: pl.DataFrame
    """As ``estimates.clv_validation``; without rows where there was no fit."""

    @property
    def bias_percent(self) -> float | None:
        """How many per cent more purchases the chosen model predicted than came; fewer, where negative."""
        total = self.total
        if total is None:
            return None
        return 100 * (total["predicted_purchases"] - total["actual_purchases"]) / total["actual_purchases"]

    @property
    def verdict(self) -> str:
        """The bias in words; without a model, the reason."""
        total, percent = self.total, self.bias_percent
        if total is None or percent is None:
            return f"Nothing is predicted, observed values stand instead: {self.reason}."
        if abs(percent) < _NEGLIGIBLE_PERCENT:
            how = "as many purchases as came"
        else:
            how = f"{abs(percent):.0f} % too {'many' if percent > 0 else 'few'} purchases"
        return (
            f"For the last {self.settings.holdout_days} days, which it had not seen, {self.model} predicted {how}: "
            f"{total['predicted_purchases']:,.0f}, and {total['actual_purchases']:,} came."
        )

    @property
    def total(self) -> dict | None:
        """The chosen model's row for the whole holdout."""
        rows = self.part("total")
        return rows.row(0, named=True) if rows.height else None

    def part(self, level: str) -> pl.DataFrame:
        """The chosen model's rows for ``total``, ``decile`` or ``week``, in order."""
        return self.validation.filter(pl.col("is_chosen") & (pl.col("level") == level)).sort("position")


def read_outcome(connection: duckdb.DuckDBPyConnection, settings: LifetimeValue) -> Outcome:
    """What the last fit left in the warehouse."""
    [[model, reason]] = connection.execute("select model, reason from estimates.clv_outcome").fetchall()
    [[customers]] = connection.execute(
        "select count(*) from intermediate.int_customers__purchase_histories where dataset = 'current'"
    ).fetchall()
    [[value_basis]] = connection.execute(
        "select value_basis from intermediate.int_purchases__value_basis"
    ).fetchall()
    return Outcome(
        model,
        reason,
        customers,
        value_basis,
        settings,
        connection.sql("from estimates.clv_parameters order by all").pl(),
        connection.sql("from estimates.clv_validation order by all").pl(),
    )
