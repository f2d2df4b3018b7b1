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

    select * from {{ ref('stg_crm__order_lines') }}

),

products as (

    select * from {{ ref('stg_crm__products') }}

),

{% if is_incremental() %}
-- An order is written anew, whole, when anything it is made of is newer than what this table holds: its own row, one
-- of its lines, the account behind it, or the cost of a product in it.
touched_orders as (

    select order_id
    from order_lines
    where load_id > {{ newest_load_in_this() }}
    union
    select order_id
    from headers
    where load_id > {{ newest_load_in_this() }}
    union
    select held_lines.order_id
    from {{ this }} as held_lines
    inner join products on held_lines.product_id = products.product_id
    where
        products.load_id > {{ newest_load_in_this() }}
        and held_lines.unit_cost is distinct from products.unit_cost

),

{% endif %}
lines_to_write as (

    select * from order_lines
    {% if is_incremental() %}
    where order_id in (select touched_orders.order_id from touched_orders)
    {% endif %}

),

headers_to_write as (

    select * from headers
    {% if is_incremental() %}
    where order_id in (select touched_orders.order_id from touched_orders)
    {% endif %}

),

-- Amounts are left to int_orders__priced: writing five more columns of ten million lines costs more than computing
-- them when they are read. A line whose order has not arrived is kept with an empty order_date, which no fact shows,
-- until the order comes.
joined as (

    select
        lines_to_write.order_id,
        lines_to_write.line_number,
        headers_to_write.customer_key,
        lines_to_write.product_id,
        headers_to_write.order_date,
        headers_to_write.ordered_at,
        headers_to_write.sales_channel,
        headers_to_write.department,
        headers_to_write.campaign_id,
        headers_to_write.currency,
        headers_to_write.order_status,
        headers_to_write.is_cancelled,
        coalesce(lines_to_write.line_type, 'product') as line_type,
        lines_to_write.quantity,
        lines_to_write.unit_price,
        coalesce(lines_to_write.discount_amount, 0) as discount_amount,
        coalesce(lines_to_write.fee_amount, 0) as fee_amount,
        products.unit_cost,
        lines_to_write.source_name,
        greatest(
            lines_to_write.load_id, coalesce(headers_to_write.load_id, 0), coalesce(products.load_id, 0)
        ) as load_id
    from lines_to_write
    left join headers_to_write on lines_to_write.order_id = headers_to_write.order_id
    left join products on lines_to_write.product_id = products.product_id

)

select * from joined
