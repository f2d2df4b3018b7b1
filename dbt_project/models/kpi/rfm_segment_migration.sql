with states as (

    select
        customer_key,
        segment,
        cast(date_trunc('month', month_end) as date) as state_month,
        {{ month_number('month_end') }} as month_number
    from {{ ref('int_rfm__month_ends') }}

),

orders as (

    select
        customer_key,
        cast(date_trunc('month', order_date) as date) as order_month,
        sum(net_amount - refunded_amount) as revenue_amount
    from {{ ref('fct_orders') }}
    where not is_cancelled and customer_key is not null
    group by customer_key, cast(date_trunc('month', order_date) as date)

),

-- Who has bought once has a state at every later month end: without one the month before, they are new.
moves as (

    select
        states.state_month as move_month,
        coalesce(states_before.segment, '(new)') as segment_before,
        states.segment as segment_after,
        count(*) as customers,
        sum(orders.revenue_amount) as revenue_amount
    from states
    left join states as states_before
        on
            states.customer_key = states_before.customer_key
            and states.month_number = states_before.month_number + 1
    left join orders
        on
            states.customer_key = orders.customer_key
            and states.state_month = orders.order_month
    group by move_month, segment_before, segment_after

),

segments_before as (

    select
        move_month,
        segment_before,
        sum(customers) as customers
    from moves
    group by move_month, segment_before

),

segments_after as (

    select distinct segment as segment_after from {{ ref('rfm_segments') }}

),

-- All ways out of a segment in which somebody was: that nobody took one is a finding too.
cells as (

    select
        segments_before.move_month,
        segments_before.segment_before,
        segments_after.segment_after,
        segments_before.customers as from_customers,
        case when segments_before.customers >= {{ minimum_answers() }} then segments_before.customers end
            as shown_customers,
        coalesce(moves.customers, 0) as customers,
        coalesce(moves.revenue_amount, 0) as revenue_amount
    from segments_before
    cross join segments_after
    left join moves
        on
            segments_before.move_month = moves.move_month
            and segments_before.segment_before = moves.segment_before
            and segments_after.segment_after = moves.segment_after

),

migration as (

    select
        move_month as month,
        segment_before as from_segment,
        segment_after as to_segment,
        cast(customers as bigint) as customers,
        cast(from_customers as bigint) as from_customers,
        round({{ percentage('customers', 'shown_customers') }}, 4) as share_percent,
        round({{ wilson('customers', 'shown_customers', -1) }}, 4) as share_percent_lower,
        round({{ wilson('customers', 'shown_customers', 1) }}, 4) as share_percent_upper,
        cast(revenue_amount as decimal(18, 4)) as revenue_amount
    from cells

)

select * from migration
