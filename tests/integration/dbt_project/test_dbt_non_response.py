"""Who answers, and the NPS weighted to the customer base, computed a second time customer by customer.

From the raw answers; invitations, segments and locales of customers are taken as published, where their own tests
recompute them.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from statistics import NormalDist

import numpy as np
import pytest
from dbt_company import Company, Row, on_usual_scale
from dbt_history import AS_OF
from dbt_warehouse import Warehouse

MINIMUM_ANSWERS = 3
LARGEST_WEIGHT = 5
A_YEAR_BEFORE = date(2023, 6, 30)
Z = NormalDist().inv_cdf(0.975)


@pytest.fixture(scope="module")
def base(built: Warehouse) -> dict[str, tuple[str, str]]:
    """Customer -> segment and locale of everybody who bought."""
    return {
        row["customer_key"]: (row["segment"], row["locale"] or "(unknown)")
        for row in built.query(
            "select customer_key, segment, locale from marts.customer_rfm join marts.dim_customers using (customer_key)"
        ).to_dicts()
    }


def _wilson(successes: float, n: float, side: int) -> float:
    """The root of (share - p)^2 = z^2 p (1 - p) / n."""
    share = successes / n
    a, b, c = 1 + Z * Z / n, -(2 * share + Z * Z / n), share * share
    return 100 * (-b + side * np.sqrt(max(b * b - 4 * a * c, 0))) / (2 * a)


def _response_rate(asked: list[list[bool]]) -> list[float]:
    """Percent and interval, with people drawn and not their invitations."""
    sent, answered = np.array([len(one) for one in asked]), np.array([sum(one) for one in asked])
    n, share = sent.sum(), answered.sum() / sent.sum()
    effect = 1.0
    if 0 < share < 1:
        effect = max(1.0, ((answered - share * sent) ** 2).sum() / (n * share * (1 - share)))
    ends = [_wilson(answered.sum() / effect, n / effect, side) for side in (-1, 1)]
    return [100 * share, *(min(100, max(0, end)) for end in ends)]


def test_kpi_non_response(built: Warehouse, base: dict[str, tuple[str, str]]) -> None:
    invited: dict[str, list[bool]] = defaultdict(list)
    for row in built.query("select * from marts.fct_survey_invitations").to_dicts():
        if (
            A_YEAR_BEFORE < row["sent_date"] <= AS_OF - timedelta(days=30)
            and row["respondent_type"] == "external"
        ):
            invited[row["customer_key"]].append(row["is_answered"])
    groups: dict[tuple[str, str], list[list[bool]]] = defaultdict(list)
    for customer, (segment, locale) in base.items():
        for cell in {(segment, locale), (segment, "(all)"), ("(all)", locale), ("(all)", "(all)")}:
            groups[cell].append(invited.get(customer, []))
    published = built.query("select * from kpi.kpi_non_response").to_dicts()
    assert {(row["segment"], row["locale"]) for row in published} == set(groups)
    for row in published:
        people = groups[row["segment"], row["locale"]]
        asked = [answers for answers in people if answers]
        answered = sum(map(any, asked))
        assert (row["customers"], row["asked"], row["answered"]) == (len(people), len(asked), answered)
        assert (row["invitations"], row["invitations_answered"]) == (
            sum(map(len, asked)),
            sum(map(sum, asked)),
        )
        if len(people) < MINIMUM_ANSWERS:
            assert row["asked_share"] is None
        else:
            assert row["asked_share"] == pytest.approx(100 * len(asked) / len(people), abs=6e-5)
        if len(asked) < MINIMUM_ANSWERS:
            assert row["answered_share"] is row["answered_share_lower"] is row["answered_share_upper"] is None
        else:
            assert row["answered_share"] == pytest.approx(100 * answered / len(asked), abs=6e-5)
            assert row["answered_share_lower"] == pytest.approx(_wilson(answered, len(asked), -1), abs=6e-5)
            assert row["answered_share_upper"] == pytest.approx(_wilson(answered, len(asked), 1), abs=6e-5)
        rate = _response_rate(asked) if row["invitations"] >= MINIMUM_ANSWERS else [None] * 3
        assert [row[f"response_rate{end}"] for end in ("", "_lower", "_upper")] == pytest.approx(
            rate, abs=6e-5
        )
    assert any(row["answered_share"] not in (None, 0, 100) for row in published)
    assert any(row["response_design_effect"] > 1 for row in published)


def _voices(company: Company, base: dict[str, tuple[str, str]]) -> dict[str, int]:
    """Customer -> side of the latest recommendation of the last 12 months: 1, 0 or -1."""
    voices = {}
    key = ("submitted_at", "response_id", "question_id")
    for answer in sorted(company.answers(), key=lambda row: tuple(row[column] for column in key)):
        if answer["metric"] == "nps" and answer["day"] > A_YEAR_BEFORE and answer["customer_key"] in base:
            score = on_usual_scale(answer, 0, 10)
            voices[answer["customer_key"]] = 1 if score >= 9 else -1 if score < 7 else 0
    return voices


def _weights(base: dict[str, tuple[str, str]], voices: dict[str, int]) -> dict[str, float]:
    """Voice -> customers that it stands for, as a multiple of the average and before trimming."""
    spoken = defaultdict(int)
    small = defaultdict(int)
    for customer in voices:
        spoken[base[customer]] += 1
    for (_, locale), count in spoken.items():
        small[locale] += count * (count < MINIMUM_ANSWERS)

    def pool(cell: tuple[str, str]) -> tuple[str, ...]:
        if spoken[cell] >= MINIMUM_ANSWERS:
            return cell
        return ("small", cell[1]) if small[cell[1]] >= MINIMUM_ANSWERS else ("small",)

    people, heard = defaultdict(int), defaultdict(int)
    for customer, cell in base.items():
        people[pool(cell)] += 1
        heard[pool(cell)] += customer in voices
    average = sum(people[group] for group in people if heard[group]) / len(voices)
    return {
        customer: people[pool(base[customer])] / heard[pool(base[customer])] / average for customer in voices
    }


def _adjusted_wald(promoters: float, detractors: float, n: float, side: int) -> float:
    p, d = (promoters + 0.75) / (n + 3), (detractors + 0.75) / (n + 3)
    return float(np.clip(100 * (p - d + side * Z * np.sqrt((p + d - (p - d) ** 2) / (n + 3))), -100, 100))


def _expected(sides: list[int], weights: list[float]) -> Row:
    row: Row = {"nps_n": len(sides), "nps_promoters": sides.count(1), "nps_detractors": sides.count(-1)}
    trimmed = np.minimum(weights, LARGEST_WEIGHT)
    row["trimmed_n"] = sum(weight > LARGEST_WEIGHT for weight in weights)
    effective = trimmed.sum() ** 2 / (trimmed**2).sum() if sides else None
    row["effective_n"], row["largest_weight"] = effective, max(trimmed, default=None)
    enough = len(sides) >= MINIMUM_ANSWERS
    row["nps"] = 100 * np.mean(sides) if enough else None
    share = [np.average(np.equal(sides, side), weights=trimmed) if sides else 0 for side in (1, -1)]
    shown = effective is not None and effective >= MINIMUM_ANSWERS
    row["nps_reweighted"] = 100 * (share[0] - share[1]) if shown else None
    for name, side in (("lower", -1), ("upper", 1)):
        counts = (sides.count(1), sides.count(-1), len(sides))
        row[f"nps_{name}"] = _adjusted_wald(*counts, side) if enough else None
        row[f"nps_reweighted_{name}"] = (
            _adjusted_wald(share[0] * effective, share[1] * effective, effective, side) if shown else None
        )
    return row


def test_kpi_loyalty_reweighted(built: Warehouse, company: Company, base: dict[str, tuple[str, str]]) -> None:
    voices = _voices(company, base)
    weights = _weights(base, voices)
    published = {
        row["locale"]: row for row in built.query("select * from kpi.kpi_loyalty_reweighted").to_dicts()
    }
    locales = {locale for _, locale in base.values()}
    assert set(published) == {"(all)", *locales}
    for locale, row in published.items():
        chosen = [customer for customer in voices if locale in ("(all)", base[customer][1])]
        expected = _expected(
            [voices[customer] for customer in chosen], [weights[customer] for customer in chosen]
        )
        for column, value in expected.items():
            assert row[column] == (value if value is None else pytest.approx(value, abs=1e-4)), (
                locale,
                column,
            )
        assert row["customers"] == sum(locale in ("(all)", where) for _, where in base.values())
    whole = published["(all)"]
    assert whole["nps"] != whole["nps_reweighted"]
    assert 0 < whole["pooled_n"] < whole["nps_n"]


def test_without_customers_nobody_is_silent(warehouse: Warehouse) -> None:
    warehouse.build(
        AS_OF, "--select", "+kpi_non_response", "+kpi_loyalty_reweighted", "--indirect-selection", "cautious"
    )
    assert warehouse.query("select * from kpi.kpi_non_response").is_empty()
    assert warehouse.query("select * from kpi.kpi_loyalty_reweighted").is_empty()
