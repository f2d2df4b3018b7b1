{{ config(materialized='view') }}

with order_lines as (

    select * from {{ ref('int_orders__lines') }}

),

amounts as (

    select
        *,
        quantity < 0 and line_type = 'product' as is_return,
        cast({{ multiplied('quantity', 'unit_price') }} as decimal(18, 4)) as gross_amount,
        cast({{ multiplied('quantity', 'unit_cost') }} as decimal(18, 4)) as cost_amount
    from order_lines

),

priced as (

    select
        *,
        cast(gross_amount - discount_amount as decimal(18, 4)) as net_amount,
        cast(gross_amount - discount_amount - cost_amount as decimal(18, 4)) as margin_amount
    from amounts

)

select * from priced
