with histories as (

    select * from {{ ref('int_customers__purchase_histories') }}
    where dataset = 'calibration'

),

expected as (

    select * from {{ source('estimates', 'clv_groups') }}
    where dataset = 'calibration'

),

-- Not discounted: it stands beside what came.
clv as (

    select
        histories.customer_key,
        case when expected.model is null then 'observed' else 'predicted' end as clv_status,
        expected.model as clv_model,
        histories.value_basis,
        {{ shown_p_alive('expected.model', 'histories.frequency', 'expected.p_alive') }} as p_alive,
        expected.expected_purchases,
        {{ expected_purchase_value('expected', 'histories') }} as expected_purchase_value,
        cast(
            case
                when expected.model is null then histories.recent_value_amount
                else expected.expected_purchases * {{ expected_purchase_value('expected', 'histories') }}
            end as decimal(18, 4)
        ) as clv_amount,
        histories.horizon_days as clv_horizon_days,
        histories.recent_purchases,
        histories.recent_value_amount as recent_value,
        histories.holdout_purchases,
        histories.holdout_value_amount as holdout_value
    from histories
    left join expected
        on
            histories.frequency = expected.frequency
            and histories.recency_days = expected.recency_days
            and histories.age_days = expected.age_days

)

select * from clv
