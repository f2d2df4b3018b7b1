{#- Everything that DuckDB and Spark write differently. No model names an engine. -#}

{#- The local date, in the company's time zone, of a naive UTC timestamp. -#}
{% macro business_date(timestamp_column) -%}
    {{ adapter.dispatch('business_date')(timestamp_column) }}
{%- endmacro %}

{% macro default__business_date(timestamp_column) -%}
    cast(timezone({{ company_timezone() }}, timezone('UTC', {{ timestamp_column }})) as date)
{%- endmacro %}

{% macro spark__business_date(timestamp_column) -%}
    cast(from_utc_timestamp({{ timestamp_column }}, {{ company_timezone() }}) as date)
{%- endmacro %}


{#- One row per day, both ends included, as column date_day; to be used in a select list without from. -#}
{% macro days_between(first_day, last_day) -%}
    {{ adapter.dispatch('days_between')(first_day, last_day) }}
{%- endmacro %}

{% macro default__days_between(first_day, last_day) -%}
    cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date)
{%- endmacro %}

{% macro spark__days_between(first_day, last_day) -%}
    explode(sequence({{ first_day }}, {{ last_day }}, interval 1 day))
{%- endmacro %}


{#- Whole days from one date to a later one; negative when the order is reversed. -#}
{% macro days_from_to(first_date, second_date) -%}
    {{ adapter.dispatch('days_from_to')(first_date, second_date) }}
{%- endmacro %}

{% macro default__days_from_to(first_date, second_date) -%}
    cast({{ second_date }} - {{ first_date }} as integer)
{%- endmacro %}

{% macro spark__days_from_to(first_date, second_date) -%}
    datediff({{ second_date }}, {{ first_date }})
{%- endmacro %}


{#- Whole seconds between two timestamps; whole numbers add up to the same sum in any order. -#}
{% macro seconds_from_to(first_timestamp, second_timestamp) -%}
    {{ adapter.dispatch('seconds_from_to')(first_timestamp, second_timestamp) }}
{%- endmacro %}

{% macro default__seconds_from_to(first_timestamp, second_timestamp) -%}
    date_diff('second', {{ first_timestamp }}, {{ second_timestamp }})
{%- endmacro %}

{% macro spark__seconds_from_to(first_timestamp, second_timestamp) -%}
    (unix_timestamp({{ second_timestamp }}) - unix_timestamp({{ first_timestamp }}))
{%- endmacro %}


{#- Hours between two timestamps, with the fraction. -#}
{% macro hours_from_to(first_timestamp, second_timestamp) -%}
    {{ seconds_from_to(first_timestamp, second_timestamp) }} / 3600.0
{%- endmacro %}


{#- The date one year before, the day cut to the end of a shorter month: 28 February for 29 February. -#}
{% macro one_year_before(date_value) -%}
    {{ adapter.dispatch('one_year_before')(date_value) }}
{%- endmacro %}

{% macro default__one_year_before(date_value) -%}
    cast({{ date_value }} - interval 12 month as date)
{%- endmacro %}

{% macro spark__one_year_before(date_value) -%}
    add_months({{ date_value }}, -12)
{%- endmacro %}


{#- 1 = Monday ... 7 = Sunday, which every engine counts in its own way. -#}
{% macro iso_day_of_week(date_value) -%}
    {{ adapter.dispatch('iso_day_of_week')(date_value) }}
{%- endmacro %}

{% macro default__iso_day_of_week(date_value) -%}
    cast(extract(isodow from {{ date_value }}) as integer)
{%- endmacro %}

{% macro spark__iso_day_of_week(date_value) -%}
    cast(weekday({{ date_value }}) + 1 as integer)
{%- endmacro %}


{#- The digits of a text, in order. -#}
{% macro digits_only(text_column) -%}
    {{ adapter.dispatch('digits_only')(text_column) }}
{%- endmacro %}

{% macro default__digits_only(text_column) -%}
    regexp_replace({{ text_column }}, '[^0-9]', '', 'g')
{%- endmacro %}

{% macro spark__digits_only(text_column) -%}
    regexp_replace({{ text_column }}, '[^0-9]', '')
{%- endmacro %}


{#- A number in text without the zeros that an international prefix or a national one starts with. -#}
{% macro without_leading_zeros(text_column) -%}
    {{ adapter.dispatch('without_leading_zeros')(text_column) }}
{%- endmacro %}

{% macro default__without_leading_zeros(text_column) -%}
    ltrim({{ text_column }}, '0')
{%- endmacro %}

{% macro spark__without_leading_zeros(text_column) -%}
    trim(leading '0' from {{ text_column }})
{%- endmacro %}


{#- An amount as quantity times price. DuckDB multiplies two decimals of 18 digits in 18 digits, which a line of ten
    billion in a small currency leaves; Spark widens by itself. -#}
{% macro multiplied(quantity, price) -%}
    {{ adapter.dispatch('multiplied')(quantity, price) }}
{%- endmacro %}

{% macro default__multiplied(quantity, price) -%}
    cast({{ quantity }} as decimal(38, 4)) * {{ price }}
{%- endmacro %}

{% macro spark__multiplied(quantity, price) -%}
    {{ quantity }} * {{ price }}
{%- endmacro %}


{#- A whole number that is, for all practical purposes, another one for every other row: 64 bits. Sums of it do not
    overflow. Engines, and their versions, have their own: it is compared within one. Models that store it are built anew
    with another version, as all incremental ones are. -#}
{% macro row_fingerprint(columns) -%}
    {{ adapter.dispatch('row_fingerprint')(columns) }}
{%- endmacro %}

{% macro default__row_fingerprint(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__row_fingerprint(columns) -%}
    cast(xxhash64({{ columns | join(', ') }}) as decimal(20, 0))
{%- endmacro %}


{#- The date so many whole days later. -#}
{% macro days_after(date_value, days) -%}
    {{ adapter.dispatch('days_after')(date_value, days) }}
{%- endmacro %}

{% macro default__days_after(date_value, days) -%}
    ({{ date_value }} + {{ days }})
{%- endmacro %}

{% macro spark__days_after(date_value, days) -%}
    date_add({{ date_value }}, {{ days }})
{%- endmacro %}


{#- The texts of a group as one, in the order of whole numbers that no two of them share. -#}
{% macro joined_in_order(text_column, order_column) -%}
    {{ adapter.dispatch('joined_in_order')(text_column, order_column) }}
{%- endmacro %}

{% macro default__joined_in_order(text_column, order_column) -%}
    string_agg({{ text_column }}, ', ' order by {{ order_column }})
{%- endmacro %}

{% macro spark__joined_in_order(text_column, order_column) -%}
    array_join(
        transform(
            array_sort(collect_list(struct({{ order_column }} as place, {{ text_column }} as words))),
            member -> member.words
        ),
        ', '
    )
{%- endmacro %}


{#- A JSON object in text as a map from text to text; null where it is none. -#}
{% macro json_as_map(json_text) -%}
    {{ adapter.dispatch('json_as_map')(json_text) }}
{%- endmacro %}

{% macro default__json_as_map(json_text) -%}
    try_cast(try_cast({{ json_text }} as json) as map(varchar, varchar))
{%- endmacro %}

{% macro spark__json_as_map(json_text) -%}
    from_json({{ json_text }}, 'map<string,string>')
{%- endmacro %}


{#- One row per key of a map; to be used in a select list. -#}
{% macro each_key(map_column) -%}
    {{ adapter.dispatch('each_key')(map_column) }}
{%- endmacro %}

{% macro default__each_key(map_column) -%}
    unnest(map_keys({{ map_column }}))
{%- endmacro %}

{% macro spark__each_key(map_column) -%}
    explode(map_keys({{ map_column }}))
{%- endmacro %}


{#- One row per text of a JSON array in text; a text that is no array is its own only one. To be used in a select list. -#}
{% macro each_text(json_text) -%}
    {{ adapter.dispatch('each_text')(json_text) }}
{%- endmacro %}

{% macro default__each_text(json_text) -%}
    unnest(coalesce(try_cast(try_cast({{ json_text }} as json) as varchar[]), [{{ json_text }}]))
{%- endmacro %}

{% macro spark__each_text(json_text) -%}
    explode(coalesce(from_json({{ json_text }}, 'array<string>'), array({{ json_text }})))
{%- endmacro %}
