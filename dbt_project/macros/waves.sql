{#- First day of the half-year of a date: relationship surveys ask the same people twice a year. -#}
{% macro survey_wave(date_value) -%}
    make_date(
        extract(year from {{ date_value }}), case when extract(month from {{ date_value }}) <= 6 then 1 else 7 end, 1
    )
{%- endmacro %}
