"""CDNOW from its raw file through the whole pipeline: the published numbers of the literature, and what came.

The numbers are those of the 1/10 sample (2,357 customers) that the papers use: Fader, Hardie and Lee 2005 for
BG/NBD, Fader and Hardie 2013 for Gamma-Gamma. The whole cohort shows what is not in the sample: a customer who came
again and spent 0.00.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from orchestration.assets.dbt import PROJECT
from pipelines.estimates import refresh_lifetime_value
from pipelines.estimates.histories import as_histories, read_calibration
from pipelines.estimators import PurchaseFit, PurchaseHistories
from pipelines.home import Home
from pipelines.night import prepare_transformation
from pipelines.settings import customer_key_secret
from pipelines.transformation import build, ensure_manifest
from pipelines.warehouse import open_warehouse

from .conftest import Example, real_data

pytestmark = pytest.mark.real_data

CUT_OFF, END = dt.date(1997, 9, 30), dt.date(1998, 6, 30)
CLOSE = 1e-3
PRINTED = 0.005  # Gamma-Gamma's parameters are printed with two decimals: 3.74 stands for 3.7442

PARAMETERS = {
    ("BG/NBD", "r"): 0.2425945,
    ("BG/NBD", "alpha"): 4.4136019,
    ("BG/NBD", "a"): 0.7929199,
    ("BG/NBD", "b"): 2.4258881,
    ("MBG/NBD", "r"): 0.525,
    ("MBG/NBD", "alpha"): 6.183,
    ("MBG/NBD", "a"): 0.891,
    ("MBG/NBD", "b"): 1.614,
    ("Gamma-Gamma", "p"): 6.25,
    ("Gamma-Gamma", "q"): 3.74,
    ("Gamma-Gamma", "v"): 15.44,
}
LOG_LIKELIHOODS = {"BG/NBD": -9582.429, "MBG/NBD": -9582.136, "Gamma-Gamma": -4055.918}


def published(model: str, parameter: str) -> Any:
    """The literature's number, within what it can be told apart from."""
    printed = PRINTED if model == "Gamma-Gamma" else 0
    return pytest.approx(PARAMETERS[model, parameter], rel=CLOSE, abs=printed)


def purchase_days(file: str, columns: list[str], skip: int) -> pl.DataFrame:
    """Days with purchases by customer, as polars reads them from the file, without any of our reading."""
    text = (real_data("cdnow") / file).read_text(encoding="ascii")
    rows = [line.split() for line in text.splitlines()[skip:] if line.strip()]
    return (
        pl.DataFrame(rows, schema=columns, orient="row")
        .with_columns(pl.col("date").str.to_date("%Y%m%d"), pl.col("value").cast(pl.Decimal(18, 4)))
        .group_by("customer", "date")
        .agg(pl.col("value").sum())
    )


def histories(days: pl.DataFrame, end: dt.date) -> pl.DataFrame:
    """Sufficient statistics, sorted: x, t_x and T in days, and the value of the repeat purchases."""
    first = pl.col("date").min().over("customer")
    return (
        days.filter(pl.col("date") <= end)
        .with_columns((pl.col("date") > first).alias("is_repeat"))
        .group_by("customer")
        .agg(
            pl.col("is_repeat").sum().cast(pl.Int32).alias("frequency"),
            (pl.col("date").max() - pl.col("date").min())
            .dt.total_days()
            .cast(pl.Int32)
            .alias("recency_days"),
            (pl.lit(end) - pl.col("date").min()).dt.total_days().cast(pl.Int32).alias("age_days"),
            pl.col("value").filter("is_repeat").sum().alias("repeat_value"),
        )
    )


@pytest.fixture(scope="module")
def sample_days() -> pl.DataFrame:
    return purchase_days("CDNOW_sample.txt", ["master", "customer", "date", "cds", "value"], skip=0)


