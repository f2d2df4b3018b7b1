{#- Incremental by customer: the hook takes out everybody whose events have changed, and those who are missing are
    written here, whole, because one late event moves the numbers of all that follow it. -#}

{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        pre_hook="{{ forget_customers_with_other_events(ref('int_customers__events')) }}"
    )
}}

with events as (

    select * from {{ ref('int_customers__events') }}
    where customer_key is not null

),

{% if is_incremental() %}
held_customers as (

    select distinct customer_key from {{ this }}

),

{% endif %}
events_to_write as (

    select events.*
    from events
    {% if is_incremental() %}
    left join held_customers on events.customer_key = held_customers.customer_key
    where held_customers.customer_key is null
    {% endif %}

),

-- Of what happened at one moment the message comes before the purchase, the purchase before the ticket, and the answer
-- last. The other columns only make the order the same every night: of rows that are equal in all of them either may
-- come first.
numbered as (

    select
        *,
        cast(
            row_number() over (
                partition by customer_key
                order by
                    occurred_at asc nulls first,
                    case event_kind
                        when 'campaign_contact' then 1
                        when 'purchase' then 2
                        when 'return' then 3
                        when 'survey_answer' then 5
                        else 4
                    end asc nulls first,
                    ticket_id asc nulls first,
                    ticket_event_number asc nulls last,
                    event_kind asc nulls first,
                    order_id asc nulls first,
                    response_id asc nulls first,
                    campaign_id asc nulls first,
                    department asc nulls first,
                    from_department asc nulls first,
                    channel asc nulls first,
                    touchpoint asc nulls first,
                    amount asc nulls first,
                    nps_score asc nulls first,
                    csat_score asc nulls first,
                    ces_score asc nulls first,
                    is_time_known asc nulls first
            ) as integer
        ) as event_number
    from events_to_write

)

select
    customer_key,
    event_number,
    occurred_at,
    event_date,
    is_time_known,
    event_kind,
    {{ department_key('department') }} as department_key,
    department,
    from_department,
    channel,
    touchpoint,
    order_id,
    ticket_id,
    ticket_event_number,
    response_id,
    {{ campaign_key('campaign_id') }} as campaign_key,
    campaign_id,
    amount,
    nps_score,
    csat_score,
    ces_score
from numbered
