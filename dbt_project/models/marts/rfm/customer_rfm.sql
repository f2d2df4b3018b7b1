with customers as (

    select * from {{ ref('int_customers__orders') }}
    where purchase_count > 0

),

run_settings as (

    select * from {{ source('ops', 'run_settings') }}

),

rfm_segments as (

    select * from {{ ref('rfm_segments') }}

),

-- The latest date ranks highest, which is recency turned round: the most recent buyers score 5.
scored as (

    select
        customer_key,
        first_purchase_date,
        last_purchase_date,
        purchase_count,
        revenue_amount,
        {{ value_tied_quintile('last_purchase_date') }} as recency_score,
        {{ value_tied_quintile('purchase_count') }} as frequency_score,
        {{ value_tied_quintile('revenue_amount') }} as monetary_score
    from customers

),

segmented as (

    select
        scored.customer_key,
        run_settings.as_of_date,
        scored.first_purchase_date,
        scored.last_purchase_date,
        {{ days_from_to('scored.last_purchase_date', 'run_settings.as_of_date') }} as recency_days,
        cast(scored.purchase_count as integer) as frequency,
        cast(scored.revenue_amount as decimal(18, 4)) as monetary_amount,
        scored.recency_score,
        scored.frequency_score,
        scored.monetary_score,
        rfm_segments.segment
    from scored
    cross join run_settings
    left join rfm_segments
        on
            scored.recency_score = rfm_segments.recency_score
            and scored.frequency_score = rfm_segments.frequency_score

)

select * from segmented
