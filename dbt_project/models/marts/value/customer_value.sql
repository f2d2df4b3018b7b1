with customers as (

    select * from {{ ref('int_customers__orders') }}
    where kept_order_count > 0

),

run_settings as (

    select * from {{ source('ops', 'run_settings') }}

),

valued as (

    select
        customers.customer_key,
        run_settings.as_of_date,
        customers.first_order_date,
        customers.last_order_date,
        {{ days_from_to('customers.first_order_date', 'run_settings.as_of_date') }} as tenure_days,
        cast(customers.purchase_count as integer) as order_count,
        cast(customers.revenue_amount as decimal(18, 4)) as revenue_amount,
        cast(customers.returned_amount as decimal(18, 4)) as returned_amount,
        cast(customers.return_order_count as integer) as return_order_count,
        cast(customers.discount_amount as decimal(18, 4)) as discount_amount,
        cast(customers.margin_amount as decimal(18, 4)) as margin_amount,
        cast(customers.costed_turnover_amount as double)
        / nullif(cast(customers.turnover_amount as double), 0) as margin_known_share
    from customers
    cross join run_settings

)

select * from valued
