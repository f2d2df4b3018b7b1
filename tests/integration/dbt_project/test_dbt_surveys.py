"""Who answered when asked, and whether indicators part, computed a second time from the raw rows.

In plain Python, in other ways than the models take: standard errors as spreads of the answers and of the answers
added to them, changes by adding up single answers with their weights, probabilities by Python's normal distribution.
"""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import UTC, date, timedelta
from statistics import NormalDist
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from dbt_company import Company, Row, on_usual_scale
from dbt_history import AS_OF
from dbt_warehouse import Warehouse

MINIMUM_ANSWERS = 3
Z = NormalDist().inv_cdf(0.975)
TOKYO = ZoneInfo("Asia/Tokyo")
WINDOW = timedelta(days=30)


def _questionnaires(company: Company) -> dict[str, Row]:
    """What was handed in with at least one answer, by its identifier."""
    handed_in: dict[str, Row] = {}
    for row in company.responses():
        if row["score"] is not None or (row["comment"] or "").strip():
            handed_in[row["response_id"]] = row
    return handed_in


def test_fct_survey_invitations(built: Warehouse, company: Company) -> None:
    handed_in = sorted(_questionnaires(company).values(), key=lambda row: row["submitted_at"])
    audiences = defaultdict(set)
    for row in company.responses():
        audiences[row["survey_id"]].add(row["respondent_type"] or "external")
    invitations = sorted(company.sent_invitations(), key=lambda row: (row["sent_at"], row["invitation_id"]))
    answers: dict[str, tuple] = {}
    colleagues = {row["invitation_id"] for row in invitations if audiences[row["survey_id"]] == {"internal"}}
    for row in handed_in:
        if row["invitation_id"]:
            answers.setdefault(row["invitation_id"], (row["submitted_at"], "invitation"))
            if row["respondent_type"] == "internal":
                colleagues.add(row["invitation_id"])
    named = set(answers)
    for row in handed_in:
        fitting = [
            invitation["invitation_id"]
            for invitation in invitations
            if row["invitation_id"] is None
            and row["customer_key"] is not None
            and company.match(invitation) == row["customer_key"]
            and invitation["survey_id"] == row["survey_id"]
            and invitation["invitation_id"] not in named
            and timedelta(0) <= row["submitted_at"] - invitation["sent_at"] <= WINDOW
        ]
        if fitting:
            answers.setdefault(fitting[-1], (row["submitted_at"], "customer"))
    expected = {}
    for row in invitations:
        key = row["invitation_id"]
        answered_at, match = answers.get(key, (None, None))
        expected[key] = {
            "survey_id": row["survey_id"],
            "respondent_type": "internal" if key in colleagues else "external",
            "customer_key": None if key in colleagues else company.match(row),
            "department": row["department"],
            "department_key": row["department"] or "(unknown)",
            "touchpoint": row["touchpoint"],
            "locale": row["locale"],
            "sent_at": row["sent_at"],
            "sent_date": row["sent_at"].replace(tzinfo=UTC).astimezone(TOKYO).date(),
            "answered_at": answered_at,
            "answer_match": match,
            "is_answered": answered_at is not None,
            "source_name": "survey_tool",
        }
    published = {
        row.pop("invitation_id"): row
        for row in built.query(
            "select * exclude (customer_match) from marts.fct_survey_invitations"
        ).to_dicts()
    }
    assert published == expected
    kinds = [(row["respondent_type"], row["answer_match"]) for row in published.values()]
    assert (
        min(map(kinds.count, [("external", "invitation"), ("external", "customer"), ("external", None)])) > 10
    )
    assert kinds.count(("internal", "invitation")) > 3


def _month_number(day: date) -> int:
    return 12 * day.year + day.month


def _sides(company: Company) -> list[Row]:
    """Customers' answers about a department: -1, 0 or 1 for a recommendation, 0 or 1 for satisfaction."""
    sides = []
    for answer in company.answers():
        if answer["department"] is None or answer["metric"] not in ("nps", "csat"):
            continue
        if answer["metric"] == "nps":
            score = on_usual_scale(answer, 0, 10)
            side = 1 if score >= 9 else -1 if score < 7 else 0
        else:
            side = int(on_usual_scale(answer, 1, 5) >= 4)
        sides.append({**answer, "side": side, "month_number": _month_number(answer["day"])})
    return sides


