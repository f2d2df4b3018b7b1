"""Each expectation on the value of customers, held against a table made wrong on purpose."""

from __future__ import annotations

import pytest
from breakages import Gate, failing

from data_quality.suites.published import value

VALUE, QUADRANTS = "marts.customer_value", "kpi.kpi_value_quadrants"
SUITES = {suite.table: suite for suite in (value.customer_value(), value.kpi_value_quadrants())}
BALANCE = "the balance is value given less value taken"
QUADRANT_OR_REASON = "a customer has a quadrant or a reason why not"
ANSWERS = "answers are on their scales and counted"
PARTS_OF = "what was counted is part of what there was"
MODEL = "only a model predicts"
SUM = "the quadrants of a group and those without one add up to it"
EVERYBODY = "all customers are in it"

# table, what breaks it, the expectation that says so
BROKEN = [
    (VALUE, "update {t} set fees_score = 101", "scores are between 0 and 100"),
    (VALUE, "update {t} set effort_score = -1", "scores are between 0 and 100"),
    (VALUE, "update {t} set value_given_score = null", "a side has a score where one of its parts has"),
    (VALUE, "update {t} set value_taken_weight_share = null", "shares of known weight are shares"),
    (VALUE, "update {t} set value_given_weight_share = 1.1", "shares of known weight are shares"),
    (VALUE, "update {t} set value_balance = -10", BALANCE),
    (VALUE, "update {t} set value_band = null", BALANCE),
    (VALUE, "update {t} set no_quadrant_reason = null", QUADRANT_OR_REASON),
    (VALUE, "update {t} set value_balance = null, value_band = null", QUADRANT_OR_REASON),
    (VALUE, "update {t} set money_position = null", QUADRANT_OR_REASON),
    (VALUE, "update {t} set process_12m_mean = 6", ANSWERS),
    (VALUE, "update {t} set ease_12m_mean = 0", ANSWERS),
    (VALUE, "update {t} set satisfaction_answers_12m = 0", ANSWERS),
    (VALUE, "update {t} set value_given_answers = 9", ANSWERS),
    (VALUE, "update {t} set kept_orders_12m = 5", PARTS_OF),
    (VALUE, "update {t} set contacts_12m = null", PARTS_OF),
    (VALUE, "update {t} set resolution_wait_hours_12m = -1", PARTS_OF),
    (VALUE, "update {t} set clv_status = 'guessed'", "clv_status is a known value"),
    (VALUE, "update {t} set p_alive = 1.5", "p_alive between 0 and 1"),
    (VALUE, "update {t} set money_position = 101", "money_position between 0 and 100"),
    (VALUE, "update {t} set clv_status = 'observed'", MODEL),
    (VALUE, "update {t} set clv_model = null", MODEL),
    (QUADRANTS, "update {t} set group_kind = 'weather'", "group_kind is a known value"),
    (QUADRANTS, "update {t} set customer_share_percent = 101", "customer_share_percent between 0 and 100"),
    (QUADRANTS, "update {t} set price_n = 9", "price_score is shown from the minimum of answers on"),
    (
        QUADRANTS,
        "update {t} set loyalty_index_n = 10",
        "loyalty_index is shown from the minimum of answers on",
    ),
    (QUADRANTS, "update {t} set value_balance_lower = 10.1", "value_balance lies within its interval"),
    (QUADRANTS, "update {t} set value_balance_upper = null", "value_balance lies within its interval"),
    (QUADRANTS, "update {t} set result_score = 101", "means are on the scale of scores"),
    (QUADRANTS, "update {t} set customers_answered = customers + 1", "nobody is counted twice"),
    (QUADRANTS, "update {t} set customers = customers + 1 where quadrant = '(all)'", SUM),
    (QUADRANTS, "update {t} set revenue_amount = revenue_amount + 1 where quadrant <> '(all)'", SUM),
    (QUADRANTS, f"delete from {VALUE} where customer_key = md5('c7')", EVERYBODY),
    (QUADRANTS, f"update {VALUE} set revenue_amount = revenue_amount + 1", EVERYBODY),
]


@pytest.mark.parametrize(
    ("table", "breakage", "expectation"),
    BROKEN,
    ids=[f"{table}: {breakage}" for table, breakage, _ in BROKEN],
)
def test_what_is_broken_is_found(gate: Gate, table: str, breakage: str, expectation: str) -> None:
    failing(gate, SUITES[table], expectation, breakage)


def test_a_customer_without_a_quadrant_is_no_fault(gate: Gate) -> None:
    result = gate(
        tuple(SUITES.values()),
        f"update {VALUE} set clv_status = null, clv_model = null, p_alive = null, money_position = null,"
        " value_quadrant = null, no_quadrant_reason = 'no lifetime value to compare' where value_quadrant is null",
    )
    assert [failed.expectation for failed in result.errors] == []
