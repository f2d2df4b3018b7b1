{{ config(materialized='view') }}

with orders as (

    select * from {{ ref('int_orders__totals') }}

),

run_settings as (

    select * from {{ source('ops', 'run_settings') }}

),

-- Joined here and not in the incremental model: a refund may come years after its order.
refunds as (

    select
        order_id,
        sum(refund_amount) as refunded_amount
    from {{ ref('stg_crm__returns') }}
    where {{ business_date('returned_at') }} <= {{ as_of_date() }}
    group by order_id

),

known_orders as (

    select
        orders.*,
        cast(coalesce(refunds.refunded_amount, 0) as decimal(18, 4)) as refunded_amount,
        -- a delivery after the business date has not happened yet
        orders.delivered_date <= run_settings.as_of_date as is_delivered
    from orders
    cross join run_settings
    left join refunds on orders.order_id = refunds.order_id
    where orders.order_date <= run_settings.as_of_date

)

select * from known_orders
