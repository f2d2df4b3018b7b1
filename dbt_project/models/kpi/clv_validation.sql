with validation as (

    select * from {{ source('estimates', 'clv_validation') }}

),

value_basis as (

    select * from {{ ref('int_purchases__value_basis') }}

),

run_settings as (

    select * from {{ source('ops', 'run_settings') }}

),

outcome as (

    select
        max(model) as model,
        coalesce(max(reason), 'nothing has been fitted yet') as reason
    from {{ source('estimates', 'clv_outcome') }}

),

-- What nobody needs a model for: that they will do as they did. A model has to beat it, and without one it stands.
as_before as (

    select
        '(as before)' as model,
        'total' as level,
        0 as position,
        count(*) as customers,
        sum(holdout_purchases) as actual_purchases,
        cast(sum(recent_purchases) as double) as predicted_purchases,
        sum(holdout_value) as actual_value,
        cast(sum(recent_value) as double) as predicted_value,
        cast(null as double) as poisson_deviance,
        cast(sum(abs(recent_purchases - holdout_purchases)) as double)
        / nullif(cast(count(*) as double), 0) as mean_absolute_error
    from {{ ref('int_customers__clv_at_holdout') }}

),

predictions as (

    select
        model,
        level,
        position,
        customers,
        actual_purchases,
        predicted_purchases,
        actual_value,
        predicted_value,
        poisson_deviance,
        mean_absolute_error
    from validation
    union all
    select * from as_before

),

cumulated as (

    select
        *,
        case when level = 'week' then sum(actual_purchases) over weeks_so_far end as actual_purchases_so_far,
        case when level = 'week' then sum(predicted_purchases) over weeks_so_far end as predicted_purchases_so_far,
        case when level = 'week' then sum(actual_value) over weeks_so_far end as actual_value_so_far,
        case when level = 'week' then sum(predicted_value) over weeks_so_far end as predicted_value_so_far
    from predictions
    window weeks_so_far as (
        partition by model, level
        order by position asc nulls last
        rows between unbounded preceding and current row
    )

),

shown as (

    select
        cumulated.model,
        coalesce(outcome.model, '(as before)') = cumulated.model as is_chosen,
        cumulated.level,
        cast(cumulated.position as integer) as position,
        cast(run_settings.holdout_days as integer) as holdout_days,
        cast(cumulated.customers as bigint) as customers,
        cast(coalesce(cumulated.actual_purchases, 0) as bigint) as actual_purchases,
        round(coalesce(cumulated.predicted_purchases, 0), 4) as predicted_purchases,
        {{ bias_percent('cumulated.predicted_purchases', 'cumulated.actual_purchases') }} as purchases_bias_percent,
        cast(coalesce(cumulated.actual_value, 0) as decimal(18, 4)) as actual_value,
        round(cumulated.predicted_value, 4) as predicted_value,
        {{ bias_percent('cumulated.predicted_value', 'cumulated.actual_value') }} as value_bias_percent,
        cast(cumulated.actual_purchases_so_far as bigint) as actual_purchases_so_far,
        round(cumulated.predicted_purchases_so_far, 4) as predicted_purchases_so_far,
        {{ bias_percent('cumulated.predicted_purchases_so_far', 'cumulated.actual_purchases_so_far') }}
            as purchases_so_far_bias_percent,
        cast(cumulated.actual_value_so_far as decimal(18, 4)) as actual_value_so_far,
        round(cumulated.predicted_value_so_far, 4) as predicted_value_so_far,
        round(cumulated.poisson_deviance, 6) as poisson_deviance,
        round(cumulated.mean_absolute_error, 6) as mean_absolute_error,
        case when cumulated.model = '(as before)' then 'observed' else 'predicted' end as status,
        case when coalesce(outcome.model, '(as before)') = cumulated.model then outcome.reason end as reason,
        value_basis.value_basis
    from cumulated
    cross join run_settings
    cross join outcome
    cross join value_basis

)

select * from shown
