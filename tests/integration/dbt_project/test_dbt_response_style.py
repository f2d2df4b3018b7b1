"""How locales answer and how far their scores are adjusted, computed a second time from the raw answers and orders.

In NumPy and polars, in other ways than the models take: exact normal quantiles, least squares and the sandwich of
their errors as matrices, boxes cut by interpolation. The company is made for it: two thousand customers in two
locales that feel and buy alike, but one answers at half the distance from the middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
import pytest
from dbt_history import AS_OF
from dbt_warehouse import Warehouse
from numpy.typing import NDArray

SCALES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}
# What these tables stand on, without the tests that join it to tables which are not built here.
ONLY_THESE = ("--select", "+kpi_loyalty_adjusted", "--indirect-selection", "cautious")
METHODS = ("later_behaviour", "later_behaviour_and_spread")
WINDOW_DAYS = 90
PRIOR_SD, TRUE_SPREAD_SD = 0.5, 0.15
Z = NormalDist().inv_cdf(0.975)
MINIMUM_ANSWERS = 3

Row = dict[str, Any]


def _latents(rng: np.random.Generator) -> Iterator[tuple[str, str, float]]:
    """Customers with their locale and how they feel."""
    sizes = {"en-GB": 1100, "ja-JP": 900, "fr-FR": 5, "": 20}
    for locale, size in sizes.items():
        for number, feeling in enumerate(rng.normal(0, 1, size)):
            yield f"{locale or 'somewhere'}-{number}", locale, feeling


def _answers(
    rng: np.random.Generator, response_id: str, customer: str, locale: str, feeling: float, at: datetime
) -> list[Row]:
    rows = []
    known = rng.random() > 0.02
    for metric, (low, high) in SCALES.items():
        middle = (low + high) / 2
        opinion = (high - low) * (0.15 + 0.16 * (feeling + 0.4 * rng.normal()))
        score = np.clip(round(middle + opinion * (0.5 if locale == "ja-JP" else 1)), low, high)
        rows.append(
            {
                "response_id": response_id,
                "question_id": metric,
                "survey_id": "s1",
                "customer_id": customer if known else None,
                "locale": locale or None,
                "metric": metric,
                "score": str(int(score)) if rng.random() > 0.03 else None,
                "submitted_at": at,
            }
        )
    return rows


@pytest.fixture(scope="module")
def styled(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A warehouse with the answers and purchases of two locales of one feeling and two styles."""
    rng = np.random.default_rng(7)
    tables: dict[str, list[Row]] = {
        "crm.customers": [],
        "crm.orders": [],
        "crm.order_lines": [],
        "survey.responses": [],
    }
    for customer, locale, feeling in _latents(rng):
        tables["crm.customers"].append({"customer_id": customer, "registered_at": datetime(2023, 1, 1)})
        for visit in range(rng.integers(1, 4)):
            at = datetime(2023, 6, 1, 12) + timedelta(hours=int(rng.integers(0, 24 * 395)))
            tables["survey.responses"] += _answers(rng, f"{customer}-{visit}", customer, locale, feeling, at)
            days = rng.exponential(120 * np.exp(-0.9 * feeling))
            order = f"o-{customer}-{visit}"
            tables["crm.orders"].append(
                {
                    "order_id": order,
                    "customer_id": customer,
                    "ordered_at": at + timedelta(days=min(days, 700)),
                    "status": "cancelled" if rng.random() < 0.05 else "delivered",
                    "currency": "JPY",
                }
            )
            tables["crm.order_lines"].append(
                {
                    "order_id": order,
                    "line_number": 1,
                    "product_id": "tea",
                    "quantity": "-1" if rng.random() < 0.05 else "1",
                    "unit_price": "5",
                }
            )
    of_a_colleague = {"respondent_type": "internal", "response_id": "colleague"}
    tables["survey.responses"].append(tables["survey.responses"][0] | of_a_colleague)
    warehouse = Warehouse(tmp_path_factory.mktemp("styled")).create()
    warehouse.load(1, tables)
    warehouse.build(AS_OF, *ONLY_THESE)
    return warehouse


