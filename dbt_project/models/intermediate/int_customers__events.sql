{#- A view: fct_customer_events reads it to find who has changed and again for what is new of them. Every part below
    names the columns it has; the others are empty, and a time is known unless a part says otherwise. -#}

{{ config(materialized='view') }}

{%- set of_an_order = ['department', 'channel', 'order_id', 'campaign_id', 'amount'] %}
{%- set of_a_ticket = ['department', 'channel', 'order_id', 'ticket_id', 'ticket_event_number'] %}
{%- set of_an_answer = [
    'department', 'touchpoint', 'order_id', 'ticket_id', 'response_id', 'nps_score', 'csat_score', 'ces_score'
] -%}

with orders as (

    select
        *,
        sales_channel as channel
    from {{ ref('int_orders__as_of') }}
    where not is_cancelled

),

accounts as (

    select * from {{ ref('int_identity__accounts') }}

),

purchases as (

    select
        customer_key,
        ordered_at as occurred_at,
        order_date as event_date,
        'purchase' as event_kind,
        department,
        channel,
        order_id,
        campaign_id,
        net_amount + returned_line_amount as amount
    from orders
    where is_purchase

),

-- Goods on a negative line came back with the order itself; an order of nothing else is a return as a whole.
returned_lines as (

    select
        customer_key,
        ordered_at as occurred_at,
        order_date as event_date,
        'return' as event_kind,
        department,
        channel,
        order_id,
        campaign_id,
        case when is_purchase then -returned_line_amount else net_amount end as amount
    from orders
    where returned_line_amount > 0

),

refunds as (

    select
        orders.customer_key,
        returned.returned_at as occurred_at,
        {{ business_date('returned.returned_at') }} as event_date,
        'return' as event_kind,
        orders.department,
        orders.channel,
        orders.order_id,
        orders.campaign_id,
        -returned.refund_amount as amount
    from {{ ref('stg_crm__returns') }} as returned
    inner join orders on returned.order_id = orders.order_id

),

campaign_contacts as (

    select
        accounts.customer_key,
        contacts.sent_at as occurred_at,
        {{ business_date('contacts.sent_at') }} as event_date,
        'campaign_contact' as event_kind,
        contacts.channel,
        contacts.campaign_id
    from {{ ref('stg_crm__campaign_contacts') }} as contacts
    left join accounts on contacts.customer_id = accounts.customer_id

),

-- One touch is one questionnaire, however many questions it has. Where they are about several departments, orders or
-- tickets it is about none of them.
survey_answers as (

    select
        customer_key,
        min(submitted_at) as occurred_at,
        min(response_date) as event_date,
        'survey_answer' as event_kind,
        {% for subject in ['department', 'touchpoint', 'order_id', 'ticket_id'] %}
        case when min({{ subject }}) = max({{ subject }}) then max({{ subject }}) end as {{ subject }},
        {% endfor %}
        {% for metric in ['nps', 'csat', 'ces'] %}
        cast(sum(case when metric = '{{ metric }}' then standard_score end) as double)
        / nullif(count(case when metric = '{{ metric }}' then standard_score end), 0) as {{ metric }}_score,
        {% endfor %}
        response_id
    from {{ ref('int_responses__scored') }}
    where respondent_type = 'external' and (standard_score is not null or has_comment)
    group by response_id, customer_key

),

tickets as (

    select * from {{ ref('int_tickets__as_of') }}

),

openings as (

    select
        customer_key,
        opened_at as occurred_at,
        opened_date as event_date,
        'ticket_opened' as event_kind,
        first_department as department,
        channel,
        order_id,
        ticket_id,
        0 as ticket_event_number
    from tickets

),

-- An event without a time has a place in its ticket's history, before all events with one: for all that is known it
-- happened at the opening.
steps as (

    select
        tickets.customer_key,
        coalesce(ticket_steps.occurred_at, tickets.opened_at) as occurred_at,
        coalesce({{ business_date('ticket_steps.occurred_at') }}, tickets.opened_date) as event_date,
        ticket_steps.occurred_at is not null as is_time_known,
        ticket_steps.current_department as department,
        ticket_steps.previous_department as from_department,
        tickets.channel,
        tickets.order_id,
        tickets.ticket_id,
        ticket_steps.event_number as ticket_event_number,
        ticket_steps.is_handoff,
        ticket_steps.is_resolution,
        ticket_steps.is_reopening,
        tickets.times_from = 'ticket' and tickets.resolved_at is not null as is_resolution_told_by_ticket,
        row_number() over (
            partition by ticket_steps.ticket_id, ticket_steps.is_resolution
            order by ticket_steps.event_number desc nulls last
        ) as step_from_last
    from {{ ref('int_tickets__steps') }} as ticket_steps
    inner join tickets on ticket_steps.ticket_id = tickets.ticket_id

),

handoffs as (

    select
        *,
        'hand_off' as event_kind
    from steps
    where is_handoff

),

-- The ticket's own resolution is the last one of a history that does not tell when it was.
resolutions as (

    select
        *,
        'ticket_resolved' as event_kind
    from steps
    where is_resolution and not (is_resolution_told_by_ticket and step_from_last = 1)

),

resolutions_told_by_the_ticket as (

    select
        customer_key,
        resolved_at as occurred_at,
        {{ business_date('resolved_at') }} as event_date,
        'ticket_resolved' as event_kind,
        department,
        channel,
        order_id,
        ticket_id,
        cast(null as integer) as ticket_event_number
    from tickets
    where times_from = 'ticket' and resolved_at is not null

),

reopenings as (

    select
        *,
        'ticket_reopened' as event_kind
    from steps
    where is_reopening

),

events as (

    select {{ customer_event_columns_of(of_an_order) }} from purchases
    union all
    select {{ customer_event_columns_of(of_an_order) }} from returned_lines
    union all
    select {{ customer_event_columns_of(of_an_order) }} from refunds
    union all
    select {{ customer_event_columns_of(['channel', 'campaign_id']) }} from campaign_contacts
    union all
    select {{ customer_event_columns_of(of_an_answer) }} from survey_answers
    union all
    select {{ customer_event_columns_of(of_a_ticket) }} from openings
    union all
    select {{ customer_event_columns_of(of_a_ticket + ['from_department', 'is_time_known']) }} from handoffs
    union all
    select {{ customer_event_columns_of(of_a_ticket + ['is_time_known']) }} from resolutions
    union all
    select {{ customer_event_columns_of(of_a_ticket) }} from resolutions_told_by_the_ticket
    union all
    select {{ customer_event_columns_of(of_a_ticket + ['is_time_known']) }} from reopenings

)

select * from events
where event_date <= {{ as_of_date() }}
