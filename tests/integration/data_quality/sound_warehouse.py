"""A small warehouse in which everything the suites expect is true, written by SQL.

Belongs here: the tables as dbt and the ingestion leave them, with the columns that the suites read. Does not:
what is wrong with them; each test breaks one thing.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from data_quality.suites.published.journeys import WAITS
from data_quality.suites.published.loyalty import SCALES
from data_quality.suites.published.value import COMPONENTS, FIVE_POINT_MEANS, PARTS
from pipelines import contracts

AS_OF = date(2026, 6, 30)
LINES_PER_ORDER = 3

_PIPELINE = """
create schema ingest; create schema quarantine; create schema ops; create schema marts; create schema kpi;
create schema meta; create schema seeds;
create table seeds.rfm_segments as select unnest(['champions', 'new customers']) as segment;
create table ingest.loads (
    load_id bigint, source varchar, table_name varchar, rows_read bigint, rows_loaded bigint, rows_superseded bigint,
    rows_quarantined bigint, rows_duplicate bigint, rows_deleted bigint
);
create table ops.run_settings as
    select date '2026-06-30' as as_of_date, 'UTC' as timezone, 'EUR' as currency, 10 as minimum_answers;
"""

_RAW = """
insert into raw_crm.orders by name
    select 'o' || i as order_id, case when i % 4 > 0 then 'c' || i % {customers} end as customer_id,
        timestamp '2025-01-01' + interval (i * 7919 % 545) day as ordered_at, 'EUR' as currency,
        'shop' as _source, 'orders.csv' as _file, i + 2 as _line, 1 as _load_id
    from range({orders}) as numbers (i);
insert into raw_crm.order_lines by name
    select order_id, n as line_number, 'p' || (n + _line) % 40 as product_id,
        case when (n + _line) % 20 = 0 then -1 else 2 end as quantity, 9.95 as unit_price,
        'shop' as _source, 'lines.csv' as _file, _line * {lines} + n as _line, 1 as _load_id
    from raw_crm.orders, range(1, {lines} + 1) as numbers (n);
insert into raw_survey.responses by name
    select 'r' || i as response_id, 'q1' as question_id, 's1' as survey_id,
        case when i % 5 > 0 then 'c' || i % 50 end as customer_id,
        'shop' as department, 'purchase' as touchpoint, 'en-GB' as locale,
        case when i % 2 = 0 then 'nps' else 'csat' end as metric,
        case when i % 2 = 0 then i // 2 % 11 else 1 + i % 5 end as score,
        timestamp '2026-01-15' + interval (i % 150) day as submitted_at,
        'survey' as _source, 'answers.csv' as _file, i + 2 as _line, 1 as _load_id
    from range(600) as numbers (i);
insert into raw_survey.invitations by name
    select 'i' || i as invitation_id, 's1' as survey_id, case when i % 5 > 0 then 'c' || i % 50 end as customer_id,
        'shop' as department, 'purchase' as touchpoint, 'en-GB' as locale,
        timestamp '2026-01-14' + interval (i % 150) day as sent_at,
        'survey' as _source, 'invitations.csv' as _file, i + 2 as _line, 1 as _load_id
    from range(900) as numbers (i);
insert into raw_support.tickets by name
    select 't' || i as ticket_id, 'c' || i % 50 as customer_id, timestamp '2026-02-01' + interval (i) day as opened_at,
        timestamp '2026-02-01' + interval (i) day + interval 5 hour as resolved_at, 'shop' as department,
        'desk' as _source, 'tickets.jsonl' as _file, i + 1 as _line, 1 as _load_id
    from range(30) as numbers (i);
insert into raw_support.ticket_events by name
    select ticket_id, 'e1' as event_id, opened_at as occurred_at, 'created' as kind, 'desk' as _source,
        'events.jsonl' as _file, _line, 1 as _load_id
    from raw_support.tickets;
insert into raw_crm.campaigns by name
    select 'spring' as campaign_id, date '2026-03-01' as starts_on, date '2026-03-31' as ends_on, 'shop' as _source,
        'campaigns.csv' as _file, 2 as _line, 1 as _load_id;
insert into raw_crm.campaign_contacts by name
    select 'spring' as campaign_id, 'c' || i as customer_id, timestamp '2026-03-02' as sent_at, 'shop' as _source,
        'contacts.csv' as _file, i + 2 as _line, 1 as _load_id
    from range(20) as numbers (i);
insert into raw_crm.customers by name
    select 'c' || i as customer_id, 'c' || i || '@example.com' as email, timestamp '2024-05-01' as registered_at,
        'shop' as _source, 'customers.csv' as _file, i + 2 as _line, 1 as _load_id
    from range({customers}) as numbers (i);
insert into raw_org.initiatives by name
    select unnest(['calls', 'lights']) as initiative_id, date '2026-01-01' as starts_on, 'org' as _source,
        'initiatives.csv' as _file, 2 as _line, 1 as _load_id;
"""

_FACTS = """
create table marts.fct_order_lines as
    select order_id, line_number, md5(customer_id) as customer_key, product_id, cast(ordered_at as date) as order_date,
        ordered_at, 'web' as sales_channel, 'shop' as department, null::varchar as campaign_id, currency,
        'complete' as order_status, false as is_cancelled, 'product' as line_type, quantity, unit_price,
        cast(quantity * unit_price as decimal(18, 4)) as gross_amount, 0::decimal(18, 4) as discount_amount,
        0::decimal(18, 4) as fee_amount, cast(quantity * unit_price as decimal(18, 4)) as net_amount,
        null::decimal(18, 4) as cost_amount, null::decimal(18, 4) as margin_amount, quantity < 0 as is_return,
        order_lines._source as source_name
    from raw_crm.order_lines join raw_crm.orders using (order_id);
create table marts.fct_orders as
    select order_id, customer_key, order_date, ordered_at, sales_channel, department, campaign_id, currency,
        order_status, is_cancelled, bool_or(quantity > 0) as is_purchase, cast(count(*) as integer) as line_count,
        sum(quantity) as quantity, cast(sum(net_amount) as decimal(18, 4)) as net_amount,
        0::decimal(18, 4) as discount_amount, 0::decimal(18, 4) as refunded_amount, 0::decimal(18, 4) as fee_amount,
        cast(coalesce(sum(-net_amount) filter (where is_return), 0) as decimal(18, 4)) as returned_amount, source_name
    from marts.fct_order_lines group by all;
