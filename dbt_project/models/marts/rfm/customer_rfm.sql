{{ config(materialized='view') }}

select
    customer_key,
    as_of_date,
    first_purchase_date,
    last_purchase_date,
    recency_days,
    frequency,
    monetary_amount,
    recency_score,
    frequency_score,
    monetary_score,
    segment
from {{ ref('int_rfm__as_of') }}
