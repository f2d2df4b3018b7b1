{#- Addresses as they are compared. What cannot be an address of the kind is null. -#}

{% macro normalised_email(text_column) -%}
    case when {{ text_column }} like '%@%' then lower(trim({{ text_column }})) end
{%- endmacro %}


{#- Digits without leading zeros and international prefix signs. Fewer than seven digits are an extension, not a
    telephone that names one person. -#}
{% macro normalised_phone(text_column) -%}
    {%- set digits -%}
        ltrim({{ remove_all(text_column, '[^0-9]') }}, '0')
    {%- endset -%}
    case
        when {{ text_column }} not like '%@%' and length({{ digits }}) >= 7 then {{ digits }}
    end
{%- endmacro %}