create table marts.fct_survey_responses as
    select response_id, question_id, survey_id, 'external' as respondent_type, md5(customer_id) as customer_key,
        case when customer_id is null then 'no reference' else 'customer_id' end as customer_match, department,
        touchpoint, locale, metric, score, case when metric = 'nps' then 0 else 1 end as scale_min,
        case when metric = 'nps' then 10 else 5 end as scale_max, score as standard_score, false as has_comment,
        submitted_at, cast(submitted_at as date) as response_date, _source as source_name
    from raw_survey.responses;
create table marts.fct_survey_invitations as
    select invitation_id, survey_id, 'external' as respondent_type, md5(customer_id) as customer_key,
        case when customer_id is null then 'unknown email' else 'customer_id' end as customer_match, department,
        touchpoint, locale, sent_at, cast(sent_at as date) as sent_date,
        case when _line % 3 = 0 then sent_at + interval 1 day end as answered_at,
        case when answered_at is not null then 'invitation' end as answer_match,
        answered_at is not null as is_answered, _source as source_name
    from raw_survey.invitations;
create table marts.fct_support_tickets as
    select ticket_id, md5(customer_id) as customer_key, 'customer_id' as customer_match, opened_at,
        cast(opened_at as date) as opened_date, 5.0 as resolution_hours, 0 as assignment_count,
        0 as distinct_department_count, 0 as handoff_count
    from raw_support.tickets;
create table marts.fct_campaign_contacts as
    select campaign_id, md5(customer_id) as customer_key, sent_at, cast(sent_at as date) as sent_date
    from raw_crm.campaign_contacts;
"""

_MARTS = """
create table marts.dim_customers as
    select md5(customer_id) as customer_key, date '2024-05-01' as registered_date, 1 as account_count,
        false as is_inferred
    from raw_crm.customers;
create table marts.dim_dates as
    select cast(day as date) as date_day, isodow(day) as day_of_week,
        date '2026-06-30' - date_day as days_before_as_of, days_before_as_of < 0 as is_after_as_of
    from range(date '2025-01-01', date '2027-01-01', interval 1 day) as days (day);
create table marts.dim_products as select distinct product_id from marts.fct_order_lines;
create table marts.dim_departments as select 'shop' as department;
create table marts.dim_campaigns as select campaign_id, starts_on, ends_on from raw_crm.campaigns;
create table marts.customer_rfm as
    select customer_key, date '2026-06-30' as as_of_date, min(order_date) as first_purchase_date,
        max(order_date) as last_purchase_date, date '2026-06-30' - max(order_date) as recency_days,
        count(*) as frequency, sum(net_amount) as monetary_amount, 5 as recency_score, 5 as frequency_score,
        3 as monetary_score, 'champions' as segment
    from marts.fct_orders where is_purchase and customer_key is not null group by customer_key;
create table kpi.kpi_rfm_segments_monthly as
    with months as (select distinct cast(date_trunc('month', order_date) as date) as month from marts.fct_orders),
    sales as (
        select cast(date_trunc('month', order_date) as date) as month, count(*) as purchases,
            case when customer_key is null then '(anonymous)' else 'champions' end as segment,
            sum(net_amount) as revenue_amount
        from marts.fct_orders group by all
    )
    select month, segment, case when segment = 'champions' then customers end as customers,
        case when segment = 'champions' then 100.0::double end as customer_share_percent,
        coalesce(purchases, 0) as purchases, coalesce(revenue_amount, 0) as revenue_amount,
        2 * case when segment = 'champions' then customers end as recency_days_sum,
        case when segment = 'champions' then 2.0::double end as mean_recency_days
    from months
    cross join (values ('champions'), ('(no purchase)'), ('(anonymous)')) as segments (segment)
    cross join lateral (
        select count(*) as customers from marts.customer_rfm
        where first_purchase_date < months.month + interval 1 month
    ) as buyers
    left join sales using (month, segment);
create table kpi.rfm_segment_migration as
    with states as (
        select customer_key, month, date_trunc('month', first_purchase_date) = month as is_new
        from marts.customer_rfm
        join (select distinct month from kpi.kpi_rfm_segments_monthly) as months
            on first_purchase_date < months.month + interval 1 month
    ),
    orders as (
        select customer_key, cast(date_trunc('month', order_date) as date) as month, sum(net_amount) as net_amount
        from marts.fct_orders group by all
    )
    select month, case when is_new then '(new)' else 'champions' end as from_segment, 'champions' as to_segment,
        count(*) as customers, customers as from_customers,
        case when customers >= 10 then 100.0::double end as share_percent,
        case when customers >= 10 then 50.0::double end as share_percent_lower,
        case when customers >= 10 then 100.0::double end as share_percent_upper,
        coalesce(sum(net_amount), 0) as revenue_amount
    from states left join orders using (customer_key, month) group by all;
create table marts.customer_value as
    select customer_key, date '2026-06-30' as as_of_date, min(order_date) as first_order_date,
        max(order_date) as last_order_date, date '2026-06-30' - min(order_date) as tenure_days,
        count(*) filter (where is_purchase) as order_count, sum(net_amount) as revenue_amount,
        sum(returned_amount) as returned_amount, count(*) filter (where returned_amount > 0) as return_order_count,
        0.5 as margin_known_share
    from marts.fct_orders where not is_cancelled and customer_key is not null group by customer_key;
create table marts.customer_loyalty as
    select customer_key, date '2026-06-30' as as_of_date, arg_max(score, submitted_at) as nps_latest,
        case when nps_latest >= 9 then 'promoter' when nps_latest >= 7 then 'passive' else 'detractor' end
            as nps_category,
        avg(score) as nps_12m_mean, count(*) as nps_answers_12m, {unanswered},
        10 * nps_12m_mean as loyalty_index, 1 as loyalty_index_parts, nps_answers_12m as loyalty_index_answers,
        0.4 as loyalty_index_weight_share, 0.5 as loyalty_index_reliability,
        null::boolean as is_satisfied_detractor, max(response_date) as last_answer_date
    from marts.fct_survey_responses where metric = 'nps' and customer_key is not null group by customer_key;
