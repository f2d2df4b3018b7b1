{#- Addresses as they are compared. What cannot be an address of the kind is null. -#}

{% macro normalised_email(text_column) -%}
    case when {{ text_column }} like '%@%' then lower(trim({{ text_column }})) end
{%- endmacro %}


{#- Digits without leading zeros and international prefix signs. -#}
{% macro telephone_digits(text_column) -%}
    case
        when {{ text_column }} not like '%@%' then {{ without_leading_zeros(digits_only(text_column)) }}
    end
{%- endmacro %}


{#- Fewer than seven digits are an extension, not a telephone that names one person. -#}
{% macro is_telephone(digits_column) -%}
    length({{ digits_column }}) >= 7
{%- endmacro %}