def _local_date(column: str) -> pl.Expr:
    return pl.col(column).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo").dt.date()


@pytest.fixture(scope="module")
def answers(styled: Warehouse) -> pl.DataFrame:
    """Answered questions of customers up to the business date: metric, locale, customer, score, at, day."""
    raw = styled.query("select * from raw_survey.responses").filter(
        pl.col("score").is_not_null(), pl.col("respondent_type").is_null()
    )
    return raw.select(
        "metric",
        pl.col("locale").fill_null("(unknown)"),
        "response_id",
        customer="customer_id",
        score=pl.col("score").cast(pl.Float64),
        at="submitted_at",
        day=_local_date("submitted_at"),
    ).filter(pl.col("day") <= AS_OF)


def _spread(scores: NDArray[np.float64]) -> float | None:
    """Weighted least squares of exact normal quantiles on the borders between boxes."""
    borders, quantiles, weights = [], [], []
    for box in np.unique(scores):
        below = int((scores <= box).sum())
        if MINIMUM_ANSWERS <= below <= len(scores) - MINIMUM_ANSWERS:
            share = below / len(scores)
            quantile = NormalDist().inv_cdf(share)
            borders.append(box + 0.5)
            quantiles.append(quantile)
            weights.append(NormalDist().pdf(quantile) / np.sqrt(share * (1 - share)))
    return 1 / np.polyfit(borders, quantiles, 1, w=weights)[0] if len(borders) > 1 else None


def _styles(answers: pl.DataFrame) -> dict[tuple[str, str], Row]:
    both = pl.concat([answers, answers.with_columns(locale=pl.lit("(all)"))])
    found = {}
    for (locale, metric), given in both.group_by("locale", "metric"):
        low, high = SCALES[metric]
        scores = given["score"].to_numpy()
        enough = len(scores) >= MINIMUM_ANSWERS
        middle = np.abs(scores - (low + high) / 2) <= (high - low) / 10
        found[locale, metric] = {
            "n": len(scores),
            "respondents": given.select(pl.coalesce("customer", "response_id").n_unique()).item(),
            "mean": scores.mean() if enough else None,
            "middle_n": middle.sum(),
            "middle_share": 100 * middle.mean() if enough else None,
            "extreme_n": ((scores == low) | (scores == high)).sum(),
            "spread": _spread(scores),
        }
    return found


def test_kpi_response_style(styled: Warehouse, answers: pl.DataFrame) -> None:
    expected = _styles(answers)
    published = styled.query("select * from kpi.kpi_response_style").to_dicts()
    assert {(row["locale"], row["metric"]) for row in published} == set(expected)
    for row in published:
        for column, value in expected[row["locale"], row["metric"]].items():
            tolerance = {"rel": 2e-3} if column == "spread" else {"abs": 6e-5}
            assert row[column] == (value if value is None else pytest.approx(value, **tolerance)), row


def _evidence(styled: Warehouse, answers: pl.DataFrame) -> pl.DataFrame:
    """The answers whose later behaviour is known, with whether the customer came back."""
    lines = styled.query("select order_id from raw_crm.order_lines where quantity > 0")
    orders = (
        styled.query("select * from raw_crm.orders")
        .filter(pl.col("status") != "cancelled", pl.col("order_id").is_in(lines["order_id"].implode()))
        .select(customer="customer_id", ordered_at="ordered_at", order_day=_local_date("ordered_at"))
        .filter(pl.col("order_day") <= AS_OF)
    )
    known = answers.filter(
        pl.col("metric") == "nps",
        pl.col("customer").is_not_null(),
        pl.col("score").is_between(1, 9),
        pl.col("day") <= AS_OF - timedelta(days=WINDOW_DAYS),
    )
    returned = known.join(orders, on="customer").filter(
        pl.col("ordered_at") > pl.col("at"),
        pl.col("order_day") <= pl.col("day") + timedelta(days=WINDOW_DAYS),
    )
    return known.with_columns(returned=pl.col("response_id").is_in(returned["response_id"].implode()))