create table kpi.kpi_loyalty_monthly as
    select cast(date_trunc('month', day) as date) as month,
        case when grouping(department) = 0 then 'month_department' else 'month' end as level,
        coalesce(department, '(all)') as department, '(all)' as touchpoint, '(all)' as locale,
        count(*) filter (where metric = 'invitation') as invitations,
        count(*) filter (where metric = 'invitation' and score = 1) as invitations_answered, 0 as invitations_open,
        100.0::double * invitations_answered / invitations as response_rate,
        greatest(response_rate - 10, 0) as response_rate_lower, least(response_rate + 10, 100) as response_rate_upper,
        count(*) filter (where metric = 'nps') as nps_n,
        count(*) filter (where metric = 'nps' and score >= 9) as nps_promoters,
        count(*) filter (where metric = 'nps' and score in (7, 8)) as nps_passives,
        count(*) filter (where metric = 'nps' and score <= 6) as nps_detractors,
        100.0::double * (nps_promoters - nps_detractors) / nps_n as nps,
        greatest(nps - 20, -100) as nps_lower, least(nps + 20, 100) as nps_upper,
        count(*) filter (where metric = 'csat') as csat_n,
        count(*) filter (where metric = 'csat' and score >= 4) as csat_top_two,
        100.0::double * csat_top_two / csat_n as csat, greatest(csat - 10, 0) as csat_lower,
        least(csat + 10, 100) as csat_upper,
        0 as ces_n, 0 as ces_easy, null::double as ces, null::double as ces_lower, null::double as ces_upper
    from (
        select response_date as day, department, metric, score from marts.fct_survey_responses
        union all
        select sent_date, department, 'invitation', case when is_answered then 1 else 0 end
        from marts.fct_survey_invitations
    )
    group by grouping sets ((month), (month, department));
create table kpi.kpi_indicator_divergence as
    select month, department, nps_n as nps_recent_n, 60 as nps_earlier_n, nps as nps_recent, nps + 5 as nps_earlier,
        -5.0::double as nps_change, 2.0::double as nps_change_standard_error, -8.92::double as nps_change_lower,
        -1.08::double as nps_change_upper, -2.5::double as nps_z, csat_n as csat_recent_n,
        60 as csat_earlier_n, csat as csat_recent, csat as csat_earlier,
        0.0::double as csat_change, 2.0::double as csat_change_standard_error,
        -3.92::double as csat_change_lower, 3.92::double as csat_change_upper, 0.0::double as csat_z,
        0.2::double as correlation, 2.0::double as gap_z, 1 as departments_compared,
        0.006::double as nps_fall_p_value, true as is_alert,
        min(month) over () as first_alert_month
    from kpi.kpi_loyalty_monthly where level = 'month_department';
"""

# Every third customer answered and has a quadrant.
_VALUE = """
create or replace table marts.customer_value as
    select *, 'predicted' as clv_status, 'mbg_nbd' as clv_model, 0.8::double as p_alive,
        1.5::double as expected_purchases, 20::decimal(18, 4) as clv_amount, 50.0::double as money_position,
        4 as judged_orders_12m, 3 as kept_orders_12m, 2 as judged_contacts_12m, 1 as solved_contacts_12m,
        2 as contacts_12m, 0 as repeat_contacts_12m, 0 as hand_offs_12m, 1.0::double as first_reply_wait_hours_12m,
        5.0::double as resolution_wait_hours_12m, 2 as late_days_12m,
        row_number() over (order by customer_key) % 3 = 0 as is_answering, {means}, {scores},
        case when is_answering then 1 else 0 end as value_given_answers,
        60.0::double as value_given_score, 0.5::double as value_given_weight_share,
        50.0::double as value_taken_score, 1.0::double as value_taken_weight_share, 10.0::double as value_balance,
        'more given than taken' as value_band,
        case when is_answering then 'loyal and valuable' end as value_quadrant,
        case when not is_answering then 'no answer, and records alone do not tell' end as no_quadrant_reason
    from marts.customer_value;
create table kpi.kpi_value_quadrants as
    select 'all' as group_kind, '(all)' as group_name,
        coalesce(value_quadrant, no_quadrant_reason, '(all)') as quadrant, count(*) as customers,
        sum(value_given_answers) as customers_answered, 100.0::double as customer_share_percent,
        sum(revenue_amount) as revenue_amount, {mean_scores},
        count(*) as value_balance_n, 10.0::double as value_balance, 9.0::double as value_balance_lower,
        11.0::double as value_balance_upper, 0 as loyalty_index_n, null::double as loyalty_index,
        null::double as loyalty_index_lower, null::double as loyalty_index_upper
    from marts.customer_value
    group by grouping sets ((value_quadrant, no_quadrant_reason), ());
"""

_CAMPAIGNS = """
update marts.fct_orders set campaign_id = 'spring'
    where customer_key is not null and is_purchase and order_date < date '2025-03-01';
create table kpi.kpi_campaign_regret as
    select 'spring' as campaign_id, outcome, measure, 60 as window_days, worse_when, margin, is_deciding,
        counted.purchases, 1::bigint as purchases_open, 2::bigint as purchases_unknown, purchases - 3 as campaign_n,
        cast(0.5 * campaign_n as decimal(18, 4)) as campaign_sum, points * campaign_sum / campaign_n as campaign_value,
        100::bigint as full_price_n, 10::decimal(18, 4) as full_price_sum, 20::bigint as matched_n,
        campaign_n - 20 as unmatched_n, 100.0 * matched_n / campaign_n as matched_share,
        20::bigint as matched_customers, 10::decimal(18, 4) as matched_campaign_sum,
        points * 0.5 as matched_campaign_value, 40::bigint as matched_full_price_n,
        30.0::double as matched_full_price_effective_n, 2.0::double as matched_full_price_weighted_sum,
        points * 0.1 as matched_full_price_value, points * 0.4 as difference,
        points * 0.1 as difference_standard_error, points * 0.2 as difference_lower,
        points * 0.6 as difference_upper, p_value, p_value as q_value, verdict, 'regretted' as campaign_verdict
    from (values
        ('returned', 'share', 'higher', 5.0::double, true, 100.0::double, 0.001::double, 'worse'),
        ('csat_score', 'mean', 'lower', 0.25, false, 1.0, 0.999, 'not worse')
    ) as outcomes (outcome, measure, worse_when, margin, is_deciding, points, p_value, verdict)
    cross join (select count(*) as purchases from marts.fct_orders where campaign_id = 'spring') as counted;
