with orders as (

    select * from {{ ref('int_orders__as_of') }}
    where customer_key is not null and not is_cancelled

),

-- A refund takes the money back on its own day, though never before the order.
refunds as (

    select
        orders.customer_key,
        greatest({{ business_date('returned.returned_at') }}, orders.order_date) as refund_date,
        returned.refund_amount
    from {{ ref('stg_crm__returns') }} as returned
    inner join orders on returned.order_id = orders.order_id

),

changes as (

    select
        customer_key,
        order_date as change_date,
        case when is_purchase then 1 else 0 end as purchases,
        case when is_purchase then order_date end as purchase_date,
        net_amount as amount
    from orders
    union all
    select
        customer_key,
        refund_date as change_date,
        0 as purchases,
        null as purchase_date,
        -coalesce(refund_amount, 0) as amount
    from refunds
    where refund_date <= {{ as_of_date() }}

),

by_month as (

    select
        customer_key,
        cast(date_trunc('month', change_date) as date) as activity_month,
        cast(sum(purchases) as integer) as purchase_count,
        min(purchase_date) as first_purchase_date,
        max(purchase_date) as last_purchase_date,
        cast(sum(amount) as decimal(18, 4)) as revenue_amount
    from changes
    group by customer_key, cast(date_trunc('month', change_date) as date)

)

select * from by_month
