{#- KPIs that other tables hold with their intervals: the table, the KPI and what it is counted of. -#}
{%- set held = [
    ('kpi_loyalty_monthly', 'nps', 'nps_n'),
    ('kpi_loyalty_monthly', 'csat', 'csat_n'),
    ('kpi_loyalty_monthly', 'ces', 'ces_n'),
    ('kpi_loyalty_monthly', 'response_rate', 'invitations'),
    ('kpi_support_journey', 'first_contact_share', 'first_contact_n'),
    ('kpi_support_journey', 'reopened_share', 'reopened_n'),
] -%}

with orders as (

    select
        cast(date_trunc('month', order_date) as date) as order_month,
        coalesce(department, '(unknown)') as selling_department,
        returned_amount
    from {{ ref('fct_orders') }}
    where is_purchase

),

purchases as (

    select
        order_month as month,
        coalesce(selling_department, '(all)') as department,
        count(*) as purchases,
        count(case when returned_amount > 0 then 1 end) as returned
    from orders
    group by grouping sets ((order_month), (order_month, selling_department))

),

return_rates as (

    select
        *,
        case when purchases >= {{ minimum_answers() }} then purchases end as scored_purchases
    from purchases

),

actuals as (

    {% for table, kpi, n in held %}
    select
        month,
        department,
        '{{ kpi }}' as kpi,
        {{ kpi }} as actual,
        {{ kpi }}_lower as actual_lower,
        {{ kpi }}_upper as actual_upper,
        {{ n }} as n
    from {{ ref(table) }}
    where level in ('month', 'month_department') and {{ n }} > 0
    union all
    {% endfor %}
    select
        month,
        department,
        'return_rate' as kpi,
        round({{ percentage('returned', 'scored_purchases') }}, 4) as actual,
        round({{ wilson('returned', 'scored_purchases', -1) }}, 4) as actual_lower,
        round({{ wilson('returned', 'scored_purchases', 1) }}, 4) as actual_upper,
        purchases as n
    from return_rates
    union all
    {% for kpi, amount in {'bad_sales_share': 'bad_share', 'net_sales': 'net_amount'}.items() %}
    select
        month,
        department,
        '{{ kpi }}' as kpi,
        cast({{ amount }} as double) as actual,
        cast(null as double) as actual_lower,
        cast(null as double) as actual_upper,
        lines as n
    from {{ ref('kpi_sales_quality_monthly') }}
    where level in ('month', 'month_department')
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

targets as (

    select
        cast(date_trunc('month', month) as date) as month,
        department,
        kpi,
        cast(target_value as double) as target
    from {{ ref('stg_org__kpi_targets') }}
    where cast(date_trunc('month', month) as date) <= {{ as_of_date() }}

),

-- A target of a KPI that nobody measures is shown and not dropped.
compared as (

    select
        coalesce(actuals.month, targets.month) as month,
        coalesce(actuals.department, targets.department) as department,
        coalesce(actuals.kpi, targets.kpi) as kpi,
        actuals.actual,
        actuals.actual_lower,
        actuals.actual_upper,
        coalesce(actuals.n, 0) as n,
        targets.target
    from actuals
    full outer join targets
        on
            actuals.month = targets.month
            and actuals.department = targets.department
            and actuals.kpi = targets.kpi

),

measured as (

    select
        compared.*,
        scorecard_kpis.kpi_name,
        scorecard_kpis.unit,
        scorecard_kpis.better,
        case when scorecard_kpis.better = 'lower' then -1 else 1 end as side
    from compared
    left join {{ ref('scorecard_kpis') }} as scorecard_kpis on compared.kpi = scorecard_kpis.kpi
    where scorecard_kpis.kpi is not null or compared.target is not null

),

-- A target inside the interval is neither reached nor missed: chance alone could have decided.
judged as (

    select
        month,
        department,
        kpi,
        coalesce(kpi_name, kpi) as kpi_name,
        unit,
        better,
        cast(actual as double) as actual,
        cast(actual_lower as double) as actual_lower,
        cast(actual_upper as double) as actual_upper,
        cast(n as bigint) as n,
        target,
        round(side * (actual - target), 4) as ahead_of_target,
        case
            when better is null then 'unknown kpi'
            when target is null then 'no target'
            when actual is null then 'too few'
            when actual_lower < target and target < actual_upper then 'uncertain'
            when side * (actual - target) >= 0 then 'reached'
            else 'missed'
        end as status
    from measured

)

select * from judged
