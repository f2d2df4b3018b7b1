{#- Keys by which facts find their dimensions: never empty, because a join that drops rows says nothing. What has no
    department or campaign has the key of a row that stands for just that. KPI tables write it the same way. -#}

{% macro department_key(department) -%}
    coalesce({{ department }}, '(unknown)')
{%- endmacro %}


{% macro campaign_key(campaign_id) -%}
    coalesce({{ campaign_id }}, '(none)')
{%- endmacro %}
