"""CDNOW from its raw files to the numbers that the papers on these models publish.

Which purchases count decides the last digits. All purchases of a day are one; a day on which everything cost 0.00 is a
purchase day all the same (without these the sample has 2,349 customers, and none of the published numbers comes out);
and the first day, which starts the clock, is in the frequency of neither model, nor is what was spent on it.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.estimators import (
    PurchaseFit,
    PurchaseHistories,
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_mbg_nbd,
    fit_pareto_nbd,
    holdout_measures,
)

from .conftest import real_data

pytestmark = pytest.mark.real_data

CALIBRATION_ENDS = dt.date(1997, 9, 30)
FITS = {"bg_nbd": fit_bg_nbd, "mbg_nbd": fit_mbg_nbd, "pareto_nbd": fit_pareto_nbd}


def purchase_days(file: Path, columns: list[str]) -> pl.DataFrame:
    """One row per customer and day with a purchase, with the day's value. The master file has a line of headings."""
    lines = [line.split() for line in file.read_text(encoding="ascii").splitlines()]
    rows = [line for line in lines if line[0].isdecimal()]
    return (
        pl.DataFrame(rows, schema=columns, orient="row")
        .with_columns(pl.col("date").str.to_date("%Y%m%d"), pl.col("value").cast(pl.Decimal(18, 2)))
        .group_by("customer", "date")
        .agg(pl.col("value").sum().cast(pl.Float64))
        .sort("customer", "date")
    )


def summary_of(days: pl.DataFrame, until: dt.date) -> pl.DataFrame:
    """One row per customer: x, t_x and T in weeks, and the mean value of a repeat purchase."""
    day, first = pl.col("date"), pl.col("date").min()
    return (
        days.filter(day <= until)
        .group_by("customer", maintain_order=True)
        .agg(
            (pl.len() - 1).cast(pl.Float64).alias("x"),
            ((day.max() - first).dt.total_days() / 7).alias("t_x"),
            ((pl.lit(until) - first).dt.total_days() / 7).alias("T"),
            pl.col("value").sort_by("date").slice(1).mean().alias("mean_value"),
        )
    )


@cache
def sample_days() -> pl.DataFrame:
    return purchase_days(
        real_data("cdnow") / "CDNOW_sample.txt", ["master_id", "customer", "date", "cds", "value"]
    )


@cache
def sample() -> pl.DataFrame:
    return summary_of(sample_days(), CALIBRATION_ENDS)


@cache
def histories() -> PurchaseHistories:
    return PurchaseHistories.grouped(sample()["x"], sample()["t_x"], sample()["T"])[0]


@cache
def fitted(model: str) -> PurchaseFit:
    return FITS[model](histories())


def test_sufficient_statistics() -> None:
    assert sample_days().height == 6_696
    assert (histories().total_customers, histories().repeat_buyers) == (2_357, 946)
    sums = sample().select(pl.col("x", "t_x", "T").sum()).row(0)
    assert sums == pytest.approx((2_457, 16_135.5714, 77_111.2857), abs=1e-4)
    assert sample_days().filter(pl.col("date") > CALIBRATION_ENDS).height == 1_882


@pytest.mark.parametrize(
    ("model", "parameters", "log_likelihood"),
    [
        ("bg_nbd", {"r": 0.2425945, "alpha": 4.4136019, "a": 0.7929199, "b": 2.4258881}, -9582.429),
        ("mbg_nbd", {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}, -9582.136),
        # published to three digits (Fader, Hardie and Lee 2005): .553, 10.578, .606, 11.669; -9595.0
        ("pareto_nbd", {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}, -9594.98),
    ],
)
def test_published_parameters(model: str, parameters: dict[str, float], log_likelihood: float) -> None:
    assert fitted(model).parameters == pytest.approx(parameters, rel=1e-3)
    assert fitted(model).log_likelihood == pytest.approx(log_likelihood, abs=5e-3)


def test_published_expectations_of_bg_nbd() -> None:
    fit = fitted("bg_nbd")
    weeks = [0.1429, 1, 3, 31.8571, 32, 78]
    published = [0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576]
    assert fit.expected_purchases_of_new(weeks) == pytest.approx(published, rel=1e-3, abs=5e-5)
    someone = PurchaseHistories([2], [30.43], [38.86], [1])
    assert fit.expected_purchases(someone, 39)[0] == pytest.approx(1.226, rel=1e-3)
    assert fit.p_alive(histories()) @ histories().customers / 2_357 == pytest.approx(0.81344, rel=1e-3)


def test_holdout_is_expected_12_percent_too_low() -> None:
    later = sample_days().filter(pl.col("date") > CALIBRATION_ENDS).group_by("customer").len("later")
    both = sample().join(later, on="customer", how="left").with_columns(pl.col("later").fill_null(0))
    found, group = PurchaseHistories.grouped(both["x"], both["t_x"], both["T"])
    expected = fitted("bg_nbd").expected_purchases(found, 39)[group]
    measures = holdout_measures(expected, both["later"], np.ones(both.height))
    assert measures.actual == 1_882
    assert measures.expected == pytest.approx(1_653.4, rel=1e-3)
    assert measures.bias == pytest.approx(-0.12, abs=0.005)


def test_published_spend() -> None:
    fit = fit_gamma_gamma(sample()["x"], sample()["mean_value"].fill_null(0), np.ones(sample().height))
    assert fit.parameters == pytest.approx({"p": 6.25, "q": 3.74, "v": 15.44}, abs=5e-3)
    assert fit.log_likelihood == pytest.approx(-4055.918, abs=1e-3)
    assert fit.population_mean == pytest.approx(35.17, rel=1e-3)
    assert fit.customers == 946


def test_full_cohort_with_a_repeater_who_spent_nothing() -> None:
    """The one mean of 0.00 would break the fit: its density has no logarithm there."""
    days = purchase_days(real_data("cdnow") / "CDNOW_master.txt", ["customer", "date", "cds", "value"])
    everyone = summary_of(days, dt.date(1998, 6, 30))
    assert everyone.height == 23_570
    repeat = everyone.filter(pl.col("x") > 0)
    assert (everyone.height - repeat.height, repeat.filter(pl.col("mean_value") == 0).height) == (12_054, 1)
    fit = fit_gamma_gamma(repeat["x"], repeat["mean_value"], np.ones(repeat.height))
    assert fit.customers == repeat.height - 1
    assert 30 < fit.population_mean < 45
