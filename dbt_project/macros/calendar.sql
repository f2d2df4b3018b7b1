{#- Names and numbers of days that every engine writes in its own way, or not at all. -#}

{#- The English name that stands at the place that a whole number from 1 gives. -#}
{% macro named(number, names) -%}
    case {{ number }}
        {%- for name in names %} when {{ loop.index }} then '{{ name }}'{% endfor %}
    end
{%- endmacro %}


{% macro month_name(number) -%}
    {{ named(number, [
        'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November',
        'December'
    ]) }}
{%- endmacro %}


{% macro day_name(iso_day_of_week) -%}
    {{ named(iso_day_of_week, ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']) }}
{%- endmacro %}


{#- Which quarter of its year the month of this number, from 1 to 12, is in. -#}
{% macro quarter_of_month(month_number) -%}
    cast(floor(({{ month_number }} + 2) / 3) as integer)
{%- endmacro %}


{#- The first month of the company's fiscal year, 1 to 12. -#}
{% macro fiscal_year_first_month() -%}
    (select run_settings.fiscal_year_first_month from {{ source('ops', 'run_settings') }} as run_settings)
{%- endmacro %}
