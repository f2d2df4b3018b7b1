"""Each expectation on a published table, held against a table made wrong on purpose."""

from __future__ import annotations

import duckdb
import pytest
from breakages import Gate, failing

from data_quality.suites.published import core, kpi, meta, published_suites, rfm

KPI, RFM, VALUE, LOYALTY = (
    "kpi.kpi_loyalty_monthly",
    "marts.customer_rfm",
    "marts.customer_value",
    "marts.customer_loyalty",
)
POINTS, MOVES = "kpi.kpi_points_of_connection", "kpi.kpi_relationship_transitions"
ORDERS, LINES, RESPONSES = "marts.fct_orders", "marts.fct_order_lines", "marts.fct_survey_responses"
INVITATIONS, DIVERGENCE = "marts.fct_survey_invitations", "kpi.kpi_indicator_divergence"
ACCOUNTS = "meta.reconciliation"
SEGMENTS, MIGRATION = "kpi.kpi_rfm_segments_monthly", "kpi.rfm_segment_migration"
EVENTS, COVERAGE = "marts.fct_customer_events", "meta.customer_event_coverage"
JOURNEY, BY_HANDOFFS = "kpi.kpi_support_journey", "kpi.kpi_loyalty_by_handoffs"
SUITES = {suite.table: suite for suite in published_suites()}

ONE_CUSTOMER = "customer_key = md5('c7')"
COUNTED = "every level counts every answer of customers, and everybody who was asked"

