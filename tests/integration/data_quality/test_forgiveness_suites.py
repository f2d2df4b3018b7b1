"""Each expectation on the tables about who comes back, held against a table made wrong on purpose."""

from __future__ import annotations

import pytest
from breakages import Gate, all_failing

from data_quality.suites.published import forgiveness

FORGIVENESS, TOLERANCE = "kpi.kpi_forgiveness", "kpi.kpi_price_tolerance"
ADOPTION, LOST = "kpi.kpi_category_adoption", "kpi.kpi_lost_customers"
SUITES = {
    suite.table: suite
    for suite in (
        forgiveness.kpi_forgiveness(),
        forgiveness.kpi_price_tolerance(),
        forgiveness.kpi_category_adoption(),
        forgiveness.kpi_lost_customers(),
    )
}
WINDOW = "the window is the rule's"
MONTH = "a month is its first day, not after the business date, and named by its period"
HALF_YEAR = "a half-year is its first day, not after the business date, and named by its period"


def _of_share(rate: str) -> list[tuple[str, str]]:
    return [
        (f"update {{t}} set {rate} = 101", f"{rate} between 0 and 100"),
        (f"update {{t}} set {rate}_upper = null", f"{rate} lies within its interval"),
        (f"update {{t}} set {rate} = 101", f"{rate} follows from its counts"),
        (
            "update ops.run_settings set minimum_answers = 1000",
            f"{rate} is shown from the minimum of customers on",
        ),
    ]


# What breaks the table, and the expectation that says so; all of a group at once, because a run of the gate takes long.
GROUPS = [
    (
        FORGIVENESS,
        [
            ("update {t} set problem_kind = 'bad luck'", "problem_kind is a known value"),
            ("update {t} set failure_number = '4'", "failure_number is a known value"),
            ("update {t} set band = 'fan'", "band is a known value"),
            ("update {t} set window_days = 0", WINDOW),
            *_of_share("come_back_rate"),
            (
                "update {t} set came_back = customers + 1",
                "customers_window_open and came_back and compared_customers lie within customers",
            ),
            ("update {t} set ordinary_rate = 101", "ordinary_rate between 0 and 100"),
            ("update {t} set ordinary_rate = 101", "ordinary_rate lies within its interval"),
            ("update {t} set difference = 9", "difference lies within its interval"),
            ("update {t} set difference = 9", "difference is that of the shares beside it"),
            ("update {t} set ordinary_purchases = 1", "what is compared is shown on both sides or on none"),
            (
                "insert into marts.fct_problems by name select 'order x' as problem_id, 'x' as customer_key",
                "every customer with a problem is in the first failures, and no other",
            ),
        ],
    ),
    (
        TOLERANCE,
        [
            ("update {t} set comparison = 'week before'", "comparison is a known value"),
            ("update {t} set band = 'fan' where band = 'promoter'", "band is a known value"),
            ("update {t} set window_days = null", WINDOW),
            (
                "update {t} set rise_month = date '2026-01-02'",
                "a rise is the first of a month, not after the business date",
            ),
            ("update {t} set products_risen = 11", "a rise is one"),
            *_of_share("buying_rate"),
            *_of_share("compared_rate"),
            ("update {t} set bought_again = 2 * customers", "bought_again lie within customers"),
            (
                "update {t} set compared_bought_again = -1",
                "compared_bought_again lie within compared_customers",
            ),
            ("update {t} set is_window_closed = false", "there is no share while the window is open"),
            ("update {t} set change = 99", "change lies within its interval"),
            ("update {t} set change = 99", "change is that of the shares beside it"),
            ("update {t} set tolerance = 99 where tolerance = 0", "tolerance lies within its interval"),
            (
                "update {t} set tolerance = 99 where tolerance = 0",
                "tolerance is the change beside that of the detractors",
            ),
            ("update {t} set customers = customers + 1", "the bands are all customers"),
        ],
    ),
    (
        ADOPTION,
        [
            ("update {t} set band = 'fan' where band = 'promoter'", "band is a known value"),
            ("update {t} set window_days = -1", WINDOW),
            ("update {t} set period = '2026' where wave is not null", HALF_YEAR),
            *_of_share("adoption_rate"),
            *_of_share("buyer_adoption_rate"),
            *_of_share("next_purchase_rate"),
            (
                "update {t} set customers_window_open = 61",
                "customers_window_open and buyers lie within customers",
            ),
            ("update {t} set adopters = buyers + 1", "adopters lie within buyers"),
            ("update {t} set next_purchase_adopters = 99", "next_purchase_adopters lie within adopters"),
            ("update {t} set expected_rate = 101", "expected_rate between 0 and 100"),
            ("update {t} set adventure = 99", "adventure lies within its interval"),
            ("update {t} set adventure = 99", "adventure is that of the shares beside it"),
            ("update {t} set mean_categories_before = 0.5", "whoever answered had bought before"),
            ("update {t} set expected_rate = 101", "over all answers the expected is what happened"),
        ],
    ),
    (
        LOST,
        [
            ("update {t} set buyer = 'thief' where buyer = 'returning'", "buyer is a known value"),
            ("update {t} set window_days = 0", WINDOW),
            *_of_share("lost_rate"),
            ("update {t} set lost = customers + 1", "customers_window_open and lost lie within customers"),
            ("update {t} set period = '2025' where month is not null", MONTH),
            ("update {t} set months = 13 where month is null", "a year has twelve months and a month is one"),
            (
                "update {t} set customers_window_open = 1",
                "an open month has lost nobody yet, and a year has none",
            ),
            (
                "delete from {t} where department = 'shop' and month is null",
                "departments and kinds of buyers add up to the company",
            ),
        ],
    ),
]


@pytest.mark.parametrize(("table", "breakages"), GROUPS, ids=lambda value: str(value)[:30])
def test_what_is_broken_is_found(gate: Gate, table: str, breakages: list[tuple[str, str]]) -> None:
    changes = dict.fromkeys(change for change, _ in breakages)
    all_failing(gate, SUITES[table], [expectation for _, expectation in breakages], *changes)


def test_every_expectation_is_tried() -> None:
    for table, breakages in GROUPS:
        named = {expectation.name for expectation in SUITES[table].expectations}
        untried = named - {expectation for _, expectation in breakages}
        assert untried == {"no column is a direct identifier", "no text looks like an e-mail address"}


def test_what_is_sound_passes(gate: Gate) -> None:
    result = gate(tuple(SUITES.values()))
    assert result.passed, result.errors
