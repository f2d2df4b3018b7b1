{{ config(materialized='view', tags=['estimates_input']) }}

with run_settings as (

    select * from {{ source('ops', 'run_settings') }}

),

-- 'current' knows what is known on the business date, 'calibration' what was known before the holdout.
datasets as (

    select
        'current' as dataset,
        as_of_date,
        0 as days_held_back
    from run_settings
    union all
    select
        'calibration' as dataset,
        as_of_date,
        holdout_days as days_held_back
    from run_settings

),

value_basis as (

    select * from {{ ref('int_purchases__value_basis') }}

),

refunds as (

    select
        datasets.dataset,
        returned.order_id,
        sum(returned.refund_amount) as refunded_amount
    from {{ ref('stg_crm__returns') }} as returned
    inner join datasets
        on
            {{ days_from_to(business_date('returned.returned_at'), 'datasets.as_of_date') }}
            >= datasets.days_held_back
    group by datasets.dataset, returned.order_id

),

orders as (

    select
        datasets.dataset,
        datasets.days_held_back,
        totals.customer_key,
        totals.order_date,
        totals.is_purchase,
        totals.net_amount,
        totals.returned_line_amount,
        coalesce(refunds.refunded_amount, 0) as refunded_amount,
        case
            when value_basis.value_basis in ('revenue', 'revenue_no_cost') then cast(totals.net_amount as double)
            else {{ order_margin('totals', 'value_basis') }}
        end as value_before_refund
    from {{ ref('int_orders__totals') }} as totals
    inner join datasets
        on {{ days_from_to('totals.order_date', 'datasets.as_of_date') }} >= datasets.days_held_back
    cross join value_basis
    left join refunds
        on
            datasets.dataset = refunds.dataset
            and totals.order_id = refunds.order_id
    where totals.customer_key is not null and not totals.is_cancelled

),

valued as (

    select
        dataset,
        days_held_back,
        customer_key,
        order_date,
        is_purchase,
        net_amount - refunded_amount as kept_amount,
        refunded_amount + returned_line_amount as given_back_amount,
        cast(
            {{ value_after_refund('value_before_refund', 'net_amount', 'refunded_amount') }} as decimal(18, 4)
        ) as value_amount
    from orders

),

-- Several purchases of a day are one: the models of lifetime value know no time of day.
purchases as (

    select
        dataset,
        days_held_back,
        customer_key,
        order_date as purchase_date,
        count(*) as order_count,
        sum(kept_amount) as kept_amount,
        sum(given_back_amount) as given_back_amount,
        sum(value_amount) as value_amount
    from valued
    where is_purchase
    group by dataset, days_held_back, customer_key, order_date

),

-- An order in which nothing was sold, a return written as an order for the most part, belongs to the latest
-- purchase before it: it names none, and goods come back soon.
others as (

    select
        dataset,
        customer_key,
        order_date,
        sum(kept_amount) as kept_amount,
        sum(given_back_amount) as given_back_amount,
        sum(value_amount) as value_amount
    from valued
    where not is_purchase
    group by dataset, customer_key, order_date

),

others_placed as (

    select
        others.dataset,
        others.customer_key,
        others.order_date,
        max(others.kept_amount) as kept_amount,
        max(others.given_back_amount) as given_back_amount,
        max(others.value_amount) as value_amount,
        max(purchases.purchase_date) as purchase_date
    from others
    inner join purchases
        on
            others.dataset = purchases.dataset
            and others.customer_key = purchases.customer_key
            and others.order_date >= purchases.purchase_date
    group by others.dataset, others.customer_key, others.order_date

),

others_by_day as (

    select
        dataset,
        customer_key,
        purchase_date,
        sum(kept_amount) as kept_amount,
        sum(given_back_amount) as given_back_amount,
        sum(value_amount) as value_amount
    from others_placed
    group by dataset, customer_key, purchase_date

),

purchase_days as (

    select
        purchases.dataset,
        purchases.days_held_back,
        purchases.customer_key,
        purchases.purchase_date,
        purchases.order_count,
        purchases.kept_amount + coalesce(others_by_day.kept_amount, 0) as revenue_amount,
        purchases.given_back_amount + coalesce(others_by_day.given_back_amount, 0) as given_back_amount,
        purchases.value_amount + coalesce(others_by_day.value_amount, 0) as value_amount
    from purchases
    left join others_by_day
        on
            purchases.dataset = others_by_day.dataset
            and purchases.customer_key = others_by_day.customer_key
            and purchases.purchase_date = others_by_day.purchase_date

)

-- What was given back in full was no purchase. What cost nothing from the start was one: somebody came.
select
    dataset,
    days_held_back,
    customer_key,
    purchase_date,
    order_count,
    cast(revenue_amount as decimal(18, 4)) as revenue_amount,
    cast(value_amount as decimal(18, 4)) as value_amount
from purchase_days
where not (given_back_amount > 0 and revenue_amount <= 0)
