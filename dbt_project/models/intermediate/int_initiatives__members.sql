{#- Customers are counted to where they bought before the start, so that an initiative cannot choose its own. -#}

with initiatives as (

    select * from {{ ref('int_initiatives__scoped') }}
    where scope_kind <> '(unknown)'

),

places as (

    select distinct
        initiative_id,
        member,
        unit
    from {{ ref('int_initiatives__units') }}
    where scope_kind <> 'customers'

),

customers as (

    select * from {{ ref('dim_customers') }}

),

bands as (

    select
        measure,
        band,
        lowest,
        lead(lowest) over (partition by measure order by lowest asc nulls last) as next_lowest
    from {{ ref('campaign_matching_bands') }}

),

-- What customers bought in the year before each start, by the place that its kind of scope asks for.
purchases as (

    select
        initiatives.initiative_id,
        initiatives.starts_on,
        orders.customer_key,
        orders.order_date,
        case initiatives.scope_kind
            when 'department' then orders.department
            when 'sales_channel' then orders.sales_channel
            when 'country' then customers.country
            else '(any)'
        end as member
    from initiatives
    inner join {{ ref('fct_orders') }} as orders
        on
            initiatives.starts_on > orders.order_date
            and {{ days_after(
                'initiatives.starts_on', '-cast(' ~ initiative_rule('home_days') ~ ' as integer)'
            ) }} <= orders.order_date
    left join customers on orders.customer_key = customers.customer_key
    where orders.is_purchase and orders.customer_key is not null

),

by_place as (

    select
        initiative_id,
        customer_key,
        member,
        count(*) as purchases,
        max(order_date) as last_purchase_date,
        {{ days_from_to('max(order_date)', 'max(starts_on)') }} as days_since_last_purchase
    from purchases
    group by initiative_id, customer_key, member

),

ranked as (

    select
        *,
        row_number() over (
            partition by initiative_id, customer_key
            order by purchases desc nulls last, last_purchase_date desc nulls last, member asc nulls last
        ) as place
    from by_place

),

at_home as (

    select
        ranked.initiative_id,
        places.unit,
        ranked.customer_key,
        cast(1 as double) as weight
    from ranked
    inner join places on ranked.initiative_id = places.initiative_id and ranked.member = places.member
    where ranked.place = 1

),

-- Customers by name. An account that nobody knows is no customer; a person on both lists is on none.
named as (

    select
        initiative_id,
        method,
        '(treated)' as unit,
        {{ each_text('treated_members') }} as customer_id
    from initiatives
    where scope_kind = 'customers'
    union all
    select
        initiative_id,
        method,
        '(comparison)' as unit,
        {{ each_text('control_members') }} as customer_id
    from initiatives
    where scope_kind = 'customers' and control_members is not null

),

listed as (

    select
        named.initiative_id,
        max(named.method) as method,
        accounts.customer_key,
        max(named.unit) as unit
    from named
    inner join {{ ref('int_identity__accounts') }} as accounts on trim(named.customer_id) = accounts.customer_id
    group by named.initiative_id, accounts.customer_key
    having min(named.unit) = max(named.unit)

),

listed_as_treated as (

    select distinct customer_key
    from listed
    where unit = '(treated)'

),

-- Without a control group, everybody known before the start whom no list of customers treats.
unlisted as (

    select
        initiatives.initiative_id,
        initiatives.method,
        customers.customer_key,
        '(comparison)' as unit
    from initiatives
    inner join customers on initiatives.starts_on > customers.registered_date
    left join listed_as_treated as treated on customers.customer_key = treated.customer_key
    where
        initiatives.scope_kind = 'customers'
        and initiatives.control_members is null
        and treated.customer_key is null

),

-- Where no lot decided, customers are compared who had bought as often and as lately.
strata as (

    select
        chosen.initiative_id,
        chosen.unit,
        chosen.customer_key,
        case
            when chosen.method = 'randomised pilot' then '(all)'
            else concat_ws(' | ', frequency.band, coalesce(recency.band, '(none)'))
        end as stratum
    from (
        select
            initiative_id,
            method,
            customer_key,
            unit
        from listed
        union all
        select
            initiative_id,
            method,
            customer_key,
            unit
        from unlisted
    ) as chosen
    left join by_place
        on chosen.initiative_id = by_place.initiative_id and chosen.customer_key = by_place.customer_key
    inner join bands as frequency
        on
            frequency.measure = 'earlier_purchases'
            and coalesce(by_place.purchases, 0) >= frequency.lowest
            and (coalesce(by_place.purchases, 0) < frequency.next_lowest or frequency.next_lowest is null)
    left join bands as recency
        on
            recency.measure = 'days_since_last_purchase'
            and by_place.days_since_last_purchase >= recency.lowest
            and (by_place.days_since_last_purchase < recency.next_lowest or recency.next_lowest is null)

),

strata_sizes as (

    select
        initiative_id,
        stratum,
        count(case when unit = '(treated)' then 1 end) as treated_n,
        count(case when unit = '(comparison)' then 1 end) as comparison_n
    from strata
    group by initiative_id, stratum

),

weighted as (

    select
        strata.initiative_id,
        strata.unit,
        strata.customer_key,
        case
            when strata.unit = '(treated)' or strata.stratum = '(all)' then cast(1 as double)
            else cast(strata_sizes.treated_n as double) / strata_sizes.comparison_n
        end as weight
    from strata
    inner join strata_sizes
        on strata.initiative_id = strata_sizes.initiative_id and strata.stratum = strata_sizes.stratum
    where strata_sizes.treated_n > 0 and strata_sizes.comparison_n > 0

),

members as (

    select * from at_home
    union all
    select * from weighted

)

select * from members
