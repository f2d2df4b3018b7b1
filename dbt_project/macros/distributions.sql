{#- Quantiles of waiting, and lines through points. Each macro gives one SQL expression. -#}

{#- Sum of (x - mean of x) * (y - mean of y) over n rows, from the sums of x, y and x * y; with x for y, the sum of
    squares. -#}
{% macro centred_sum(sum_x, sum_y, sum_xy, n) -%}
    (
        cast({{ sum_xy }} as double)
        - cast({{ sum_x }} as double) * cast({{ sum_y }} as double) / nullif(cast({{ n }} as double), 0)
    )
{%- endmacro %}


{#- The lowest value that at least this share of all rows do not exceed, those included for which the value has not
    come yet: these count as longer than any, and where they reach that share there is no answer. Rows that do not
    belong to the population have `belongs` false. -#}
{% macro quantile_of_all(hours, belongs, share) -%}
    nullif(
        percentile_disc({{ share }}) within group (
            order by case when {{ belongs }} then coalesce({{ hours }}, cast('infinity' as double)) end
        ),
        cast('infinity' as double)
    )
{%- endmacro %}
