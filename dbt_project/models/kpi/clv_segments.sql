with customers as (

    select * from {{ ref('int_customers__clv') }}

),

rfm as (

    select * from {{ ref('customer_rfm') }}

),

estimated as (

    select * from {{ source('estimates', 'clv_segments') }}

),

outcome as (

    select coalesce(max(reason), 'nothing has been fitted yet') as reason
    from {{ source('estimates', 'clv_outcome') }}

),

-- Whoever has a purchase has a segment.
by_segment as (

    select
        coalesce(rfm.segment, '(all)') as segment,
        customers.clv_status,
        customers.clv_model,
        customers.value_basis,
        customers.clv_horizon_days,
        count(*) as customers,
        {{ exact_sum('customers.p_alive') }} as p_alive_sum,
        count(customers.p_alive) as customers_with_p_alive,
        {{ exact_sum('customers.expected_purchases') }} as expected_purchases,
        sum(customers.clv_amount) as clv_amount
    from customers
    inner join rfm on customers.customer_key = rfm.customer_key
    group by
        grouping sets (
            (
                rfm.segment,
                customers.clv_status,
                customers.clv_model,
                customers.value_basis,
                customers.clv_horizon_days
            ),
            (customers.clv_status, customers.clv_model, customers.value_basis, customers.clv_horizon_days)
        )

),

shown as (

    select
        by_segment.segment,
        by_segment.clv_status,
        by_segment.clv_model,
        cast(by_segment.clv_horizon_days as integer) as clv_horizon_days,
        cast(by_segment.customers as bigint) as customers,
        round(by_segment.p_alive_sum / nullif(cast(by_segment.customers_with_p_alive as double), 0), 4) as p_alive_mean,
        round(by_segment.expected_purchases, 4) as expected_purchases,
        cast(by_segment.clv_amount as decimal(18, 4)) as clv_amount,
        round(estimated.standard_error, 4) as clv_standard_error,
        round(estimated.clv_lower, 4) as clv_lower,
        round(estimated.clv_upper, 4) as clv_upper,
        round(cast(by_segment.clv_amount as double) / by_segment.customers, 4) as clv_mean,
        round(estimated.clv_lower / by_segment.customers, 4) as clv_mean_lower,
        round(estimated.clv_upper / by_segment.customers, 4) as clv_mean_upper,
        outcome.reason,
        by_segment.value_basis
    from by_segment
    cross join outcome
    left join estimated
        on
            by_segment.segment = estimated.segment
            and by_segment.clv_model = estimated.model

)

select * from shown
