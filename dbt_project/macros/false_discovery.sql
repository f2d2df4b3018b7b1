{#- How many of the things that were found among many may be chance. In two steps, because a window cannot look at another
    window: first the ratio of each, then the smallest ratio of those that are no more likely. -#}

{#- p value times tests over its rank (Benjamini and Hochberg 1995); equal p values share the highest rank. -#}
{% macro discovery_ratio(p_value, family) -%}
    {{ p_value }} * count({{ p_value }}) over (partition by {{ family }})
    / nullif(count({{ p_value }}) over (partition by {{ family }} order by {{ p_value }} asc nulls last), 0)
{%- endmacro %}


{#- The share of false discoveries among all that are at least as unlikely; null where nothing was tested. -#}
{% macro discovery_q_value(ratio, p_value, family) -%}
    case
        when {{ p_value }} is not null
            then least(1.0, min({{ ratio }}) over (partition by {{ family }} order by {{ p_value }} desc nulls last))
    end
{%- endmacro %}


{#- The share of false discoveries that published findings accept. -#}
{% macro false_discovery_rate() -%} 0.05 {%- endmacro %}
