{#- What the customers who answered are weighted by, to stand for those who did not. -#}

{#- No voice counts more than so many times the average one: beyond that a few people make the score. The limit that
    the American National Election Studies use (DeBell and Krosnick 2009). -#}
{% macro largest_voice_weight() -%} 5 {%- endmacro %}
