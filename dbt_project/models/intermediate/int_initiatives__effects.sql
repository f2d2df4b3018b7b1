{#- The treated against those left untreated, window by window. Answers: the difference of differences. Money: against
    what the treated brought before, moved by as much in percent as the others moved (Wooldridge 2023). A pilot: the
    difference of means less theta times the difference before (CUPED). Departments, channels and countries: the mean over
    those compared with, and beside chance among customers the spread of how far they move apart untreated (Conley and
    Taber 2011; Ferman and Pinto 2019); one that something else happened to is left out. -#}

{%- set of_window = ['initiative_id', 'outcome', 'time_window', 'window_number'] -%}

with changes as (

    select * from {{ ref('int_initiatives__changes') }}

),

-- In the test of the months before, the groups of a pilot have no baseline: their means are compared.
thetas as (

    select
        {{ of_window | join(', ') }},
        (
            max(case when is_treated then both_products / (late_n * base_n) end)
            + max(case when not is_treated then both_products / (late_n * base_n) end)
        ) / nullif(
            max(case when is_treated then base_squares / power(base_n, 2) end)
            + max(case when not is_treated then base_squares / power(base_n, 2) end),
            0
        ) as theta
    from changes
    where method = 'randomised pilot' and late_n > 0 and base_n > 0
    group by {{ of_window | join(', ') }}

),

enough as (

    select
        *,
        case
            when family = 'purchases'
                then base_count >= {{ initiative_rule('minimum_customers') }} and (base_mean > 0 or base_n = 0)
            else
                late_count >= {{ minimum_answers() }}
                and (base_count >= {{ minimum_answers() }} or method = 'randomised pilot')
        end as is_enough
    from changes

),

sides as (

    select
        treated.initiative_id,
        treated.scope_kind,
        treated.outcome,
        treated.family,
        treated.time_window,
        -- each was left untreated for as long as it was: they are compared over that and judged together
        case when treated.time_window = 'month' then treated.window_number else 0 end as window_number,
        others.unit,
        treated.late_count as treated_n,
        others.late_count as comparison_n,
        treated.late_n as treated_late_n,
        treated.base_n as treated_base_n,
        treated.late_mean as treated_late_mean,
        coalesce(treated.base_mean, 0) as treated_base_mean,
        treated.late_squares as treated_late_squares,
        treated.base_squares as treated_base_squares,
        treated.both_products as treated_both_products,
        others.late_n as others_late_n,
        others.base_n as others_base_n,
        others.late_mean as others_late_mean,
        coalesce(others.base_mean, 0) as others_base_mean,
        others.late_squares as others_late_squares,
        others.base_squares as others_base_squares,
        others.both_products as others_both_products,
        case
            when treated.method = 'randomised pilot' then coalesce(thetas.theta, 0)
            when treated.family = 'answers' then 1
            else others.late_mean / others.base_mean
        end as factor,
        treated.family = 'purchases' and treated.method <> 'randomised pilot' as is_in_proportion
    from enough as treated
    inner join enough as others
        on
            treated.initiative_id = others.initiative_id
            and treated.outcome = others.outcome
            and treated.time_window = others.time_window
            and treated.window_number = others.window_number
    left join thetas
        on
            treated.initiative_id = thetas.initiative_id
            and treated.outcome = thetas.outcome
            and treated.time_window = thetas.time_window
            and treated.window_number = thetas.window_number
    where
        treated.is_treated
        and not others.is_treated
        and treated.is_enough
        and others.is_enough
        and (
            treated.time_window <> 'since start'
            or treated.window_number >= {{ initiative_rule('minimum_months_since') }}
        )

),

-- scale: what a change of the others by one means for the treated.
pairs as (

    select
        *,
        case
            when is_in_proportion then treated_late_mean - treated_base_mean * factor
            else
                (treated_late_mean - factor * treated_base_mean) - (others_late_mean - factor * others_base_mean)
        end as difference,
        case when is_in_proportion then treated_base_mean else cast(1 as double) end as scale,
        {{ variance_of_change('treated', 'factor') }} as treated_variance,
        {{ variance_of_change('others', 'factor') }}
        * case when is_in_proportion then power(treated_base_mean / others_base_mean, 2) else 1 end
            as others_variance
    from sides

),

-- Who moved apart from all others in what customers say: something else happened there. Each is held against the rest
-- without it (Belsley, Kuh and Welsch 1980), whose spread is pooled over all initiatives.
judged_pairs as (

    select * from pairs
    where scope_kind <> 'customers' and family = 'answers' and time_window = 'since start'

),

all_together as (

    select
        initiative_id,
        scope_kind,
        outcome,
        count(*) as units,
        {{ exact_sum('difference') }} as total,
        {{ exact_sum('difference * difference') }} as squares
    from judged_pairs
    group by initiative_id, scope_kind, outcome

),

without_one as (

    select
        judged_pairs.initiative_id,
        judged_pairs.scope_kind,
        judged_pairs.outcome,
        judged_pairs.unit,
        all_together.units - 1 as others,
        judged_pairs.difference
        - (all_together.total - judged_pairs.difference) / (all_together.units - 1) as distance,
        all_together.squares - power(all_together.total, 2) / all_together.units as squares_of_all,
        all_together.squares - power(judged_pairs.difference, 2)
        - power(all_together.total - judged_pairs.difference, 2) / (all_together.units - 1) as squares_of_others
    from judged_pairs
    inner join all_together
        on
            judged_pairs.initiative_id = all_together.initiative_id
            and judged_pairs.outcome = all_together.outcome
    where all_together.units > 1

),

whole_spreads as (

    select
        scope_kind,
        outcome,
        {{ exact_sum('squares - power(total, 2) / units') }} as squares,
        sum(units - 1) as freedom
    from all_together
    group by scope_kind, outcome

),

chances as (

    select
        scope_kind,
        outcome,
        median(others_variance) as chance
    from judged_pairs
    group by scope_kind, outcome

),

own_spreads as (

    select
        scope_kind,
        outcome,
        unit,
        count(*) as freedom,
        {{ exact_sum('squares_of_all - squares_of_others') }} as squares
    from without_one
    group by scope_kind, outcome, unit

),

-- The spread of all others is never taken for less than what chance among customers makes of it.
spreads_of_others as (

    select
        own_spreads.scope_kind,
        own_spreads.outcome,
        own_spreads.unit,
        greatest(
            (whole_spreads.squares - own_spreads.squares) / (whole_spreads.freedom - own_spreads.freedom),
            chances.chance
        ) as spread
    from own_spreads
    inner join whole_spreads
        on own_spreads.scope_kind = whole_spreads.scope_kind and own_spreads.outcome = whole_spreads.outcome
    inner join chances
        on own_spreads.scope_kind = chances.scope_kind and own_spreads.outcome = chances.outcome
    where whole_spreads.freedom - own_spreads.freedom > 1

),

farthest as (

    select
        without_one.initiative_id,
        without_one.unit,
        max(
            abs(without_one.distance)
            / sqrt(nullif(spreads_of_others.spread, 0) * (1 + 1.0e0 / without_one.others))
        ) as distance,
        max(without_one.others) + 1 as units
    from without_one
    inner join spreads_of_others
        on
            without_one.scope_kind = spreads_of_others.scope_kind
            and without_one.outcome = spreads_of_others.outcome
            and without_one.unit = spreads_of_others.unit
    group by without_one.initiative_id, without_one.unit

),

-- As many as are needed for a comparison stay, however far they lie.
left_out as (

    select
        initiative_id,
        unit
    from (
        select
            *,
            row_number() over (
                partition by initiative_id
                order by distance desc nulls last, unit asc nulls last
            ) as place
        from farthest
    ) as ranked
    where
        distance > {{ initiative_rule('something_else_happened') }}
        and place <= units - {{ initiative_rule('minimum_comparisons') }}

),

kept as (

    select pairs.*
    from pairs
    left join left_out on pairs.initiative_id = left_out.initiative_id and pairs.unit = left_out.unit
    where left_out.unit is null

),

centres as (

    select
        {{ of_window | join(', ') }},
        scope_kind,
        family,
        count(*) as comparison_units,
        max(treated_n) as treated_n,
        cast(sum(comparison_n) as bigint) as comparison_n,
        {{ exact_sum('difference') }} / count(*) as effect,
        {{ exact_sum('treated_variance') }} / count(*) as treated_variance,
        {{ exact_sum('others_variance') }} / count(*) as others_variance,
        max(scale) as scale
    from kept
    group by {{ of_window | join(', ') }}, scope_kind, family

),

-- How far those left untreated lie from their middle: each is a placebo. What chance among customers makes of it is
-- taken off, because it is counted by itself.
spreads as (

    select
        kept.scope_kind,
        kept.outcome,
        kept.time_window,
        greatest(
            {{ exact_sum('power((kept.difference - centres.effect) / kept.scale, 2)') }}
            / (count(*) - {{ exact_sum('1.0e0 / centres.comparison_units') }})
            - {{ exact_sum('kept.others_variance / power(kept.scale, 2)') }} / count(*),
            0
        ) as spread,
        count(*) - {{ exact_sum('1.0e0 / centres.comparison_units') }} as degrees_of_freedom
    from kept
    inner join centres
        on
            kept.initiative_id = centres.initiative_id
            and kept.outcome = centres.outcome
            and kept.time_window = centres.time_window
            and kept.window_number = centres.window_number
    where kept.scope_kind <> 'customers' and centres.comparison_units > 1
    group by kept.scope_kind, kept.outcome, kept.time_window

),

variances as (

    select
        centres.*,
        coalesce(spreads.spread, 0) * power(centres.scale, 2) as spread,
        spreads.degrees_of_freedom,
        1.0e0 / centres.comparison_units as share_of_centre
    from centres
    left join spreads
        on
            centres.scope_kind = spreads.scope_kind
            and centres.outcome = spreads.outcome
            and centres.time_window = spreads.time_window

),

errors as (

    select
        *,
        treated_variance + spread + (others_variance + spread) * share_of_centre as variance
    from variances

),

-- Only the spread is known from few (Satterthwaite 1946).
with_freedom as (

    select
        *,
        sqrt(variance) as standard_error,
        case
            when scope_kind = 'customers' then cast(treated_n + comparison_n - 2 as double)
            else least(
                coalesce(
                    degrees_of_freedom * power(variance / nullif(spread * (1 + share_of_centre), 0), 2), 1.0e6
                ),
                1.0e6
            )
        end as freedom
    from errors
    where scope_kind = 'customers' or comparison_units >= {{ initiative_rule('minimum_comparisons') }}

),

tested as (

    select
        *,
        effect - {{ t_95('freedom') }} * standard_error as effect_lower,
        effect + {{ t_95('freedom') }} * standard_error as effect_upper,
        effect / nullif(standard_error, 0) as t
    from with_freedom

),

normal as (

    select
        *,
        abs({{ normal_of_t('t', 'freedom') }}) as z
    from tested

),

effects as (

    select
        normal.initiative_id,
        normal.scope_kind,
        normal.outcome,
        normal.family,
        normal.time_window,
        normal.window_number,
        normal.comparison_units,
        coalesce(left_out_units.units, 0) as left_out_units,
        normal.treated_n,
        normal.comparison_n,
        round(normal.effect, 6) as effect,
        round(normal.standard_error, 6) as standard_error,
        round(normal.effect_lower, 6) as effect_lower,
        round(normal.effect_upper, 6) as effect_upper,
        round(2 * (1 - ({{ normal_cdf('normal.z') }})), 6) as p_value
    from normal
    left join (
        select
            left_out.initiative_id,
            count(*) as units
        from left_out
        group by left_out.initiative_id
    ) as left_out_units
        on normal.initiative_id = left_out_units.initiative_id

)

select * from effects
