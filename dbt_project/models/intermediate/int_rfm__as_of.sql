with customers as (

    select * from {{ ref('int_customers__orders') }}
    where purchase_count > 0

),

run_settings as (

    select * from {{ source('ops', 'run_settings') }}

),

states as (

    select
        run_settings.as_of_date as state_date,
        customers.customer_key,
        customers.first_purchase_date,
        customers.last_purchase_date,
        cast(customers.purchase_count as integer) as frequency,
        cast(customers.revenue_amount as decimal(18, 4)) as monetary_amount
    from customers
    cross join run_settings

),

segmented as (

    {{ rfm_segmented('states') }}

)

select
    customer_key,
    state_date as as_of_date,
    first_purchase_date,
    last_purchase_date,
    recency_days,
    frequency,
    monetary_amount,
    recency_score,
    frequency_score,
    monetary_score,
    segment
from segmented
