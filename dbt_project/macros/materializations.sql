{#- How DuckDB replaces a table or a view: in one statement; whoever reads meanwhile sees the old one until the commit.
    dbt-duckdb builds beside it, looks for constraints and indexes, renames twice and drops what was: ten statements
    more for each of a hundred models, and most of what dbt costs a night without news. Ours have no constraints and no
    indexes. Spark has its own way. -#}
{% materialization table, adapter="duckdb", supported_languages=["sql"] %}
    {{ return(replace_relation(this.incorporate(type="table"))) }}
{% endmaterialization %}

{% materialization view, adapter="duckdb" %}
    {{ return(replace_relation(this.incorporate(type="view"))) }}
{% endmaterialization %}


{% macro replace_relation(relation) %}
    {%- set existing = load_cached_relation(relation) -%}
    {%- if existing is not none and existing.type != relation.type -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement("main") -%}
        {{ replaced_view(relation, sql) if relation.is_view else replaced_table(relation, sql) }}
    {%- endcall -%}
    {%- do persist_docs(relation, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({"relations": [relation]}) }}
{% endmacro %}


{% macro replaced_table(relation, select_sql) -%}
    {%- if config.get("contract").enforced -%}
        {{ get_assert_columns_equivalent(select_sql) }}
        create or replace table {{ relation }} {{ get_table_columns_and_constraints() }};
        insert into {{ relation }} {{ get_column_names() }} ({{ get_select_subquery(select_sql) }})
    {%- else -%}
        create or replace table {{ relation }} as ({{ select_sql }})
    {%- endif -%}
{%- endmacro %}


{% macro replaced_view(relation, select_sql) -%}
    {%- if config.get("contract").enforced -%}{{ get_assert_columns_equivalent(select_sql) }}{%- endif -%}
    create or replace view {{ relation }} as ({{ select_sql }})
{%- endmacro %}
