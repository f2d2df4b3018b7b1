with initiatives as (

    select * from {{ ref('int_initiatives__scoped') }}

),

outcomes as (

    {% for outcome, of in initiative_outcomes().items() %}
    select
        '{{ outcome }}' as outcome,
        '{{ of.unit }}' as unit
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

),

treated as (

    select * from {{ ref('int_initiatives__changes') }}
    where is_treated and time_window = 'month'

),

effects as (

    select * from {{ ref('int_initiatives__effects') }}
    where time_window = 'month'

),

months as (

    select
        treated.initiative_id,
        treated.outcome,
        outcomes.unit,
        treated.window_number as month_from_start,
        {{ days_after('initiatives.starts_on', '30 * treated.window_number') }} as period_starts_on,
        case
            when treated.family = 'answers' and treated.late_count >= {{ minimum_answers() }} then treated.late_mean
            when treated.family = 'purchases' and treated.late_count >= {{ initiative_rule('minimum_customers') }}
                then treated.late_mean
        end as treated_value,
        effects.effect,
        effects.effect_lower,
        effects.effect_upper,
        treated.late_count as treated_n,
        coalesce(effects.comparison_n, 0) as comparison_n
    from treated
    inner join initiatives on treated.initiative_id = initiatives.initiative_id
    inner join outcomes on treated.outcome = outcomes.outcome
    left join effects
        on
            treated.initiative_id = effects.initiative_id
            and treated.outcome = effects.outcome
            and treated.window_number = effects.window_number

),

final as (

    select
        initiative_id,
        outcome,
        unit,
        cast(month_from_start as bigint) as month_from_start,
        cast(period_starts_on as date) as period_starts_on,
        round(treated_value, 4) as treated_value,
        round(treated_value - effect, 4) as comparison_value,
        round(effect, 4) as effect,
        round(effect_lower, 4) as effect_lower,
        round(effect_upper, 4) as effect_upper,
        treated_n,
        comparison_n
    from months

)

select * from final
