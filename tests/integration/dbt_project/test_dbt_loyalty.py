"""Loyalty, points of connection and moves between waves, computed a second time from the raw answers.

In plain Python, polars and NumPy, in other ways than the models take: latest answers by sorting, Spearman-Brown by the
ratio of error to truth, alpha from the items' covariance matrix, Student's t by integrating its density, Wilson as
the roots of its quadratic.
"""

from __future__ import annotations

import csv
import math
from collections import Counter, defaultdict
from datetime import date
from functools import cache
from itertools import pairwise, product

import numpy as np
import polars as pl
import pytest
from dbt_company import Company, Row, on_usual_scale
from dbt_history import AS_OF
from dbt_warehouse import PROJECT, Warehouse

ITEMS = ("listening", "importance", "conflict", "honesty", "reliability", "authenticity")
SCALES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7), **{f"poc_{item}": (1, 5) for item in ITEMS}}
BANDS = ("detractor", "passive", "promoter")
NO_ANSWER = "(no answer)"
A_YEAR_BEFORE = date(2023, 6, 30)
MINIMUM_ANSWERS = 3
Z = 1.959963984540054
ROUNDING = 6e-5


def _index_weights() -> dict[str, tuple[float, float]]:
    with (PROJECT / "seeds" / "loyalty_index_weights.csv").open(newline="") as file:
        return {
            row["metric"]: (float(row["weight"]), float(row["answer_reliability"]))
            for row in csv.DictReader(file)
        }


def _mean(scores: list) -> float:
    return float(sum(scores)) / len(scores)


def _question(metric: str, given: list[Row]) -> Row:
    """The columns of one metric, from a customer's answers in order."""
    answers = [answer for answer in given if answer["metric"] == metric]
    scores = [on_usual_scale(answer, *SCALES[metric]) for answer in answers]
    recent = [score for answer, score in zip(answers, scores, strict=True) if answer["day"] > A_YEAR_BEFORE]
    return {
        f"{metric}_latest": scores[-1] if scores else None,
        f"{metric}_latest_date": answers[-1]["day"] if answers else None,
        f"{metric}_12m_mean": pytest.approx(_mean(recent)) if recent else None,
        f"{metric}_answers_12m": len(recent),
    }


def _index(row: Row, given: list[Row]) -> Row:
    """The columns of the index, from the answers and from what the questions' columns should be."""
    weights = _index_weights()
    total = level = reliability = 0.0
    for metric in (metric for metric in SCALES if row[f"{metric}_answers_12m"]):
        weight, single = weights[metric]
        low, high = SCALES[metric]
        scores = [
            on_usual_scale(answer, low, high)
            for answer in given
            if answer["metric"] == metric and answer["day"] > A_YEAR_BEFORE
        ]
        total += weight
        level += weight * (_mean(scores) - low) / (high - low)
        reliability += weight * len(scores) / (len(scores) + (1 - single) / single)
    return {
        "loyalty_index": pytest.approx(100 * level / total, abs=6e-5) if total else None,
        "loyalty_index_parts": sum(row[f"{metric}_answers_12m"] > 0 for metric in SCALES),
        "loyalty_index_answers": sum(row[f"{metric}_answers_12m"] for metric in SCALES),
        "loyalty_index_weight_share": pytest.approx(total, abs=6e-5),
        "loyalty_index_reliability": pytest.approx(reliability / total, abs=6e-5) if total else None,
    }


def _category(score: float | None) -> str | None:
    if score is None:
        return None
    return "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"


def _verdict(row: Row) -> bool | None:
    """The satisfied detractor, by the latest answers, if both are of the last 12 months."""
    if not row["nps_answers_12m"] or not row["csat_answers_12m"]:
        return None
    return row["nps_latest"] < 7 and row["csat_latest"] >= 4


