{#- Means before and since of every unit in every window, with the sums of squares and products that their variance is
    made of. Customers are the clusters: their answers and purchases are alike. Whoever bought nothing has no row in
    int_initiatives__periods; of purchases, what they add is known without one (weight times length of the window). -#}

{%- set place = ['initiative_id', 'outcome', 'unit'] -%}

with periods as (

    select * from {{ ref('int_initiatives__periods') }}

),

units as (

    select
        initiative_id,
        scope_kind,
        method,
        family,
        unit,
        is_treated,
        max(months_before) as months_before,
        max(months_since) as months_since
    from {{ ref('int_initiatives__units') }}
    group by initiative_id, scope_kind, method, family, unit, is_treated

),

outcomes as (

    {% for outcome, of in initiative_outcomes().items() %}
    select
        '{{ outcome }}' as outcome,
        '{{ of.family }}' as family
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

),

months as (

    select {{ days_from_to("cast('2000-01-01' as date)", 'date_day') }} as month_number
    from (
        select {{ days_between(
            "cast('2000-01-01' as date)",
            days_after(
                "cast('2000-01-01' as date)",
                'cast(' ~ initiative_rule('months_before') ~ ' + ' ~ initiative_rule('months_since') ~ ' as integer)'
            )
        ) }} as date_day
    ) as days

),

treated as (

    select * from units
    where is_treated

),

-- The time since the start, once for every number of periods that somebody compared with was left untreated.
since_start as (

    select distinct
        units.initiative_id,
        units.family,
        'since start' as time_window,
        units.months_since as window_number,
        -treated.months_before as base_from,
        -1 as base_to,
        0 as late_from,
        units.months_since - 1 as late_to
    from units
    inner join treated on units.initiative_id = treated.initiative_id and units.family = treated.family

),

-- The same question asked of the months before. Lots are tried by whether the groups were alike.
before_start as (

    select
        initiative_id,
        family,
        'before' as time_window,
        0 as window_number,
        -months_before as base_from,
        case when method = 'randomised pilot' then -months_before else -cast(floor(months_before / 2.0) as integer) end
        - 1 as base_to,
        case when method = 'randomised pilot' then -months_before else -cast(floor(months_before / 2.0) as integer) end
            as late_from,
        -1 as late_to
    from treated

),

by_month as (

    select
        treated.initiative_id,
        treated.family,
        'month' as time_window,
        months.month_number - treated.months_before as window_number,
        -treated.months_before as base_from,
        -1 as base_to,
        months.month_number - treated.months_before as late_from,
        months.month_number - treated.months_before as late_to
    from treated
    inner join months on months.month_number < treated.months_before + treated.months_since

),

windows as (

    select * from since_start
    union all
    select * from before_start
    union all
    select * from by_month

),

unit_windows as (

    select
        windows.initiative_id,
        units.scope_kind,
        units.method,
        outcomes.outcome,
        windows.family,
        units.unit,
        units.is_treated,
        windows.time_window,
        windows.window_number,
        windows.base_from,
        windows.base_to,
        windows.late_from,
        windows.late_to
    from windows
    inner join units on windows.initiative_id = units.initiative_id and windows.family = units.family
    inner join outcomes on windows.family = outcomes.family
    where
        units.is_treated
        or windows.time_window = 'before'
        or (windows.time_window = 'since start' and windows.window_number = units.months_since)
        or (windows.time_window = 'month' and windows.late_to < units.months_since)

),

base_rows as (

    select
        ranges.initiative_id,
        ranges.outcome,
        ranges.unit,
        ranges.base_from,
        ranges.base_to,
        periods.cluster_key,
        case
            when ranges.family = 'answers' then max(periods.weight) * sum(periods.answers)
            else max(periods.weight) * (ranges.base_to - ranges.base_from + 1)
        end as n,
        max(periods.weight) * cast(sum(periods.value) as double) as value,
        sum(periods.answers) as answers
    from (
        select distinct
            initiative_id,
            outcome,
            unit,
            family,
            base_from,
            base_to
        from unit_windows
    ) as ranges
    inner join periods
        on
            ranges.initiative_id = periods.initiative_id
            and ranges.outcome = periods.outcome
            and ranges.unit = periods.unit
            and periods.month_from_start between ranges.base_from and ranges.base_to
    group by
        ranges.initiative_id,
        ranges.outcome,
        ranges.unit,
        ranges.family,
        ranges.base_from,
        ranges.base_to,
        periods.cluster_key

),

longer_rows as (

    select
        unit_windows.initiative_id,
        unit_windows.outcome,
        unit_windows.unit,
        unit_windows.time_window,
        unit_windows.window_number,
        unit_windows.base_from,
        unit_windows.base_to,
        periods.cluster_key,
        case
            when unit_windows.family = 'answers' then max(periods.weight) * sum(periods.answers)
            else max(periods.weight) * (unit_windows.late_to - unit_windows.late_from + 1)
        end as n,
        max(periods.weight) * cast(sum(periods.value) as double) as value,
        sum(periods.answers) as answers
    from unit_windows
    inner join periods
        on
            unit_windows.initiative_id = periods.initiative_id
            and unit_windows.outcome = periods.outcome
            and unit_windows.unit = periods.unit
            and periods.month_from_start between unit_windows.late_from and unit_windows.late_to
    where unit_windows.time_window <> 'month'
    group by
        unit_windows.initiative_id,
        unit_windows.outcome,
        unit_windows.unit,
        unit_windows.family,
        unit_windows.time_window,
        unit_windows.window_number,
        unit_windows.base_from,
        unit_windows.base_to,
        unit_windows.late_from,
        unit_windows.late_to,
        periods.cluster_key

),

-- A month is one row already: joined by equality and not summed, since there are many.
month_rows as (

    select
        unit_windows.initiative_id,
        unit_windows.outcome,
        unit_windows.unit,
        unit_windows.time_window,
        unit_windows.window_number,
        unit_windows.base_from,
        unit_windows.base_to,
        periods.cluster_key,
        periods.weight * coalesce(periods.answers, 1) as n,
        periods.weight * cast(periods.value as double) as value,
        periods.answers
    from unit_windows
    inner join periods
        on
            unit_windows.initiative_id = periods.initiative_id
            and unit_windows.outcome = periods.outcome
            and unit_windows.unit = periods.unit
            and unit_windows.window_number = periods.month_from_start
    where unit_windows.time_window = 'month'

),

late_rows as (

    select * from longer_rows
    union all
    select * from month_rows

),

base_sums as (

    select
        {{ place | join(', ') }},
        base_from,
        base_to,
        sum(answers) as answers,
        {{ exact_sum('n') }} as l,
        {{ exact_sum('value') }} as x,
        {{ exact_sum('value * value') }} as xx,
        {{ exact_sum('value * n') }} as xl,
        {{ exact_sum('n * n') }} as ll
    from base_rows
    group by {{ place | join(', ') }}, base_from, base_to

),

late_sums as (

    select
        late_rows.initiative_id,
        late_rows.outcome,
        late_rows.unit,
        late_rows.time_window,
        late_rows.window_number,
        count(*) as clusters,
        sum(late_rows.answers) as answers,
        {{ exact_sum('late_rows.n') }} as m,
        {{ exact_sum('late_rows.value') }} as y,
        {{ exact_sum('late_rows.value * late_rows.value') }} as yy,
        {{ exact_sum('late_rows.value * late_rows.n') }} as ym,
        {{ exact_sum('late_rows.n * late_rows.n') }} as mm,
        {{ exact_sum('late_rows.value * base_rows.value') }} as yx,
        {{ exact_sum('late_rows.value * base_rows.n') }} as yl,
        {{ exact_sum('late_rows.n * base_rows.value') }} as mx,
        {{ exact_sum('late_rows.n * base_rows.n') }} as ml
    from late_rows
    left join base_rows
        on
            late_rows.initiative_id = base_rows.initiative_id
            and late_rows.outcome = base_rows.outcome
            and late_rows.unit = base_rows.unit
            and late_rows.base_from = base_rows.base_from
            and late_rows.base_to = base_rows.base_to
            and late_rows.cluster_key = base_rows.cluster_key
    group by
        late_rows.initiative_id,
        late_rows.outcome,
        late_rows.unit,
        late_rows.time_window,
        late_rows.window_number

),

member_sums as (

    select
        initiative_id,
        unit,
        count(*) as customers,
        {{ exact_sum('weight') }} as weight,
        {{ exact_sum('weight * weight') }} as squared_weight
    from {{ ref('int_initiatives__members') }}
    group by initiative_id, unit

),

-- An outcome that nobody has a value of, such as margin without a cost, is not 0 but unknown.
known_outcomes as (

    select distinct
        initiative_id,
        outcome
    from periods

),

lengths as (

    select
        unit_windows.*,
        unit_windows.base_to - unit_windows.base_from + 1 as base_months,
        unit_windows.late_to - unit_windows.late_from + 1 as late_months,
        unit_windows.family = 'answers' as is_counted,
        case when unit_windows.family = 'purchases' then coalesce(member_sums.customers, 0) end as customers,
        member_sums.weight,
        member_sums.squared_weight
    from unit_windows
    inner join known_outcomes
        on
            unit_windows.initiative_id = known_outcomes.initiative_id
            and unit_windows.outcome = known_outcomes.outcome
    left join member_sums
        on
            unit_windows.initiative_id = member_sums.initiative_id
            and unit_windows.unit = member_sums.unit

),

moments as (

    select
        lengths.initiative_id,
        lengths.scope_kind,
        lengths.method,
        lengths.outcome,
        lengths.family,
        lengths.unit,
        lengths.is_treated,
        lengths.time_window,
        lengths.window_number,
        coalesce(lengths.customers, late_sums.answers, 0) as late_count,
        coalesce(lengths.customers, base_sums.answers, 0) as base_count,
        coalesce(lengths.customers, late_sums.clusters, 0) as clusters,
        case when lengths.is_counted then late_sums.m else lengths.late_months * lengths.weight end as m,
        case when lengths.is_counted then base_sums.l else lengths.base_months * lengths.weight end as l,
        coalesce(late_sums.y, 0) as y,
        coalesce(base_sums.x, 0) as x,
        coalesce(late_sums.yy, 0) as yy,
        coalesce(late_sums.ym, 0) as ym,
        case
            when lengths.is_counted then late_sums.mm
            else lengths.late_months * lengths.late_months * lengths.squared_weight
        end as mm,
        coalesce(late_sums.yx, 0) as yx,
        case
            when lengths.is_counted then coalesce(late_sums.yl, 0)
            else coalesce(late_sums.ym, 0) * lengths.base_months / nullif(lengths.late_months, 0)
        end as yl,
        case
            when lengths.is_counted then coalesce(late_sums.mx, 0)
            else coalesce(base_sums.xl, 0) * lengths.late_months / nullif(lengths.base_months, 0)
        end as mx,
        case
            when lengths.is_counted then coalesce(late_sums.ml, 0)
            else lengths.late_months * lengths.base_months * lengths.squared_weight
        end as ml,
        coalesce(base_sums.xx, 0) as xx,
        coalesce(base_sums.xl, 0) as xl,
        case
            when lengths.is_counted then base_sums.ll
            else lengths.base_months * lengths.base_months * lengths.squared_weight
        end as ll
    from lengths
    left join late_sums
        on
            lengths.initiative_id = late_sums.initiative_id
            and lengths.outcome = late_sums.outcome
            and lengths.unit = late_sums.unit
            and lengths.time_window = late_sums.time_window
            and lengths.window_number = late_sums.window_number
    left join base_sums
        on
            lengths.initiative_id = base_sums.initiative_id
            and lengths.outcome = base_sums.outcome
            and lengths.unit = base_sums.unit
            and lengths.base_from = base_sums.base_from
            and lengths.base_to = base_sums.base_to

),

means as (

    select
        *,
        y / nullif(m, 0) as late_mean,
        x / nullif(l, 0) as base_mean,
        cast(clusters as double) / nullif(clusters - 1, 0) as small_sample
    from moments

),

changes as (

    select
        initiative_id,
        scope_kind,
        method,
        outcome,
        family,
        unit,
        is_treated,
        time_window,
        window_number,
        cast(late_count as bigint) as late_count,
        cast(base_count as bigint) as base_count,
        m as late_n,
        l as base_n,
        late_mean,
        base_mean,
        small_sample * (yy - 2 * late_mean * ym + late_mean * late_mean * mm)
        + {{ squares_of_further_answers('outcome') }} as late_squares,
        small_sample * (xx - 2 * base_mean * xl + base_mean * base_mean * ll)
        + {{ squares_of_further_answers('outcome') }} as base_squares,
        small_sample * (yx - base_mean * yl - late_mean * mx + base_mean * late_mean * ml) as both_products
    from means

)

select * from changes
