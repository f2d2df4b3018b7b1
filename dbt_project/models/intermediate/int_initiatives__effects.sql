{#- The treated against those left untreated, window by window. Answers: the difference of differences. Money: against
    what the treated brought before, moved by as much in percent as the others moved (Wooldridge 2023). A pilot: the
    difference of means less theta times the difference before (CUPED). Departments, channels and countries: the median
    over those compared with, so that one that something else happened to decides nothing, and beside chance among
    customers the spread of how far they move apart untreated (Conley and Taber 2011; Ferman and Pinto 2019). -#}

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

centres as (

    select
        {{ of_window | join(', ') }},
        scope_kind,
        family,
        count(*) as comparison_units,
        max(treated_n) as treated_n,
        cast(sum(comparison_n) as bigint) as comparison_n,
        median(difference) as effect,
        median(treated_variance) as treated_variance,
        median(others_variance) as others_variance,
        median(scale) as scale
    from pairs
    group by {{ of_window | join(', ') }}, scope_kind, family

),

-- How far those left untreated lie from their middle: each is a placebo. Of n values, n - 1 can lie apart.
placebos as (

    select
        pairs.scope_kind,
        pairs.outcome,
        pairs.time_window,
        pairs.unit,
        power((pairs.difference - centres.effect) / pairs.scale, 2)
        * centres.comparison_units / (centres.comparison_units - 1) as squared_distance,
        pairs.others_variance / power(pairs.scale, 2) as chance
    from pairs
    inner join centres
        on
            pairs.initiative_id = centres.initiative_id
            and pairs.outcome = centres.outcome
            and pairs.time_window = centres.time_window
            and pairs.window_number = centres.window_number
    where pairs.scope_kind <> 'customers' and centres.comparison_units > 1

),

-- 0.4549 is the median of the square of a standard normal: the usual distance, whatever one of them went through.
spreads as (

    select
        scope_kind,
        outcome,
        time_window,
        greatest(median(squared_distance) / 0.4549364231195724 - median(chance), 0) as spread,
        greatest(count(distinct unit) - 1, 1) as degrees_of_freedom
    from placebos
    group by scope_kind, outcome, time_window

),

-- The variance of a median of n is that of a mean times pi / 2, less where n is small.
variances as (

    select
        centres.*,
        coalesce(spreads.spread, 0) * power(centres.scale, 2) as spread,
        spreads.degrees_of_freedom,
        3.141592653589793 / (2 * centres.comparison_units + 1.141592653589793) as share_of_centre
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
        initiative_id,
        scope_kind,
        outcome,
        family,
        time_window,
        window_number,
        comparison_units,
        treated_n,
        comparison_n,
        effect,
        standard_error,
        effect_lower,
        effect_upper,
        2 * (1 - ({{ normal_cdf('z') }})) as p_value
    from normal

)

select * from effects