def test_customer_loyalty(built: Warehouse, company: Company) -> None:
    by_customer: dict[str, list[Row]] = defaultdict(list)
    for answer in company.answers():
        if answer["customer_key"]:
            by_customer[answer["customer_key"]].append(answer)
    expected = {}
    for key, given in by_customer.items():
        given.sort(key=lambda answer: (answer["submitted_at"], answer["response_id"], answer["question_id"]))
        row: Row = {}
        for metric in SCALES:
            row |= _question(metric, given)
        row |= _index(row, given)
        row |= {
            "nps_category": _category(row["nps_latest"]),
            "is_satisfied_detractor": _verdict(row),
            "answer_count": len(given),
            "last_answer_date": given[-1]["day"],
            "last_answer_touchpoint": given[-1]["touchpoint"],
            "last_answer_department": given[-1]["department"],
        }
        expected[key] = row
    published = {}
    for row in built.query("select * from marts.customer_loyalty").to_dicts():
        assert row.pop("as_of_date") == AS_OF
        published[row.pop("customer_key")] = row
    assert published == expected
    assert {row["is_satisfied_detractor"] for row in published.values()} == {True, False, None}
    assert {row["loyalty_index_parts"] for row in published.values()} >= {0, 1, 9}


@cache
def _t_975(degrees_of_freedom: int) -> float:
    """97.5 % quantile of Student's t."""
    v, x = degrees_of_freedom, np.linspace(0, 20, 200_001)
    scale = math.exp(math.lgamma((v + 1) / 2) - math.lgamma(v / 2)) / math.sqrt(v * math.pi)
    density = scale * (1 + x**2 / v) ** (-(v + 1) / 2)
    area = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(x))])
    return float(np.interp(0.475, area, x))


def _wilson(successes: int, n: int) -> tuple[float, float]:
    """Both bounds in percent: where the share is just z standard errors away."""
    share = successes / n
    lower, upper = sorted(np.roots([1 + Z**2 / n, -(2 * share + Z**2 / n), share**2]).real)
    return 100 * lower, 100 * upper


