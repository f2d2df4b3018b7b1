{#- What the two models of customer lifetime value share. -#}

{#- Probability of still being a customer. BG/NBD lets nobody leave before the second purchase: its 1 for those who
    came once is an assumption and is not shown. -#}
{% macro shown_p_alive(model, frequency, p_alive) -%}
    case when {{ model }} <> 'BG/NBD' or {{ frequency }} > 0 then {{ p_alive }} end
{%- endmacro %}


{#- What one purchase will be worth: linear in what the repeat purchases came to (Gamma-Gamma). Spending below zero
    is none that the model knows. -#}
{% macro expected_purchase_value(expected, histories) -%}
    (
        {{ expected }}.spend_intercept
        + {{ expected }}.spend_slope * cast(greatest({{ histories }}.repeat_value_amount, 0) as double)
    )
{%- endmacro %}


{#- How many per cent of what came was predicted too much, or too little where negative. -#}
{% macro bias_percent(predicted, actual) -%}
    round(
        100.0 * (cast({{ predicted }} as double) - cast({{ actual }} as double))
        / nullif(cast({{ actual }} as double), 0),
        4
    )
{%- endmacro %}
