"""The tables of this room in the warehouse. dbt reads them as sources: they are there where nothing is fitted, too."""

from __future__ import annotations

import duckdb

_TABLES = (
    "create schema if not exists estimates",
    # One row per history that customers share. dataset: 'current' up to the business date, 'calibration' up to the
    # day before the holdout. Purchases are expected within the horizon, for 'calibration' within the holdout.
    """create table if not exists estimates.clv_groups (
        dataset varchar, model varchar, frequency integer, recency_days integer, age_days integer,
        p_alive double, expected_purchases double, discounted_expected_purchases double
    )""",
    """create table if not exists estimates.clv_parameters (
        dataset varchar, model varchar, parameter varchar, estimate double, standard_error double,
        log_likelihood double, customers bigint, is_chosen boolean
    )""",
)


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make what is missing; what is there stays."""
    for statement in _TABLES:
        connection.execute(statement)
