{#- Scores and their intervals. Each macro gives one SQL expression; an empty denominator gives null, never zero. -#}

{#- Two-sided 95 % of the normal distribution. -#}
{% macro z_95() -%} 1.959963984540054 {%- endmacro %}


{#- The value, or the end of the range it left; null stays null, which greatest and least would not keep. -#}
{% macro clipped(expression, lowest, highest) -%}
    case
        when {{ expression }} < {{ lowest }} then {{ lowest }}.0
        when {{ expression }} > {{ highest }} then {{ highest }}.0
        else {{ expression }}
    end
{%- endmacro %}


{#- promoter (9-10), passive (7-8) or detractor (0-6). A zero is a detractor; no answer is no category. -#}
{% macro nps_category(score) -%}
    case
        when {{ score }} >= 9 then 'promoter'
        when {{ score }} >= 7 then 'passive'
        when {{ score }} < 7 then 'detractor'
    end
{%- endmacro %}


{#- Net promoter score in points, -100..100. -#}
{% macro nps(promoters, detractors, answers) -%}
    100.0 * ({{ promoters }} - {{ detractors }}) / nullif(cast({{ answers }} as double), 0)
{%- endmacro %}


{#- Standard error of the NPS in points: the root of (p + d - (p - d)^2) / n. -#}
{% macro nps_standard_error(promoters, detractors, answers) -%}
    {%- set n = 'nullif(cast(' ~ answers ~ ' as double), 0)' -%}
    100.0 * sqrt(
        (
            ({{ promoters }} + {{ detractors }}) / {{ n }}
            - power(({{ promoters }} - {{ detractors }}) / {{ n }}, 2)
        ) / {{ n }}
    )
{%- endmacro %}


{#- Adjusted Wald bound of the NPS (Rocks 2016): Wald after adding 0.75 promoters, 1.5 passives and 0.75 detractors.
    side is -1 for the lower and 1 for the upper bound; the result is clipped to what an NPS can be. -#}
{% macro nps_adjusted_wald(promoters, detractors, answers, side) -%}
    {%- set p = '(' ~ promoters ~ ' + 0.75e0)' -%}
    {%- set d = '(' ~ detractors ~ ' + 0.75e0)' -%}
    {%- set n = '(nullif(cast(' ~ answers ~ ' as double), 0) + 3)' -%}
    {%- set bound -%}
        100.0 * (
            ({{ p }} - {{ d }}) / {{ n }}
            + ({{ side }}) * {{ z_95() }} * sqrt(
                (({{ p }} + {{ d }}) / {{ n }} - power(({{ p }} - {{ d }}) / {{ n }}, 2)) / {{ n }}
            )
        )
    {%- endset -%}
    {{ clipped(bound, -100, 100) }}
{%- endmacro %}


{#- Share of successes in percent. -#}
{% macro percentage(successes, answers) -%}
    100.0 * {{ successes }} / nullif(cast({{ answers }} as double), 0)
{%- endmacro %}


{#- Wilson bound of a share, in percent; side is -1 for the lower and 1 for the upper bound. -#}
{% macro wilson(successes, answers, side) -%}
    {%- set n = 'nullif(cast(' ~ answers ~ ' as double), 0)' -%}
    {%- set p = '(' ~ successes ~ ' / ' ~ n ~ ')' -%}
    {%- set z = z_95() -%}
    {%- set bound -%}
        100.0 * (
            {{ p }} + {{ z }} * {{ z }} / (2 * {{ n }})
            + ({{ side }}) * {{ z }} * sqrt(
                {{ p }} * (1 - {{ p }}) / {{ n }} + {{ z }} * {{ z }} / (4 * {{ n }} * {{ n }})
            )
        ) / (1 + {{ z }} * {{ z }} / {{ n }})
    {%- endset -%}
    {{ clipped(bound, 0, 100) }}
{%- endmacro %}


{#- Reliability of the mean of several answers to one question, from that of a single one (Spearman, Brown 1910). -#}
{% macro spearman_brown(answer_reliability, answers) -%}
    (
        {{ answers }} * cast({{ answer_reliability }} as double)
        / (1 + ({{ answers }} - 1) * cast({{ answer_reliability }} as double))
    )
{%- endmacro %}


{#- Variance of a sample from its sums; null for fewer than two values. Sums of decimals are exact in any order. -#}
{% macro sample_variance(value_sum, square_sum, n) -%}
    case
        when {{ n }} > 1 and {{ square_sum }} > {{ value_sum }} * {{ value_sum }} / {{ n }}
            then ({{ square_sum }} - {{ value_sum }} * {{ value_sum }} / {{ n }}) / ({{ n }} - 1)
        when {{ n }} > 1 then 0.0e0
    end
{%- endmacro %}


{#- Two-sided 95 % of Student's t, expanded around the normal (Abramowitz and Stegun 26.7.5). Within 0.1 % of the exact
    value from 6 degrees of freedom on, 3 % too small at 2; null below 1. -#}
{% macro t_95(degrees_of_freedom) -%}
    {%- set z = z_95() | trim | float -%}
    {%- set v = 'cast(nullif(greatest(' ~ degrees_of_freedom ~ ', 0), 0) as double)' -%}
    (
        {{ z }}
        + {{ (z ** 3 + z) / 4 }} / {{ v }}
        + {{ (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96 }} / power({{ v }}, 2)
        + {{ (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384 }} / power({{ v }}, 3)
    )
{%- endmacro %}


{#- Cronbach's alpha (1951) of a scale that is the total of its items; null where all totals are equal. -#}
{% macro cronbach_alpha(item_count, item_variance_sum, total_variance) -%}
    {{ item_count / (item_count - 1) }} * (1 - {{ item_variance_sum }} / nullif({{ total_variance }}, 0))
{%- endmacro %}


{#- Bound of Cronbach's alpha at 95 % (Bonett 2002): the logarithm of 1 - alpha is nearly normal with variance
    2k / ((k - 1)(n - 2)). side is -1 for the lower and 1 for the upper bound; null for fewer than three. -#}
{% macro cronbach_alpha_bound(alpha, item_count, n, side) -%}
    case
        when {{ n }} > 2
            then 1 - (1 - {{ alpha }}) * exp(
                ({{ -side }}) * {{ z_95() }}
                * sqrt({{ 2 * item_count / (item_count - 1) }} / (cast({{ n }} as double) - 2))
            )
    end
{%- endmacro %}