create table kpi.kpi_campaign_pressure as
    select coalesce(strftime(month, '%Y-%m'), '(all)') as period, 'none' as contacts_band, month, 0 as contacts_from,
        any_value(counted.customers) as customers, sum(counted.customers) as customer_months,
        0 as contacts, 20 * count(*) as purchases,
        0 as campaign_purchases, 20 * count(*) as customer_months_bought,
        100.0 * customer_months_bought / customer_months as bought_rate,
        0.0::double as bought_rate_lower, 100.0::double as bought_rate_upper, 20 * count(*) as return_n,
        2 * count(*) as returned, 10.0::double as return_rate, 3.0::double as return_rate_lower,
        30.0::double as return_rate_upper, 0 as nps_n, 0 as detractors, null::double as detractor_share,
        null::double as detractor_share_lower, null::double as detractor_share_upper
    from (values (date '2025-02-01'), (date '2025-03-01')) as calendar (months)
    cross join lateral (values (months), (null)) as rollup_months (month)
    cross join (select count(*) as customers from marts.dim_customers) as counted
    group by month;
"""

_TRAITS = """
create table kpi.kpi_high_value_traits as
    select trait_kind, trait, 'true' as trait_value, date '2026-03-31' as known_on, 'predicted' as value_status,
        'all customers' as compared_with, customers, 1000::bigint as all_customers, top_customers,
        100::bigint as all_top_customers, customers / 10.0::double as expected_top_customers,
        100.0 * top_customers / customers as top_share, 10.0::double * top_customers / customers as lift,
        lift / 1.2 as lift_lower, lift * 1.2 as lift_upper, p_value, p_value as q_value, 2::bigint as traits_tested,
        top_customers as later_top_customers, 100::bigint as all_later_top_customers,
        customers / 10.0::double as later_expected_top_customers, lift as later_lift, lift / 1.2 as later_lift_lower,
        lift * 1.2 as later_lift_upper, verdict, reason
    from (values
        ('attribute', 'card', 200::bigint, 60::bigint, 0.001::double, 'confirmed', null),
        ('experience', 'had_ticket', 300, 31, 0.9, 'not found', 'may be chance'),
        ('origin', 'country', 40, 5, null, 'not testable', 'too few')
    ) as traits (trait_kind, trait, customers, top_customers, p_value, verdict, reason);
"""

_PROBLEMS = """
create table marts.fct_problems as
    select 'order o' || i as problem_id, md5('c' || i) as customer_key,
        case when i % 4 = 0 then 'return' else 'late_delivery' end as problem_kind,
        date '2026-01-01' + i::integer as happened_date, 'shop' as department,
        case when i = 1 then 'unresolved' when i <= 4 then 'resolved' else 'never_voiced' end as outcome,
        case when i <= 4 then 't' || i end as complaint_ticket_id,
        case when i <= 4 then 1 else 0 end as complaint_count,
        case when i <= 4 then happened_date + 1 end as first_complaint_date, true as is_decided,
        case when i % 2 = 0 then happened_date + 40 end as next_purchase_date,
        coalesce(next_purchase_date - happened_date, 100) as followed_days
    from range(1, 41) as problems (i);
create table kpi.kpi_silent_customers as
    select coalesce(strftime(cell_month, '%Y-%m'), '(all)') as period, coalesce(department, '(all)') as department,
        coalesce(problem_kind, '(all)') as problem_kind, cell_month as month, count(*) as problems,
        0 as problems_voiced, 0 as problems_undecided, sum(complaint_count) as complaints, 0 as told_in_survey,
        count(*) as customers_with_problem, complaints as customers_complained,
        problems - complaints as customers_silent, 100.0 as revenue_at_risk,
        case when problems >= 10 then 100.0::double * complaints / problems end as complaint_rate,
        greatest(complaint_rate - 5, 0) as complaint_rate_lower,
        least(complaint_rate + 5, 100) as complaint_rate_upper, 80.0::double as complaints_matched_share,
        80.0 / nullif(complaint_rate, 0) - 1 as silent_per_complaint,
        silent_per_complaint - 5 as silent_per_complaint_lower,
        silent_per_complaint + 5 as silent_per_complaint_upper, 26.0::double as claimed_silent_per_complaint,
        26 between silent_per_complaint_lower and silent_per_complaint_upper as is_claim_within_interval
    from (select *, cast(date_trunc('month', happened_date) as date) as cell_month from marts.fct_problems)
    group by cube (cell_month, department, problem_kind);
create table kpi.kpi_service_recovery as
    select coalesce(outcome, '(all)') as outcome, coalesce(problem_kind, '(all)') as problem_kind, day,
        count(*) as customers, count(*) filter (where followed_days >= day) as at_risk,
        count(*) filter (where next_purchase_date is not null and followed_days <= day) as repurchased,
        case when customers >= 10 and at_risk > 0 then 100.0::double * repurchased / customers end as repurchase_rate,
        greatest(repurchase_rate - 9, 0) as repurchase_rate_lower,
        least(repurchase_rate + 9, 100) as repurchase_rate_upper, 10.0::double as claimed_repurchase_rate,
        10 between repurchase_rate_lower and repurchase_rate_upper as is_claim_within_interval
    from marts.fct_problems cross join (values (30), (60), (90)) as grid (day)
    group by day, cube (outcome, problem_kind);
"""

# A rate of 50 % of a round number of customers everywhere, so that parts and their totals hang together.
_FORGIVENESS = """
create table kpi.kpi_forgiveness as
    select '(all)' as problem_kind, failure_number, band, 180 as window_days,
        customers, 0::bigint as customers_window_open,
        customers // 2 as came_back, 50.0::double as come_back_rate, 40.0::double as come_back_rate_lower,
        60.0::double as come_back_rate_upper, customers as compared_customers, 100::bigint as ordinary_purchases,
        50.0::double as compared_rate, 70.0::double as ordinary_rate, 60.0::double as ordinary_rate_lower,
        80.0::double as ordinary_rate_upper, -20.0::double as difference, -35.0::double as difference_lower,
        -5.0::double as difference_upper
    from (values ('1', '(all)'), ('2', '(all)'), ('1', 'promoter')) as cells (failure_number, band)
    cross join (select count(distinct customer_key) as customers from marts.fct_problems) as counted;
