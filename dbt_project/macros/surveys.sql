{#- What surveys count by. -#}

{#- For so many days an invitation may still be answered by a response that does not name it. -#}
{% macro answer_window_days() -%} 30 {%- endmacro %}
