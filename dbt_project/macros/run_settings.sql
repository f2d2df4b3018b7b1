{#- The one business date of this night. A scalar subquery, not a dbt variable: changed variables undo partial parsing. -#}
{% macro as_of_date() -%}
    (select run_settings.as_of_date from {{ source('ops', 'run_settings') }} as run_settings)
{%- endmacro %}


{% macro company_timezone() -%}
    (select run_settings.timezone from {{ source('ops', 'run_settings') }} as run_settings)
{%- endmacro %}


{% macro company_currency() -%}
    (select run_settings.currency from {{ source('ops', 'run_settings') }} as run_settings)
{%- endmacro %}


{#- Below this many answers a score is withheld and only the counts are shown. -#}
{% macro minimum_answers() -%}
    (select run_settings.minimum_answers from {{ source('ops', 'run_settings') }} as run_settings)
{%- endmacro %}
