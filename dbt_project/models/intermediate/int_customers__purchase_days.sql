{{ config(materialized='view', tags=['estimates_input']) }}

with orders as (

    select * from {{ ref('int_orders__as_of') }}
    where is_purchase and customer_key is not null

),

-- Several purchases of a day are one: the models of lifetime value know no time of day.
purchase_days as (

    select
        customer_key,
        order_date as purchase_date,
        count(*) as order_count,
        sum(net_amount - refunded_amount) as revenue_amount
    from orders
    group by customer_key, order_date

)

select * from purchase_days
