{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='order_id',
        on_schema_change='fail'
    )
}}

with headers as (

    select * from {{ ref('int_orders__headers') }}

),

order_lines as (

    select * from {{ ref('int_orders__priced') }}

),

{% if is_incremental() %}
-- Lines carry the newest load of everything they were made of; headers are asked too, for orders without lines.
touched_orders as (

    select order_id
    from order_lines
    where load_id > {{ newest_load_in_this() }}
    union
    select order_id
    from headers
    where load_id > {{ newest_load_in_this() }}

),

{% endif %}
line_totals as (

    select
        order_id,
        count(*) as line_count,
        count(case when line_type = 'product' and quantity > 0 then 1 end) as sold_line_count,
        sum(case when line_type = 'product' then quantity end) as quantity,
        sum(net_amount) as net_amount,
        sum(discount_amount) as discount_amount,
        sum(fee_amount) as fee_amount,
        sum(case when is_return then -net_amount end) as returned_line_amount,
        sum(cost_amount) as cost_amount,
        sum(margin_amount) as margin_amount,
        sum(abs(net_amount)) as turnover_amount,
        sum(case when cost_amount is not null then abs(net_amount) end) as costed_turnover_amount,
        max(load_id) as load_id
    from order_lines
    {% if is_incremental() %}
    where order_id in (select touched_orders.order_id from touched_orders)
    {% endif %}
    group by order_id

),

headers_to_write as (

    select * from headers
    {% if is_incremental() %}
    where order_id in (select touched_orders.order_id from touched_orders)
    {% endif %}

),

totals as (

    select
        headers_to_write.order_id,
        headers_to_write.customer_id,
        headers_to_write.customer_key,
        headers_to_write.order_date,
        headers_to_write.ordered_at,
        headers_to_write.sales_channel,
        headers_to_write.department,
        headers_to_write.campaign_id,
        headers_to_write.currency,
        headers_to_write.order_status,
        headers_to_write.is_cancelled,
        not headers_to_write.is_cancelled and coalesce(line_totals.sold_line_count, 0) > 0 as is_purchase,
        cast(coalesce(line_totals.line_count, 0) as integer) as line_count,
        cast(coalesce(line_totals.quantity, 0) as decimal(18, 4)) as quantity,
        cast(coalesce(line_totals.net_amount, 0) as decimal(18, 4)) as net_amount,
        cast(coalesce(line_totals.discount_amount, 0) as decimal(18, 4)) as discount_amount,
        cast(coalesce(line_totals.fee_amount, 0) as decimal(18, 4)) as fee_amount,
        cast(coalesce(line_totals.returned_line_amount, 0) as decimal(18, 4)) as returned_line_amount,
        cast(line_totals.cost_amount as decimal(18, 4)) as cost_amount,
        cast(line_totals.margin_amount as decimal(18, 4)) as margin_amount,
        cast(coalesce(line_totals.turnover_amount, 0) as decimal(18, 4)) as turnover_amount,
        cast(coalesce(line_totals.costed_turnover_amount, 0) as decimal(18, 4)) as costed_turnover_amount,
        headers_to_write.promised_at,
        headers_to_write.delivered_at,
        {{ business_date('headers_to_write.promised_at') }} as promised_date,
        {{ business_date('headers_to_write.delivered_at') }} as delivered_date,
        headers_to_write.source_name,
        greatest(headers_to_write.load_id, coalesce(line_totals.load_id, 0)) as load_id
    from headers_to_write
    left join line_totals on headers_to_write.order_id = line_totals.order_id

)

select * from totals
