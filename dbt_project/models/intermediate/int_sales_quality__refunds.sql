with returns as (

    select
        *,
        {{ business_date('returned_at') }} as returned_date
    from {{ ref('stg_crm__returns') }}
    where {{ business_date('returned_at') }} <= {{ as_of_date() }}

),

returned_orders as (

    select distinct order_id from returns

),

sold_lines as (

    select
        lines.order_id,
        lines.line_number,
        lines.order_date,
        lines.quantity,
        lines.net_amount,
        greatest(lines.net_amount, 0) as positive_amount,
        sum(greatest(lines.net_amount, 0)) over (partition by lines.order_id) as order_amount,
        row_number() over (partition by lines.order_id order by lines.line_number asc nulls last) as place
    from {{ ref('fct_order_lines') }} as lines
    inner join returned_orders on lines.order_id = returned_orders.order_id
    where not lines.is_cancelled and lines.quantity > 0

),

of_lines as (

    select
        sold_lines.order_id,
        sold_lines.line_number,
        sold_lines.order_date,
        returns.return_id,
        returns.returned_date,
        returns.refund_amount,
        coalesce(
            cast(returns.refund_amount as double) / nullif(cast(sold_lines.positive_amount as double), 0),
            cast(returns.quantity as double) / cast(sold_lines.quantity as double),
            1
        ) as returned_share
    from returns
    inner join sold_lines
        on returns.order_id = sold_lines.order_id and returns.line_number = sold_lines.line_number

),

-- A return that names no line, or one that is not known, is of the whole order.
returns_of_orders as (

    select returns.*
    from returns
    left join of_lines on returns.return_id = of_lines.return_id
    where of_lines.return_id is null

),

in_proportion as (

    select
        sold_lines.order_id,
        sold_lines.line_number,
        sold_lines.order_date,
        sold_lines.place,
        returns_of_orders.return_id,
        returns_of_orders.returned_date,
        returns_of_orders.refund_amount,
        cast(
            coalesce(
                round(
                    cast(returns_of_orders.refund_amount as double)
                    * cast(sold_lines.positive_amount as double)
                    / nullif(cast(sold_lines.order_amount as double), 0),
                    4
                ),
                0
            ) as decimal(18, 4)
        ) as line_amount,
        coalesce(
            cast(returns_of_orders.refund_amount as double) / nullif(cast(sold_lines.order_amount as double), 0), 1
        ) as returned_share
    from returns_of_orders
    inner join sold_lines on returns_of_orders.order_id = sold_lines.order_id

),

-- What rounding leaves goes to the first line, so that the lines add up to the refund.
of_orders as (

    select
        order_id,
        line_number,
        order_date,
        return_id,
        returned_date,
        line_amount
        + case
            when place = 1 then coalesce(refund_amount, 0) - sum(line_amount) over (partition by return_id)
            else 0
        end as refund_amount,
        returned_share
    from in_proportion

),

refunds as (

    select
        order_id,
        line_number,
        order_date,
        returned_date,
        cast(coalesce(refund_amount, 0) as decimal(18, 4)) as refund_amount,
        round(returned_share, 6) as returned_share
    from of_lines

    union all

    select
        order_id,
        line_number,
        order_date,
        returned_date,
        cast(refund_amount as decimal(18, 4)) as refund_amount,
        round(returned_share, 6) as returned_share
    from of_orders

    union all

    select
        sale_order_id as order_id,
        sale_line_number as line_number,
        sale_order_date as order_date,
        order_date as returned_date,
        cast(0 as decimal(18, 4)) as refund_amount,
        round(cast(-quantity as double) / cast(sale_quantity as double), 6) as returned_share
    from {{ ref('int_sales_quality__reversals') }}

)

select * from refunds
