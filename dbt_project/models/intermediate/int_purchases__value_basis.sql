{{ config(materialized='view', tags=['estimates_input']) }}

with orders as (

    select * from {{ ref('int_orders__as_of') }}
    where is_purchase

),

run_settings as (

    select * from {{ source('ops', 'run_settings') }}

),

-- Of a line without a cost, margin and cost are empty in the sums: what is left of the net amount is theirs.
known as (

    select
        sum(margin_amount) as margin_amount,
        sum(margin_amount + cost_amount) as costed_amount,
        sum(net_amount) as net_amount
    from orders

),

-- One basis for the whole company: margins beside revenues in one model of spending would be no one's money.
chosen as (

    select
        case
            when run_settings.clv_basis = 'revenue' then 'revenue'
            when known.costed_amount > 0 and known.costed_amount = known.net_amount then 'margin'
            when run_settings.assumed_margin_rate is not null then 'margin_assumed'
            when known.costed_amount > 0 then 'margin_extrapolated'
            else 'revenue_no_cost'
        end as value_basis,
        coalesce(
            run_settings.assumed_margin_rate,
            cast(known.margin_amount as double) / nullif(cast(known.costed_amount as double), 0)
        ) as rate_without_cost,
        cast(coalesce(known.costed_amount, 0) as double)
        / nullif(cast(known.net_amount as double), 0) as costed_share
    from run_settings
    cross join known

)

select * from chosen