def _slope(known: pl.DataFrame) -> tuple[float, float]:
    """Slope in log odds, and its relative error clustered by customer, as matrices."""
    came_back = known["returned"].cast(pl.Float64).to_numpy()
    design = np.column_stack([np.ones(len(known)), known["score"].to_numpy()])
    coefficients = np.linalg.lstsq(design, came_back, rcond=None)[0]
    residuals = came_back - design @ coefficients
    meat = np.zeros((2, 2))
    for customer in known["customer"].unique():
        rows = (known["customer"] == customer).to_numpy()
        score = design[rows].T @ residuals[rows]
        meat += np.outer(score, score)
    bread = np.linalg.inv(design.T @ design)
    error = np.sqrt((bread @ meat @ bread)[1, 1])
    share = came_back.mean()
    return coefficients[1] / (share * (1 - share)), error / coefficients[1]


def test_kpi_response_stretch(styled: Warehouse, answers: pl.DataFrame) -> None:
    known = _evidence(styled, answers)
    styles = _styles(answers)
    ours, theirs = (known.filter(pl.col("locale") == locale) for locale in ("en-GB", "ja-JP"))
    (our_slope, our_error), (their_slope, their_error) = _slope(ours), _slope(theirs)
    behaviour, behaviour_error = np.log(their_slope / our_slope), np.hypot(our_error, their_error)
    ratios = [np.log(styles["en-GB", m]["spread"] / styles["ja-JP", m]["spread"]) for m in SCALES]
    sampling = [
        np.sqrt(sum(0.5 / (styles[locale, m]["respondents"] - 1) for locale in ("en-GB", "ja-JP")))
        for m in SCALES
    ]
    spread = np.mean(ratios)
    spread_error = np.sqrt(np.mean(sampling) ** 2 + np.var(ratios, ddof=1) / len(SCALES))
    weights = {"later_behaviour": (1 / behaviour_error**2, 0.0)}
    weights["later_behaviour_and_spread"] = (
        1 / behaviour_error**2,
        1 / (spread_error**2 + TRUE_SPREAD_SD**2),
    )
    published = {
        (row["locale"], row["method"]): row
        for row in styled.query("select * from kpi.kpi_response_stretch").to_dicts()
    }
    assert set(published) == {
        (locale, m) for locale in ("en-GB", "ja-JP", "fr-FR", "(unknown)") for m in METHODS
    }
    for method, (by_behaviour, by_spread) in weights.items():
        total = by_behaviour + by_spread + 1 / PRIOR_SD**2
        estimate = (behaviour * by_behaviour + spread * by_spread) / total
        row = published["ja-JP", method]
        assert row["evidence_n"] == len(theirs)
        assert row["evidence_returned"] == theirs["returned"].sum()
        assert row["behaviour_stretch"] == pytest.approx(np.exp(behaviour), abs=6e-5)
        assert row["behaviour_log_error"] == pytest.approx(behaviour_error, abs=6e-5)
        assert row["spread_stretch"] == pytest.approx(np.exp(spread), rel=2e-3)
        assert row["spread_log_error"] == pytest.approx(spread_error, rel=2e-2)
        assert row["stretch_estimate"] == pytest.approx(np.exp(estimate), rel=2e-3)
        assert row["stretch_estimate_lower"] == pytest.approx(np.exp(estimate - Z / np.sqrt(total)), rel=2e-3)
        assert row["stretch_estimate_upper"] == pytest.approx(np.exp(estimate + Z / np.sqrt(total)), rel=2e-3)
        assert row["verdict"] == "adjusted"
        assert row["stretch"] == row["stretch_estimate"]
        assert published["en-GB", method]["verdict"] == "reference"
        assert published["fr-FR", method]["verdict"] == "too little evidence"
        assert published["(unknown)", method]["verdict"] == "no locale"


def _beyond(boxes: NDArray[np.float64], cut: float) -> NDArray[np.float64]:
    """The share of each box above a cut-off."""
    return np.array([np.interp(cut, [box - 0.5, box + 0.5], [1, 0]) for box in boxes])


