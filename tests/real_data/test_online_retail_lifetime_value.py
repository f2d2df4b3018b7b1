"""Online Retail: lifetime value with the last three months kept back, cancellations and all.

A wholesaler in the weeks before Christmas: nobody seems to leave within a year, and every model that knows no seasons
predicts too little. The night says both.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

import polars as pl
import pytest

from pipelines.estimates.histories import read_current
from pipelines.warehouse import open_warehouse

from .conftest import Example

pytestmark = pytest.mark.real_data

AS_OF, HOLDOUT_DAYS = dt.date(2011, 12, 10), 91
CHARGES = ("POST", "DOT", "C2", "AMAZONFEE", "BANK CHARGES", "CRUK", "B")  # stock codes that are no products


@pytest.fixture(scope="module")
def invoices(online_retail: Example) -> list[dict]:
    """Invoices of known customers in order of day, as polars reads them from the files."""
    amount = pl.col("Quantity") * pl.col("UnitPrice")
    is_product = ~pl.col("StockCode").is_in(CHARGES)
    return (
        pl.read_csv(str(online_retail.data / "by-day" / "*.csv"), infer_schema=False)
        .unique()
        .with_columns(
            pl.col("Quantity").cast(pl.Float64),
            pl.col("UnitPrice").cast(pl.Float64),
            pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S"),
        )
        .filter(pl.col("CustomerID").is_not_null())
        .group_by("CustomerID", "InvoiceNo")
        .agg(
            pl.col("InvoiceDate").min().dt.date().alias("day"),
            ((pl.col("Quantity") > 0) & is_product).any().alias("is_purchase"),
            amount.sum().alias("kept"),
            (-amount).filter((pl.col("Quantity") < 0) & is_product).sum().alias("back"),
        )
        .sort("day", "InvoiceNo")
        .to_dicts()
    )


def histories(invoices: list[dict], end: dt.date) -> list[tuple[int, int, int]]:
    """x, t_x and T in days of every customer: cancellations go to the latest purchase day before them, and a day
    that was taken back in full was none."""
    customers: dict[str, dict[dt.date, list[float]]] = defaultdict(dict)
    returns = []
    for invoice in (invoice for invoice in invoices if invoice["day"] <= end):
        if not invoice["is_purchase"]:
            returns.append(invoice)
            continue
        day = customers[invoice["CustomerID"]].setdefault(invoice["day"], [0.0, 0.0])
        day[0] += invoice["kept"]
        day[1] += invoice["back"]
    for invoice in returns:
        days = customers.get(invoice["CustomerID"], {})
        if earlier := [day for day in days if day <= invoice["day"]]:
            days[max(earlier)][0] += invoice["kept"]
            days[max(earlier)][1] += invoice["back"]
    found = []
    for days in customers.values():
        kept = sorted(day for day, (amount, back) in days.items() if not (back > 0 and round(amount, 4) <= 0))
        if kept:
            found.append((len(kept) - 1, (kept[-1] - kept[0]).days, (end - kept[0]).days))
    return sorted(found)


@pytest.mark.parametrize(("dataset", "held_back"), [("current", 0), ("calibration", HOLDOUT_DAYS)])
def test_sql_and_polars_count_the_same_histories(
    online_retail: Example, invoices: list[dict], dataset: str, held_back: int
) -> None:
    with open_warehouse(online_retail.home, read_only=True) as connection:
        rows = connection.execute(
            f"""select frequency, recency_days, age_days from intermediate.int_customers__purchase_histories
            where dataset = '{dataset}' order by all"""
        ).fetchall()
    assert rows == histories(invoices, AS_OF - dt.timedelta(days=held_back))


def test_nobody_is_seen_to_leave_and_that_is_said(online_retail: Example) -> None:
    """All models in which customers leave run away to one in which nobody does: within a year there is no sign."""
    rows = online_retail.query(
        "select distinct dataset, model, status, is_chosen from kpi.clv_model_parameters order by all"
    ).rows()
    for dataset in ("calibration", "current"):
        assert [row[1:] for row in rows if row[0] == dataset] == [
            ("BG/NBD", "not_fitted", False),
            ("Gamma-Gamma", "fitted", True),
            ("MBG/NBD", "not_fitted", False),
            ("NBD", "fitted", True),
            ("Pareto/NBD", "not_fitted", False),
        ]
    [(reason, alive)] = online_retail.query(
        "select distinct reason, max(p_alive_mean) from kpi.clv_segments group by reason"
    ).rows()
    assert reason.startswith("nobody is expected to leave, as no leaving can be seen")
    assert alive is None  # what a model assumes is not shown


def test_the_season_is_underestimated_and_it_is_said(online_retail: Example) -> None:
    """The last three months before Christmas: a quarter of the purchases was not foreseen."""
    totals = {
        row["model"]: row
        for row in online_retail.query("from kpi.clv_validation where level = 'total'").to_dicts()
    }
    chosen = totals["NBD"]
    assert (chosen["is_chosen"], chosen["customers"], chosen["actual_purchases"]) == (True, 3_360, 4_412)
    assert chosen["purchases_bias_percent"] == pytest.approx(-25.5, abs=0.1)
    assert chosen["value_bias_percent"] == pytest.approx(-40.9, abs=0.1)
    assert totals["(as before)"]["purchases_bias_percent"] == pytest.approx(-19.6, abs=0.1)
    assert chosen["mean_absolute_error"] < totals["(as before)"]["mean_absolute_error"]
    page = (online_retail.home.quality / "lifetime_value.html").read_text(encoding="utf-8")
    assert "NBD predicted 26 % too few purchases: 3,287, and 4,412 came" in page


def test_customers_are_told_apart_all_the_same(online_retail: Example) -> None:
    """The tenth of whom most was expected bought most, and each tenth more than the third below it."""
    came = online_retail.query(
        "select actual_purchases / customers as each from kpi.clv_validation where level = 'decile' order by position"
    )["each"].to_list()
    assert len(came) == 10
    assert came[-1] == max(came) > 4
    assert all(later > earlier for earlier, later in zip(came, came[3:], strict=False))


def test_every_customer_with_a_purchase_is_in_a_segment_with_an_interval(online_retail: Example) -> None:
    rows = online_retail.query("from kpi.clv_segments where segment <> '(all)'").to_dicts()
    with open_warehouse(online_retail.home, read_only=True) as connection:
        assert sum(row["customers"] for row in rows) == read_current(connection).customers == 4_323
    assert {row["value_basis"] for row in rows} == {"revenue_no_cost"}
    assert all(row["clv_lower"] < float(row["clv_amount"]) < row["clv_upper"] for row in rows)