create table kpi.kpi_price_tolerance as
    select date '2026-01-01' as rise_month, 'tea' as category, comparison, band, 10 as products_compared,
        9 as products_risen, 6.0::double as price_change_percent, 90 as window_days, true as is_window_closed,
        people as customers, people // 2 as bought_again, 50.0::double as buying_rate,
        40.0::double as buying_rate_lower, 60.0::double as buying_rate_upper, people as compared_customers,
        people // 4 as compared_bought_again, 25.0::double as compared_rate, 20.0::double as compared_rate_lower,
        30.0::double as compared_rate_upper, 25.0::double as change, 10.0::double as change_lower,
        40.0::double as change_upper, case when band = 'promoter' then 0.0::double end as tolerance,
        tolerance - 20 as tolerance_lower, tolerance + 20 as tolerance_upper
    from (values ('promoter', 20::bigint), ('detractor', 40), ('(all)', 60)) as bands (band, people)
    cross join (values ('year before'), ('period before')) as comparisons (comparison);
create table kpi.kpi_category_adoption as
    select period, band, wave::date as wave, 180 as window_days, 60::bigint as customers,
        20::bigint as customers_window_open, 20::bigint as buyers, 10::bigint as adopters,
        5::bigint as next_purchase_adopters, 2.5::double as mean_categories_before, 25.0::double as adoption_rate,
        15.0::double as adoption_rate_lower, 40.0::double as adoption_rate_upper, 50.0::double as buying_rate,
        50.0::double as buyer_adoption_rate, 30.0::double as buyer_adoption_rate_lower,
        70.0::double as buyer_adoption_rate_upper, 25.0::double as next_purchase_rate,
        10.0::double as next_purchase_rate_lower, 40.0::double as next_purchase_rate_upper,
        25.0::double as expected_rate, 0.0::double as adventure, -15.0::double as adventure_lower,
        15.0::double as adventure_upper
    from (values ('2026 H1', '2026-01-01', 'promoter'), ('2026 H1', '2026-01-01', '(all)'), ('(all)', null, '(all)'))
        as cells (period, wave, band);
create table kpi.kpi_lost_customers as
    select coalesce(strftime(cell_month, '%Y-%m'), '(last year)') as period, department, buyer, cell_month as month,
        case when cell_month is null then 2 else 1 end as months, 180 as window_days,
        40::bigint as customers, 0::bigint as customers_window_open, 20::bigint as lost, 50.0::double as lost_rate,
        40.0::double as lost_rate_lower, 60.0::double as lost_rate_upper, 100.0::decimal(18, 4) as lost_revenue_12m
    from (values (date '2025-10-01'), (date '2025-11-01'), (null)) as months (cell_month)
    cross join (values ('shop'), ('(all)')) as departments (department)
    cross join (values ('returning'), ('(all)')) as buyers (buyer);
"""

_RELATIONSHIP = """
create table kpi.kpi_points_of_connection as
    select cast(date_trunc('quarter', response_date) as date) as quarter,
        coalesce(department, '(all)') as department, 'external' as respondent_type, item, count(*) as questionnaires,
        count(*) as n, 4.0::double as mean, 3.5::double as mean_lower, 4.5::double as mean_upper, n // 2 as top_box_n,
        100.0::double * top_box_n / n as top_box, 0.0::double as top_box_lower, 100.0::double as top_box_upper,
        case when item = '(all)' then 0.8 end::double as alpha,
        case when item = '(all)' then 0.7 end::double as alpha_lower,
        case when item = '(all)' then 0.9 end::double as alpha_upper
    from marts.fct_survey_responses
    cross join (select unnest(['listening', 'honesty', '(all)']) as item) as items
    where metric = 'nps'
    group by grouping sets ((quarter, item), (quarter, department, item));
create table kpi.kpi_relationship_transitions as
    with bands as (select unnest(['detractor', 'passive', 'promoter', '(no answer)']) as band)
    select date '2025-07-01' as from_wave, date '2026-01-01' as to_wave, bands_before.band as band_before,
        bands_after.band as band_after, 20::bigint as customers,
        case when '(no answer)' not in (band_before, band_after) then 60 end::bigint as band_customers,
        100.0::double * customers / band_customers as share_percent, 0.9 * share_percent as share_percent_lower,
        1.1 * share_percent as share_percent_upper
    from bands as bands_before, bands as bands_after
    where band_before <> '(no answer)' or band_after <> '(no answer)';
"""

_JOURNEYS = """
create table marts.fct_customer_events as
    select customer_key, row_number() over (partition by customer_key order by occurred_at, event_kind, rank)
        as event_number, occurred_at, event_date, true as is_time_known, event_kind, 'shop' as department,
        null::varchar as from_department, order_id, campaign_id, response_id, ticket_id,
        case when event_kind = 'ticket_opened' then 0 end as ticket_event_number, amount
    from (
        select customer_key, ordered_at as occurred_at, order_date as event_date, 'purchase' as event_kind, order_id,
            net_amount + returned_amount as amount, order_id as rank
        from marts.fct_orders
        union all by name
        select customer_key, ordered_at as occurred_at, order_date as event_date, 'return' as event_kind, order_id,
            -returned_amount as amount, order_id as rank
        from marts.fct_orders where returned_amount > 0
        union all by name
        select customer_key, sent_at as occurred_at, sent_date as event_date, 'campaign_contact' as event_kind,
            campaign_id, campaign_id as rank
        from marts.fct_campaign_contacts
        union all by name
        select customer_key, submitted_at as occurred_at, response_date as event_date,
            'survey_answer' as event_kind, response_id, response_id as rank
        from marts.fct_survey_responses
        union all by name
        select customer_key, opened_at as occurred_at, opened_date as event_date, 'ticket_opened' as event_kind,
            ticket_id, ticket_id as rank
        from marts.fct_support_tickets
    ) as events
    where customer_key is not null;
