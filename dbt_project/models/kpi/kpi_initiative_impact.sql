with initiatives as (

    select
        initiatives.*,
        scoped.scope_kind,
        scoped.method,
        scoped.treated_members
    from {{ ref('stg_org__initiatives') }} as initiatives
    inner join {{ ref('int_initiatives__scoped') }} as scoped
        on initiatives.initiative_id = scoped.initiative_id

),

units as (

    select * from {{ ref('int_initiatives__units') }}

),

changes as (

    select * from {{ ref('int_initiatives__changes') }}

),

effects as (

    select * from {{ ref('int_initiatives__effects') }}

),

nights as (

    select as_of_date from {{ source('ops', 'run_settings') }}

),

departments as (

    select * from {{ ref('dim_departments') }}

),

outcomes as (

    {% for outcome, of in initiative_outcomes().items() %}
    select
        {{ loop.index }} as outcome_number,
        '{{ outcome }}' as outcome,
        '{{ of.family }}' as family,
        '{{ of.unit }}' as unit
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

),

numbered_members as (

    select
        initiative_id,
        scope_kind,
        member,
        row_number() over (partition by initiative_id order by member asc nulls last) as member_number
    from (
        select distinct
            initiative_id,
            scope_kind,
            trim(member) as member
        from (
            select
                initiative_id,
                scope_kind,
                {{ each_text('treated_members') }} as member
            from initiatives
            where scope_kind <> '(unknown)'
        ) as written
    ) as distinct_members

),

scope_names as (

    select
        members.initiative_id,
        case
            when members.scope_kind = 'customers' then cast(count(*) as string) || ' customers'
            else {{ joined_in_order(
                'coalesce(departments.department_name, members.member)', 'members.member_number'
            ) }}
        end as scope_name
    from numbered_members as members
    left join departments
        on case when members.scope_kind = 'department' then members.member end = departments.department
    group by members.initiative_id, members.scope_kind

),

-- Who was treated and over which months; the comparison is told where there is one.
treated_units as (

    select
        initiative_id,
        family,
        max(months_elapsed) as months_elapsed,
        max(case when is_treated then months_before end) as months_before,
        max(case when is_treated then months_since end) as months_since,
        count(case when not is_treated then 1 end) as candidates
    from units
    group by initiative_id, family

),

treated_changes as (

    select
        changes.initiative_id,
        changes.outcome,
        changes.late_count,
        changes.base_count,
        changes.base_mean
    from changes
    inner join treated_units
        on
            changes.initiative_id = treated_units.initiative_id
            and changes.family = treated_units.family
            and changes.window_number = treated_units.months_since
    where changes.is_treated and changes.time_window = 'since start'

),

-- Each of those compared with stands in the window of the months that it was left untreated.
measured as (

    select
        initiatives.initiative_id,
        initiatives.scope_kind,
        initiatives.method,
        initiatives.cost,
        outcomes.outcome_number,
        outcomes.outcome,
        outcomes.family,
        outcomes.unit,
        {{ month_from_start('initiatives.starts_on', days_after('nights.as_of_date', 1)) }} as months_elapsed,
        coalesce(treated_units.months_before, 0) as months_before,
        coalesce(treated_units.months_since, 0) as months_since,
        coalesce(treated_units.candidates, 0) as candidates,
        coalesce(treated_changes.late_count, 0) as treated_n,
        coalesce(treated_changes.base_count, 0) as treated_base_n,
        treated_changes.base_mean as baseline,
        coalesce(effects.comparison_n, 0) as comparison_n,
        coalesce(effects.comparison_units, 0) as comparison_units,
        coalesce(effects.left_out_units, 0) as left_out_units,
        effects.effect,
        effects.effect_lower,
        effects.effect_upper,
        effects.p_value,
        before_start.p_value as pretrend_p_value,
        case
            when outcomes.family = 'answers' then {{ minimum_answers() }}
            else {{ initiative_rule('minimum_customers') }}
        end as minimum_n
    from initiatives
    cross join outcomes
    cross join nights
    left join treated_units
        on initiatives.initiative_id = treated_units.initiative_id and outcomes.family = treated_units.family
    left join treated_changes
        on
            initiatives.initiative_id = treated_changes.initiative_id
            and outcomes.outcome = treated_changes.outcome
    left join effects
        on
            initiatives.initiative_id = effects.initiative_id
            and outcomes.outcome = effects.outcome
            and effects.time_window = 'since start'
    left join effects as before_start
        on
            initiatives.initiative_id = before_start.initiative_id
            and outcomes.outcome = before_start.outcome
            and before_start.time_window = 'before'

),

