"""The page of the validation: what is counted, and what is said of it."""

from __future__ import annotations

import pytest
from validation.findings import Claim, Finding, Room
from validation.report import Run, page, quantile, summaries, wilson
from validation.rooms import ROOMS

CLAIMS = [claim for room in ROOMS for claim in room.claims]
FIRST, SECOND = CLAIMS[0], CLAIMS[1]
ROOM = Room("A room", (), (FIRST, SECOND), lambda *_: [])


def run(findings: dict[int, list[Finding]], **head: object) -> Run:
    return Run(
        **{"command": "make validate", "date": "2026-09-30", "customers": 4000, "asked_seeds": 3}
        | {"findings": findings, "failed": {}}
        | head
    )


def test_every_case_counts_and_reasons_stand_beside_what_was_not_found():
    found = {
        2: [Finding(FIRST.key, False, reason="the interval holds 0")],
        1: [Finding(FIRST.key, True, -0.5, planted=-0.4), Finding(FIRST.key, False, -0.1, reason="too few")],
        3: [Finding(FIRST.key, False, 0.1, reason="the interval holds 0", uncorrected=7.0)],
    }
    (summary,) = summaries(found, CLAIMS)
    assert (summary.claim, summary.cases, summary.recovered) == (FIRST, 4, 1)
    assert list(summary.reasons.items()) == [("the interval holds 0", 2), ("too few", 1)]
    assert (summary.estimates, summary.planted, summary.uncorrected) == ([-0.5, -0.1, 0.1], [-0.4], [7.0])


def test_claims_stand_in_their_own_order_and_only_those_with_a_finding():
    found = {1: [Finding(SECOND.key, True), Finding(FIRST.key, True)]}
    assert [summary.claim for summary in summaries(found, CLAIMS)] == [FIRST, SECOND]


def test_a_finding_of_an_unknown_claim_is_a_mistake():
    with pytest.raises(ValueError, match="nothing"):
        list(page(run({1: [Finding("nothing", True)]}), [ROOM]))


def test_keys_of_claims_are_unique():
    assert len({claim.key for claim in CLAIMS}) == len(CLAIMS)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([3.0], 0.05, 3.0), ([1.0, 2.0, 3.0], 0.5, 2.0), ([4.0, 0.0], 0.25, 1.0), ([1.0, 2.0, 3.0], 1.0, 3.0)],
)
def test_quantiles_lie_between_the_two_nearest(values, share, expected):
    assert quantile(values, share) == pytest.approx(expected)


def test_wilson():
    assert wilson(45, 50) == pytest.approx((0.7864, 0.9565), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_the_page_says_what_was_run_and_what_failed():
    found = {
        1: [Finding(FIRST.key, True, -0.50, planted=-0.504)],
        2: [Finding(FIRST.key, False, -0.1, reason="why")],
    }
    lines = list(page(run(found, failed={3: "dbt could not build"}, notes=["a note"]), [ROOM]))
    assert "- command: `make validate`" in lines
    assert "- companies: 2 of 3 seeds, 4,000 customers each, 24 months" in lines
    assert "- a note" in lines
    assert "- **seed 3 could not be built**: dbt could not build" in lines
    (row,) = [line for line in lines if line.startswith(f"| {FIRST.title}")]
    assert row == f"| {FIRST.title} | -0.50 |  | -0.30 (-0.48 to -0.12) | 1 of 2 seeds | 50% (9% to 91%) |"
    assert lines[-1].endswith("Not found in 1 of 2: why (1).")


def test_a_claim_that_was_always_found_says_so():
    assert list(page(run({1: [Finding(FIRST.key, True)]}), [ROOM]))[-1].endswith("Found in all 1.")


def test_a_claim_without_numbers_has_empty_cells():
    row = next(
        line
        for line in page(run({1: [Finding(FIRST.key, True)]}), [ROOM])
        if line.startswith(f"| {FIRST.title}")
    )
    assert row.startswith(f"| {FIRST.title} |  |  |  | 1 of 1 seeds |")


def test_claims_say_what_counts_as_found():
    assert all(isinstance(claim, Claim) and claim.judged.endswith(".") for claim in CLAIMS)


def test_every_room_names_the_models_it_reads_and_has_claims():
    assert all(room.models and room.claims for room in ROOMS)
