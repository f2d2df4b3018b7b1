with lines as (

    select * from {{ ref('fct_order_lines') }}
    where not is_cancelled and line_type = 'product' and product_id is not null

),

returned_lines as (

    select * from lines
    where is_return

),

sold_lines as (

    select * from lines
    where quantity > 0

),

candidates as (

    select
        returned_lines.order_id,
        returned_lines.line_number,
        sold_lines.order_id as sale_order_id,
        sold_lines.line_number as sale_line_number,
        sold_lines.ordered_at as sold_at,
        0 as distance
    from returned_lines
    inner join sold_lines
        on returned_lines.order_id = sold_lines.order_id and returned_lines.product_id = sold_lines.product_id

    union all

    select
        returned_lines.order_id,
        returned_lines.line_number,
        sold_lines.order_id as sale_order_id,
        sold_lines.line_number as sale_line_number,
        sold_lines.ordered_at as sold_at,
        1 as distance
    from returned_lines
    inner join sold_lines
        on
            returned_lines.customer_key = sold_lines.customer_key
            and returned_lines.product_id = sold_lines.product_id
            and returned_lines.ordered_at >= sold_lines.ordered_at
            and returned_lines.order_id <> sold_lines.order_id

),

ranked as (

    select
        *,
        row_number() over (
            partition by order_id, line_number
            order by
                distance asc nulls last,
                sold_at desc nulls last,
                sale_order_id desc nulls last,
                sale_line_number asc nulls last
        ) as place
    from candidates

),

reversals as (

    select
        ranked.order_id,
        ranked.line_number,
        returned_lines.order_date,
        returned_lines.quantity,
        ranked.sale_order_id,
        ranked.sale_line_number,
        sold_lines.order_date as sale_order_date,
        sold_lines.quantity as sale_quantity,
        sold_lines.gross_amount as sale_gross_amount,
        sold_lines.discount_amount as sale_discount_amount
    from ranked
    inner join returned_lines
        on ranked.order_id = returned_lines.order_id and ranked.line_number = returned_lines.line_number
    inner join sold_lines
        on ranked.sale_order_id = sold_lines.order_id and ranked.sale_line_number = sold_lines.line_number
    where ranked.place = 1

)

select * from reversals
