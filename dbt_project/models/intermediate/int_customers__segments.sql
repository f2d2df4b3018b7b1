{{ config(materialized='view', tags=['estimates_input']) }}

with customers as (

    select * from {{ ref('int_customers__orders') }}
    where purchase_count > 0

),

states as (

    select
        {{ as_of_date() }} as state_date,
        customer_key,
        first_purchase_date,
        last_purchase_date,
        purchase_count as frequency,
        revenue_amount as monetary_amount
    from customers

),

-- As in customer_rfm, which estimates cannot wait for: what is published is checked as a whole, after them.
segmented as (

    {{ rfm_segmented('states') }}

)

select
    customer_key,
    segment
from segmented
