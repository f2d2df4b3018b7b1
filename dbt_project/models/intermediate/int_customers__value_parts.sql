{{ config(materialized='view') }}

{#- What each part measures, in its unit, and how much stands behind it. Costs are counted for each purchase: who buys
    often has more occasions for them. -#}
{%- set purchases = 'cast(greatest(purchase_count, 1) as double)' -%}
{%- set measures = {
    'result_answers': ['result_answers_mean', 'result_answers_count'],
    'satisfaction': ['satisfaction_mean', 'satisfaction_count'],
    'kept_orders': ['100.0 * kept_order_count / nullif(judged_order_count, 0)', 'judged_order_count'],
    'process_answers': ['process_answers_mean', 'process_answers_count'],
    'contact_satisfaction': ['contact_satisfaction_mean', 'contact_satisfaction_count'],
    'solved_contacts': ['100.0 * solved_contact_count / nullif(judged_contact_count, 0)', 'judged_contact_count'],
    'list_paid': ['100.0 * cast(paid_of_list_amount as double) / cast(list_amount as double)', 'purchase_count'],
    'fees': [
        'case when goods_amount > 0 then 100.0 * cast(charged_amount as double) / cast(goods_amount as double) end',
        'purchase_count'
    ],
    'contacts': ['contact_count / ' ~ purchases, 'experience_count'],
    'first_reply_wait': ['cast(first_reply_wait_hours as double) / ' ~ purchases, 'experience_count'],
    'resolution_wait': ['cast(resolution_wait_hours as double) / ' ~ purchases, 'experience_count'],
    'hand_offs': ['hand_off_count / ' ~ purchases, 'experience_count'],
    'repeat_contacts': ['repeat_contact_count / ' ~ purchases, 'experience_count'],
    'late_days': ['late_days / nullif(cast(promised_delivery_count as double), 0)', 'promised_delivery_count'],
    'ease_answers': ['ease_answers_mean', 'ease_answers_count'],
} -%}

with equation_parts as (

    select * from {{ ref('value_equation_parts') }}

),

experiences as (

    select * from {{ ref('int_customers__experiences_12m') }}

),

measured as (

    {% for part, measure in measures.items() %}
    select
        customer_key,
        '{{ part }}' as part,
        -- equal values must be equal numbers, to be counted together
        cast({{ measure[0] }} as decimal(18, 6)) as part_value,
        cast({{ measure[1] }} as integer) as evidence_count
    from experiences
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}

),

known as (

    select * from measured
    where part_value is not null

),

-- Many customers share a value: what follows is computed once for all of them.
shared as (

    select
        part,
        part_value,
        evidence_count,
        count(*) as customers
    from known
    group by part, part_value, evidence_count

),

lowest_values as (

    select
        part,
        min(part_value) as lowest
    from shared
    group by part

),

above_lowest as (

    select
        shared.part,
        shared.part_value,
        sum(shared.customers) as customers
    from shared
    inner join lowest_values on shared.part = lowest_values.part and shared.part_value > lowest_values.lowest
    group by shared.part, shared.part_value

),

cumulated as (

    select
        part,
        part_value,
        sum(customers) over (partition by part order by part_value asc nulls last rows unbounded preceding)
            as customers_so_far,
        sum(customers) over (partition by part) as all_customers
    from above_lowest

),

-- One order of a cent, or a parcel lost for a year, must not make all others look alike: who lies beyond 95 % of those
-- above the lowest value counts as these. Where all are equal there is no cap and no score: a shop that books no fees,
-- a company without a help desk.
caps as (

    select
        part,
        min(part_value) as highest_counted
    from cumulated
    where 100 * customers_so_far >= 95 * all_customers
    group by part

),

capped as (

    select
        shared.*,
        equation_parts.side,
        equation_parts.component,
        equation_parts.evidence,
        equation_parts.weight,
        equation_parts.direction,
        {{ spearman_brown('equation_parts.answer_reliability', 'shared.evidence_count') }} as reliability,
        cast(least(shared.part_value, caps.highest_counted) as double) as counted_value
    from shared
    inner join caps on shared.part = caps.part
    inner join equation_parts on shared.part = equation_parts.part

),

means as (

    select
        part,
        {{ exact_sum('counted_value * customers') }} / sum(customers) as mean_value
    from capped
    group by part

),

-- Drawn to the mean by what one answer cannot tell of the others.
distances as (

    select
        capped.*,
        capped.direction * capped.reliability * (capped.counted_value - means.mean_value) as distance
    from capped
    inner join means on capped.part = means.part

),

spreads as (

    select
        part,
        sqrt({{ exact_sum('distance * distance * customers') }} / sum(customers)) as spread
    from distances
    group by part

),

-- 15 points for one standard deviation: three of them on either side of the average fit on 0 to 100.
scored as (

    select
        known.customer_key,
        known.part,
        distances.side,
        distances.component,
        distances.evidence,
        distances.weight,
        known.part_value,
        known.evidence_count,
        cast(
            {{ clipped('50 + 15 * distances.distance / nullif(spreads.spread, 0)', 0, 100) }} as decimal(18, 4)
        ) as part_score
    from known
    inner join distances
        on
            known.part = distances.part
            and known.part_value = distances.part_value
            and known.evidence_count = distances.evidence_count
    inner join spreads on distances.part = spreads.part

)

select * from scored
where part_score is not null
