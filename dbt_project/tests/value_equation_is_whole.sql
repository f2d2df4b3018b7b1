-- A failing row is a part, cut point or quadrant that is missing, misspelt or out of its range in the seeds
-- value_equation_parts, value_cut_points and value_quadrants: customer_value would leave it out without a word.
{{ config(meta={'dagster': {'ref': {'name': 'value_equation_parts'}}}) }}

with known_parts as (

    {% for side in ['given', 'taken'] %}
    {% for part in value_parts(side) %}
    select
        '{{ part }}' as part,
        '{{ side }}' as side
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}

),

parts as (

    select
        coalesce(known_parts.part, equation_parts.part) as part,
        known_parts.part is not null
        and equation_parts.side = known_parts.side
        and (
            equation_parts.side = 'given' and equation_parts.component in ('result', 'process')
            or equation_parts.side = 'taken' and equation_parts.component in ('price', 'effort')
        )
        and equation_parts.evidence in ('answered', 'observed')
        and equation_parts.weight >= 0
        and equation_parts.direction in (-1, 1)
        and equation_parts.answer_reliability > 0
        and equation_parts.answer_reliability <= 1
        and (equation_parts.part <> 'repeat_contacts' or equation_parts.window_days > 0) as is_whole
    from known_parts
    full join {{ ref('value_equation_parts') }} as equation_parts on known_parts.part = equation_parts.part

),

cut_points as (

    select count(distinct cut_point) as known_count
    from {{ ref('value_cut_points') }}
    where
        threshold is not null
        and cut_point in ('money_position', 'balance', 'clear_balance', 'weight_share', 'given_answers')

),

quadrants as (

    select count(distinct quadrant) as quadrant_count
    from {{ ref('value_quadrants') }}

),

faults as (

    select concat('part ', part) as to_mend from parts
    where not coalesce(is_whole, false)
    union all
    select 'cut points' as to_mend from cut_points
    where known_count <> 5
    union all
    select 'quadrants' as to_mend from quadrants
    where quadrant_count <> 4

)

select * from faults
