{#- What the value equation is made of. -#}

{#- Parts, as the seed value_equation_parts names them, by side. -#}
{% macro value_parts(side) -%}
    {{ return({
        'given': [
            'result_answers', 'satisfaction', 'kept_orders', 'process_answers', 'contact_satisfaction',
            'solved_contacts'
        ],
        'taken': [
            'list_paid', 'fees', 'contacts', 'first_reply_wait', 'resolution_wait', 'hand_offs', 'repeat_contacts',
            'late_days', 'ease_answers'
        ],
    }[side]) }}
{%- endmacro %}


{#- Place of a value among all, 0..100: how many have less, and half of those who have the same. Equal values stand at
    one place. One row per value, with the customers who have it. -#}
{% macro middle_position(value, customers) -%}
    100.0 * (
        cast(sum({{ customers }}) over (order by {{ value }} asc nulls last rows unbounded preceding) as double)
        - {{ customers }} / 2.0
    ) / cast(sum({{ customers }}) over () as double)
{%- endmacro %}