def _adjusted(boxes: NDArray[np.float64], stretches: NDArray[np.float64]) -> tuple[float, float]:
    promoters = sum(_beyond(boxes[stretches == s], 5 + 3.5 / s).sum() for s in np.unique(stretches))
    passed = sum(_beyond(boxes[stretches == s], 5 + 1.5 / s).sum() for s in np.unique(stretches))
    return promoters, len(boxes) - passed


def _wald(promoters: float, detractors: float, n: int, side: int) -> float:
    p, d = (promoters + 0.75) / (n + 3), (detractors + 0.75) / (n + 3)
    return 100 * (p - d + side * Z * np.sqrt((p + d - (p - d) ** 2) / (n + 3)))


def test_kpi_loyalty_adjusted(styled: Warehouse, answers: pl.DataFrame) -> None:
    nps = answers.filter(pl.col("metric") == "nps").with_columns(
        period=pl.format("{}-Q{}", pl.col("day").dt.year(), pl.col("day").dt.quarter())
    )
    nps = pl.concat([nps, nps.with_columns(period=pl.lit("(all)"))])
    nps = nps.with_columns(row=pl.col("locale"))
    nps = pl.concat([nps, nps.with_columns(row=pl.lit("(all)"))])
    stretches = styled.query("select * from kpi.kpi_response_stretch")
    published = {
        (row["period"], row["locale"], row["method"]): row
        for row in styled.query("select * from kpi.kpi_loyalty_adjusted").to_dicts()
    }
    assert len(published) == 2 * nps.select("period", "row").n_unique()
    for (period, locale), given in nps.group_by("period", "row"):
        for method in METHODS:
            row = published[period, locale, method]
            used = given.join(stretches.filter(pl.col("method") == method), on="locale")
            boxes, applied = used["score"].to_numpy(), used["stretch"].to_numpy()
            ends = {
                end: np.where(used["is_adjusted"], used[f"stretch_estimate_{end}"].fill_null(1), 1.0)
                for end in ("lower", "upper")
            }
            promoters, detractors = _adjusted(boxes, applied)
            assert row["nps_n"] == len(boxes)
            assert row["nps_promoters"] == (boxes >= 9).sum()
            assert row["nps_detractors"] == (boxes <= 6).sum()
            assert row["adjusted_promoters"] == pytest.approx(promoters, abs=1e-3)
            assert row["adjusted_detractors"] == pytest.approx(detractors, abs=1e-3)
            assert row["is_adjusted"] == bool(used["is_adjusted"].any())
            if len(boxes) < MINIMUM_ANSWERS:
                assert row["nps"] is row["nps_adjusted"] is row["nps_adjusted_lower"] is None
                continue
            score = 100 * (promoters - detractors) / len(boxes)
            assert row["nps_adjusted"] == pytest.approx(score, abs=1e-3)
            for end, side in (("lower", -1), ("upper", 1)):
                at_end = 100 * float(np.subtract(*_adjusted(boxes, ends[end]))) / len(boxes)
                sampled = np.clip(_wald(promoters, detractors, len(boxes), side), -100, 100)
                bound = np.clip(score + side * np.hypot(score - sampled, score - at_end), -100, 100)
                assert row[f"nps_adjusted_{end}"] == pytest.approx(bound, abs=2e-3)


def test_the_middle_answering_locale_comes_near_to_the_other(styled: Warehouse) -> None:
    rows = {
        row["locale"]: row
        for row in styled.query(
            "select * from kpi.kpi_loyalty_adjusted where period = '(all)' and method = 'later_behaviour'"
        ).to_dicts()
    }
    here, there = rows["ja-JP"], rows["en-GB"]
    assert abs(here["nps"] - there["nps"]) > 30
    assert abs(here["nps_adjusted"] - there["nps"]) < abs(here["nps"] - there["nps"]) / 2
    assert there["nps_adjusted"] == there["nps"]


def test_without_answers_the_tables_are_empty(warehouse: Warehouse) -> None:
    warehouse.build(AS_OF, *ONLY_THESE)
    for table in ("kpi_response_style", "kpi_response_stretch", "kpi_loyalty_adjusted"):
        assert warehouse.query(f"select * from kpi.{table}").is_empty()