create table meta.customer_event_coverage as
    select event_kind, count(*) as events, count(*) as events_of_customers, 0 as events_of_unknown_people,
        0 as events_without_time
    from marts.fct_customer_events group by event_kind;
create table kpi.kpi_support_journey as
    select cast(date_trunc('month', opened_date) as date) as month,
        case when grouping(first_department) = 0 then 'month_department' else 'month' end as level,
        coalesce(first_department, '(all)') as department, count(*) as tickets, count(*) as resolved, 0 as handoffs,
        count(*) as handoffs_0, 0 as handoffs_1, 0 as handoffs_2, 0 as handoffs_3_or_more, {shares},
        count(*) as first_reply_n, count(*) as first_replied, count(*) as waiting_n, {waits}
    from (select *, 'shop' as first_department from marts.fct_support_tickets) as opened
    group by grouping sets ((month), (month, first_department));
create table kpi.kpi_loyalty_by_handoffs as
    select metric, handoffs, case when handoffs = '(all)' then 40 else 20 end as n, 3.5::double as mean,
        3.0::double as mean_lower, 4.0::double as mean_upper,
        case when metric = 'nps' then n // 2 end as nps_promoters, case when metric = 'nps' then n // 4 end
            as nps_passives, n - nps_promoters - nps_passives as nps_detractors,
        100.0::double * (nps_promoters - nps_detractors) / n as nps, nps - 10 as nps_lower, nps + 10 as nps_upper,
        case when handoffs = '(all)' then -0.5::double end as slope_per_handoff,
        slope_per_handoff - 0.1 as slope_lower, slope_per_handoff + 0.1 as slope_upper
    from (select unnest(['nps', 'csat']) as metric), (select unnest(['0', '1', '(all)']) as handoffs);
"""

_RESPONSE_STYLE = """
create table kpi.kpi_response_style as
    select coalesce(locale, '(all)') as locale, metric, count(*) as n, count(*) as respondents,
        count(*) filter (where score in (3, 5) and (score = 5) = (metric = 'nps')) as middle_n,
        100.0::double * middle_n / n as middle_share, 0.0::double as middle_share_lower,
        100.0::double as middle_share_upper, count(*) filter (where score in (scale_min, scale_max)) as extreme_n,
        100.0::double * extreme_n / n as extreme_share, 0.0::double as extreme_share_lower,
        100.0::double as extreme_share_upper, 1.5::double as spread
    from marts.fct_survey_responses group by grouping sets ((metric), (locale, metric));
create table kpi.kpi_response_stretch as
    select locale, method, 'en-GB' as reference_locale, locale = 'ja-JP' as is_adjusted,
        case when is_adjusted then 'adjusted' else 'reference' end as verdict,
        case when is_adjusted then 1.5 else 1 end::double as stretch,
        case when is_adjusted then 1.5 end::double as stretch_estimate,
        case when is_adjusted then 1.2 end::double as stretch_estimate_lower,
        case when is_adjusted then 1.8 end::double as stretch_estimate_upper, 900 as evidence_n,
        400 as evidence_returned, 1.6::double as behaviour_stretch
    from (select unnest(['later_behaviour', 'later_behaviour_and_spread']) as method) as methods,
        (select unnest(['en-GB', 'ja-JP']) as locale) as locales;
create table kpi.kpi_loyalty_adjusted as
    select case when quarter is null then '(all)' else cast(quarter as varchar) end as period, quarter,
        coalesce(locale, '(all)') as locale, method, count(*) as nps_n,
        count(*) filter (where score >= 9) as nps_promoters, count(*) filter (where score <= 6) as nps_detractors,
        100.0::double * (nps_promoters - nps_detractors) / nps_n as nps, -100.0::double as nps_lower,
        100.0::double as nps_upper, nps_promoters::double as adjusted_promoters,
        nps_detractors::double as adjusted_detractors, nps as nps_adjusted, -100.0::double as nps_adjusted_lower,
        100.0::double as nps_adjusted_upper, 0 as adjusted_n, false as is_adjusted
    from (select *, cast(date_trunc('quarter', response_date) as date) as quarter from marts.fct_survey_responses)
    cross join (select unnest(['later_behaviour', 'later_behaviour_and_spread']) as method) as methods
    where metric = 'nps'
    group by grouping sets ((method), (method, locale), (method, quarter), (method, quarter, locale));
create table kpi.kpi_non_response as
    select coalesce(segment, '(all)') as segment, coalesce(locale, '(all)') as locale, count(*) as customers,
        count(*) // 2 as asked, asked // 2 as answered, asked as invitations, answered as invitations_answered,
        100.0::double * asked / customers as asked_share, 100.0::double * answered / asked as answered_share,
        0.0::double as answered_share_lower, 100.0::double as answered_share_upper, answered_share as response_rate,
        0.0::double as response_rate_lower, 100.0::double as response_rate_upper
    from (select segment, 'en-GB' as locale from marts.customer_rfm)
    group by grouping sets ((), (segment), (locale), (segment, locale));
create table kpi.kpi_loyalty_reweighted as
    select coalesce(locale, '(all)') as locale, count(*) as customers, customers as represented_customers, 20 as nps_n,
        12 as nps_promoters, 4 as nps_detractors, 40.0::double as nps, 5.0::double as nps_lower,
        70.0::double as nps_upper, 30.0::double as nps_reweighted, -5.0::double as nps_reweighted_lower,
        60.0::double as nps_reweighted_upper, 16.0::double as effective_n, 3.0::double as largest_weight,
        2 as pooled_n, 0 as trimmed_n
    from (select 'en-GB' as locale from marts.customer_rfm) group by grouping sets ((), (locale));
"""

_SALES_QUALITY = """
create table marts.fct_sales_quality as
    select order_id, line_number, customer_key, order_date, department, net_amount, is_return,
        0::decimal(18, 4) as refunded_amount, null::varchar as reversed_order_id, null::bigint as reversed_line_number,
        case when customer_key is null then 'undecided' when line_number = 1 then 'bad' else 'good' end as quality,
        case when customer_key is null then 'anonymous' when line_number = 1 then 'refund' else 'kept' end
            as decided_by, decided_by as reasons, order_date as decided_on, null::date as open_until
    from marts.fct_order_lines;
