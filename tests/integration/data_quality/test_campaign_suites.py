"""Each expectation on the tables about campaigns, held against a table made wrong on purpose."""

from __future__ import annotations

import pytest
from breakages import Gate, all_failing

from data_quality.suites.published import campaigns

REGRET, PRESSURE = "kpi.kpi_campaign_regret", "kpi.kpi_campaign_pressure"
SUITES = {
    suite.table: suite for suite in (campaigns.kpi_campaign_regret(), campaigns.kpi_campaign_pressure())
}
RETURNED = "outcome = 'returned'"
COUNTED = "every purchase is too young, unknown, compared or without a like one"
FOLLOWS = "values and the difference follow from their sums"
SHOWN = "a comparison is shown from the minimum of customers on"
WORSE = "what is called worse is worse by more than the margin, and unlikely by chance"
VERDICT = "a campaign is regretted where a deciding outcome is worse, and acquitted where none may be"
PARTS = "counts are parts of one another"
RATES = "rates follow from their counts and are shown from the minimum on"
MONTH = "a month is its first day, before the business date, and named by its period"
ADD_UP = "the months add up to all months, and a month counts every customer known before it once"

# What breaks the table, and the expectation that says so; all of a group at once, because a run of the gate takes long.
GROUPS = [
    (
        REGRET,
        [
            (f"update {{t}} set outcome = 'sorry' where {RETURNED}", "outcome is a known value"),
            ("update {t} set verdict = 'bad'", "verdict is a known value"),
            ("update {t} set campaign_verdict = 'bad'", "campaign_verdict is a known value"),
            ("update {t} set p_value = 1.1", "p_value between 0 and 1"),
            ("update {t} set matched_share = 101", "matched_share between 0 and 100"),
            ("update {t} set difference_lower = null", "difference lies within its interval"),
            ("update {t} set purchases_unknown = 1", COUNTED),
            (
                "update {t} set matched_full_price_effective_n = 41",
                "weighted purchases say no more than they are",
            ),
            ("update {t} set full_price_sum = 101", "shares are of those counted"),
            ("update {t} set matched_full_price_weighted_sum = 3", FOLLOWS),
            ("update ops.run_settings set minimum_answers = 21", SHOWN),
            (
                "update marts.fct_orders set campaign_id = 'autumn' where order_date = date '2025-06-01'",
                "every purchase of a campaign by a known customer is counted",
            ),
        ],
    ),
    (
        REGRET,
        [
            (f"update {{t}} set verdict = 'unclear' where {RETURNED}", WORSE),
            ("update {t} set campaign_value = campaign_value + 1", FOLLOWS),
            (f"update {{t}} set campaign_verdict = 'not known' where {RETURNED}", VERDICT),
            ("update {t} set difference = null", SHOWN),
        ],
    ),
    (
        REGRET,
        [
            (f"update {{t}} set margin = 42 where {RETURNED}", WORSE),
            ("update {t} set difference = difference + 1", FOLLOWS),
            ("update {t} set campaign_verdict = 'unclear'", VERDICT),
        ],
    ),
    (
        PRESSURE,
        [
            ("update {t} set bought_rate = -1", "bought_rate between 0 and 100"),
            ("update {t} set return_rate = -1", "return_rate between 0 and 100"),
            ("update {t} set detractor_share = 101", "detractor_share between 0 and 100"),
            ("update {t} set bought_rate_upper = null", "bought_rate lies within its interval"),
            ("update {t} set return_rate_lower = 11", "return_rate lies within its interval"),
            ("update {t} set detractor_share_upper = 5", "detractor_share lies within its interval"),
            ("update {t} set returned = return_n + 1", PARTS),
            ("update {t} set period = '2024-01' where month is not null", MONTH),
            ("update marts.dim_customers set registered_date = date '2025-02-10'", ADD_UP),
        ],
    ),
    (
        PRESSURE,
        [
            ("update {t} set return_rate = 11", RATES),
            ("update {t} set contacts_from = 1", PARTS),
            ("delete from {t} where period = '2025-02'", ADD_UP),
        ],
    ),
]


@pytest.mark.parametrize(("table", "breakages"), GROUPS)
def test_what_is_broken_is_found(gate: Gate, table: str, breakages: list[tuple[str, str]]) -> None:
    changes = dict.fromkeys(change for change, _ in breakages)
    all_failing(gate, SUITES[table], [expectation for _, expectation in breakages], *changes)


def test_every_expectation_is_tried() -> None:
    tried = {expectation for _, breakages in GROUPS for _, expectation in breakages}
    named = {expectation.name for suite in SUITES.values() for expectation in suite.expectations}
    assert named - tried == {"no column is a direct identifier", "no text looks like an e-mail address"}


def test_what_is_sound_passes(gate: Gate) -> None:
    assert gate(tuple(SUITES.values())).errors == ()
