with orders as (

    select * from {{ ref('int_orders__as_of') }}
    where customer_key is not null

),

-- One pass over all orders; RFM, value and the customer dimension read this instead of the orders.
by_customer as (

    select
        customer_key,
        min(order_date) as first_seen_date,
        count(case when not is_cancelled then 1 end) as kept_order_count,
        min(case when not is_cancelled then order_date end) as first_order_date,
        max(case when not is_cancelled then order_date end) as last_order_date,
        count(case when is_purchase then 1 end) as purchase_count,
        min(case when is_purchase then order_date end) as first_purchase_date,
        max(case when is_purchase then order_date end) as last_purchase_date,
        sum(case when not is_cancelled then net_amount - refunded_amount else 0 end) as revenue_amount,
        sum(case when not is_cancelled then returned_line_amount + refunded_amount else 0 end) as returned_amount,
        count(case when not is_cancelled and returned_line_amount + refunded_amount > 0 then 1 end)
            as return_order_count,
        sum(case when not is_cancelled then discount_amount else 0 end) as discount_amount,
        sum(case when not is_cancelled and margin_amount is not null then margin_amount - refunded_amount end)
            as margin_amount,
        sum(case when not is_cancelled then turnover_amount else 0 end) as turnover_amount,
        sum(case when not is_cancelled then costed_turnover_amount else 0 end) as costed_turnover_amount
    from orders
    group by customer_key

)

select * from by_customer
