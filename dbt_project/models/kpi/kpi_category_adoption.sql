{#- Who tries something new after an answer. Whoever buys more comes across more categories, and whoever knows many has
    few left to try: so the next purchase is looked at alone, beside what customers who know as many do on theirs. -#}

with windows as (

    select
        {{ forgiveness_rule('new_category_days') }} as window_days,
        {{ purchases_known_until() }} as known_until

),

sides as (

    select 0 as is_all
    union all
    select 1 as is_all

),

-- The first answer of a half-year: who is asked often is not counted more often.
answers as (

    select
        customer_key,
        band,
        {{ survey_wave('answered_on') }} as wave,
        answered_on,
        row_number() over (
            partition by customer_key, {{ survey_wave('answered_on') }}
            order by answered_on asc nulls last
        ) as place
    from {{ ref('int_customers__bands') }}

),

first_purchases as (

    select
        lines.customer_key,
        products.category,
        min(lines.order_date) as first_date
    from {{ ref('fct_order_lines') }} as lines
    inner join {{ ref('dim_products') }} as products on lines.product_id = products.product_id
    where
        lines.customer_key is not null
        and products.category is not null
        and lines.line_type = 'product'
        and lines.quantity > 0
        and not lines.is_cancelled
    group by lines.customer_key, products.category

),

next_visits as (

    select
        answers.customer_key,
        answers.wave,
        min(visits.visit_date) as next_visit_date
    from answers
    inner join {{ ref('int_customers__visits') }} as visits
        on
            answers.customer_key = visits.customer_key
            and answers.answered_on < visits.visit_date
    where answers.place = 1
    group by answers.customer_key, answers.wave

),

-- What was bought on the day of the answer was known before it.
known_categories as (

    select
        answers.customer_key,
        answers.wave,
        answers.band,
        answers.answered_on,
        count(case when first_purchases.first_date <= answers.answered_on then 1 end) as categories_before,
        min(case when first_purchases.first_date > answers.answered_on then first_purchases.first_date end)
            as new_category_date
    from answers
    inner join first_purchases on answers.customer_key = first_purchases.customer_key
    where answers.place = 1
    group by answers.customer_key, answers.wave, answers.band, answers.answered_on

),

-- Whoever had bought nothing knew nothing: everything is new, and that is no adventure.
followed as (

    select
        known.customer_key,
        known.wave,
        known.band,
        known.categories_before,
        {{ days_from_to('known.answered_on', 'windows.known_until') }} >= windows.window_days as is_followed,
        coalesce(
            {{ days_from_to('known.answered_on', 'next_visits.next_visit_date') }} <= windows.window_days, false
        ) as has_bought,
        coalesce({{ days_from_to('known.answered_on', 'known.new_category_date') }} <= windows.window_days, false)
            as has_adopted,
        coalesce(
            {{ days_from_to('known.answered_on', 'known.new_category_date') }} <= windows.window_days
            and known.new_category_date = next_visits.next_visit_date,
            false
        ) as has_adopted_next
    from known_categories as known
    cross join windows
    left join next_visits on known.customer_key = next_visits.customer_key and known.wave = next_visits.wave
    where known.categories_before > 0

),

usual as (

    select
        categories_before,
        cast(count(*) as double) as buyers,
        count(case when has_adopted_next then 1 end) as adopters
    from followed
    where is_followed and has_bought
    group by categories_before

),

counted as (

    select
        case when waves.is_all = 0 then followed.wave end as wave,
        case when bands.is_all = 0 then followed.band else '(all)' end as band,
        count(*) as customers,
        count(case when followed.is_followed then 1 end) as customers_followed,
        count(case when followed.is_followed and followed.has_bought then 1 end) as buyers,
        count(case when followed.is_followed and followed.has_adopted then 1 end) as adopters,
        count(case when followed.is_followed and followed.has_adopted_next then 1 end) as next_purchase_adopters,
        cast(sum(case when followed.is_followed then followed.categories_before else 0 end) as bigint)
            as categories_before,
        {{ exact_sum(
            'case when followed.is_followed and followed.has_bought then usual.adopters / usual.buyers else 0 end'
        ) }} as expected_adopters
    from followed
    left join usual on followed.categories_before = usual.categories_before
    cross join sides as waves
    cross join sides as bands
    group by
        case when waves.is_all = 0 then followed.wave end,
        case when bands.is_all = 0 then followed.band else '(all)' end

),

shown as (

    select
        *,
        case when customers_followed >= {{ minimum_answers() }} then customers_followed end as scored,
        case when buyers >= {{ minimum_answers() }} then buyers end as scored_buyers
    from counted

),

rates as (

    select
        *,
        {{ percentage('expected_adopters', 'scored_buyers') }} as expected,
        {{ percentage('next_purchase_adopters', 'scored_buyers') }} as next_rate,
        {{ wilson('next_purchase_adopters', 'scored_buyers', -1) }} as next_rate_lower,
        {{ wilson('next_purchase_adopters', 'scored_buyers', 1) }} as next_rate_upper
    from shown

),

adoption as (

    select
        case
            when rates.wave is null then '(all)'
            when extract(month from rates.wave) = 1 then concat(cast(extract(year from rates.wave) as string), ' H1')
            else concat(cast(extract(year from rates.wave) as string), ' H2')
        end as period,
        rates.band,
        rates.wave,
        windows.window_days,
        rates.customers,
        rates.customers - rates.customers_followed as customers_window_open,
        rates.buyers,
        rates.adopters,
        rates.next_purchase_adopters,
        round(rates.categories_before / cast(rates.scored as double), 4) as mean_categories_before,
        round({{ percentage('rates.adopters', 'rates.scored') }}, 4) as adoption_rate,
        round({{ wilson('rates.adopters', 'rates.scored', -1) }}, 4) as adoption_rate_lower,
        round({{ wilson('rates.adopters', 'rates.scored', 1) }}, 4) as adoption_rate_upper,
        round({{ percentage('rates.buyers', 'rates.scored') }}, 4) as buying_rate,
        round({{ percentage('rates.adopters', 'rates.scored_buyers') }}, 4) as buyer_adoption_rate,
        round({{ wilson('rates.adopters', 'rates.scored_buyers', -1) }}, 4) as buyer_adoption_rate_lower,
        round({{ wilson('rates.adopters', 'rates.scored_buyers', 1) }}, 4) as buyer_adoption_rate_upper,
        round(rates.next_rate, 4) as next_purchase_rate,
        round(rates.next_rate_lower, 4) as next_purchase_rate_lower,
        round(rates.next_rate_upper, 4) as next_purchase_rate_upper,
        round(rates.expected, 4) as expected_rate,
        round(rates.next_rate - rates.expected, 4) as adventure,
        round(rates.next_rate_lower - rates.expected, 4) as adventure_lower,
        round(rates.next_rate_upper - rates.expected, 4) as adventure_upper
    from rates
    cross join windows

)

select * from adoption
