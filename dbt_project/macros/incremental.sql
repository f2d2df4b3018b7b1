{#- The newest load that the table being built already holds; 0 while it is empty, so that nothing is filtered away. -#}
{% macro newest_load_in_this() -%}
    (select coalesce(max(held.load_id), 0) from {{ this }} as held)
{%- endmacro %}


{#- Before an incremental build: what is no longer made of the same inputs goes out of the table being built, and the
    model writes again, whole, what is missing. `held` and `today` are queries of `key` and `inputs_fingerprint`. They
    ask the rows themselves and no load: a row that has moved, or is gone, was in no load at its old place. -#}
{% macro forget_what_has_other_inputs(key, held, today) -%}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where {{ key }} in (
            select held.{{ key }}
            from ({{ held }}) as held
            left join ({{ today }}) as today on held.{{ key }} = today.{{ key }}
            where held.inputs_fingerprint is distinct from today.inputs_fingerprint
        )
    {%- endif -%}
{%- endmacro %}
