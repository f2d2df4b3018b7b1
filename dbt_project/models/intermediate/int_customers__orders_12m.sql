{{ config(materialized='view') }}

with rules as (

    select * from {{ ref('problem_rules') }}

),

undelivered_rule as (

    select min(threshold) as overdue_days
    from rules
    where evidence = 'undelivered_days'

),

failed_statuses as (

    select distinct evidence_value as order_status
    from rules
    where evidence = 'order_status'

),

-- What is not known after an export's last day has not been seen not to happen; a source that never tells of arrivals
-- does not say that there were none.
telling_sources as (

    select
        source_name,
        max(order_date) as known_until
    from {{ ref('int_orders__as_of') }}
    group by source_name
    having count(case when is_delivered then 1 end) > 0

),

orders as (

    select
        orders.*,
        failed_statuses.order_status is not null as is_failed_status,
        coalesce(orders.is_delivered, false) as has_arrived,
        telling_sources.source_name is not null and orders.promised_date is not null as is_arrival_told,
        {{ days_from_to(
            'orders.promised_date',
            'case when orders.is_delivered then orders.delivered_date else telling_sources.known_until end'
        ) }} as overdue_days
    from {{ ref('int_orders__as_of') }} as orders
    left join telling_sources on orders.source_name = telling_sources.source_name
    left join failed_statuses on orders.order_status = failed_statuses.order_status
    where
        orders.customer_key is not null
        and orders.order_date > {{ one_year_before(as_of_date()) }}
        and (not orders.is_cancelled or failed_statuses.order_status is not null)

),

-- Given back, not delivered, or not there to deliver. An order that may still arrive in time is neither.
judged as (

    select
        orders.*,
        coalesce(
            orders.is_failed_status
            or orders.returned_line_amount + orders.refunded_amount > 0
            or orders.is_arrival_told
            and not orders.has_arrived
            and orders.overdue_days >= undelivered_rule.overdue_days,
            false
        ) as is_failed,
        orders.is_purchase and (orders.has_arrived or not orders.is_arrival_told) as is_settled
    from orders
    cross join undelivered_rule

),

by_customer as (

    select
        customer_key,
        count(case when is_purchase then 1 end) as purchase_count,
        count(case when is_failed then 1 end) as failed_order_count,
        -- a document of its own that only gives back something judges an older purchase, not one more
        greatest(
            count(case when is_settled or is_failed and (is_purchase or is_failed_status) then 1 end),
            count(case when is_failed then 1 end)
        ) as judged_order_count,
        count(case when not is_cancelled and is_arrival_told and (has_arrived or overdue_days > 0) then 1 end)
            as promised_delivery_count,
        sum(
            case
                when not is_cancelled and is_arrival_told and (has_arrived or overdue_days > 0)
                    then greatest(overdue_days, 0)
            end
        ) as late_days
    from judged
    group by customer_key

),

-- Goods that were sold, against today's list; and what was charged on top of them.
lines as (

    select
        lines.customer_key,
        sum(case when lines.line_type = 'product' and lines.quantity > 0 then lines.net_amount end) as goods_amount,
        sum(
            case
                when lines.line_type = 'product' and lines.quantity > 0 and products.list_price > 0
                    then lines.net_amount
            end
        ) as paid_of_list_amount,
        sum(
            case
                when lines.line_type = 'product' and lines.quantity > 0 and products.list_price > 0
                    then cast({{ multiplied('lines.quantity', 'products.list_price') }} as decimal(18, 4))
            end
        ) as list_amount,
        sum(lines.fee_amount + case when lines.line_type <> 'product' then lines.net_amount else 0 end)
            as charged_amount
    from {{ ref('int_orders__priced') }} as lines
    left join {{ ref('stg_crm__products') }} as products on lines.product_id = products.product_id
    where
        lines.customer_key is not null
        and not lines.is_cancelled
        and lines.order_date > {{ one_year_before(as_of_date()) }}
        and lines.order_date <= {{ as_of_date() }}
    group by lines.customer_key

),

purchases_by_department as (

    select
        customer_key,
        department,
        count(*) as purchases,
        max(ordered_at) as latest_at
    from orders
    where is_purchase and department is not null
    group by customer_key, department

),

-- Home is where most purchases were made; of several, where the latest was.
departments as (

    select
        customer_key,
        department,
        row_number() over (
            partition by customer_key
            order by purchases desc nulls last, latest_at desc nulls last, department asc nulls last
        ) as place
    from purchases_by_department

),

joined as (

    select
        by_customer.customer_key,
        departments.department as home_department,
        by_customer.purchase_count,
        by_customer.judged_order_count,
        by_customer.judged_order_count - by_customer.failed_order_count as kept_order_count,
        by_customer.promised_delivery_count,
        by_customer.late_days,
        lines.goods_amount,
        lines.paid_of_list_amount,
        lines.list_amount,
        lines.charged_amount
    from by_customer
    left join lines on by_customer.customer_key = lines.customer_key
    left join departments on by_customer.customer_key = departments.customer_key and departments.place = 1

)

select * from joined