# table, what breaks it, the expectation that says so, the value it shows
BROKEN = [
    (
        EVENTS,
        "update {t} set event_date = date '2026-07-01'",
        "event_date is not after the business date",
        None,
    ),
    (
        EVENTS,
        "update {t} set customer_key = 'c7' where event_number = 1",
        "customer_key is a keyed hash",
        None,
    ),
    (EVENTS, "update {t} set event_kind = 'gift'", "event_kind is a known value", "gift"),
    (EVENTS, "update {t} set response_id = null", "an event names what it is about", "survey_answer"),
    (EVENTS, "update {t} set event_kind = 'hand_off'", "a hand-off is from one department to another", None),
    (
        EVENTS,
        "update {t} set from_department = 'help'",
        "a hand-off is from one department to another",
        None,
    ),
    (EVENTS, "update {t} set is_time_known = false", "only tickets have events without a time", None),
    (
        EVENTS,
        "delete from {t} where event_number = 2",
        "the numbers of a customer have no gap and follow time",
        None,
    ),
    (
        EVENTS,
        "update {t} set event_number = 1000 - event_number",
        "the numbers of a customer have no gap and follow time",
        None,
    ),
    (EVENTS, "delete from {t} where event_kind = 'ticket_opened'", "facts and events count the same", None),
    (
        EVENTS,
        f"insert into {{t}} select * from {EVENTS} where response_id = 'r1'",
        "facts and events count the same",
        None,
    ),
    (
        EVENTS,
        "update marts.fct_support_tickets set handoff_count = 1 where ticket_id = 't1'",
        "facts and events count the same",
        "0 events of 1",
    ),
    (
        EVENTS,
        "update {t} set amount = amount + 1 where order_id = 'o7'",
        "sales and returns add up to the orders",
        None,
    ),
    (
        COVERAGE,
        "update {t} set events_of_unknown_people = 1",
        "events are of customers or of unknown people",
        None,
    ),
    (
        COVERAGE,
        "delete from {t} where event_kind = 'purchase'",
        "events counted are the events of the fact",
        None,
    ),
    (JOURNEY, "update {t} set level = 'quarter'", "level is a known value", "quarter"),
    (
        JOURNEY,
        "update {t} set month = month + 1",
        "a month is its first day, not after the business date",
        None,
    ),
    (JOURNEY, "update {t} set handoffs_2 = 1", "tickets are those of each number of hand-offs", None),
    (JOURNEY, "update {t} set handed_off = 1", "tickets are those of each number of hand-offs", None),
    (
        JOURNEY,
        "update {t} set handoffs_0 = handoffs_0 - 2, handoffs_3_or_more = 2, handed_off = 2, handoffs = 5",
        "hand-offs fit their distribution",
        "5",
    ),
    (JOURNEY, "update {t} set handoffs = 1", "hand-offs fit their distribution", "1"),
    (JOURNEY, "update {t} set reopened_share_lower = 90", "reopened_share lies within its interval", None),
    (
        JOURNEY,
        "update {t} set first_contact_resolved = first_contact_resolved + 1",
        "first_contact_share follows from its counts, from the minimum on",
        None,
    ),
    (
        JOURNEY,
        "update {t} set reopened_share = null",
        "reopened_share follows from its counts, from the minimum on",
        None,
    ),
    (
        JOURNEY,
        "update {t} set resolution_hours_p90 = 4",
        "hours to resolution are in order",
        "5.0 and 4.0",
    ),
    (
        JOURNEY,
        "update {t} set waiting_n = 9",
        "hours to waiting_for_us are in order",
        None,
    ),
    (JOURNEY, "delete from {t} where month = date '2026-03-01'", "every level counts every ticket", None),
    (BY_HANDOFFS, "update {t} set handoffs = '4' where handoffs = '1'", "handoffs is a known value", "4"),
    (BY_HANDOFFS, "update {t} set nps = 101 where nps is not null", "nps between -100 and 100", "101"),
    (BY_HANDOFFS, "update {t} set nps_upper = nps - 1", "nps lies within its interval", None),
    (BY_HANDOFFS, "update {t} set mean_lower = 3.6", "mean lies within its interval", None),
    (BY_HANDOFFS, "update {t} set mean = null", "mean is shown from the minimum of answers on", None),
    (
        BY_HANDOFFS,
        "update {t} set nps_passives = 0",
        "NPS answers are promoters, passives and detractors",
        None,
    ),
    (
        BY_HANDOFFS,
        "update {t} set slope_upper = -1 where slope_upper is not null",
        "a slope is of all answers and lies within its interval",
        None,
    ),
    (
        BY_HANDOFFS,
        "update {t} set slope_per_handoff = -0.5, slope_lower = -1, slope_upper = 0",
        "a slope is of all answers and lies within its interval",
        None,
    ),
    (BY_HANDOFFS, "delete from {t} where handoffs = '0'", "the groups hold all answers", None),
    (KPI, "update {t} set csat = 101, csat_upper = 102", "csat between 0 and 100", "101"),
    (KPI, "update {t} set nps_lower = nps + 1", "nps lies within its interval", None),
    (KPI, "update {t} set nps_lower = null", "nps lies within its interval", None),
    (KPI, "update {t} set csat_upper = csat - 1", "csat lies within its interval", None),
    (KPI, "update {t} set nps_n = nps_n + 1", "NPS answers are promoters, passives and detractors", None),
    (KPI, "update {t} set csat_top_two = csat_n + 1", "top-two answers are answers", None),
    (
        KPI,
        "update ops.run_settings set minimum_answers = 1000",
        "nps is shown from the minimum of answers on",
        None,
    ),
    (KPI, "update {t} set csat = null", "csat is shown from the minimum of answers on", None),
    (KPI, "update {t} set nps = nps + 0.5", "the score follows from its counts", None),
    (KPI, "update {t} set level = 'quarter'", "level is a known value", "quarter"),
    (KPI, "update {t} set month = month + 1", "a month is its first day, not after the business date", None),
    (KPI, "delete from {t} where month = '2026-05-01'", COUNTED, None),
    (KPI, "delete from {t}", COUNTED, None),
    (KPI, "update {t} set invitations = invitations + 1", COUNTED, None),
    (KPI, "update {t} set invitations_answered = invitations_answered + 1", COUNTED, None),
    (KPI, "update {t} set ces_n = 20", COUNTED, None),
    (KPI, "update {t} set ces_easy = ces_n + 1", "top-two answers are answers", None),
    (KPI, "update {t} set response_rate = response_rate + 1", "the score follows from its counts", None),
    (KPI, "update {t} set response_rate_lower = 101", "response_rate_lower between 0 and 100", "101"),
    (KPI, "update {t} set response_rate_upper = null", "response_rate lies within its interval", None),
    (
        KPI,
        "update {t} set response_rate = null",
        "response_rate is shown from the minimum of answers on",
        None,
    ),
    (
        KPI,
        "update {t} set invitations_open = invitations",
        "an invitation is answered, open or neither",
        None,
    ),
    (
        DIVERGENCE,
        "update {t} set nps_change = nps_change + 1",
        "a change is the recent score less the earlier one",
        "-4",
    ),
    (DIVERGENCE, "update {t} set csat_change_lower = 1", "csat_change lies within its interval", None),
    (DIVERGENCE, "update {t} set is_alert = false", "an alert is what the rule says", None),
    (DIVERGENCE, "update {t} set is_alert = null", "an alert is what the rule says", None),
    (DIVERGENCE, "update {t} set nps_earlier_n = 9", "nobody is judged by too few answers", None),
    (DIVERGENCE, "update {t} set nps_fall_p_value = 2", "nps_fall_p_value between 0 and 1", "2"),
    (
        DIVERGENCE,
        "update {t} set first_alert_month = month + 31",
        "the first alert is not after the month, and an alert has one",
        None,
    ),
    (DIVERGENCE, "update {t} set nps_recent_n = 1000", "answers are those of the months", None),
    (
        INVITATIONS,
        "update {t} set respondent_type = 'internal'",
        "an invitation of a colleague belongs to no customer",
        None,
    ),
    (
        INVITATIONS,
        "update {t} set customer_match = 'customer_id'",
        "every invitation has a customer or the reason why not",
        "customer_id",
    ),
    (
        INVITATIONS,
        "update {t} set is_answered = true",
        "what is answered was answered at some moment, by some response",
        None,
    ),
    (
        INVITATIONS,
        "delete from marts.fct_survey_responses",
        "no more invitations are answered than questionnaires were handed in",
        "300 answered by 0",
    ),
    (INVITATIONS, "delete from {t}", "is not empty while raw_survey.invitations has rows", None),
    (RFM, "update {t} set recency_score = 6 where " + ONE_CUSTOMER, "recency_score between 1 and 5", "6"),
    (RFM, "update {t} set segment = null where " + ONE_CUSTOMER, "segment is never empty", "null"),
    (RFM, "update {t} set segment = 'whales'", "segment is one of the seed", "whales"),
    (
        RFM,
        "update {t} set recency_days = recency_days + 1",
        "recency counts the days since the last purchase",
        None,
    ),
    (RFM, "update {t} set frequency = 0 where " + ONE_CUSTOMER, "everybody here bought at least once", "0"),
    (
        RFM,
        "update {t} set frequency = 9, frequency_score = 1 + length(customer_key || recency_days) % 2",
        "equal purchase counts have equal scores",
        "1 and 2",
    ),
    (RFM, "update {t} set as_of_date = as_of_date - 1", "as_of_date is the run's", "2026-06-29"),
    (
        RFM,
        f"insert into {RFM} by name select md5('ghost') as customer_key",
        "holds everybody who bought, and nobody else",
        "no such order",
    ),
    (
        SEGMENTS,
        "update {t} set segment = 'whales' where customers > 0",
        "segment is one of the seed",
        "whales",
    ),
    (SEGMENTS, "update {t} set month = month + 1", "a month is its first day, and has ended", None),
    (
        SEGMENTS,
        "update ops.run_settings set as_of_date = date '2026-06-29'",
        "a month is its first day, and has ended",
        "2026-06-01",
    ),
    (
        SEGMENTS,
        "update {t} set customers = 3 where segment = '(anonymous)'",
        "customers are counted in segments, and only there",
        "3",
    ),
    (SEGMENTS, "update {t} set mean_recency_days = 3", "the mean follows from its sum", "3"),
    (
        SEGMENTS,
        "update {t} set customer_share_percent = 99",
        "shares are those of the customers of the month",
        "99",
    ),
    (
        SEGMENTS,
        "delete from {t} where segment = '(anonymous)'",
        "the sales of a month add up to those of the orders",
        None,
    ),
    (
        SEGMENTS,
        "update {t} set revenue_amount = revenue_amount + 0.01 where segment = '(no purchase)'",
        "the sales of a month add up to those of the orders",
        None,
    ),
    (
        SEGMENTS,
        "delete from {t} where month = date '2026-05-01'",
        "the sales of a month add up to those of the orders",
        None,
    ),
    (
        MIGRATION,
        "update {t} set from_segment = '(lost)' where from_segment = '(new)'",
        "from_segment is one of the seed",
        "(lost)",
    ),
    (MIGRATION, "update {t} set to_segment = '(new)'", "to_segment is one of the seed", "(new)"),
    (MIGRATION, "update {t} set share_percent_upper = 40", "share_percent lies within its interval", None),
    (
        MIGRATION,
        "update {t} set share_percent = 60 where share_percent is not null",
        "shares are shown from the minimum on and follow from their counts",
        "60",
    ),
    (
        MIGRATION,
        "update ops.run_settings set minimum_answers = 1000",
        "shares are shown from the minimum on and follow from their counts",
        None,
    ),
    (
        MIGRATION,
        "delete from {t} where month = date '2026-05-01' and from_segment = 'champions'",
        "everybody who was in a segment is somewhere the month after",
        None,
    ),
    (
        MIGRATION,
        "delete from {t} where month = date '2025-01-01'",
        "everybody in a segment came from somewhere, with what they bought",
        None,
    ),
    (
        MIGRATION,
        "update {t} set revenue_amount = revenue_amount + 0.01",
        "everybody in a segment came from somewhere, with what they bought",
        None,
    ),
    (
        VALUE,
        "delete from {t}",
        "holds everybody with an order that was not cancelled, and nobody else",
        "lost",
    ),
    (
        VALUE,
        "update {t} set order_count = order_count + 1",
        "orders of known customers add up to their value",
        None,
    ),
    (VALUE, "update {t} set margin_known_share = 1.5", "margin_known_share between 0 and 1", "1.5"),
    (VALUE, "update {t} set tenure_days = -1", "days, orders and returns are not negative", "-1"),
    (VALUE, "update {t} set tenure_days = tenure_days + 1", "dates are in order", None),
    (LOYALTY, "update {t} set nps_latest = 11", "nps_latest between 0 and 10", "11"),
    (
        LOYALTY,
        "update {t} set nps_latest = 0, nps_category = null",
        "the category fits the latest answer",
        None,
    ),
    (
        LOYALTY,
        "update {t} set is_satisfied_detractor = true",
        "a satisfied detractor answered both questions",
        None,
    ),
    (LOYALTY, "update {t} set csat_12m_mean = 1", "a mean stands on answers", None),
    (LOYALTY, "update {t} set poc_honesty_answers_12m = 2", "a mean stands on answers", None),
    (LOYALTY, "update {t} set poc_honesty_latest = 5.5", "scores are on their scales", None),
    (LOYALTY, "update {t} set loyalty_index = 100.1", "loyalty_index between 0 and 100", "100.1"),
    (
        LOYALTY,
        "update {t} set loyalty_index = 0, loyalty_index_parts = 0",
        "an index stands on answers of the last 12 months, and says on how many",
        None,
    ),
    (
        LOYALTY,
        "update {t} set loyalty_index_answers = 1000",
        "an index stands on answers of the last 12 months, and says on how many",
        "1000",
    ),
    (
        LOYALTY,
        "update {t} set loyalty_index_reliability = 1.5",
        "reliability and known weight are shares",
        "1.5",
    ),
    (
        LOYALTY,
        "update {t} set last_answer_date = date '2026-07-01'",
        "last_answer_date is not after the business date",
        "2026-07-01",
    ),
    (POINTS, "update {t} set item = 'charm'", "item is a known value", "charm"),
    (POINTS, "update {t} set respondent_type = 'both'", "respondent_type is a known value", "both"),
    (POINTS, "update {t} set mean = 5.1, mean_upper = 5.2", "mean between 1 and 5", "5.1"),
    (POINTS, "update {t} set top_box = 101, top_box_upper = 102", "top_box between 0 and 100", "101"),
    (POINTS, "update {t} set mean_lower = null", "mean lies within its interval", None),
    (POINTS, "update {t} set top_box_lower = top_box + 1", "top_box lies within its interval", None),
    (POINTS, "update {t} set alpha_upper = alpha - 0.1", "alpha lies within its interval", None),
    (
        POINTS,
        "update {t} set top_box_n = n + 1",
        "top-box answers are answers, and answers questionnaires",
        None,
    ),
    (
        POINTS,
        "update {t} set questionnaires = n + 1 where item = 'honesty'",
        "top-box answers are answers, and answers questionnaires",
        None,
    ),
    (
        POINTS,
        "update ops.run_settings set minimum_answers = 1000",
        "scores are shown from the minimum of answers on",
        None,
    ),
    (POINTS, "update {t} set top_box = top_box + 0.5", "the share follows from its counts", None),
    (
        POINTS,
        "update {t} set alpha = 0.8, alpha_lower = 0.7, alpha_upper = 0.9",
        "alpha is at most 1 and belongs to all six items together",
        "0.8",
    ),
    (
        POINTS,
        "update {t} set quarter = quarter + 31",
        "a quarter is its first day, not after the business date",
        None,
    ),
    (
        POINTS,
        "delete from {t} where department = 'shop' and item = 'honesty'",
        "departments have all questionnaires of the company, item by item",
        None,
    ),
    (MOVES, "update {t} set band_before = 'fan'", "band_before is a known value", "fan"),
    (MOVES, "update {t} set band_after = 'fan'", "band_after is a known value", "fan"),
    (MOVES, "update {t} set share_percent = -1", "share_percent between 0 and 100", "-1"),
    (MOVES, "update {t} set share_percent_lower = 99", "share_percent lies within its interval", None),
    (
        MOVES,
        "update {t} set to_wave = date '2026-07-01'",
        "a wave is followed by a later one, not after the business date",
        "2026-07-01",
    ),
    (
        MOVES,
        "update {t} set band_customers = 20 where band_after = '(no answer)'",
        "whoever answered once is in no share",
        "20",
    ),
    (
        MOVES,
        "update {t} set share_percent = share_percent + 0.5",
        "a share is shown from the minimum of answers on and follows from its counts",
        None,
    ),
    (
        MOVES,
        "update ops.run_settings set minimum_answers = 1000",
        "a share is shown from the minimum of answers on and follows from its counts",
        None,
    ),
    (
        MOVES,
        "delete from {t} where band_before = 'passive' and band_after = 'passive'",
        "the moves of a band are those of its customers",
        "40 of 60",
    ),
    (ORDERS, "update {t} set is_cancelled = true", "a cancelled order is no purchase", None),
    (ORDERS, "update {t} set returned_amount = -1", "what came back is a positive amount", "-1"),
    (
        ORDERS,
        "update {t} set net_amount = net_amount + 0.02 where order_id = 'o7'",
        "orders and order lines have the same totals each month",
        "0.02",
    ),
    (
        ORDERS,
        "update {t} set line_count = line_count + 1 where order_id = 'o7'",
        "orders and order lines have the same totals each month",
        "0",
    ),
    (ORDERS, "delete from {t}", "is not empty while raw_crm.orders has rows", None),
    (ORDERS, "update {t} set order_date = null", "order_date is not after the business date", None),
    (
        ORDERS,
        "update {t} set order_date = date '2027-01-01' where order_id = 'o7'",
        "order_date is not after the business date",
        "2027-01-01",
    ),
    (ORDERS, "delete from ops.run_settings", "order_date is not after the business date", None),
    (ORDERS, "update {t} set customer_key = 'c7' where " + ONE_CUSTOMER, "customer_key is a keyed hash", ""),
    (
        LINES,
        "update {t} set gross_amount = 1 where line_number = 1",
        "gross amount is quantity times price",
        "1",
    ),
    (LINES, "update {t} set net_amount = 1 where line_number = 1", "net amount is gross less discount", "1"),
    (LINES, "update {t} set margin_amount = net_amount", "margin is known exactly where the cost is", None),
    (
        LINES,
        "update {t} set is_return = not is_return",
        "a return is a product line with a negative quantity",
        None,
    ),
    (LINES, "update {t} set product_id = null", "product_id is never empty", "null"),
    (RESPONSES, "update {t} set score = 11 where response_id = 'r6'", "every score is on its scale", "11"),
    (
        RESPONSES,
        "update {t} set respondent_type = 'internal' where response_id = 'r6'",
        "a colleague's answer belongs to no customer",
        None,
    ),
    (
        RESPONSES,
        "update {t} set customer_match = null where response_id = 'r6'",
        "every answer has a customer or the reason why not",
        None,
    ),
    (
        RESPONSES,
        "update {t} set locale = 'a@b.example' where response_id = 'r6'",
        "no text looks like an e-mail address",
        "locale",
    ),
    (RESPONSES, "alter table {t} add column comment varchar", "no column is a direct identifier", "comment"),
    ("marts.fct_support_tickets", "update {t} set handoff_count = 3", "hand-offs fit the assignments", "3"),
    (
        "meta.identity_match_rates",
        "update {t} set customer_match = 'unknown email'",
        "what is matched has its evidence and what is not its reason",
        "unknown email",
    ),
    (
        "meta.identity_match_rates",
        "update {t} set records = records + 1",
        "tickets counted are the tickets of the fact",
        "31 counted, 30 published",
    ),
    (
        "marts.fct_campaign_contacts",
        "delete from {t}",
        "is not empty while raw_crm.campaign_contacts has rows",
        "20",
    ),
    (
        "marts.dim_customers",
        "delete from {t} where " + ONE_CUSTOMER,
        "has every customer of customer_value, customer_rfm and customer_loyalty",
        "not in dim_customers",
    ),
    (
        "marts.dim_customers",
        "update {t} set customer_key = 'not a hash of the length of thirty two'",
        "customer_key is a keyed hash",
        "",
    ),
    ("marts.dim_customers", "update {t} set account_count = 0", "an inferred customer has one account", "0"),
    (
        "marts.dim_dates",
        "delete from {t} where date_day = date '2025-03-03'",
        "has every day of whole years up to the business date",
        "2025-01-01 to 2026-12-31: 729 days",
    ),
    (
        "marts.dim_dates",
        "delete from {t} where date_day > date '2025-12-31'",
        "has every day of whole years up to the business date",
        "2025-01-01 to 2025-12-31: 365 days",
    ),
    (
        "marts.dim_dates",
        "delete from {t} where date_day > date '2026-06-30'",
        "has every day of whole years up to the business date",
        "2025-01-01 to 2026-06-30: 546 days",
    ),
    (
        "marts.dim_dates",
        "delete from {t}",
        "has every day of whole years up to the business date",
        None,
    ),
    (
        "marts.dim_dates",
        "update {t} set date_day = date '2024-03-03' where date_day = date '2025-03-03'",
        "has every day of an order",
        "not in dim_dates",
    ),
    (
        "marts.dim_dates",
        "update {t} set days_before_as_of = days_before_as_of - 1 where date_day = date '2026-06-30'",
        "days are counted from the business date",
        "-1",
    ),
    (
        "marts.dim_campaigns",
        "update {t} set ends_on = date '2026-02-01'",
        "a campaign ends after it starts",
        "2026-02-01",
    ),
    (
        ACCOUNTS,
        "update {t} set rows_read = rows_read + 2 where source = 'desk'",
        "rows read = loaded + quarantined + duplicate",
        "2",
    ),
    (
        ACCOUNTS,
        "update {t} set rows_superseded = 1 where source = 'desk'",
        "rows loaded - superseded - deleted = in the warehouse",
        "-1",
    ),
    (
        ACCOUNTS,
        "update {t} set rows_published = 29 where source = 'desk'",
        "rows in the warehouse = published + after the business date + without order",
        "1",
    ),
    (ACCOUNTS, f"delete from {LINES} where order_id = 'o7'", "rows published are the rows of the fact", "-3"),
    (
        ACCOUNTS,
        "delete from {t} where source = 'desk'",
        "every loaded source and table is accounted for",
        None,
    ),
    (
        ACCOUNTS,
        "update {t} set quantity_quarantined = 5",
        "quantity read = loaded + quarantined + duplicate",
        "-5",
    ),
    (
        ACCOUNTS,
        "update {t} set amount_published = amount_published - 0.001",
        "amount loaded - superseded - deleted = published + not published",
        "0.001",
    ),
]