judged as (

    select
        *,
        case
            when months_elapsed < {{ initiative_rule('minimum_months_since') }} then 'too early'
            when
                scope_kind = '(unknown)'
                or candidates = 0
                or months_before < {{ initiative_rule('minimum_months_before') }}
                or months_since < {{ initiative_rule('minimum_months_since') }}
                then 'no comparison'
            when
                treated_n < minimum_n or (treated_base_n < minimum_n and method <> 'randomised pilot')
                then 'too few'
            when effect is null then 'no comparison'
            when
                pretrend_p_value < case
                    when method = 'randomised pilot' then {{ initiative_rule('balance_p_value') }}
                    else {{ initiative_rule('pretrend_p_value') }}
                end
                then 'trends differed before'
            else 'told'
        end as told_status
    from measured

),

shown as (

    select
        *,
        case when treated_base_n >= minimum_n then round(baseline, 4) end as shown_baseline,
        {% for column in ['effect', 'effect_lower', 'effect_upper'] %}
        case when told_status = 'told' then round({{ column }}, 4) end as shown_{{ column }},
        {% endfor %}
        case when told_status = 'told' then p_value end as shown_p_value,
        treated_n * months_since as customer_months
    from judged

),

-- Six outcomes are six chances to be lucky.
ratios as (

    select
        *,
        {{ discovery_ratio('shown_p_value', 'initiative_id') }} as ratio
    from shown

),

controlled as (

    select
        *,
        round({{ discovery_q_value('ratio', 'shown_p_value', 'initiative_id') }}, 6) as q_value
    from ratios

),

counted as (

    select
        *,
        case
            when told_status <> 'told' then told_status
            when q_value <= {{ false_discovery_rate() }} and effect_lower > 0 then 'gain'
            when q_value <= {{ false_discovery_rate() }} and effect_upper < 0 then 'loss'
            else 'no effect seen'
        end as status
    from controlled

),

money as (

    select
        initiative_id,
        {% for bound in ['', '_lower', '_upper'] %}
        round(max(case when outcome = 'margin' then shown_effect{{ bound }} * customer_months end), 2)
            as margin_gain{{ bound }},
        {% endfor %}
        count(case when outcome = 'margin' and status = 'gain' then 1 end) as margin_gains,
        max(cast(cost as double)) as cost,
        count(case when status = 'too early' then 1 end) as outcomes_too_early,
        count(shown_effect) as outcomes_told,
        count(case when status = 'gain' then 1 end) as gains,
        count(case when status = 'loss' then 1 end) as losses,
        count(case when status = 'loss' and family = 'answers' then 1 end) as losses_in_words,
        count(*) as outcomes
    from counted
    group by initiative_id

),

verdicts as (

    select
        *,
        case
            when outcomes_told = 0 and outcomes_too_early = outcomes then 'too early'
            when outcomes_told = 0 then 'cannot be told'
            when losses_in_words > 0 or (losses > 0 and gains = 0) then 'harmful'
            when margin_gains > 0 and margin_gain >= coalesce(cost, 0) then 'success story'
            when gains > 0 then 'loved, not yet paid back'
            else 'no effect seen'
        end as verdict
    from money

),

final as (

    select
        counted.initiative_id,
        initiatives.initiative_name,
        case
            when owners.department is not null then coalesce(owners.department_name, owners.department)
            when initiatives.owner not like '%@%' then initiatives.owner
        end as owner,
        initiatives.starts_on,
        initiatives.ends_on,
        counted.scope_kind,
        scope_names.scope_name,
        case when verdicts.outcomes_told = 0 then 'none' else counted.method end as method,
        counted.outcome,
        counted.unit,
        cast(counted.treated_n as bigint) as treated_n,
        cast(counted.comparison_n as bigint) as comparison_n,
        cast(counted.comparison_units as bigint) as comparison_units,
        cast(counted.left_out_units as bigint) as left_out_units,
        cast(counted.months_before as bigint) as months_before,
        cast(counted.months_since as bigint) as months_since,
        counted.shown_baseline as baseline,
        counted.shown_effect as effect,
        counted.shown_effect_lower as effect_lower,
        counted.shown_effect_upper as effect_upper,
        counted.q_value,
        round(counted.pretrend_p_value, 6) as pretrend_p_value,
        counted.status,
        verdicts.cost,
        verdicts.margin_gain,
        verdicts.margin_gain_lower,
        verdicts.margin_gain_upper,
        {% for bound in ['', '_lower', '_upper'] %}
        round((verdicts.margin_gain{{ bound }} - verdicts.cost) / nullif(verdicts.cost, 0), 4) as roi{{ bound }},
        {% endfor %}
        verdicts.verdict
    from counted
    inner join initiatives on counted.initiative_id = initiatives.initiative_id
    inner join verdicts on counted.initiative_id = verdicts.initiative_id
    left join scope_names on counted.initiative_id = scope_names.initiative_id
    left join departments as owners on initiatives.owner = owners.department

)

select * from final
