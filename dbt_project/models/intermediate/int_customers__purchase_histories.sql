{{ config(tags=['estimates_input']) }}

with purchase_days as (

    select * from {{ ref('int_customers__purchase_days') }}

),

run_settings as (

    select * from {{ source('ops', 'run_settings') }}

),

-- Days are counted back from the end of each dataset; what came in the holdout lies behind that of the calibration.
dated as (

    select
        purchase_days.dataset,
        purchase_days.customer_key,
        purchase_days.purchase_date,
        purchase_days.value_amount,
        {{ days_from_to('purchase_days.purchase_date', 'run_settings.as_of_date') }}
        - purchase_days.days_held_back as days_before_end,
        case
            when purchase_days.dataset = 'current' then run_settings.clv_horizon_days
            else run_settings.holdout_days
        end as horizon_days,
        run_settings.holdout_days
    from purchase_days
    cross join run_settings

),

by_customer as (

    select
        dataset,
        customer_key,
        min(purchase_date) as first_purchase_date,
        max(purchase_date) as last_purchase_date,
        count(*) - 1 as frequency,
        max(days_before_end) - min(days_before_end) as recency_days,
        max(days_before_end) as age_days,
        max(horizon_days) as horizon_days,
        sum(value_amount) as value_amount,
        sum(value_amount) - min_by(value_amount, purchase_date) as repeat_value_amount,
        count(case when days_before_end < horizon_days then 1 end) as recent_purchases,
        sum(case when days_before_end < horizon_days then value_amount else 0 end) as recent_value_amount,
        count(case when days_before_end < holdout_days then 1 end) as late_purchases,
        sum(case when days_before_end < holdout_days then value_amount else 0 end) as late_value_amount
    from dated
    group by dataset, customer_key

),

came_in_holdout as (

    select
        customer_key,
        late_purchases as holdout_purchases,
        late_value_amount as holdout_value_amount
    from by_customer
    where dataset = 'current'

),

value_basis as (

    select * from {{ ref('int_purchases__value_basis') }}

),

histories as (

    select
        by_customer.dataset,
        by_customer.customer_key,
        by_customer.first_purchase_date,
        by_customer.last_purchase_date,
        cast(by_customer.frequency as integer) as frequency,
        cast(by_customer.recency_days as integer) as recency_days,
        cast(by_customer.age_days as integer) as age_days,
        by_customer.horizon_days,
        cast(by_customer.value_amount as decimal(18, 4)) as value_amount,
        cast(by_customer.repeat_value_amount as decimal(18, 4)) as repeat_value_amount,
        cast(by_customer.recent_purchases as integer) as recent_purchases,
        cast(by_customer.recent_value_amount as decimal(18, 4)) as recent_value_amount,
        case
            when by_customer.dataset = 'calibration'
                then cast(coalesce(came_in_holdout.holdout_purchases, 0) as integer)
        end as holdout_purchases,
        case
            when by_customer.dataset = 'calibration'
                then cast(coalesce(came_in_holdout.holdout_value_amount, 0) as decimal(18, 4))
        end as holdout_value_amount,
        value_basis.value_basis
    from by_customer
    cross join value_basis
    left join came_in_holdout on by_customer.customer_key = came_in_holdout.customer_key

)

select * from histories
