{#- Which department loses customers: who bought there and then nowhere for so long. Every month in which a customer
    buys is one chance to lose them, counted for the department of their last purchase in it. -#}

with windows as (

    select
        {{ forgiveness_rule('lost_after_days') }} as window_days,
        {{ purchases_known_until() }} as known_until

),

sides as (

    select 0 as is_all
    union all
    select 1 as is_all

),

visits as (

    select
        *,
        cast(date_trunc('month', visit_date) as date) as month
    from {{ ref('int_customers__visits') }}

),

-- Only the last purchase of a month: the next one in it shows that they came back.
last_visits as (

    select
        visits.customer_key,
        visits.visit_date,
        visits.month,
        coalesce(visits.department, '(unknown)') as department,
        case when visits.visit_number = 1 then 'first purchase' else 'returning' end as buyer,
        coalesce({{ days_from_to('visits.visit_date', 'visits.next_visit_date') }} > windows.window_days, true)
            as is_lost,
        -- by month and not by purchase: those of an open month whose own window is over bought early in it and not
        -- again, and more of them are lost
        {{ days_from_to('last_day(visits.month)', 'windows.known_until') }} >= windows.window_days
            as is_followed
    from visits
    cross join windows
    where visits.next_visit_date is null or visits.next_visit_date > last_day(visits.month)

),

lost_revenue as (

    select
        last_visits.customer_key,
        last_visits.month,
        sum(orders.net_amount - orders.refunded_amount) as revenue_before
    from last_visits
    inner join {{ ref('fct_orders') }} as orders
        on
            last_visits.customer_key = orders.customer_key
            and last_visits.visit_date >= orders.order_date
            and {{ one_year_before('last_visits.visit_date') }} < orders.order_date
    where last_visits.is_lost and last_visits.is_followed and not orders.is_cancelled
    group by last_visits.customer_key, last_visits.month

),

by_month as (

    select
        last_visits.month,
        {{ month_number('last_visits.month') }} as month_number,
        last_visits.is_followed,
        last_visits.department,
        last_visits.buyer,
        count(*) as customers,
        count(case when last_visits.is_followed and last_visits.is_lost then 1 end) as lost,
        cast(coalesce(sum(lost_revenue.revenue_before), 0) as decimal(18, 4)) as lost_revenue_12m
    from last_visits
    left join lost_revenue
        on last_visits.customer_key = lost_revenue.customer_key and last_visits.month = lost_revenue.month
    group by last_visits.month, last_visits.is_followed, last_visits.department, last_visits.buyer

),

newest as (

    select coalesce(max(month_number), 0) as month_number
    from by_month
    where is_followed

),

periods as (

    select
        by_month.*,
        substring(cast(by_month.month as string), 1, 7) as period,
        by_month.month as named_month
    from by_month

    union all

    select
        by_month.*,
        case when by_month.month_number > newest.month_number - 12 then '(last year)' else '(year before)' end
            as period,
        cast(null as date) as named_month
    from by_month
    cross join newest
    where by_month.is_followed and by_month.month_number > newest.month_number - 24

),

added as (

    select
        periods.period,
        periods.named_month as month,
        case when departments.is_all = 1 then '(all)' else periods.department end as department,
        case when buyers.is_all = 1 then '(all)' else periods.buyer end as buyer,
        count(distinct periods.month) as months,
        cast(sum(periods.customers) as bigint) as customers,
        cast(sum(case when periods.is_followed then periods.customers else 0 end) as bigint) as customers_followed,
        cast(sum(periods.lost) as bigint) as lost,
        cast(sum(periods.lost_revenue_12m) as decimal(18, 4)) as lost_revenue_12m
    from periods
    cross join sides as departments
    cross join sides as buyers
    group by
        periods.period,
        periods.named_month,
        case when departments.is_all = 1 then '(all)' else periods.department end,
        case when buyers.is_all = 1 then '(all)' else periods.buyer end

),

shown as (

    select
        *,
        case when customers_followed >= {{ minimum_answers() }} then customers_followed end as scored
    from added

),

lost_customers as (

    select
        shown.period,
        shown.department,
        shown.buyer,
        shown.month,
        cast(shown.months as integer) as months,
        windows.window_days,
        shown.customers,
        shown.customers - shown.customers_followed as customers_window_open,
        shown.lost,
        round({{ percentage('shown.lost', 'shown.scored') }}, 4) as lost_rate,
        round({{ wilson('shown.lost', 'shown.scored', -1) }}, 4) as lost_rate_lower,
        round({{ wilson('shown.lost', 'shown.scored', 1) }}, 4) as lost_rate_upper,
        shown.lost_revenue_12m
    from shown
    cross join windows

)

select * from lost_customers
