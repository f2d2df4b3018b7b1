{{ config(materialized='view') }}

with orders as (

    select * from {{ ref('stg_crm__orders') }}

),

accounts as (

    select * from {{ ref('int_identity__accounts') }}

),

order_statuses as (

    select * from {{ ref('order_statuses') }}

),

headers as (

    select
        orders.order_id,
        orders.customer_id,
        accounts.customer_key,
        {{ business_date('orders.ordered_at') }} as order_date,
        orders.ordered_at,
        orders.sales_channel,
        orders.department,
        orders.campaign_id,
        coalesce(orders.currency, {{ company_currency() }}) as currency,
        orders.order_status,
        coalesce(order_statuses.is_cancelled, false) as is_cancelled,
        orders.promised_at,
        orders.delivered_at,
        orders.source_name,
        greatest(orders.load_id, coalesce(accounts.load_id, 0)) as load_id
    from orders
    left join accounts on orders.customer_id = accounts.customer_id
    left join order_statuses on orders.order_status = order_statuses.order_status

)

select * from headers
