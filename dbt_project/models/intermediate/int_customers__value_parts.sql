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
        -- decimals: sums of them have no order
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

-- One order of a cent, or a parcel lost for a year, must not make all others look alike: who lies beyond 95 % of those
-- above the lowest value counts as these.
ranges as (

    select
        part,
        min(part_value) as lowest,
        max(part_value) as highest
    from known
    group by part

),

caps as (

    select
        known.part,
        percentile_disc(0.95) within group (order by known.part_value) as highest_counted
    from known
    inner join ranges on known.part = ranges.part and known.part_value > ranges.lowest
    group by known.part

),

-- Where all are equal there is no cap and no score: a shop that books no fees, a company without a help desk.
capped as (

    select
        known.*,
        equation_parts.side,
        equation_parts.component,
        equation_parts.evidence,
        equation_parts.weight,
        equation_parts.direction,
        {{ spearman_brown('equation_parts.answer_reliability', 'known.evidence_count') }} as reliability,
        least(known.part_value, caps.highest_counted) as counted_value
    from known
    inner join caps on known.part = caps.part
    inner join equation_parts on known.part = equation_parts.part

),

means as (

    select
        part,
        cast(sum(counted_value) as double) / count(*) as mean_value
    from capped
    group by part

),

-- Drawn to the mean by what one answer cannot tell of the others. Decimals: their sums have no order.
distances as (

    select
        capped.*,
        cast(
            capped.direction * capped.reliability * (cast(capped.counted_value as double) - means.mean_value)
            as decimal(18, 6)
        ) as distance
    from capped
    inner join means on capped.part = means.part

),

spreads as (

    select
        part,
        sqrt({{ exact_sum('cast(distance as double) * cast(distance as double)') }} / count(*)) as spread
    from distances
    group by part

),

-- 15 points for one standard deviation: three of them on either side of the average fit on 0 to 100.
scored as (

    select
        distances.customer_key,
        distances.part,
        distances.side,
        distances.component,
        distances.evidence,
        distances.weight,
        distances.part_value,
        distances.evidence_count,
        cast(
            {{ clipped('50 + 15 * cast(distances.distance as double) / nullif(spreads.spread, 0)', 0, 100) }}
            as decimal(18, 4)
        ) as part_score
    from distances
    inner join spreads on distances.part = spreads.part

)

select * from scored
where part_score is not null