@pytest.fixture(scope="module")
def warehouse(cdnow_sample: Example) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(cdnow_sample.home, read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def calibration(warehouse: duckdb.DuckDBPyConnection) -> PurchaseHistories:
    return as_histories(read_calibration(warehouse).rows)


@pytest.fixture(scope="module")
def bg_nbd(cdnow_sample: Example) -> PurchaseFit:
    """The model that is published, to ask it more than is published."""
    rows = cdnow_sample.query(
        "select * from kpi.clv_model_parameters where dataset = 'calibration' and model = 'BG/NBD'"
    )
    parameters = dict(rows.select("parameter", "estimate").iter_rows())
    names = ("r", "alpha", "a", "b")
    return PurchaseFit(
        "bg_nbd", {name: parameters[name] for name in names}, np.eye(4), rows["log_likelihood"][0], 2_357
    )


@pytest.mark.parametrize(("dataset", "end"), [("calibration", CUT_OFF), ("current", END)])
def test_sql_and_polars_count_the_same_histories(
    warehouse: duckdb.DuckDBPyConnection, sample_days: pl.DataFrame, dataset: str, end: dt.date
) -> None:
    columns = ("frequency", "recency_days", "age_days")
    ours = warehouse.sql(
        f"""select {", ".join(columns)}, repeat_value_amount as repeat_value
        from intermediate.int_customers__purchase_histories where dataset = '{dataset}'"""
    ).pl()
    theirs = histories(sample_days, end).select(*columns, pl.col("repeat_value").cast(pl.Decimal(18, 4)))
    assert sorted(ours.rows()) == sorted(theirs.rows())


def test_the_sums_are_those_of_the_literature(cdnow_sample: Example, calibration: PurchaseHistories) -> None:
    """Purchases of 0.00 count as purchases: without them there would be eight customers fewer."""
    n = calibration.customers
    assert n.sum() == 2_357
    assert calibration.repeat_buyers == 946
    assert n @ calibration.frequency == 2_457
    assert n @ calibration.recency == pytest.approx(16_135.5714, abs=1e-4)
    assert n @ calibration.age == pytest.approx(77_111.2857, abs=1e-4)
    came = cdnow_sample.query(
        "select distinct actual_purchases from kpi.clv_validation where level = 'total'"
    )
    assert came.rows() == [(1_882,)]


@pytest.mark.parametrize(("model", "parameter"), PARAMETERS)
def test_parameters(cdnow_sample: Example, model: str, parameter: str) -> None:
    [(estimate,)] = cdnow_sample.query(
        f"""select estimate from kpi.clv_model_parameters
        where dataset = 'calibration' and model = '{model}' and parameter = '{parameter}'"""
    ).rows()
    assert estimate == published(model, parameter)


@pytest.mark.parametrize("model", LOG_LIKELIHOODS)
def test_log_likelihoods(cdnow_sample: Example, model: str) -> None:
    [(log_likelihood,)] = cdnow_sample.query(
        f"""select distinct log_likelihood from kpi.clv_model_parameters
        where dataset = 'calibration' and model = '{model}'"""
    ).rows()
    assert log_likelihood == pytest.approx(LOG_LIKELIHOODS[model], abs=CLOSE)


def test_expected_purchases_of_a_new_customer(bg_nbd: PurchaseFit) -> None:
    weeks = [0.1429, 1, 3, 31.8571, 32, 78]
    assert bg_nbd.expected_purchases_of_new(weeks) == pytest.approx(
        [0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576], rel=CLOSE, abs=5e-5
    )


def test_expected_purchases_of_one_customer(bg_nbd: PurchaseFit) -> None:
    one = PurchaseHistories([2], [30.43], [38.86], [1])
    assert bg_nbd.expected_purchases(one, 39)[0] == pytest.approx(1.226, rel=CLOSE)


def test_mean_probability_of_being_alive(bg_nbd: PurchaseFit, calibration: PurchaseHistories) -> None:
    alive = bg_nbd.p_alive(calibration)
    assert (calibration.customers @ alive) / 2_357 == pytest.approx(0.81344, rel=CLOSE)
    assert set(alive[calibration.frequency == 0]) == {1.0}  # by construction, which is why it is not shown


def test_mean_spend_of_the_population(cdnow_sample: Example) -> None:
    [(p, q, v)] = (
        cdnow_sample.query(
            """pivot (from kpi.clv_model_parameters where dataset = 'calibration' and model = 'Gamma-Gamma')
        on parameter in ('p', 'q', 'v') using any_value(estimate) group by model"""
        )
        .select("p", "q", "v")
        .rows()
    )
    assert p * v / (q - 1) == pytest.approx(35.17, rel=CLOSE)


def test_twelve_per_cent_too_few_are_predicted_and_it_is_said(cdnow_sample: Example) -> None:
    """The models under-predict this holdout, the chosen one no less than that of the literature."""
    totals = cdnow_sample.query(
        "select model, is_chosen, predicted_purchases, purchases_bias_percent from kpi.clv_validation "
        "where level = 'total'"
    )
    rows = {row["model"]: row for row in totals.to_dicts()}
    assert rows["BG/NBD"]["predicted_purchases"] == pytest.approx(1_653.4, rel=CLOSE)
    assert rows["BG/NBD"]["purchases_bias_percent"] == pytest.approx(-12.15, abs=0.01)
    [chosen] = [row for row in rows.values() if row["is_chosen"]]
    assert chosen["model"] == "Pareto/NBD"
    assert round(chosen["purchases_bias_percent"]) == -12
    page = (cdnow_sample.home.quality / "lifetime_value.html").read_text(encoding="utf-8")
    assert "Pareto/NBD predicted 12 % too few purchases: 1,666, and 1,882 came" in page


def test_tenths_and_weeks_by_polars(cdnow_sample: Example, sample_days: pl.DataFrame) -> None:
    """What came, in each week; and everybody's holdout in one of the tenths."""
    known = sample_days.filter(pl.col("date") <= CUT_OFF)["customer"].unique()
    came = sample_days.filter((pl.col("date") > CUT_OFF) & pl.col("customer").is_in(known.implode()))
    weeks = (
        came.with_columns(((pl.col("date") - CUT_OFF).dt.total_days() - 1).floordiv(7).add(1).alias("week"))
        .group_by("week")
        .agg(pl.len(), pl.col("value").sum().cast(pl.Decimal(18, 4)))
        .sort("week")
    )
    rows = cdnow_sample.query("select * from kpi.clv_validation order by position")
    by_week = rows.filter(pl.col("level") == "week")
    assert by_week.select("position", "actual_purchases", "actual_value").rows() == weeks.rows()
    assert by_week["actual_purchases_so_far"].to_list() == weeks["len"].cum_sum().to_list()
    tenths = rows.filter(pl.col("level") == "decile")
    assert tenths["customers"].sum() == 2_357
    assert tenths["actual_purchases"].sum() == came.height
    assert tenths["actual_value"].sum() == came["value"].sum()


def test_the_same_parameters_with_the_cut_off_as_the_business_date(
    cdnow_sample: Example, tmp_path: Path
) -> None:
    """The night of 30 September 1997 knows no more than the calibration does nine months later."""
    home = Home(tmp_path / "home").create()
    shutil.copy(cdnow_sample.home.warehouse, home.warehouse)
    settings = cdnow_sample.settings
    settings = settings.model_copy(
        update={"lifetime_value": settings.lifetime_value.model_copy(update={"holdout_days": 91})}
    )
    prepare_transformation(home, settings, CUT_OFF, customer_key_secret(settings))
    ensure_manifest(home, PROJECT)
    tests = [f"--exclude-resource-type={kind}" for kind in ("test", "unit_test")]
    for _ in build(home, PROJECT, ["--quiet", "--select", "+tag:estimates_input", *tests]):
        pass
    with open_warehouse(home) as connection:
        outcome = refresh_lifetime_value(connection, settings.lifetime_value)
    assert outcome.model is not None
    current = outcome.parameters.filter(pl.col("dataset") == "current")
    found = {(row["model"], row["parameter"]): row["estimate"] for row in current.to_dicts()}
    assert {key: found[key] for key in PARAMETERS} == {key: published(*key) for key in PARAMETERS}


def test_who_came_again_and_spent_nothing_breaks_no_fit(cdnow: Example) -> None:
    """The whole cohort, by the day: 12,054 never came again, one came again for 0.00."""
    days = purchase_days("CDNOW_master.txt", ["customer", "date", "cds", "value"], skip=1)
    cohort = histories(days, END)
    again = cohort.filter(pl.col("frequency") > 0)
    for_nothing = again.filter(pl.col("repeat_value") == 0).height
    assert (cohort.height, cohort.height - again.height, for_nothing) == (23_570, 12_054, 1)
    [(customers,)] = cdnow.query(
        """select distinct customers from kpi.clv_model_parameters
        where dataset = 'current' and model = 'Gamma-Gamma' and status = 'fitted'"""
    ).rows()
    assert customers == again.height - 1
    assert cdnow.query(
        "select clv_status, customers from kpi.clv_segments where segment = '(all)'"
    ).rows() == [("predicted", 23_570)]


def test_without_any_cost_revenue_stands_and_is_named(cdnow: Example) -> None:
    for table in ("clv_model_parameters", "clv_validation", "clv_segments"):
        assert cdnow.query(f"select distinct value_basis from kpi.{table}").rows() == [("revenue_no_cost",)]
