"""The tables of this room in the warehouse. dbt reads the links as a source: they exist even where nobody wants any."""

from __future__ import annotations

import duckdb

_TABLES = (
    "create schema if not exists matching",
    # person_id is taken for same_person_id since load_id; a row that names itself was a link once.
    """create table if not exists matching.people (
        person_id varchar, same_person_id varchar, probability double, load_id bigint
    )""",
    """create table if not exists matching.contacts (
        record_type varchar, source_name varchar, record_id varchar, person_id varchar, probability double
    )""",
    # What was proposed and refused, for the people who keep the CRM: they can look whether these are one.
    """create table if not exists matching.refused_clusters (
        cluster_id bigint, person_id varchar, people bigint
    )""",
    "create table if not exists matching.last_run (threshold double, maximum_cluster integer, last_load_id bigint)",
    """create table if not exists matching.rates (
        as_of_date date, source varchar, record_type varchar, records bigint, matched bigint,
        records_7d bigint, matched_7d bigint
    )""",
)


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make what is missing; what is there stays."""
    for statement in _TABLES:
        connection.execute(statement)


def forget_links(connection: duckdb.DuckDBPyConnection) -> None:
    """Probabilistic matching is switched off: nobody is taken for anybody else any more."""
    for table in ("people", "contacts", "refused_clusters", "last_run"):
        connection.execute(f"delete from matching.{table}")
