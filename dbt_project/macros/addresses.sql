{#- Addresses as they are compared. What cannot be an address of the kind is null. -#}

{#- Case and blanks only: mail servers disagree about dots and plus signs, and a folded one may be two people. -#}
{% macro normalised_email(text_column) -%}
    case when {{ text_column }} like '%_@_%' then lower(trim({{ text_column }})) end
{%- endmacro %}


{#- Fewer than seven digits are an extension, more than fifteen no number (ITU-T E.164). -#}
{% macro is_telephone(digits_column) -%}
    length({{ digits_column }}) between 7 and 15
{%- endmacro %}


{#- Whether a number says its country itself: a plus or a double zero before the country's code. -#}
{% macro is_international(phone_column) -%}
    ({{ phone_column }} like '+%' or {{ phone_column }} like '00%')
{%- endmacro %}


{#- A number's digits as written, without the zero in brackets that is not dialled from abroad, and without the zeros
    that stand for an international or a national prefix. Null where other signs say that it is more than a number,
    such as an extension, or where there are too few or too many digits. -#}
{% macro telephone_digits(phone_column) -%}
    {%- set written = "replace(trim(" ~ phone_column ~ "), '(0)', '')" -%}
    case
        when
            translate({{ written }}, '+0123456789-()./ ', '') = ''
            and {{ is_telephone(without_leading_zeros(digits_only(written))) }}
            then {{ without_leading_zeros(digits_only(written)) }}
    end
{%- endmacro %}


{#- A number as somebody left it, of whose country nothing is known: with a plus where it says its country itself. -#}
{% macro normalised_phone(phone_column) -%}
    case when {{ is_international('trim(' ~ phone_column ~ ')') }} then '+' else '' end
    || {{ telephone_digits(phone_column) }}
{%- endmacro %}
