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
        where: the rows of all parts (departments or segments) and of the whole, (all).
        part: the column that tells the parts apart.
        is_monthly: whether it has a row for each month, and so a trend.
        panel: where more is said about it.
    """

    name: str
    table: str
    unit: str
    columns: tuple[str, str, str, str]
    where: str
    part: str
    is_monthly: bool
    panel: str

    @property
    def sql(self) -> str:
        """The one row of the whole company, in the last whole month."""
        month = f" and month = {LAST_MONTH}" if self.is_monthly else ""
        return (
            f"select {self._selected} from {self.table} where {self.where} and {self.part} = '(all)'{month}"
        )

    @property
    def trend_sql(self) -> str:
        """The values of the last whole months, oldest first."""
        return (
            f"select value from (select month, {self.columns[0]} as value from {self.table}"
            f" where {self.where} and {self.part} = '(all)' and month <= {LAST_MONTH}"
            f" order by month desc limit {TREND_MONTHS}) order by month"
        )

    @property
    def parts_sql(self) -> str:
        """Rows of the whole and of every part, of as many whole months as a trend has, oldest first."""
        months = (
            f" and month between {LAST_MONTH} - interval {TREND_MONTHS - 1} month and {LAST_MONTH}"
            if self.is_monthly
            else ""
        )
        return (
            f"select {self.part} as part, {self._selected} from {self.table} where {self.where}{months}"
            " order by part, month"
        )

    @property
    def _selected(self) -> str:
        value, lower, upper, n = self.columns
        month = "month" if self.is_monthly else "cast(null as date)"
        return f"{value} as value, {lower} as lower, {upper} as upper, {n} as n, {month} as month"


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


def _of_surveys(name: str, unit: str, n: str, panel: str) -> Tile:
    columns = (name, f"{name}_lower", f"{name}_upper", n)
    return Tile(name, "kpi.kpi_loyalty_monthly", unit, columns, _BY_DEPARTMENT, "department", True, panel)


def _of_sales(name: str, unit: str, column: str) -> Tile:
    columns = (column, "null", "null", "lines")
    return Tile(
        name, "kpi.kpi_sales_quality_monthly", unit, columns, _BY_DEPARTMENT, "department", True, "sales"
    )


_BY_DEPARTMENT = "level in ('month', 'month_department')"
TILES = (
    _of_surveys("nps", "points", "nps_n", "loyalty"),
    _of_surveys("csat", "percent", "csat_n", "satisfaction"),
    _of_surveys("ces", "percent", "ces_n", "satisfaction"),
    _of_surveys("response_rate", "percent", "invitations", "satisfaction"),
    _of_sales("net_sales", "money", "net_amount"),
    _of_sales("bad_sales", "percent", "bad_share"),
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
        "period = '(all)' and problem_kind = '(orders)'",
        "department",
        False,
        "silence",
    ),
    Tile(
        "lifetime_value",
        "kpi.clv_segments",
        "money",
        ("clv_mean", "clv_mean_lower", "clv_mean_upper", "customers"),
        "true",
        "segment",
        False,
        "lifetime_value",
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
