{#- Incremental by month end: the hook takes out those that what has come since could have changed, and the missing ones
    are written here, whole, because the scores of one customer depend on all others. -#}

{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        pre_hook="{{ forget_month_ends_with_other_inputs() }}"
    )
}}

with activity as (

    select * from {{ ref('int_rfm__activity') }}

),

month_ends as (

    {{ rfm_month_ends() }}

),

{% if is_incremental() %}
held_month_ends as (

    select distinct month_end from {{ this }}

),

{% endif %}
month_ends_to_write as (

    select month_ends.*
    from month_ends
    {% if is_incremental() %}
    left join held_month_ends on month_ends.month_end = held_month_ends.month_end
    where held_month_ends.month_end is null
    {% endif %}

),

-- What customers have come to by each month in which they did something; it lasts until the next such month.
sums_so_far as (

    select
        customer_key,
        activity_month,
        lead(activity_month) over (partition by customer_key order by activity_month asc nulls first)
            as next_activity_month,
        min(first_purchase_date) over so_far as first_purchase_date,
        max(last_purchase_date) over so_far as last_purchase_date,
        sum(purchase_count) over so_far as purchase_count,
        sum(revenue_amount) over so_far as revenue_amount
    from activity
    window so_far as (
        partition by customer_key
        order by activity_month asc nulls first
        rows between unbounded preceding and current row
    )

),

states as (

    select
        month_ends_to_write.month_end as state_date,
        sums_so_far.customer_key,
        sums_so_far.first_purchase_date,
        sums_so_far.last_purchase_date,
        cast(sums_so_far.purchase_count as integer) as frequency,
        cast(sums_so_far.revenue_amount as decimal(18, 4)) as monetary_amount
    from month_ends_to_write
    inner join sums_so_far
        on
            month_ends_to_write.month_end >= sums_so_far.activity_month
            and month_ends_to_write.month_end < coalesce(sums_so_far.next_activity_month, date '9999-12-31')
    where sums_so_far.purchase_count > 0

),

segmented as (

    {{ rfm_segmented('states') }}

)

select
    segmented.state_date as month_end,
    segmented.customer_key,
    segmented.first_purchase_date,
    segmented.last_purchase_date,
    segmented.recency_days,
    segmented.frequency,
    segmented.monetary_amount,
    segmented.recency_score,
    segmented.frequency_score,
    segmented.monetary_score,
    segmented.segment,
    month_ends_to_write.inputs_fingerprint
from segmented
inner join month_ends_to_write on segmented.state_date = month_ends_to_write.month_end
