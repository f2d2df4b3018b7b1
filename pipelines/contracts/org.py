"""Canonical tables of the company itself: departments, initiatives and targets."""

from __future__ import annotations

import polars as pl

from pipelines.contracts.model import Column, Contract, Kind, RowCheck

DEPARTMENTS = Contract(
    "org",
    "departments",
    ("department",),
    "One row per department.",
    (
        Column("department", Kind.TEXT, "Code that orders, answers and tickets use."),
        Column("name", Kind.TEXT, "Name for people."),
        Column("parent_department", Kind.TEXT, "Department it belongs to."),
    ),
)

INITIATIVES = Contract(
    "org",
    "initiatives",
    ("initiative_id",),
    "One row per improvement the company tried.",
    (
        Column("initiative_id", Kind.TEXT, "The initiative's identifier."),
        Column("name", Kind.TEXT, "What it is called."),
        Column(
            "owner",
            Kind.TEXT,
            "Department or role that answers for it; it is published, so no person's name.",
        ),
        Column("starts_on", Kind.DATE, "First day.", required=True),
        Column("ends_on", Kind.DATE, "Last day; empty: still on."),
        Column("cost", Kind.DECIMAL, "What it costs."),
        Column(
            "scope",
            Kind.JSON,
            "Whom it treats, as JSON with one of department, sales_channel, country (a name or a list of names) or"
            " customers (a list of customer_id). Beside customers: control_customers, a list left untreated to compare"
            " with, and randomised: true where lots decided who is on which.",
        ),
    ),
    (RowCheck("ends_on is before starts_on", pl.col("ends_on") < pl.col("starts_on")),),
)

KPI_TARGETS = Contract(
    "org",
    "kpi_targets",
    ("kpi", "department", "month"),
    "One row per target of a KPI, department and month.",
    (
        Column(
            "kpi",
            Kind.TEXT,
            "KPI the target is for, as the seed scorecard_kpis names it: nps, csat, return_rate, ...",
        ),
        Column("department", Kind.TEXT, "Department that should reach it."),
        Column("month", Kind.DATE, "First day of the month."),
        Column(
            "target_value",
            Kind.DECIMAL,
            "Value to reach, in the unit of the KPI: points, percent or money.",
            required=True,
        ),
    ),
)

TABLES = (DEPARTMENTS, INITIATIVES, KPI_TARGETS)
