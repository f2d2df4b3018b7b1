-- A failing row is a customer who stands otherwise in customer_rfm than in the month end of the same day, or in one of
-- the two only: the month ends were not made anew when something changed, and movements between segments are wrong.
-- There is nothing to compare on other days than the last of a month.
{{ config(meta={'dagster': {'ref': {'name': 'int_rfm__month_ends'}}}) }}

with month_end as (

    select * from {{ ref('int_rfm__month_ends') }}
    where month_end = {{ as_of_date() }}

),

as_of as (

    select * from {{ ref('customer_rfm') }}
    where extract(day from as_of_date + 1) = 1

)

select coalesce(as_of.customer_key, month_end.customer_key) as customer_key
from as_of
full outer join month_end on as_of.customer_key = month_end.customer_key
where
    as_of.first_purchase_date is distinct from month_end.first_purchase_date
    or as_of.last_purchase_date is distinct from month_end.last_purchase_date
    or as_of.recency_days is distinct from month_end.recency_days
    or as_of.frequency is distinct from month_end.frequency
    or as_of.monetary_amount is distinct from month_end.monetary_amount
    or as_of.recency_score is distinct from month_end.recency_score
    or as_of.frequency_score is distinct from month_end.frequency_score
    or as_of.monetary_score is distinct from month_end.monetary_score
    or as_of.segment is distinct from month_end.segment
