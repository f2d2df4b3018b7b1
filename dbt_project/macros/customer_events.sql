{#- What an event of a customer is made of, and how fct_customer_events finds who has other events than it holds. -#}

{% macro customer_event_columns() -%}
    {{ return({
        'customer_key': 'string',
        'occurred_at': 'timestamp',
        'event_date': 'date',
        'event_kind': 'string',
        'is_time_known': 'boolean',
        'department': 'string',
        'from_department': 'string',
        'channel': 'string',
        'touchpoint': 'string',
        'order_id': 'string',
        'ticket_id': 'string',
        'ticket_event_number': 'integer',
        'response_id': 'string',
        'campaign_id': 'string',
        'amount': 'decimal(18, 4)',
        'nps_score': 'decimal(18, 4)',
        'csat_score': 'decimal(18, 4)',
        'ces_score': 'decimal(18, 4)',
    }) }}
{%- endmacro %}


{#- All columns of an event in the select list of one kind that has only those given, beside the customer, the moment, the
    day and the kind: the others are empty, and the time is known. -#}
{% macro customer_event_columns_of(given) -%}
    {%- set has = ['customer_key', 'occurred_at', 'event_date', 'event_kind'] + given -%}
    {%- for column, data_type in customer_event_columns().items() %}
        {%- set otherwise = 'true' if column == 'is_time_known' else 'null' %}
        cast({{ column if column in has else otherwise }} as {{ data_type }}) as {{ column }}
        {{- ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{#- One row per customer with the sum of the fingerprints of their events, which does not depend on their order. The
    number is not asked: it follows from the rest. -#}
{% macro _fingerprint_of_customers(relation) -%}
    select
        customer_key,
        sum({{ row_fingerprint(customer_event_columns() | list) }}) as inputs_fingerprint
    from {{ relation }}
    where customer_key is not null
    group by customer_key
{%- endmacro %}


{#- Whoever has another event than yesterday, one less, or none any more: an event also changes with the person that a
    ticket is matched to, with a late order, with a row that is gone and with the business date. -#}
{% macro forget_customers_with_other_events(events) -%}
    {{ forget_what_has_other_inputs(
        'customer_key', _fingerprint_of_customers(this), _fingerprint_of_customers(events)
    ) }}
{%- endmacro %}