class _Change:
    """One score of a department, recent against earlier answers, touchpoint by touchpoint."""

    def __init__(self, recent: list[Row], earlier: list[Row], added: list[tuple[float, float]]) -> None:
        self.weights, self.recent, self.earlier = {}, 0.0, 0.0
        self.variance = self.variance_if_nothing_changed = 0.0
        self.recent_n = self.earlier_n = 0
        self.influence: dict[str, float] = defaultdict(
            float
        )  # of each questionnaire on the change, times the weight
        for touchpoint in {row["touchpoint"] for row in recent} & {row["touchpoint"] for row in earlier}:
            groups = [[row for row in rows if row["touchpoint"] == touchpoint] for rows in (recent, earlier)]
            weight = 1 / (1 / len(groups[0]) + 1 / len(groups[1]))
            self.weights[touchpoint] = weight
            together = [row["side"] for group in groups for row in group]
            self.variance_if_nothing_changed += weight * np.var(together, ddof=1)
            self.recent_n += len(groups[0])
            self.earlier_n += len(groups[1])
            for group, sign in zip(groups, (1, -1), strict=True):
                values = np.array([row["side"] for row in group] + [value for value, _ in added], dtype=float)
                counts = np.array([1.0] * len(group) + [count for _, count in added])
                centre = np.average(values, weights=counts)
                spread = np.average((values - centre) ** 2, weights=counts) / counts.sum()
                self.variance += weight**2 * spread
                mean = sum(row["side"] for row in group) / len(group)
                for row in group:
                    key = (row["response_id"], touchpoint, sign)
                    self.influence[key] += sign * weight * (row["side"] - mean) / counts.sum()
                if sign == 1:
                    self.recent += weight * mean
                else:
                    self.earlier += weight * mean
        self.weight = sum(self.weights.values())

    @property
    def is_enough(self) -> bool:
        return min(self.recent_n, self.earlier_n) >= MINIMUM_ANSWERS

    @property
    def z(self) -> float:
        change = self.recent - self.earlier
        return change / math.sqrt(self.variance_if_nothing_changed) if change else 0.0

    def columns(self, name: str) -> Row:
        recent, earlier = 100 * self.recent / self.weight, 100 * self.earlier / self.weight
        error = 100 * math.sqrt(self.variance) / self.weight
        return {
            f"{name}_recent": recent,
            f"{name}_earlier": earlier,
            f"{name}_change": recent - earlier,
            f"{name}_change_standard_error": error,
            f"{name}_change_lower": recent - earlier - Z * error,
            f"{name}_change_upper": recent - earlier + Z * error,
            f"{name}_z": self.z,
        }


_NPS_ADDED = [(1, 0.75), (0, 1.5), (-1, 0.75)]
_CSAT_ADDED = [(1, 1.0), (0, 1.0)]


def _compared(sides: list[Row], department: str, month: int) -> tuple[_Change, _Change]:
    def change(metric: str, added: list[tuple[float, float]]) -> _Change:
        rows = [row for row in sides if row["department"] == department and row["metric"] == metric]
        return _Change(
            [row for row in rows if month - 3 < row["month_number"] <= month],
            [row for row in rows if month - 15 < row["month_number"] <= month - 3],
            added,
        )

    return change("nps", _NPS_ADDED), change("csat", _CSAT_ADDED)


def test_kpi_indicator_divergence(built: Warehouse, company: Company) -> None:
    sides = _sides(company)
    firsts = {
        department: min(row["month_number"] for row in sides if row["department"] == department)
        for department in {row["department"] for row in sides}
    }
    last = _month_number(AS_OF)
    expected: dict[tuple[date, str], Row] = {}
    flagged: dict[str, date] = {}
    for month in range(min(firsts.values()), last + 1):
        first_day = date((month - 1) // 12, (month - 1) % 12 + 1, 1)
        changes = {
            department: _compared(sides, department, month)
            for department, first in firsts.items()
            if first <= month
        }
        verdicts = {
            department: (nps, csat)
            for department, (nps, csat) in changes.items()
            if nps.is_enough and csat.is_enough and month - firsts[department] >= 5
        }
        for department, (nps, csat) in changes.items():
            row: Row = {
                "nps_recent_n": nps.recent_n,
                "nps_earlier_n": nps.earlier_n,
                "csat_recent_n": csat.recent_n,
                "csat_earlier_n": csat.earlier_n,
                "departments_compared": len(verdicts),
            }
            if department in verdicts:
                numbers = nps.columns("nps") | csat.columns("csat")
                shared = sum(value * csat.influence.get(key, 0) for key, value in nps.influence.items())
                correlation = shared / math.sqrt(nps.variance * csat.variance)
                gap = (csat.z - nps.z) / math.sqrt(2 - 2 * correlation)
                p_value = min(1, len(verdicts) * NormalDist().cdf(nps.z))
                is_alert = p_value <= 0.05 and gap >= 1.645 and numbers["csat_change_upper"] >= 0
                if is_alert:
                    flagged.setdefault(department, first_day)
                numbers |= {"correlation": correlation, "gap_z": gap, "nps_fall_p_value": p_value}
                row |= {name: pytest.approx(value, abs=6e-5) for name, value in numbers.items()}
                row["is_alert"] = is_alert
            row["first_alert_month"] = flagged.get(department)
            expected[first_day, department] = row
    published = {}
    for row in built.query("select * from kpi.kpi_indicator_divergence").to_dicts():
        published[row.pop("month"), row.pop("department")] = row
    empty = dict.fromkeys(next(iter(published.values())))
    assert published == {cell: empty | row for cell, row in expected.items()}
    assert "desk" in flagged
    assert {row["is_alert"] for row in published.values()} == {True, False, None}
