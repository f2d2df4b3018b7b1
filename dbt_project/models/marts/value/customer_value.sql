{%- set given, taken = value_parts('given'), value_parts('taken') -%}

with customers as (

    select * from {{ ref('int_customers__orders') }}
    where kept_order_count > 0

),

experiences as (

    select * from {{ ref('int_customers__experiences_12m') }}

),

lifetime_values as (

    select * from {{ ref('int_customers__clv') }}

),

equation_parts as (

    select * from {{ ref('value_equation_parts') }}

),

quadrants as (

    select * from {{ ref('value_quadrants') }}

),

run_settings as (

    select * from {{ source('ops', 'run_settings') }}

),

cut_points as (

    select
        max(case when cut_point = 'money_position' then cast(threshold as double) end) as money_position,
        max(case when cut_point = 'balance' then cast(threshold as double) end) as balance,
        max(case when cut_point = 'clear_balance' then cast(threshold as double) end) as clear_balance,
        max(case when cut_point = 'weight_share' then cast(threshold as double) end) as weight_share,
        max(case when cut_point = 'given_answers' then cast(threshold as double) end) as given_answers
    from {{ ref('value_cut_points') }}

),

side_weights as (

    select
        nullif(cast(sum(case when side = 'given' then weight end) as double), 0) as given_weight,
        nullif(cast(sum(case when side = 'taken' then weight end) as double), 0) as taken_weight
    from equation_parts

),

-- What is not known gives its weight to the rest. Sums are of decimals: they must not depend on the order of the rows.
weighed as (

    select
        *,
        cast(weight * part_score as decimal(18, 10)) as weighted_score
    from {{ ref('int_customers__value_parts') }}

),

by_customer as (

    select
        customer_key,
        {% for part in given + taken %}
        max(case when part = '{{ part }}' then part_score end) as {{ part }}_score,
        {% endfor %}
        {% for side, components in [('given', ['result', 'process']), ('taken', ['price', 'effort'])] %}
        {% for component in components %}
        sum(case when side = '{{ side }}' and component = '{{ component }}' then weighted_score end)
        / nullif(sum(case when side = '{{ side }}' and component = '{{ component }}' then weight end), 0)
            as {{ component }}_score,
        {% endfor %}
        sum(case when side = '{{ side }}' then weight end) as {{ side }}_weight,
        sum(case when side = '{{ side }}' then weighted_score end)
        / nullif(sum(case when side = '{{ side }}' then weight end), 0) as {{ side }}_score,
        {% endfor %}
        {% for evidence in ['answered', 'observed'] %}
        sum(case when side = 'given' and evidence = '{{ evidence }}' then weighted_score end)
        / nullif(sum(case when side = 'given' and evidence = '{{ evidence }}' then weight end), 0)
            as given_{{ evidence }}_score,
        {% endfor %}
        coalesce(sum(case when side = 'given' and evidence = 'answered' then evidence_count end), 0) as given_answers
    from weighed
    group by customer_key

),

money_values as (

    select
        clv_amount,
        count(*) as customers
    from lifetime_values
    where clv_amount is not null
    group by clv_amount

),

-- Where all are worth the same, nobody belongs to an upper half.
money_places as (

    select
        clv_amount,
        case when count(*) over () > 1 then {{ middle_position('clv_amount', 'customers') }} end as money_position
    from money_values

),

known_sides as (

    select
        by_customer.*,
        coalesce(by_customer.given_weight, 0) / side_weights.given_weight as given_weight_share,
        coalesce(by_customer.taken_weight, 0) / side_weights.taken_weight as taken_weight_share
    from by_customer
    cross join side_weights

),

balanced as (

    select
        known_sides.*,
        case
            when
                known_sides.given_weight_share >= cut_points.weight_share
                and known_sides.taken_weight_share >= cut_points.weight_share
                then cast(known_sides.given_score as decimal(9, 4)) - cast(known_sides.taken_score as decimal(9, 4))
        end as value_balance
    from known_sides
    cross join cut_points

),

both_directions as (

    select
        experiences.*,
        lifetime_values.clv_status,
        lifetime_values.clv_model,
        lifetime_values.value_basis,
        lifetime_values.p_alive,
        lifetime_values.expected_purchases,
        lifetime_values.expected_purchase_value,
        lifetime_values.clv_amount,
        lifetime_values.clv_horizon_days,
        money_places.money_position,
        money_places.money_position >= cut_points.money_position as is_money_upper,
        case
            when experiences.experience_count > 0 and balanced.given_answers >= cut_points.given_answers
                then balanced.value_balance >= cut_points.balance
        end as is_value_favourable
    from experiences
    cross join cut_points
    left join lifetime_values on experiences.customer_key = lifetime_values.customer_key
    left join money_places on lifetime_values.clv_amount = money_places.clv_amount
    left join balanced on experiences.customer_key = balanced.customer_key

),

