"""Each expectation on the table about traits, held against a table made wrong on purpose."""

from __future__ import annotations

import pytest
from breakages import Gate, all_failing

from data_quality.suites.published import traits

SUITE = traits.kpi_high_value_traits()
CARD = "trait = 'card'"
BEST = "the best are at most a tenth, and customers"
FOLLOWS = "the lift follows from its counts"
TESTED = "a trait is tested where enough of the best are expected with it and without it"
FOUND = "found is what is unlikely by chance, and confirmed what the later period says too"

# What breaks the table, and the expectation that says so; all of a group at once, because a run of the gate takes long.
GROUPS = [
    [
        (f"update {{t}} set trait_kind = 'stars' where {CARD}", "trait_kind is a known value"),
        (f"update {{t}} set verdict = 'sure' where {CARD}", "verdict is a known value"),
        ("update {t} set top_share = 101", "top_share between 0 and 100"),
        ("update {t} set lift_lower = null", "lift lies within its interval"),
        ("update {t} set later_lift_upper = later_lift - 1", "later_lift lies within its interval"),
        ("update {t} set all_top_customers = 102", BEST),
        ("update {t} set customers = 9", "nothing is said of a handful of people"),
        ("update {t} set known_on = date '2026-06-30'", "the later period is over"),
        ("update {t} set traits_tested = 4", "the number of tests is that of the rows that were tested"),
        ("update {t} set p_value = 0.5 where p_value is null", TESTED),
        (f"update {{t}} set p_value = 1.1 where {CARD}", "p_value between 0 and 1"),
    ],
    [
        (f"update {{t}} set lift = lift + 0.01 where {CARD}", FOLLOWS),
        (f"update {{t}} set later_top_customers = 101 where {CARD}", BEST),
        (f"update {{t}} set verdict = 'not found', reason = 'chance' where {CARD}", FOUND),
        ("update {t} set verdict = 'not found' where p_value is null", TESTED),
    ],
    [
        ("update {t} set expected_top_customers = expected_top_customers + 1", FOLLOWS),
        (f"update {{t}} set later_lift_lower = 0.9 where {CARD}", FOUND),
    ],
    [(f"update {{t}} set q_value = 0.0005 where {CARD}", FOUND)],
    [(f"update {{t}} set reason = 'none' where {CARD}", FOUND)],
]


@pytest.mark.parametrize("breakages", GROUPS)
def test_what_is_broken_is_found(gate: Gate, breakages: list[tuple[str, str]]) -> None:
    all_failing(
        gate, SUITE, [expectation for _, expectation in breakages], *(change for change, _ in breakages)
    )


def test_every_expectation_is_tried() -> None:
    tried = {expectation for breakages in GROUPS for _, expectation in breakages}
    named = {expectation.name for expectation in SUITE.expectations}
    assert named - tried == {"no column is a direct identifier", "no text looks like an e-mail address"}


def test_what_is_sound_passes(gate: Gate) -> None:
    assert gate((SUITE,)).errors == ()
