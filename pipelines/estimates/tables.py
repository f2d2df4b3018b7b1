"""The tables of this room in the warehouse. dbt reads them as sources: they are there where nothing is fitted, too."""

from __future__ import annotations

import duckdb

_TABLES = {
    # One row per history that customers share, by the chosen model. dataset: 'current' up to the business date,
    # 'calibration' up to the day before the holdout. Purchases are those expected within the horizon, for
    # 'calibration' within the holdout. A purchase of a customer whose repeat purchases came to v is worth
    # spend_intercept + spend_slope * v.
    "clv_groups": """
        dataset varchar, model varchar, frequency integer, recency_days integer, age_days integer,
        customers bigint, p_alive double, expected_purchases double, discounted_expected_purchases double,
        spend_intercept double, spend_slope double""",
    # One row per dataset, model and parameter; a model without estimates has one row, with the reason.
    "clv_parameters": """
        dataset varchar, model varchar, parameter varchar, estimate double, standard_error double,
        log_likelihood double, customers bigint, is_chosen boolean, status varchar, reason varchar""",
    # One row per model and part of the holdout: all of it ('total'), a tenth of the customers or a week.
    "clv_validation": """
        model varchar, is_chosen boolean, level varchar, position integer, customers bigint,
        actual_purchases bigint, predicted_purchases double, actual_value decimal(18, 4), predicted_value double,
        poisson_deviance double, mean_absolute_error double""",
    # One row per RFM segment.
    "clv_segments": """
        segment varchar, model varchar, customers bigint, clv_amount double, standard_error double,
        clv_lower double, clv_upper double""",
    # One row: what became of it all. status: 'predicted' or 'observed'.
    "clv_outcome": "model varchar, status varchar, reason varchar",
}


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make what is missing; what is there stays."""
    connection.execute("create schema if not exists estimates")
    for name, columns in _TABLES.items():
        connection.execute(f"create table if not exists estimates.{name} ({columns})")


def replace_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make all of them anew and empty; an older version may have left them with other columns."""
    for name, columns in _TABLES.items():
        connection.execute(f"create or replace table estimates.{name} ({columns})")
