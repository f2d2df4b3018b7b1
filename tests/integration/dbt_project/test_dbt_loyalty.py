"""Customers' loyalty, computed a second time from the raw answers.

In plain Python and polars, in other ways than the models take: latest answers by sorting, Spearman-Brown by the ratio
of error to truth.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date

import pytest
from dbt_company import Company, Row, on_usual_scale
from dbt_history import AS_OF
from dbt_warehouse import PROJECT, Warehouse

ITEMS = ("listening", "importance", "conflict", "honesty", "reliability", "authenticity")
SCALES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7), **{f"poc_{item}": (1, 5) for item in ITEMS}}
A_YEAR_BEFORE = date(2023, 6, 30)


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