def _item_answers(company: Company) -> pl.DataFrame:
    """One row per questionnaire, a column per item; null where it was skipped."""
    answers = pl.DataFrame(
        [
            {
                "response_id": answer["response_id"],
                "respondent_type": respondent_type,
                "quarter": answer["day"].replace(month=1 + 3 * ((answer["day"].month - 1) // 3), day=1),
                "department": answer["department"] or "(unknown)",
                "item": answer["metric"].removeprefix("poc_"),
                "score": float(on_usual_scale(answer, 1, 5)),
            }
            for respondent_type in ("external", "internal")
            for answer in company.answers(respondent_type)
            if answer["metric"].startswith("poc_")
        ]
    )
    by_department = answers.pivot(
        "item", index=["response_id", "respondent_type", "quarter", "department"], values="score"
    )
    return pl.concat([by_department, by_department.with_columns(department=pl.lit("(all)"))])


def _measured(scores: np.ndarray, is_top: np.ndarray) -> Row:
    """Columns of one row from a score per questionnaire; none but counts below the minimum."""
    n = len(scores)
    row: Row = {"n": n, "top_box_n": int(is_top.sum())}
    names = (
        "mean",
        "standard_error",
        "mean_lower",
        "mean_upper",
        "top_box",
        "top_box_lower",
        "top_box_upper",
    )
    if n < MINIMUM_ANSWERS:
        return row | dict.fromkeys(names)
    error = scores.std(ddof=1) / np.sqrt(n)
    spread = _t_975(n - 1) * error
    slack = ROUNDING + spread * 0.25 / (n - 1) ** 3  # what the expansion of t leaves out
    lower, upper = _wilson(row["top_box_n"], n)
    return row | {
        "mean": pytest.approx(scores.mean(), abs=ROUNDING),
        "standard_error": pytest.approx(error, abs=ROUNDING),
        "mean_lower": pytest.approx(max(1.0, scores.mean() - spread), abs=slack),
        "mean_upper": pytest.approx(min(5.0, scores.mean() + spread), abs=slack),
        "top_box": pytest.approx(100 * is_top.mean(), abs=ROUNDING),
        "top_box_lower": pytest.approx(lower, abs=ROUNDING),
        "top_box_upper": pytest.approx(upper, abs=ROUNDING),
    }


def _alpha(complete: np.ndarray) -> Row:
    """Alpha and its interval from questionnaires x items."""
    n, k = complete.shape
    if n < MINIMUM_ANSWERS:
        return dict.fromkeys(("alpha", "alpha_lower", "alpha_upper"))
    covariance = np.cov(complete, rowvar=False)
    alpha = k / (k - 1) * (1 - np.trace(covariance) / covariance.sum())
    spread = Z * np.sqrt(2 * k / ((k - 1) * (n - 2)))
    bounds = 1 - np.exp(np.log(1 - alpha) + spread * np.array([1, -1]))
    names = ("alpha", "alpha_lower", "alpha_upper")
    return {
        name: pytest.approx(value, abs=ROUNDING) for name, value in zip(names, (alpha, *bounds), strict=True)
    }


def test_kpi_points_of_connection(built: Warehouse, company: Company) -> None:
    expected = {}
    groups = _item_answers(company).partition_by(["quarter", "department", "respondent_type"], as_dict=True)
    for group, questionnaires in groups.items():
        items = questionnaires.select(ITEMS)
        for item in ITEMS:
            scores = items[item].drop_nulls().to_numpy()
            if len(scores):
                row = _measured(scores, scores == 5)
                expected[(*group, item)] = row | _alpha(np.empty((0, 6))) | {"questionnaires": len(scores)}
        complete = items.drop_nulls().to_numpy()
        row = _measured(complete.mean(axis=1), (complete == 5).all(axis=1)) | _alpha(complete)
        expected[(*group, "(all)")] = row | {"questionnaires": items.height}
    published = {}
    for row in built.query("select * from kpi.kpi_points_of_connection").to_dicts():
        key = tuple(row.pop(name) for name in ("quarter", "department", "respondent_type", "item"))
        published[key] = row
    assert published == expected
    with_alpha = [row for row in published.values() if row["alpha"] is not None]
    assert len(with_alpha) > 20
    assert {respondent for _, _, respondent, _ in published} == {"external", "internal"}


def _bands_by_wave(company: Company) -> dict[date, dict[str, str]]:
    """Wave -> customer -> band of the last relationship answer in it."""
    by_wave: dict[date, dict[str, str]] = defaultdict(dict)
    answers = [
        answer
        for answer in company.answers()
        if answer["metric"] == "nps" and answer["touchpoint"] == "relationship" and answer["customer_key"]
    ]
    answers.sort(key=lambda answer: (answer["submitted_at"], answer["response_id"], answer["question_id"]))
    for answer in answers:
        wave = date(answer["day"].year, 1 + 6 * (answer["day"].month > 6), 1)
        by_wave[wave][answer["customer_key"]] = _category(answer["score"])
    return by_wave


def _share_columns(customers: int, band_customers: int | None) -> Row:
    row: Row = {"customers": customers, "band_customers": band_customers}
    if band_customers is None or band_customers < MINIMUM_ANSWERS:
        return row | dict.fromkeys(("share_percent", "share_percent_lower", "share_percent_upper"))
    lower, upper = _wilson(customers, band_customers)
    return row | {
        "share_percent": pytest.approx(100 * customers / band_customers, abs=ROUNDING),
        "share_percent_lower": pytest.approx(lower, abs=ROUNDING),
        "share_percent_upper": pytest.approx(upper, abs=ROUNDING),
    }


def test_kpi_relationship_transitions(built: Warehouse, company: Company) -> None:
    by_wave = _bands_by_wave(company)
    waves = sorted(by_wave)
    expected = {}
    for from_wave, to_wave in pairwise(waves):
        before, after = by_wave[from_wave], by_wave[to_wave]
        moves = Counter(
            (before.get(key, NO_ANSWER), after.get(key, NO_ANSWER)) for key in before.keys() | after.keys()
        )
        for move in product((*BANDS, NO_ANSWER), repeat=2):
            if move == (NO_ANSWER, NO_ANSWER):
                continue
            band_customers = None
            change = "answered once"
            if NO_ANSWER not in move:
                band_customers = sum(moves[move[0], band] for band in BANDS)
                steps = BANDS.index(move[1]) - BANDS.index(move[0])
                change = "more loyal" if steps > 0 else "less loyal" if steps < 0 else "unchanged"
            expected[(from_wave, *move)] = _share_columns(moves[move], band_customers) | {
                "to_wave": to_wave,
                "is_over": to_wave < date(2024, 7, 1),
                "change": change,
            }
    published = {}
    for row in built.query("select * from kpi.kpi_relationship_transitions").to_dicts():
        published[tuple(row.pop(name) for name in ("from_wave", "band_before", "band_after"))] = row
    assert published == expected
    assert len(waves) >= 3
    assert {row["share_percent"] is None for row in published.values()} == {True, False}
