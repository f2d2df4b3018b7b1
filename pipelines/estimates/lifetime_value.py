"""Customer lifetime value: from purchase histories in the warehouse to parameters and predictions in it.

The same histories and settings give the same tables, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import polars as pl

from pipelines.estimates.candidates import (
    PURCHASE_MODELS,
    SPEND_MODEL,
    Choice,
    Fits,
    choose,
    fit_all,
    missing,
)
from pipelines.estimates.histories import read_calibration, read_current, read_holdout_weeks
from pipelines.estimates.outcome import Outcome, read_outcome
from pipelines.estimates.predictions import group_predictions, segment_values
from pipelines.estimates.tables import replace_tables
from pipelines.estimates.validation import holdout_validation
from pipelines.settings import LifetimeValue

FITTED, NOT_FITTED = "fitted", "not_fitted"
_STEPS = (
    2 * (len(PURCHASE_MODELS) + 1) + 1
)  # two datasets, every model of purchases and that of spending; writing

Progress = Callable[[int, int], None]


def refresh_lifetime_value(
    connection: duckdb.DuckDBPyConnection,
    settings: LifetimeValue,
    progress: Progress = lambda _done, _total: None,
) -> Outcome:
    """Fit the models anew and replace the tables of this room, in one transaction.

    Args:
        connection: of the warehouse, in which dbt has built the models tagged ``estimates_input``.
        progress: is told how many of how many steps are done.
    """
    connection.execute("begin")
    calibration, current = read_calibration(connection), read_current(connection)
    replace_tables(connection)
    if reason := missing(calibration, current, settings):
        _insert(connection, "clv_outcome", _outcome_row(Choice(None, reason)))
        connection.execute("commit")
        return read_outcome(connection, settings)

    steps = _Steps(progress)
    before, now = fit_all(calibration, steps), fit_all(current, steps)
    choice = choose(before, now, settings.holdout_days)
    weeks = read_holdout_weeks(connection)
    tables = {
        "clv_outcome": _outcome_row(choice),
        "clv_parameters": pl.concat(
            [_parameters(fits, choice) for fits in (before, now)], how="diagonal_relaxed"
        ),
        "clv_validation": holdout_validation(before, choice, weeks, settings.holdout_days),
    }
    if choice.model:
        rate = settings.annual_discount_rate
        tables["clv_groups"] = pl.concat(
            [
                group_predictions(before, choice.model, settings.holdout_days, rate),
                group_predictions(now, choice.model, settings.horizon_days, rate),
            ]
        )
        tables["clv_segments"] = segment_values(now, choice.model, settings.horizon_days, rate)
    for name, rows in tables.items():
        _insert(connection, name, rows)
    connection.execute("commit")
    steps()
    return read_outcome(connection, settings)


class _Steps:
    """Counts steps for whoever watches."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._done = progress, 0

    def __call__(self) -> None:
        self._done += 1
        self._progress(self._done, _STEPS)


def _outcome_row(choice: Choice) -> pl.DataFrame:
    status = "predicted" if choice.model else "observed"
    return pl.DataFrame(
        {"model": [choice.model], "status": [status], "reason": [choice.reason]},
        schema=dict.fromkeys(("model", "status", "reason"), pl.String),
    )


def _parameters(fits: Fits, choice: Choice) -> pl.DataFrame:
    """Every parameter of every model, and one row for a model without."""
    rows = []
    fitted = {**fits.purchases, **({SPEND_MODEL: fits.spend} if fits.spend else {})}
    for model in (*PURCHASE_MODELS, SPEND_MODEL):
        shared = {"dataset": fits.dataset.name, "model": model}
        if model not in fitted:
            rows.append({**shared, "is_chosen": False, "status": NOT_FITTED, "reason": fits.failures[model]})
            continue
        fit, is_chosen = fitted[model], choice.model is not None and model in (choice.model, SPEND_MODEL)
        rows += [
            {
                **shared,
                "parameter": name,
                "estimate": estimate,
                "standard_error": fit.standard_errors[name],
                "log_likelihood": fit.log_likelihood,
                "customers": int(fit.customers),
                "is_chosen": is_chosen,
                "status": FITTED,
            }
            for name, estimate in fit.parameters.items()
        ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: pl.DataFrame) -> None:
    """All rows at once, by the names of the columns; columns that the table lacks are none of its business."""
    if rows.is_empty():
        return
    columns = [row[0] for row in connection.execute(f"describe estimates.{table}").fetchall()]
    connection.register("estimated_rows", rows.select(name for name in rows.columns if name in columns))
    connection.execute(f"insert into estimates.{table} by name select * from estimated_rows")
    connection.unregister("estimated_rows")