def test_everything_holds_in_a_sound_warehouse(gate: Gate) -> None:
    result = gate(published_suites())
    assert result.passed
    assert result.summary() == ""


def test_an_nps_of_140_is_stopped_and_named(gate: Gate) -> None:
    result = gate(
        (kpi.kpi_loyalty_monthly(),),
        f"update {KPI} set nps = 140 where month = '2026-05-01' and level = 'month_department'",
    )
    assert not result.passed
    assert (
        "kpi.kpi_loyalty_monthly: nps between -100 and 100: 1 of 12 rows, observed 140 "
        "(month=2026-05-01, level=month_department, department=shop, touchpoint=(all), locale=(all))"
    ) in result.summary()


def test_a_lost_customer_is_stopped_and_named(gate: Gate) -> None:
    result = gate((rfm.customer_rfm(),), f"delete from {RFM} where {ONE_CUSTOMER}")
    key = duckdb.sql("select md5('c7')").fetchall()[0][0]
    assert [error.line for error in result.errors] == [
        "marts.customer_rfm: holds everybody who bought, and nobody else: 1 row, observed lost "
        f"(customer_key={key})"
    ]


@pytest.mark.parametrize(
    ("table", "breakage", "expectation", "observed"),
    BROKEN,
    ids=[f"{table}: {expectation}" for table, _, expectation, _ in BROKEN],
)
def test_what_is_broken_is_found(
    gate: Gate, table: str, breakage: str, expectation: str, observed: str | None
) -> None:
    found = failing(gate, SUITES[table], expectation, breakage)
    assert observed is None or found.observed == observed


def test_a_level_may_be_missing_altogether(gate: Gate) -> None:
    assert gate((SUITES[KPI],), f"delete from {KPI} where level = 'month_department'").errors == ()


def test_an_order_line_without_its_order_is_a_warning(gate: Gate) -> None:
    result = gate(
        (meta.reconciliation(),),
        f"update {ACCOUNTS} set rows_without_order = 1, rows_published = rows_published - 1 "
        "where table_name = 'crm.order_lines'",
        f"delete from {LINES} where order_id = 'o7' and line_number = 1",
    )
    assert result.passed
    assert [warning.expectation for warning in result.warnings] == ["every order line has its order"]


def test_no_key_that_may_be_an_account_id_is_shown(gate: Gate) -> None:
    result = gate(
        (core.fct_orders(), core.dim_customers()),
        f"update {ORDERS} set customer_key = 'account 4711'",
        "update marts.dim_customers set customer_key = 'account 4711'",
    )
    hashes = [error for error in result.errors if error.expectation == "customer_key is a keyed hash"]
    assert len(hashes) == 2
    assert "4711" not in "".join(error.line for error in hashes)
