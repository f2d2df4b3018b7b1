{#- Who buys again after a failure, beside purchases without one of customers like them: in the same band, and having
    bought as often. Whoever has had three failures has bought often, and who buys often comes back for that. -#}

with windows as (

    select
        {{ forgiveness_rule('come_back_days') }} as window_days,
        {{ purchases_known_until() }} as known_until

),

sides as (

    select 0 as is_all
    union all
    select 1 as is_all

),

kinds as (

    select '(orders)' as problem_kind
    union all
    select '(all)' as problem_kind

),

problems as (

    select
        kinds.problem_kind,
        problems.problem_id,
        problems.customer_key,
        problems.order_id,
        problems.happened_at,
        problems.happened_date,
        row_number() over (
            partition by kinds.problem_kind, problems.customer_key
            order by problems.happened_at asc nulls last, problems.problem_id asc nulls last
        ) as failures_so_far
    from {{ ref('fct_problems') }} as problems
    inner join kinds on kinds.problem_kind = '(all)' or problems.is_from_order

),

visits as (

    select
        customer_key,
        visit_date,
        visit_number,
        next_visit_date,
        {{ experience_group('visit_number') }} as experience
    from {{ ref('int_customers__visits') }}

),

-- The visit that a failure comes after; none where the first order already failed and was never a purchase.
failures as (

    select
        problems.problem_kind,
        problems.problem_id,
        problems.customer_key,
        problems.happened_at,
        problems.happened_date,
        problems.failures_so_far,
        coalesce(held_bands.band, '(unknown)') as band,
        coalesce(visits.experience, '0') as experience,
        case
            when visits.customer_key is null then first_visits.visit_date
            else visits.next_visit_date
        end as come_back_date
    from problems
    left join visits
        on
            problems.customer_key = visits.customer_key
            and problems.happened_date >= visits.visit_date
            and problems.happened_date < coalesce(visits.next_visit_date, {{ end_of_time() }})
    left join visits as first_visits
        on problems.customer_key = first_visits.customer_key and first_visits.visit_number = 1
    {{ join_band_before('problems.customer_key', 'problems.happened_date') }}

),

failures_in_cells as (

    select
        failures.problem_kind,
        failures.customer_key,
        failures.band as band_before,
        failures.experience,
        case
            when numbers.is_all = 1 then '(all)'
            when failures.failures_so_far < 3 then cast(failures.failures_so_far as string)
            else '3 or later'
        end as failure_number,
        case when bands.is_all = 1 then '(all)' else failures.band end as band,
        {{ days_from_to('failures.happened_date', 'windows.known_until') }} >= windows.window_days as is_followed,
        coalesce(
            {{ days_from_to('failures.happened_date', 'failures.come_back_date') }} <= windows.window_days, false
        ) as has_come_back,
        failures.happened_at,
        failures.problem_id
    from failures
    cross join windows
    cross join sides as numbers
    cross join sides as bands

),

-- One failure per customer and cell, the first: intervals are for people, who are independent.
failures_numbered as (

    select
        *,
        row_number() over (
            partition by problem_kind, failure_number, band, customer_key
            order by happened_at asc nulls last, problem_id asc nulls last
        ) as place
    from failures_in_cells

),

days_with_failure as (

    select distinct
        problems.problem_kind,
        problems.customer_key,
        orders.order_date
    from problems
    inner join {{ ref('fct_orders') }} as orders on problems.order_id = orders.order_id

),

-- Purchases without a failure, one per customer and kind of purchase: their first.
ordinary_visits as (

    select
        kinds.problem_kind,
        visits.customer_key,
        visits.visit_date,
        visits.next_visit_date,
        visits.experience,
        coalesce(held_bands.band, '(unknown)') as band,
        row_number() over (
            partition by
                kinds.problem_kind, visits.customer_key, visits.experience, coalesce(held_bands.band, '(unknown)')
            order by visits.visit_date asc nulls last
        ) as place
    from visits
    cross join kinds
    left join days_with_failure
        on
            kinds.problem_kind = days_with_failure.problem_kind
            and visits.customer_key = days_with_failure.customer_key
            and visits.visit_date = days_with_failure.order_date
    {{ join_band_before('visits.customer_key', 'visits.visit_date') }}
    where days_with_failure.customer_key is null

),

ordinary as (

    select
        ordinary_visits.problem_kind,
        ordinary_visits.band,
        ordinary_visits.experience,
        cast(count(*) as double) as purchases,
        count(
            case
                when
                    {{ days_from_to('ordinary_visits.visit_date', 'ordinary_visits.next_visit_date') }}
                    <= windows.window_days
                    then 1
            end
        ) as came_back
    from ordinary_visits
    cross join windows
    where
        ordinary_visits.place = 1
        and {{ days_from_to('ordinary_visits.visit_date', 'windows.known_until') }} >= windows.window_days
    group by ordinary_visits.problem_kind, ordinary_visits.band, ordinary_visits.experience

),

strata as (

    select
        problem_kind,
        failure_number,
        band,
        band_before,
        experience,
        count(*) as customers,
        count(case when is_followed then 1 end) as followed,
        count(case when is_followed and has_come_back then 1 end) as came_back
    from failures_numbered
    where place = 1
    group by problem_kind, failure_number, band, band_before, experience

),

counted as (

    select
        strata.problem_kind,
        strata.failure_number,
        strata.band,
        cast(sum(strata.customers) as bigint) as customers,
        cast(sum(strata.followed) as bigint) as followed,
        cast(sum(strata.came_back) as bigint) as came_back,
        cast(sum(case when ordinary.purchases > 0 then strata.followed else 0 end) as bigint) as compared_customers,
        cast(sum(case when ordinary.purchases > 0 then strata.came_back else 0 end) as bigint) as compared_came_back,
        cast(sum(case when strata.followed > 0 then ordinary.purchases else 0 end) as bigint) as ordinary_purchases,
        {{ exact_sum('strata.followed * ordinary.came_back / ordinary.purchases') }} as expected_to_come_back,
        {{ exact_sum('strata.followed * strata.followed / ordinary.purchases') }} as squares_per_purchase
    from strata
    left join ordinary
        on
            strata.problem_kind = ordinary.problem_kind
            and strata.band_before = ordinary.band
            and strata.experience = ordinary.experience
    group by strata.problem_kind, strata.failure_number, strata.band

),

-- Strata with few purchases and many failures count as what they are: so many equally weighted purchases would say as
-- much as these (Kish 1965).
effective as (

    select
        *,
        power(cast(compared_customers as double), 2) / nullif(squares_per_purchase, 0) as effective_purchases
    from counted

),

shown as (

    select
        *,
        case when followed >= {{ minimum_answers() }} then followed end as scored,
        case
            when compared_customers >= {{ minimum_answers() }} and effective_purchases >= {{ minimum_answers() }}
                then compared_customers
        end as scored_compared,
        effective_purchases * expected_to_come_back / nullif(compared_customers, 0) as effective_came_back
    from effective

),

rates as (

    select
        *,
        case when scored_compared is not null then effective_purchases end as scored_purchases,
        {{ percentage('came_back', 'scored') }} as rate,
        {{ wilson('came_back', 'scored', -1) }} as rate_lower,
        {{ wilson('came_back', 'scored', 1) }} as rate_upper,
        {{ percentage('compared_came_back', 'scored_compared') }} as compared,
        {{ wilson('compared_came_back', 'scored_compared', -1) }} as compared_lower,
        {{ wilson('compared_came_back', 'scored_compared', 1) }} as compared_upper
    from shown

),

beside as (

    select
        *,
        {{ percentage('effective_came_back', 'scored_purchases') }} as ordinary,
        {{ wilson('effective_came_back', 'scored_purchases', -1) }} as ordinary_lower,
        {{ wilson('effective_came_back', 'scored_purchases', 1) }} as ordinary_upper
    from rates

),

forgiveness as (

    select
        beside.problem_kind,
        beside.failure_number,
        beside.band,
        windows.window_days,
        beside.customers,
        beside.customers - beside.followed as customers_window_open,
        beside.came_back,
        round(beside.rate, 4) as come_back_rate,
        round(beside.rate_lower, 4) as come_back_rate_lower,
        round(beside.rate_upper, 4) as come_back_rate_upper,
        beside.compared_customers,
        beside.ordinary_purchases,
        round(beside.compared, 4) as compared_rate,
        round(beside.ordinary, 4) as ordinary_rate,
        round(beside.ordinary_lower, 4) as ordinary_rate_lower,
        round(beside.ordinary_upper, 4) as ordinary_rate_upper,
        round(beside.compared - beside.ordinary, 4) as difference,
        round({{ difference_bound('beside.compared', 'beside.ordinary', -1) }}, 4) as difference_lower,
        round({{ difference_bound('beside.compared', 'beside.ordinary', 1) }}, 4) as difference_upper
    from beside
    cross join windows

)

select * from forgiveness