valued as (

    select
        customers.customer_key,
        run_settings.as_of_date,

        -- what the customer brought
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
        / nullif(cast(customers.turnover_amount as double), 0) as margin_known_share,

        -- what the customer will bring
        both_directions.clv_status,
        both_directions.clv_model,
        both_directions.value_basis as clv_value_basis,
        both_directions.p_alive,
        both_directions.expected_purchases,
        both_directions.expected_purchase_value,
        both_directions.clv_amount,
        cast(both_directions.clv_horizon_days as integer) as clv_horizon_days,
        round(both_directions.money_position, 4) as money_position,

        -- what was given, in its units
        both_directions.home_department,
        cast(both_directions.purchase_count as integer) as purchases_12m,
        cast(both_directions.judged_order_count as integer) as judged_orders_12m,
        cast(both_directions.kept_order_count as integer) as kept_orders_12m,
        cast(both_directions.judged_contact_count as integer) as judged_contacts_12m,
        cast(both_directions.solved_contact_count as integer) as solved_contacts_12m,
        {% for part in ['result_answers', 'process_answers', 'satisfaction', 'contact_satisfaction'] %}
        both_directions.{{ part }}_mean as {{ part | replace('_answers', '') }}_12m_mean,
        cast(both_directions.{{ part }}_count as integer) as {{ part | replace('_answers', '') }}_answers_12m,
        {% endfor %}

        -- what was taken, in its units
        cast(both_directions.goods_amount as decimal(18, 4)) as goods_amount_12m,
        cast(both_directions.list_amount as decimal(18, 4)) as list_amount_12m,
        cast(both_directions.paid_of_list_amount as decimal(18, 4)) as paid_of_list_amount_12m,
        cast(both_directions.charged_amount as decimal(18, 4)) as charged_amount_12m,
        cast(both_directions.contact_count as integer) as contacts_12m,
        cast(both_directions.repeat_contact_count as integer) as repeat_contacts_12m,
        cast(both_directions.hand_off_count as integer) as hand_offs_12m,
        cast(both_directions.first_reply_wait_hours as double) as first_reply_wait_hours_12m,
        cast(both_directions.resolution_wait_hours as double) as resolution_wait_hours_12m,
        cast(both_directions.promised_delivery_count as integer) as promised_deliveries_12m,
        cast(both_directions.late_days as integer) as late_days_12m,
        both_directions.ease_answers_mean as ease_12m_mean,
        cast(both_directions.ease_answers_count as integer) as ease_answers_12m,

        -- parts, on one scale
        {% for part in given + taken %}
        round(cast(balanced.{{ part }}_score as double), 4) as {{ part }}_score,
        {% endfor %}

        -- the equation
        {% for component in ['result', 'process', 'price', 'effort'] %}
        round(cast(balanced.{{ component }}_score as double), 4) as {{ component }}_score,
        {% endfor %}
        round(cast(balanced.given_answered_score as double), 4) as value_given_answered_score,
        round(cast(balanced.given_observed_score as double), 4) as value_given_observed_score,
        cast(coalesce(balanced.given_answers, 0) as integer) as value_given_answers,
        round(cast(balanced.given_score as double), 4) as value_given_score,
        round(coalesce(balanced.given_weight_share, 0), 4) as value_given_weight_share,
        round(cast(balanced.taken_score as double), 4) as value_taken_score,
        round(coalesce(balanced.taken_weight_share, 0), 4) as value_taken_weight_share,
        cast(balanced.value_balance as double) as value_balance,
        case
            when balanced.value_balance >= cut_points.clear_balance then 'more given than taken'
            when balanced.value_balance <= -cut_points.clear_balance then 'more taken than given'
            when balanced.value_balance is not null then 'about even'
        end as value_band,

        -- both directions
        quadrants.quadrant as value_quadrant,
        case
            when quadrants.quadrant is not null then null
            when both_directions.experience_count = 0 then 'no purchase or contact in 12 months'
            when both_directions.money_position is null then 'no lifetime value to compare'
            when coalesce(balanced.given_weight_share, 0) < cut_points.weight_share
                then 'too little known of what was given'
            when coalesce(balanced.taken_weight_share, 0) < cut_points.weight_share
                then 'too little known of what was taken'
            else 'no answer, and records alone do not tell'
        end as no_quadrant_reason
    from customers
    cross join run_settings
    cross join cut_points
    left join both_directions on customers.customer_key = both_directions.customer_key
    left join balanced on customers.customer_key = balanced.customer_key
    left join quadrants
        on
            both_directions.is_money_upper = quadrants.is_money_upper
            and both_directions.is_value_favourable = quadrants.is_value_favourable

)

select * from valued
