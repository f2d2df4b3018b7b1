with parameters as (

    select * from {{ source('estimates', 'clv_parameters') }}

),

value_basis as (

    select * from {{ ref('int_purchases__value_basis') }}

),

-- One row, also before the first fit.
outcome as (

    select
        max(model) as model,
        coalesce(max(reason), 'nothing has been fitted yet') as reason
    from {{ source('estimates', 'clv_outcome') }}

),

fitted as (

    select
        parameters.dataset,
        parameters.model,
        coalesce(parameters.parameter, '(none)') as parameter,
        parameters.estimate,
        parameters.standard_error,
        parameters.log_likelihood,
        parameters.customers,
        parameters.is_chosen,
        parameters.status,
        coalesce(
            parameters.reason,
            case when coalesce(outcome.model, parameters.model) = parameters.model then outcome.reason end
        ) as reason
    from parameters
    cross join outcome

),

nothing_fitted as (

    select
        '(none)' as dataset,
        '(none)' as model,
        '(none)' as parameter,
        cast(null as double) as estimate,
        cast(null as double) as standard_error,
        cast(null as double) as log_likelihood,
        cast(null as bigint) as customers,
        false as is_chosen,
        'not_fitted' as status,
        reason
    from outcome
    where not exists (select 1 from parameters)

),

rows_of_both as (

    select * from fitted
    union all
    select * from nothing_fitted

),

shown as (

    select
        rows_of_both.dataset,
        rows_of_both.model,
        rows_of_both.parameter,
        rows_of_both.estimate,
        rows_of_both.standard_error,
        rows_of_both.log_likelihood,
        rows_of_both.customers,
        rows_of_both.is_chosen,
        rows_of_both.status,
        rows_of_both.reason,
        value_basis.value_basis
    from rows_of_both
    cross join value_basis

)

select * from shown
