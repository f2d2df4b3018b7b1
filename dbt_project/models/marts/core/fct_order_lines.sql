{{ config(materialized='view') }}

select
    order_id,
    line_number,
    customer_key,
    product_id,
    order_date,
    ordered_at,
    sales_channel,
    {{ department_key('department') }} as department_key,
    department,
    {{ campaign_key('campaign_id') }} as campaign_key,
    campaign_id,
    currency,
    order_status,
    is_cancelled,
    line_type,
    quantity,
    unit_price,
    gross_amount,
    discount_amount,
    fee_amount,
    net_amount,
    cost_amount,
    margin_amount,
    is_return,
    source_name
from {{ ref('int_orders__priced') }}
where order_date <= {{ as_of_date() }}
