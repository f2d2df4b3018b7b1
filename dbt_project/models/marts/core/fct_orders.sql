{{ config(materialized='view') }}

select
    order_id,
    customer_key,
    order_date,
    ordered_at,
    sales_channel,
    department,
    campaign_id,
    currency,
    order_status,
    is_cancelled,
    is_purchase,
    line_count,
    quantity,
    net_amount,
    discount_amount,
    fee_amount,
    refunded_amount,
    cast(returned_line_amount + refunded_amount as decimal(18, 4)) as returned_amount,
    cost_amount,
    margin_amount,
    promised_at,
    case when is_delivered then delivered_at end as delivered_at,
    case when is_delivered then {{ days_from_to('promised_date', 'delivered_date') }} end as delivery_delay_days,
    source_name
from {{ ref('int_orders__as_of') }}
