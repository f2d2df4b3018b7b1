{#- The newest load that the table being built already holds; 0 while it is empty, so that nothing is filtered away. -#}
{% macro newest_load_in_this() -%}
    (select coalesce(max(held.load_id), 0) from {{ this }} as held)
{%- endmacro %}
