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


{#- How many per cent of what came was predicted too much, or too little where negative. -#}
{% macro bias_percent(predicted, actual) -%}
    round(
        100.0 * (cast({{ predicted }} as double) - cast({{ actual }} as double))
        / nullif(cast({{ actual }} as double), 0),
        4
    )
{%- endmacro %}
