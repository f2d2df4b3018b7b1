{#- The last three months of a department against the twelve before them. Only like is compared: changes are taken
    within each touchpoint and weighed together, so that a wave of another survey is no change of the department.
    Both scores come from the same questionnaires; how they go together is counted, not assumed. -#}

{%- set recent_months = 3 -%}
{%- set earlier_months = 12 -%}
{#- As long as the recent ones: from fewer the earlier score itself would be as loose as the change. -#}
{%- set fewest_earlier_months = 3 -%}
{#- Share of months in which a company where nothing changes may see an alarm, over all its departments. -#}
{%- set false_alarm_rate = 0.05 -%}
{%- set z_one_sided_95 = 1.6448536269514722 -%}
{%- set counts = [
    'nps_n', 'promoters', 'detractors', 'csat_n', 'satisfied',
    'net_with_satisfied', 'net_with_csat', 'nps_with_satisfied', 'nps_with_csat',
] -%}

with answers as (

    select
        response_id,
        {{ month_number('response_date') }} as month_number,
        department,
        coalesce(touchpoint, '(unknown)') as touchpoint,
        metric,
        nps_category,
        is_top_two_box
    from {{ ref('fct_survey_responses') }}
    where
        respondent_type = 'external'
        and metric in ('nps', 'csat')
        and standard_score is not null
        and department is not null

),

questionnaires as (

    select
        response_id,
        month_number,
        department,
        touchpoint,
        count(case when metric = 'nps' then 1 end) as nps_n,
        count(case when nps_category = 'promoter' then 1 end) as promoters,
        count(case when nps_category = 'detractor' then 1 end) as detractors,
        count(case when metric = 'csat' then 1 end) as csat_n,
        count(case when metric = 'csat' and is_top_two_box then 1 end) as satisfied
    from answers
    group by response_id, month_number, department, touchpoint

),

-- The last four are what the covariance of both scores is made of.
cells as (

    select
        department,
        touchpoint,
        month_number,
        sum(nps_n) as nps_n,
        sum(promoters) as promoters,
        sum(detractors) as detractors,
        sum(csat_n) as csat_n,
        sum(satisfied) as satisfied,
        sum((promoters - detractors) * satisfied) as net_with_satisfied,
        sum((promoters - detractors) * csat_n) as net_with_csat,
        sum(nps_n * satisfied) as nps_with_satisfied,
        sum(nps_n * csat_n) as nps_with_csat
    from questionnaires
    group by department, touchpoint, month_number

),

first_answers as (

    select
        department,
        min(month_number) as first_month_number
    from cells
    group by department

),

months as (

    select distinct
        month_start as month,
        {{ month_number('month_start') }} as month_number
    from {{ ref('dim_dates') }}
    where month_start <= {{ as_of_date() }}

),

department_months as (

    select
        months.month,
        months.month_number,
        first_answers.department,
        months.month_number - first_answers.first_month_number
        >= {{ recent_months + fewest_earlier_months - 1 }} as has_earlier_months
    from months
    inner join first_answers on months.month_number >= first_answers.first_month_number

),

periods as (

    select
        {% for column in counts %}
        cast(sum(cells.{{ column }}) as double) as {{ column }},
        {% endfor %}
        department_months.month,
        department_months.department,
        cells.touchpoint,
        cells.month_number > department_months.month_number - {{ recent_months }} as is_recent
    from department_months
    inner join cells
        on
            department_months.department = cells.department
            and department_months.month_number >= cells.month_number
            and department_months.month_number < cells.month_number + {{ recent_months + earlier_months }}
    group by
        department_months.month,
        department_months.department,
        cells.touchpoint,
        cells.month_number > department_months.month_number - {{ recent_months }}

),

means as (

    select
        *,
        (promoters - detractors) / nullif(nps_n, 0) as nps_mean,
        satisfied / nullif(csat_n, 0) as csat_mean
    from periods

),

-- Variances as in the intervals of one score, with the answers added that keep them from being zero: 0.75 promoters,
-- 1.5 passives and 0.75 detractors (Rocks 2016), one satisfied and one not (Agresti and Caffo 2000).
spreads as (

    select
        *,
        (promoters + detractors + 1.5 - power(promoters - detractors, 2) / (nps_n + 3))
        / power(nps_n + 3, 2) as nps_variance,
        (satisfied + 1) * (csat_n - satisfied + 1) / power(csat_n + 2, 3) as csat_variance,
        coalesce(
            (
                net_with_satisfied
                - csat_mean * net_with_csat
                - nps_mean * nps_with_satisfied
                + nps_mean * csat_mean * nps_with_csat
            ) / ((nps_n + 3) * (csat_n + 2)),
            0
        ) as covariance
    from means

),

-- One row per touchpoint that has answers in both periods; the weight (Cochran 1954) lets each count by what it tells.
-- The spread of all answers together is that of a department in which nothing changed: tests stand on it, because with
-- few recent answers their own spread calls chance a fall twice to four times too often.
touchpoints as (

    select
        recent.month,
        recent.department,
        recent.nps_n as nps_recent_n,
        earlier.nps_n as nps_earlier_n,
        recent.csat_n as csat_recent_n,
        earlier.csat_n as csat_earlier_n,
        recent.nps_mean as nps_recent_mean,
        earlier.nps_mean as nps_earlier_mean,
        recent.csat_mean as csat_recent_mean,
        earlier.csat_mean as csat_earlier_mean,
        recent.nps_variance + earlier.nps_variance as nps_variance,
        recent.csat_variance + earlier.csat_variance as csat_variance,
        recent.covariance + earlier.covariance as covariance,
        {{ sample_variance(
            '(recent.promoters - recent.detractors + earlier.promoters - earlier.detractors)',
            '(recent.promoters + recent.detractors + earlier.promoters + earlier.detractors)',
            '(recent.nps_n + earlier.nps_n)'
        ) }} as nps_pooled_variance,
        {{ sample_variance(
            '(recent.satisfied + earlier.satisfied)',
            '(recent.satisfied + earlier.satisfied)',
            '(recent.csat_n + earlier.csat_n)'
        ) }} as csat_pooled_variance,
        coalesce(recent.nps_n * earlier.nps_n / nullif(recent.nps_n + earlier.nps_n, 0), 0) as nps_weight,
        coalesce(recent.csat_n * earlier.csat_n / nullif(recent.csat_n + earlier.csat_n, 0), 0) as csat_weight
    from spreads as recent
    inner join spreads as earlier
        on
            recent.month = earlier.month
            and recent.department = earlier.department
            and recent.touchpoint = earlier.touchpoint
    where recent.is_recent and not earlier.is_recent

),

-- Decimals, because a sum of floating-point numbers depends on the order of the rows.
weighed as (

    select
        month,
        department,
        {% for score in ['nps', 'csat'] %}
        cast(sum(case when {{ score }}_weight > 0 then {{ score }}_recent_n end) as bigint) as {{ score }}_recent_n,
        cast(sum(case when {{ score }}_weight > 0 then {{ score }}_earlier_n end) as bigint) as {{ score }}_earlier_n,
        {{ exact_sum(score ~ '_weight') }} as {{ score }}_weight,
        {{ exact_sum(score ~ '_weight * ' ~ score ~ '_recent_mean') }} as {{ score }}_recent_sum,
        {{ exact_sum(score ~ '_weight * ' ~ score ~ '_earlier_mean') }} as {{ score }}_earlier_sum,
        {{ exact_sum(score ~ '_weight * ' ~ score ~ '_weight * ' ~ score ~ '_variance') }} as {{ score }}_variance_sum,
        {{ exact_sum(score ~ '_weight * ' ~ score ~ '_pooled_variance') }} as {{ score }}_pooled_variance_sum,
        {% endfor %}
        {{ exact_sum('nps_weight * csat_weight * covariance') }} as covariance_sum
    from touchpoints
    group by month, department

),

measured as (

    select
        department_months.month,
        department_months.department,
        {% for score in ['nps', 'csat'] %}
        coalesce(weighed.{{ score }}_recent_n, 0) as {{ score }}_recent_n,
        coalesce(weighed.{{ score }}_earlier_n, 0) as {{ score }}_earlier_n,
        weighed.{{ score }}_weight,
        weighed.{{ score }}_recent_sum,
        weighed.{{ score }}_earlier_sum,
        weighed.{{ score }}_variance_sum,
        weighed.{{ score }}_pooled_variance_sum,
        {% endfor %}
        weighed.covariance_sum,
        department_months.has_earlier_months
        and weighed.nps_recent_n >= {{ minimum_answers() }}
        and weighed.nps_earlier_n >= {{ minimum_answers() }}
        and weighed.csat_recent_n >= {{ minimum_answers() }}
        and weighed.csat_earlier_n >= {{ minimum_answers() }} as is_comparable
    from department_months
    left join weighed
        on department_months.month = weighed.month and department_months.department = weighed.department

),

-- Where there is too little to compare, empty weights leave all that follows empty.
compared as (

    select
        *,
        case when is_comparable then nps_weight end as nps_compared,
        case when is_comparable then csat_weight end as csat_compared
    from measured

),

changes as (

    select
        month,
        department,
        {% for score in ['nps', 'csat'] %}
        {{ score }}_recent_n,
        {{ score }}_earlier_n,
        100.0 * {{ score }}_recent_sum / {{ score }}_compared as {{ score }}_recent,
        100.0 * {{ score }}_earlier_sum / {{ score }}_compared as {{ score }}_earlier,
        100.0 * ({{ score }}_recent_sum - {{ score }}_earlier_sum) / {{ score }}_compared as {{ score }}_change,
        100.0 * sqrt({{ score }}_variance_sum) / {{ score }}_compared as {{ score }}_change_standard_error,
        case
            when is_comparable
                then coalesce(
                    ({{ score }}_recent_sum - {{ score }}_earlier_sum)
                    / nullif(sqrt({{ score }}_pooled_variance_sum), 0),
                    0
                )
        end as {{ score }}_z,
        {% endfor %}
        case when is_comparable then covariance_sum / sqrt(nps_variance_sum * csat_variance_sum) end as correlation
    from compared

),

counted as (

    select
        *,
        count(nps_z) over (partition by month) as departments_compared
    from changes

),

chances as (

    select
        *,
        departments_compared * ({{ normal_cdf('nps_z') }}) as expected_falls
    from counted

),

-- Rounded before the verdict, so that whoever applies the rule to what is published comes to the same.
published_scores as (

    select
        month,
        department,
        {% for score in ['nps', 'csat'] %}
        {{ score }}_recent_n,
        {{ score }}_earlier_n,
        round({{ score }}_recent, 4) as {{ score }}_recent,
        round({{ score }}_earlier, 4) as {{ score }}_earlier,
        round({{ score }}_change, 4) as {{ score }}_change,
        round({{ score }}_change_standard_error, 4) as {{ score }}_change_standard_error,
        round({{ score }}_change - {{ z_95() }} * {{ score }}_change_standard_error, 4) as {{ score }}_change_lower,
        round({{ score }}_change + {{ z_95() }} * {{ score }}_change_standard_error, 4) as {{ score }}_change_upper,
        round({{ score }}_z, 4) as {{ score }}_z,
        {% endfor %}
        round(correlation, 4) as correlation,
        round((csat_z - nps_z) / sqrt(2 * (1 - correlation)), 4) as gap_z,
        departments_compared,
        round({{ clipped('expected_falls', 0, 1) }}, 6) as nps_fall_p_value
    from chances

),

judged as (

    select
        *,
        nps_fall_p_value <= {{ false_alarm_rate }}
        and gap_z >= {{ z_one_sided_95 }}
        and csat_change_upper >= 0 as is_alert
    from published_scores

),

with_first_alerts as (

    select
        *,
        min(case when is_alert then month end) over (
            partition by department
            order by month asc nulls last
            rows between unbounded preceding and current row
        ) as first_alert_month
    from judged

)

select * from with_first_alerts
