"""The headline numbers, for the page and for the terminal.

Every query gives numbers as they are published; none is computed here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import duckdb

# The month that ended last by the business date: a month that goes on would look like a fall.
LAST_MONTH = """(
    select cast(date_trunc('month', as_of_date + 1) - interval 1 month as date) from meta.publication
)"""
TREND_MONTHS = 12


@dataclass(frozen=True)
class Tile:
    """What a headline asks of the published file.

    Args:
        name: names it in the texts.
        table: what the query reads; a publication without it has no such headline.
        unit: points, percent, money or ratio.
        columns: value, lower and upper end of its interval (or null), and what it is made of.
        where: the one row; ``{month}`` stands for the last whole month, and a headline with it has a trend.
    """

    name: str
    table: str
    unit: str
    columns: tuple[str, str, str, str]
    where: str

    @property
    def is_monthly(self) -> bool:
        return "{month}" in self.where

    @property
    def sql(self) -> str:
        value, lower, upper, n = self.columns
        month = "month" if self.is_monthly else "cast(null as date)"
        return (
            f"select {value} as value, {lower} as lower, {upper} as upper, {n} as n, {month} as month"
            f" from {self.table} where {self.where.format(month=f'month = {LAST_MONTH}')}"
        )

    @property
    def trend_sql(self) -> str:
        """The values of the last whole months, oldest first."""
        until = self.where.format(month=f"month <= {LAST_MONTH}")
        return (
            f"select value from (select month, {self.columns[0]} as value from {self.table} where {until}"
            f" order by month desc limit {TREND_MONTHS}) order by month"
        )


@dataclass(frozen=True)
class Headline:
    """One headline number with its interval, the cases behind it and its month, where it has them."""

    name: str
    unit: str
    value: float
    lower: float | None
    upper: float | None
    n: int
    month: dt.date | None
    trend: tuple[float | None, ...]  # the values of up to twelve months, oldest first; empty: it has none


def _of_surveys(name: str, unit: str, n: str) -> Tile:
    columns = (name, f"{name}_lower", f"{name}_upper", n)
    return Tile(name, "kpi.kpi_loyalty_monthly", unit, columns, "level = 'month' and {month}")


TILES = (
    _of_surveys("nps", "points", "nps_n"),
    _of_surveys("csat", "percent", "csat_n"),
    _of_surveys("ces", "percent", "ces_n"),
    _of_surveys("response_rate", "percent", "invitations"),
    Tile(
        "bad_sales",
        "kpi.kpi_sales_quality_monthly",
        "percent",
        ("bad_share", "null", "null", "lines"),
        "level = 'month' and {month}",
    ),
    Tile(
        "silent",
        "kpi.kpi_silent_customers",
        "ratio",
        (
            "silent_per_complaint",
            "silent_per_complaint_lower",
            "silent_per_complaint_upper",
            "customers_with_problem",
        ),
        "period = '(all)' and department = '(all)' and problem_kind = '(orders)'",
    ),
    Tile(
        "lifetime_value",
        "kpi.clv_segments",
        "money",
        ("clv_mean", "clv_mean_lower", "clv_mean_upper", "customers"),
        "segment = '(all)'",
    ),
)


def headlines(connection: duckdb.DuckDBPyConnection) -> list[Headline]:
    """The headlines of a published file that has them; what was too little to say anything is left out."""
    there = tables(connection)
    found = []
    for tile in TILES:
        if tile.table not in there:
            continue
        row = connection.execute(tile.sql).fetchone()
        if row is None or row[0] is None:
            continue
        value, lower, upper, n, month = row
        trend = connection.execute(tile.trend_sql).fetchall() if tile.is_monthly else []
        found.append(
            Headline(
                tile.name,
                tile.unit,
                float(value),
                None if lower is None else float(lower),
                None if upper is None else float(upper),
                int(n),
                month,
                tuple(None if past is None else float(past) for (past,) in trend),
            )
        )
    return found


def tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Names of the tables in a published file, as ``schema.table``."""
    listed = connection.execute("select table_schema || '.' || table_name from information_schema.tables")
    return {name for (name,) in listed.fetchall()}