create table kpi.kpi_sales_quality_monthly as
    select cast(date_trunc('month', order_date) as date) as month,
        case when grouping(department) = 0 then 'month_department' else 'month' end as level,
        coalesce(department, '(all)') as department, '(all)' as category, '(all)' as campaign_id,
        '(all)' as sales_channel, count(*) as lines, count(distinct customer_key) as customers, {amounts},
        0::decimal(38, 4) as refunded_amount,
        coalesce(sum(greatest(net_amount, 0)) filter (where customer_key is null), 0) as anonymous_sold_amount,
        anonymous_sold_amount as undecided_anonymous_sold_amount, {shares}
    from marts.fct_sales_quality group by grouping sets ((month), (month, department));
create table kpi.kpi_sales_quality_reasons_monthly as
    select cast(date_trunc('month', order_date) as date) as month,
        case when grouping(department) = 0 then 'month_department' else 'month' end as level,
        coalesce(department, '(all)') as department, '(all)' as category, '(all)' as campaign_id,
        '(all)' as sales_channel, quality, decided_by, count(*) as lines, sum(net_amount) as net_amount,
        sum(greatest(net_amount, 0)) as sold_amount, sum(least(net_amount, 0)) as reversed_amount
    from marts.fct_sales_quality
    group by grouping sets ((month, quality, decided_by), (month, quality, decided_by, department));
create table meta.sales_reconciliation as
    select month, lines as crm_lines, lines as fact_lines, lines as judged_lines, good_amount, bad_amount,
        undecided_amount, net_amount as net_sales, net_amount as crm_total, 0::decimal(38, 4) as difference_judged,
        0::decimal(38, 4) as difference_crm
    from kpi.kpi_sales_quality_monthly where level = 'month';
"""

_LIFETIME_VALUE = """
create schema if not exists intermediate;
create table intermediate.int_customers__clv as select customer_key from marts.customer_rfm;
create table kpi.clv_model_parameters as
    select dataset, model, parameter, 0.5::double as estimate, 0.1::double as standard_error,
        -9582.4::double as log_likelihood, 50 as customers, model <> 'BG/NBD' as is_chosen, 'fitted' as status,
        'met the holdout best' as reason, 'margin' as value_basis
    from (select unnest(['current', 'calibration']) as dataset) as datasets,
        (values ('MBG/NBD', 'r'), ('MBG/NBD', 'a'), ('BG/NBD', 'r'), ('Gamma-Gamma', 'p')) as models (model, parameter)
    union all
    select 'current', 'Pareto/NBD', '(none)', null, null, null, null, false, 'not_fitted', 'flat', 'margin';
create table kpi.clv_validation as
    select model, model = 'MBG/NBD' as is_chosen, level, position, 50 as customers, actual as actual_purchases,
        0.88 * actual as predicted_purchases, -12.0::double as purchases_bias_percent,
        10.00 * actual as actual_value, 9.0::double * actual as predicted_value, 'predicted' as status,
        'margin' as value_basis
    from (values
        ('MBG/NBD', 'total', 0, 100), ('(as before)', 'total', 0, 100), ('MBG/NBD', 'decile', 1, 30),
        ('MBG/NBD', 'decile', 2, 70), ('MBG/NBD', 'week', 1, 40), ('MBG/NBD', 'week', 2, 60)
    ) as parts (model, level, position, actual);
create table kpi.clv_segments as
    select coalesce(segment, '(all)') as segment, 'predicted' as clv_status, 0.5::double as p_alive_mean,
        count(*) as customers, 100.0 * count(*) as clv_amount, 90.0::double * count(*) as clv_lower,
        110.0::double * count(*) as clv_upper,
        100.0::double as clv_mean, 'met the holdout best' as reason, 'margin' as value_basis
    from marts.customer_rfm group by grouping sets ((segment), ());
"""

_SCORECARD = """
create table kpi.kpi_department_scorecard as
    select * from (values
        (date '2024-02-01', 'shop', 'nps', 40.0::double, 21.0::double, 59.0::double, 50, 20.0::double, 20.0::double,
            'reached'),
        (date '2024-02-01', 'shop', 'return_rate', 9.0, 6.0, 12.0, 50, 5.0, -4.0, 'missed'),
        (date '2024-02-01', 'shop', 'net_sales', 900.0, null, null, 12, null, null, 'no target')
    ) as rows (month, department, kpi, actual, actual_lower, actual_upper, n, target, ahead_of_target, status);
"""

_INITIATIVES = """
create table kpi.kpi_initiative_impact as
    select initiative_id, 'department' as scope_kind, outcome, treated_n, 200 as comparison_n, 3 as comparison_units,
        8 as months_before, 4 as months_since, effect, effect_lower, effect_upper, q_value,
        0.4::double as pretrend_p_value, status, cost, margin_gain, margin_gain_lower, margin_gain_upper, roi,
        roi_lower, roi_upper, verdict
    from (values
        ('calls', 'nps', 90, 12.0::double, 4.0::double, 20.0::double, 0.01::double, 'gain', 500.0::double,
            800.0::double, 80.0::double, 1520.0::double, 0.6::double, -0.84::double, 2.04::double, 'success story'),
        ('calls', 'margin', 100, 2.0, 0.2, 3.8, 0.03, 'gain', 500.0, 800.0, 80.0, 1520.0, 0.6, -0.84, 2.04,
            'success story'),
        ('lights', 'nps', 90, 1.0, -4.0, 6.0, 0.7, 'no effect seen', 900.0, null, null, null, null, null, null,
            'no effect seen'),
        ('lights', 'margin', 12, null, null, null, null, 'too few', 900.0, null, null, null, null, null, null,
            'no effect seen')
    ) as rows (initiative_id, outcome, treated_n, effect, effect_lower, effect_upper, q_value, status, cost,
        margin_gain, margin_gain_lower, margin_gain_upper, roi, roi_lower, roi_upper, verdict);
create table kpi.kpi_initiative_timeline as
    select initiative_id, outcome, months.n as month_from_start, 30.0::double as treated_value,
        30.0 - months.n as comparison_value, 1.0 * months.n as effect, months.n - 5.0 as effect_lower,
        months.n + 5.0 as effect_upper, 30 as treated_n, 60 as comparison_n
    from kpi.kpi_initiative_impact, range(-8, 4) as months (n) where outcome = 'nps';
