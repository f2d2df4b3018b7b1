{{ config(materialized='view') }}

select
    ticket_id,
    customer_key,
    customer_match,
    order_id,
    opened_at,
    opened_date,
    first_reply_hours,
    reply_count,
    resolution_hours,
    waiting_for_us_hours,
    closed_at,
    times_from,
    channel,
    category,
    is_complaint,
    priority,
    status,
    first_department,
    department,
    satisfaction_score,
    reopen_count,
    assignment_count,
    distinct_department_count,
    handoff_count,
    source_name
from {{ ref('int_tickets__as_of') }}
