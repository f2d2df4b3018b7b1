{#- What the two models of customer lifetime value share. -#}

{#- Probability of still being a customer. What a model assumes is not shown: under BG/NBD nobody leaves before the
    second purchase, under NBD nobody ever does. -#}
{% macro shown_p_alive(model, frequency, p_alive) -%}
    case when {{ model }} <> 'NBD' and ({{ model }} <> 'BG/NBD' or {{ frequency }} > 0) then {{ p_alive }} end
{%- endmacro %}


{#- What one purchase will be worth: linear in what the repeat purchases came to (Gamma-Gamma), and less than nothing for
    whoever brought losses enough. -#}
{% macro expected_purchase_value(expected, histories) -%}
    (
        {{ expected }}.spend_intercept
        + {{ expected }}.spend_slope * cast({{ histories }}.repeat_value_amount as double)
    )
{%- endmacro %}


{#- One row per customer of a dataset with what is expected of them: 'current' for the horizon, 'calibration' for the
    holdout. expected_purchases is the column of estimates.clv_groups that their value counts with; beside holds columns
    of the histories that stand beside it. Without a prediction, what somebody brought in the last horizon stands for
    the next, and says so. -#}
{% macro lifetime_values(dataset, expected_purchases, beside=[]) -%}
    with histories as (

        select * from {{ ref('int_customers__purchase_histories') }}
        where dataset = '{{ dataset }}'

    ),

    expected as (

        select * from {{ source('estimates', 'clv_groups') }}
        where dataset = '{{ dataset }}'

    ),

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
                    else expected.{{ expected_purchases }} * {{ expected_purchase_value('expected', 'histories') }}
                end as decimal(18, 4)
            ) as clv_amount,
            histories.horizon_days as clv_horizon_days
            {% for column in beside %}
            , histories.{{ column }}
            {% endfor %}
        from histories
        left join expected
            on
                histories.frequency = expected.frequency
                and histories.recency_days = expected.recency_days
                and histories.age_days = expected.age_days

    )

    select * from clv
{%- endmacro %}


{#- How many per cent of what came was predicted too much, or too little where negative. -#}
{% macro bias_percent(predicted, actual) -%}
    round(
        100.0 * (cast({{ predicted }} as double) - cast({{ actual }} as double))
        / nullif(cast({{ actual }} as double), 0),
        4
    )
{%- endmacro %}


{#- What an order earned: the margin of goods with a cost, and of the rest the rate that int_purchases__value_basis has for
    goods without one. Empty without either. -#}
{% macro order_margin(orders, basis) -%}
    (
        cast(coalesce({{ orders }}.margin_amount, 0) as double)
        + {{ basis }}.rate_without_cost * cast(
            {{ orders }}.net_amount - coalesce({{ orders }}.margin_amount + {{ orders }}.cost_amount, 0) as double
        )
    )
{%- endmacro %}


{#- What is left of an order's value after refunds. A refund takes its share of the value with it, as a returned line
    does: the goods come back at their cost. What is paid out beyond the order is lost whole. -#}
{% macro value_after_refund(value_amount, net_amount, refunded_amount) -%}
    case
        when {{ refunded_amount }} = 0 then {{ value_amount }}
        when {{ refunded_amount }} >= {{ net_amount }} then cast({{ net_amount }} - {{ refunded_amount }} as double)
        else
            {{ value_amount }}
            * cast({{ net_amount }} - {{ refunded_amount }} as double) / cast({{ net_amount }} as double)
    end
{%- endmacro %}
