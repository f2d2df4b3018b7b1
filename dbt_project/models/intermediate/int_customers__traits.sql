{#- What was known of customers when the holdout began; nothing later. Behaviour that RFM is made of is no trait. -#}

with run_settings as (

    select
        *,
        {{ days_after('as_of_date', '-holdout_days') }} as known_on
    from {{ source('ops', 'run_settings') }}

),

customers as (

    select customer_key from {{ ref('int_customers__clv_at_holdout') }}

),

accounts as (

    select
        accounts.customer_key,
        records.locale,
        records.country,
        records.acquisition_channel,
        {{ json_as_map('records.traits') }} as attributes,
        row_number() over (
            partition by accounts.customer_key
            order by records.registered_at asc nulls last, records.customer_id asc nulls last
        ) as account_number,
        row_number() over (
            partition by accounts.customer_key
            order by records.registered_at desc nulls last, records.customer_id desc nulls last
        ) as place_from_last
    from {{ ref('stg_crm__customers') }} as records
    inner join {{ ref('int_identity__accounts') }} as accounts on records.customer_id = accounts.customer_id
    cross join run_settings
    where {{ business_date('records.registered_at') }} <= run_settings.known_on

),

-- A person with several accounts: where they came from is in the first, what else is known in the latest.
attribute_keys as (

    select
        customer_key,
        attributes,
        {{ each_key('attributes') }} as attribute
    from accounts
    where place_from_last = 1

),

attributes as (

    select
        attribute_keys.customer_key,
        attribute_keys.attribute,
        trim(attribute_keys.attributes[attribute_keys.attribute]) as attribute_value
    from attribute_keys
    left join {{ ref('trait_keys_left_out') }} as left_out on lower(attribute_keys.attribute) = left_out.trait
    where left_out.trait is null

),

orders as (

    select
        orders.*,
        row_number() over (
            partition by orders.customer_key
            order by orders.ordered_at asc nulls last, orders.order_id asc nulls last
        ) as purchase_number,
        {{ days_from_to('orders.delivered_date', 'run_settings.known_on') }} >= 0
        and orders.delivered_date > orders.promised_date as was_late
    from {{ ref('int_orders__as_of') }} as orders
    cross join run_settings
    where orders.is_purchase and orders.customer_key is not null and orders.order_date <= run_settings.known_on

),

first_orders as (

    select
        orders.customer_key,
        orders.sales_channel,
        orders.department,
        orders.campaign_id,
        orders.was_late,
        outcomes.main_category,
        {{ days_after('outcomes.order_date', 'outcomes.days_to_return') }} <= run_settings.known_on as was_returned
    from orders
    cross join run_settings
    left join {{ ref('int_purchases__outcomes') }} as outcomes on orders.order_id = outcomes.order_id
    where orders.purchase_number = 1

),

late_deliveries as (

    select distinct customer_key
    from orders
    where was_late

),

events as (

    select
        events.customer_key,
        events.event_kind,
        events.ticket_id
    from {{ ref('int_customers__events') }} as events
    cross join run_settings
    where events.customer_key is not null and events.event_date <= run_settings.known_on

),

experiences as (

    select
        events.customer_key,
        count(case when events.event_kind = 'return' then 1 end) as returns,
        count(case when events.event_kind = 'ticket_opened' then 1 end) as tickets,
        count(case when events.event_kind = 'hand_off' then 1 end) as hand_offs,
        count(case when events.event_kind = 'ticket_opened' and tickets.is_complaint then 1 end) as complaints,
        count(case when events.event_kind = 'ticket_resolved' and tickets.is_complaint then 1 end)
            as resolved_complaints,
        count(case when events.event_kind = 'campaign_contact' then 1 end) as contacts
    from events
    left join {{ ref('int_tickets__as_of') }} as tickets on events.ticket_id = tickets.ticket_id
    group by events.customer_key

),

all_traits as (

    select
        customer_key,
        'attribute' as trait_kind,
        attribute as trait,
        attribute_value as trait_value
    from attributes

    {% for trait, column in {'locale': 'locale', 'country': 'country'}.items() %}
    union all

    select
        customer_key,
        'origin' as trait_kind,
        '{{ trait }}' as trait,
        {{ column }} as trait_value
    from accounts
    where place_from_last = 1
    {% endfor %}
    union all

    select
        customer_key,
        'origin' as trait_kind,
        'acquisition_channel' as trait,
        acquisition_channel as trait_value
    from accounts
    where account_number = 1

    {% for trait, value in {
        'first_sales_channel': 'sales_channel',
        'first_department': 'department',
        'first_category': "nullif(main_category, '(unknown)')",
        'first_order_in_campaign': "case when campaign_id is not null then 'true' end",
        'first_order_late': "case when was_late then 'true' end",
        'first_order_returned': "case when was_returned then 'true' end",
    }.items() %}
    union all

    select
        customer_key,
        'first purchase' as trait_kind,
        '{{ trait }}' as trait,
        {{ value }} as trait_value
    from first_orders
    {% endfor %}
    {% for trait, count in {
        'had_return': 'returns',
        'had_ticket': 'tickets',
        'had_hand_off': 'hand_offs',
        'had_complaint': 'complaints',
        'had_complaint_resolved': 'resolved_complaints',
        'had_campaign_contact': 'contacts',
    }.items() %}
    union all

    select
        customer_key,
        'experience' as trait_kind,
        '{{ trait }}' as trait,
        case when {{ count }} > 0 then 'true' end as trait_value
    from experiences
    {% endfor %}
    union all

    select
        customer_key,
        'experience' as trait_kind,
        'had_late_delivery' as trait,
        'true' as trait_value
    from late_deliveries

),

-- Not to have a trait is none. What looks like an address, a date or a text says who somebody is.
traits as (

    select distinct
        all_traits.customer_key,
        all_traits.trait_kind,
        all_traits.trait,
        all_traits.trait_value
    from all_traits
    inner join customers on all_traits.customer_key = customers.customer_key
    where
        all_traits.trait_value is not null
        and lower(all_traits.trait_value) not in ('', 'false', 'no', 'null')
        and all_traits.trait_value not like '%@%'
        and all_traits.trait_value not like '____-__-__%'
        and substring(all_traits.trait_value, 1, 1) not in ('{', '[')
        and length(all_traits.trait_value) <= 60

)

select * from traits
