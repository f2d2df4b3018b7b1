with states as (

    select
        *,
        cast(date_trunc('month', month_end) as date) as state_month
    from {{ ref('int_rfm__month_ends') }}

),

-- A month that has not ended has no state to count its orders under.
orders as (

    select
        customer_key,
        cast(date_trunc('month', order_date) as date) as order_month,
        case when is_purchase then 1 else 0 end as purchases,
        net_amount - refunded_amount as revenue_amount
    from {{ ref('fct_orders') }}
    where
        not is_cancelled
        and cast(date_trunc('month', order_date) as date) < date_trunc('month', {{ as_of_date() }} + 1)

),

-- One row per customer and month before the join, and one for all anonymous orders of a month.
customer_months as (

    select
        customer_key,
        order_month,
        sum(purchases) as purchases,
        sum(revenue_amount) as revenue_amount
    from orders
    group by customer_key, order_month

),

sales as (

    select
        customer_months.order_month as sales_month,
        case
            when customer_months.customer_key is null then '(anonymous)'
            else coalesce(states.segment, '(no purchase)')
        end as sales_segment,
        sum(customer_months.purchases) as purchases,
        sum(customer_months.revenue_amount) as revenue_amount
    from customer_months
    left join states
        on
            customer_months.customer_key = states.customer_key
            and customer_months.order_month = states.state_month
    group by sales_month, sales_segment

),

people as (

    select
        state_month,
        segment as state_segment,
        count(*) as customers,
        sum(recency_days) as recency_days
    from states
    group by state_month, segment

),

months as (

    select distinct dates.month_start as cell_month
    from {{ ref('dim_dates') }} as dates
    inner join (
        select
            min(order_month) as first_month,
            max(order_month) as last_month
        from orders
    ) as bounds
        on dates.month_start >= bounds.first_month
    where dates.month_start < date_trunc('month', {{ as_of_date() }} + 1)

),

segments as (

    select distinct segment as cell_segment from {{ ref('rfm_segments') }}
    union all
    select '(no purchase)' as cell_segment
    union all
    select '(anonymous)' as cell_segment

),

-- All cells: a segment that has emptied is a finding, and so is a month without anonymous sales.
cells as (

    select
        months.cell_month,
        segments.cell_segment,
        people.recency_days,
        case when segments.cell_segment not in ('(no purchase)', '(anonymous)') then coalesce(people.customers, 0) end
            as customers,
        coalesce(sales.purchases, 0) as purchases,
        coalesce(sales.revenue_amount, 0) as revenue_amount
    from months
    cross join segments
    left join people
        on months.cell_month = people.state_month and segments.cell_segment = people.state_segment
    left join sales
        on months.cell_month = sales.sales_month and segments.cell_segment = sales.sales_segment

),

with_totals as (

    select
        *,
        sum(customers) over (partition by cell_month) as all_customers
    from cells

),

monthly as (

    select
        cell_month as month,
        cell_segment as segment,
        cast(customers as bigint) as customers,
        round({{ percentage('customers', 'all_customers') }}, 4) as customer_share_percent,
        cast(purchases as bigint) as purchases,
        cast(revenue_amount as decimal(18, 4)) as revenue_amount,
        cast(recency_days as bigint) as recency_days_sum,
        round(cast(recency_days as double) / nullif(customers, 0), 4) as mean_recency_days
    from with_totals

)

select * from monthly
