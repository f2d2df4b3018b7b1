{#- Rows of one raw table by source, for meta.reconciliation. -#}
{% macro rows_by_source(table_name, relation) -%}
    select
        '{{ table_name }}' as table_name,
        source_name,
        count(*) as rows_in_warehouse
    from {{ relation }}
    group by source_name
{%- endmacro %}


{#- Rows of one raw table by source that are in a fact, and that are not yet because they are dated after as_of_date. -#}
{% macro rows_by_date(table_name, relation, event_date) -%}
    select
        '{{ table_name }}' as table_name,
        source_name,
        count(case when {{ event_date }} > {{ as_of_date() }} then 1 end) as rows_after_as_of
    from {{ relation }}
    group by source_name
{%- endmacro %}
