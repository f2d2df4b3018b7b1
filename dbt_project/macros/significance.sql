{#- What comparisons of scores are made of: sums that are the same in any order, and probabilities of the normal
    distribution, which neither DuckDB nor Spark has as a function. -#}

{#- Sum of floating-point numbers, exact to twelve decimals and so the same whatever the order of the rows. -#}
{% macro exact_sum(expression) -%}
    cast(sum(cast({{ expression }} as decimal(38, 12))) as double)
{%- endmacro %}


{#- Months since the year 0, to count from one month to another. -#}
{% macro month_number(date_value) -%}
    cast(extract(year from {{ date_value }}) * 12 + extract(month from {{ date_value }}) as integer)
{%- endmacro %}


{#- Probability of a value of the normal distribution below z. Abramowitz and Stegun 1964, 26.2.17: wrong by 7.5e-8
    at most. z is written several times: give a column, not an expression. -#}
{% macro normal_cdf(z) -%}
    {%- set t = '(1 / (1 + 0.2316419e0 * abs(' ~ z ~ ')))' -%}
    {%- set beyond -%}
        0.3989422804014327e0 * exp(-{{ z }} * {{ z }} / 2) * {{ t }} * (
            0.319381530e0 + {{ t }} * (
                -0.356563782e0 + {{ t }} * (1.781477937e0 + {{ t }} * (-1.821255978e0 + {{ t }} * 1.330274429e0))
            )
        )
    {%- endset -%}
    case when {{ z }} < 0 then {{ beyond }} else 1 - {{ beyond }} end
{%- endmacro %}
