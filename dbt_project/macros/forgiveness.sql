{#- How failures, price rises, new categories and lost customers are judged: the rules of the seed forgiveness_rules, and
    the intervals of differences. -#}

{% macro forgiveness_rules() -%}
    {{ return([
        'come_back_days',
        'new_category_days',
        'lost_after_days',
        'buy_again_days',
        'price_rise_percent',
        'price_rise_product_share',
        'price_rise_minimum_products',
    ]) }}
{%- endmacro %}


{#- The value of a rule. A scalar subquery, as the seed has one row per rule. -#}
{% macro forgiveness_rule(rule) -%}
    {%- if rule not in forgiveness_rules() -%}
        {{ exceptions.raise_compiler_error(
            "'" ~ rule ~ "' is no rule of the seed forgiveness_rules: use one of " ~ forgiveness_rules() | join(', ')
        ) }}
    {%- endif -%}
    (select rules.rule_value from {{ ref('forgiveness_rules') }} as rules where rules.rule = '{{ rule }}')
{%- endmacro %}


{#- The last day of which purchases are known: the business date, or the day that the last order came on where a feed is
    late or was closed. Windows are closed when this day has passed in them. -#}
{% macro purchases_known_until() -%}
    (select coalesce(max(fct_orders.order_date), {{ as_of_date() }}) from {{ ref('fct_orders') }} as fct_orders)
{%- endmacro %}


{#- Stands for a day that has not come. An outer join with `or` in it compares every row with every other: DuckDB hashes
    only where all conditions are comparisons. -#}
{% macro end_of_time() -%} cast('9999-12-31' as date) {%- endmacro %}


{#- The band that a customer of `event` held before the day `event_date`: joins int_customers__bands as `held_bands`. An
    answer of that very day may already speak of what happened on it. -#}
{% macro join_band_before(customer_key, event_date) -%}
    left join {{ ref('int_customers__bands') }} as held_bands
        on
            {{ customer_key }} = held_bands.customer_key
            and {{ event_date }} > held_bands.answered_on
            and {{ event_date }} <= coalesce(held_bands.next_answered_on, {{ end_of_time() }})
{%- endmacro %}


{#- Bound of the difference `one` - `other`, from their intervals (Zou and Donner 2008). Both are columns, and so are
    their bounds, named with _lower and _upper. side is -1 for the lower and 1 for the upper bound. -#}
{% macro difference_bound(one, other, side) -%}
    {%- set near, far = ('lower', 'upper') if side == -1 else ('upper', 'lower') -%}
    {{ one }} - {{ other }} + ({{ side }}) * sqrt(
        power({{ one }} - {{ one }}_{{ near }}, 2) + power({{ other }} - {{ other }}_{{ far }}, 2)
    )
{%- endmacro %}


{#- Groups of customers who have bought about as often. -#}
{% macro experience_group(visit_number) -%}
    case
        when {{ visit_number }} <= 3 then cast({{ visit_number }} as string)
        when {{ visit_number }} <= 5 then '4 to 5'
        when {{ visit_number }} <= 9 then '6 to 9'
        when {{ visit_number }} > 9 then '10 or more'
    end
{%- endmacro %}