"""

_ACCOUNTS = """
create table meta.identity_match_rates as
    select 'desk' as source, 'ticket' as record_type, customer_match, true as is_matched, count(*) as records,
        1.0 as share, 0 as records_7d, null::double as share_7d, 0 as records_contradicted
    from marts.fct_support_tickets group by all;
create table meta.reconciliation as
    select source, table_name, rows_read, rows_loaded, rows_superseded, rows_quarantined, rows_duplicate, rows_deleted,
        rows_loaded as rows_in_warehouse,
        case when table_name in ({facts}) then rows_loaded end as rows_published,
        case when table_name in ({facts}) then 0 end as rows_after_as_of,
        case when table_name = 'crm.order_lines' then 0 end as rows_without_order,
        {measures}
    from ingest.loads
    left join (
        select 'crm.order_lines' as table_name, sum(quantity) as quantity, sum(gross_amount) as amount
        from marts.fct_order_lines
    ) as sums using (table_name);
"""


def write_warehouse(path: Path, orders: int = 400, customers: int = 50) -> None:
    """Write a warehouse with this many orders of three lines each; everything the suites expect is true."""
    facts = (
        "'crm.orders', 'crm.order_lines', 'crm.campaign_contacts', 'survey.invitations', 'survey.responses', "
        "'support.tickets'"
    )
    measures = ", ".join(
        f"{m} as {m}_read, {m} as {m}_loaded, 0 * {m} as {m}_superseded, 0 * {m} as {m}_quarantined, "
        f"0 * {m} as {m}_duplicate, 0 * {m} as {m}_deleted, {m} as {m}_published, 0 * {m} as {m}_not_published"
        for m in ("quantity", "amount")
    )
    unanswered = ", ".join(
        f"null::double as {metric}_latest, null::double as {metric}_12m_mean, 0 as {metric}_answers_12m"
        for metric in SCALES
        if metric != "nps"
    )
    shares = ", ".join(
        f"count(*) as {share}_n, {count} as {part}, "
        f"case when tickets >= 10 then 100.0::double * {part} / {share}_n end as {share}_share, "
        f"case when tickets >= 10 then 0 end as {share}_share_lower, "
        f"case when tickets >= 10 then 100 end as {share}_share_upper"
        for share, part, count in (
            ("handed_off", "handed_off", "0"),
            ("first_contact", "first_contact_resolved", "count(*) // 2"),
            ("reopened", "reopened", "count(*) // 4"),
        )
    )
    waits = ", ".join(
        f"case when tickets >= 10 then {hours} end as {wait}_hours_{quantile}"
        for wait in WAITS
        for quantile, hours in (("median", 5.0), ("p90", 9.0))
    )
    sales = ", ".join(
        f"coalesce(sum({value}) filter (where {which}), 0)::decimal(38, 4) as {quality}{part}"
        for quality, which in (
            ("", "true"),
            *((f"{quality}_", f"quality = '{quality}'") for quality in ("good", "bad", "undecided")),
        )
        for part, value in (
            ("net_amount" if not quality else "amount", "net_amount"),
            ("sold_amount", "greatest(net_amount, 0)"),
            ("reversed_amount", "least(net_amount, 0)"),
        )
    )
    sales_shares = ", ".join(
        f"100.0::double * {part}::double / nullif({whole}::double, 0) as {share}"
        for share, part, whole in (
            ("good_share", "good_sold_amount", "sold_amount"),
            ("bad_share", "bad_sold_amount", "sold_amount"),
            ("undecided_share", "undecided_sold_amount", "sold_amount"),
            ("bad_share_of_decided", "bad_sold_amount", "(good_sold_amount + bad_sold_amount)"),
            ("anonymous_share", "anonymous_sold_amount", "sold_amount"),
        )
    )
    value_means = ", ".join(
        f"case when is_answering then 4.0::double end as {mean}_12m_mean, "
        f"case when is_answering then 1 else 0 end as {mean}_answers_12m"
        for mean in (*FIVE_POINT_MEANS, "ease")
    )
    value_scores = ", ".join(
        f"50.0::double as {name}_score" for side in PARTS for name in (*PARTS[side], *COMPONENTS[side])
    )
    value_mean_scores = ", ".join(
        f"count(*) as {name}_n, 50.0::double as {name}_score"
        for name in (*COMPONENTS["given"], *COMPONENTS["taken"], "value_given", "value_taken")
    )
    with duckdb.connect() as connection:
        # Small blocks: a hundred tables of a few rows each make a file that is quickly copied.
        connection.execute(f"attach '{path}' as warehouse (block_size 16384); use warehouse")
        connection.execute(_PIPELINE)
        for contract in contracts.ALL:
            columns = ", ".join(f"{column.name} {column.kind.duckdb}" for column in contract.columns)
            connection.execute(f"create schema if not exists raw_{contract.schema}")
            connection.execute(
                f"create table {contract.raw_name} ({columns}, _source varchar, _file varchar, _line bigint, "
                "_version timestamp, _load_id bigint)"
            )
        connection.execute(_RAW.format(orders=orders, customers=customers, lines=LINES_PER_ORDER))
        for contract in contracts.ALL:
            connection.execute(
                f"insert into ingest.loads select 1, _source, '{contract.name}', count(*), count(*), 0, 0, 0, 0 "
                f"from {contract.raw_name} group by _source"
            )
        connection.execute(_FACTS)
        connection.execute(_MARTS.format(unanswered=unanswered))
        connection.execute(
            _VALUE.format(means=value_means, scores=value_scores, mean_scores=value_mean_scores)
        )
        connection.execute(_RELATIONSHIP)
        connection.execute(_RESPONSE_STYLE)
        connection.execute(_PROBLEMS)
        connection.execute(_FORGIVENESS)
        connection.execute(_CAMPAIGNS)
        connection.execute(_TRAITS)
        connection.execute(_JOURNEYS.format(shares=shares, waits=waits))
        connection.execute(_SALES_QUALITY.format(amounts=sales, shares=sales_shares))
        connection.execute(_LIFETIME_VALUE)
        connection.execute(_SCORECARD)
        connection.execute(_INITIATIVES)
        connection.execute(_ACCOUNTS.format(facts=facts, measures=measures))
