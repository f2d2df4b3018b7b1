{#- How far answers of different locales are comparable. The constants are the assumptions; docs/decisions.md says
    where they come from and what they cost where they are wrong. -#}

{#- What a customer does within so many days after an answer tells what the answer meant. Three months: most who will
    come back have, and the youngest answers that count are not old. -#}
{% macro behaviour_window_days() -%} 90 {%- endmacro %}

{#- Standard deviation, in logarithms, of how far cultures stretch a scale: nearly all between a third and three times
    as much. An estimate is shrunk towards no adjustment the more, the less it is certain beside this. -#}
{% macro stretch_prior_sd() -%} 0.5e0 {%- endmacro %}

{#- Standard deviation, in logarithms, of how far cultures truly differ in the spread of their opinions. An assumption,
    not a finding: 0 would take every difference in spread for style. -#}
{% macro true_spread_sd() -%} 0.15e0 {%- endmacro %}

{#- Fewer questions say more about themselves than about a style. -#}
{% macro minimum_style_metrics() -%} 3 {%- endmacro %}


{#- The value below which a normal variable lies with this probability (Abramowitz and Stegun 1964, 26.2.23: wrong by
    4.5e-4 at most). Null for 0 and 1. The probability is written several times: give a column. -#}
{% macro normal_quantile(p) -%}
    {%- set t -%}
        sqrt(-2 * ln(nullif(case when {{ p }} <= 0.5 then {{ p }} else 1 - {{ p }} end, 0)))
    {%- endset -%}
    case when {{ p }} < 0.5 then -1 else 1 end * (
        {{ t }}
        - (2.515517e0 + {{ t }} * (0.802853e0 + {{ t }} * 0.010328e0))
        / (1 + {{ t }} * (1.432788e0 + {{ t }} * (0.189269e0 + {{ t }} * 0.001308e0)))
    )
{%- endmacro %}


{#- Share of an answer's box, from half a point below it to half a point above, that lies above a cut-off. -#}
{% macro share_above(box, cut_off) -%}
    case
        when {{ box }} + 0.5e0 <= {{ cut_off }} then 0.0e0
        when {{ box }} - 0.5e0 >= {{ cut_off }} then 1.0e0
        else {{ box }} + 0.5e0 - {{ cut_off }}
    end
{%- endmacro %}


{#- Promoters (above the cut-off that 8.5 is without a style) and detractors (below 6.5) of a box, as shares of it, where
    the distance from the middle of the scale is to be stretched. 1 gives the categories as they are. -#}
{% macro promoter_share(box, stretch) -%}
    {{ share_above(box, '(5 + 3.5e0 / ' ~ stretch ~ ')') }}
{%- endmacro %}

{% macro detractor_share(box, stretch) -%}
    1 - {{ share_above(box, '(5 + 1.5e0 / ' ~ stretch ~ ')') }}
{%- endmacro %}
