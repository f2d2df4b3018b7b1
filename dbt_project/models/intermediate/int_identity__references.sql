{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['record_type', 'record_id'],
        on_schema_change='fail'
    )
}}

with tickets as (

    select * from {{ ref('stg_support__tickets') }}
    {% if is_incremental() %}
    where load_id > {{ newest_load_in_this() }}
    {% endif %}

),

invitations as (

    select * from {{ ref('stg_survey__invitations') }}
    {% if is_incremental() %}
    where load_id > {{ newest_load_in_this() }}
    {% endif %}

),

{% if is_incremental() %}
-- All answers of a response are needed again when one of them is new or corrected.
touched_responses as (

    select distinct response_id
    from {{ ref('stg_survey__responses') }}
    where load_id > {{ newest_load_in_this() }}

),

{% endif %}
answers as (

    select * from {{ ref('stg_survey__responses') }}
    {% if is_incremental() %}
    where response_id in (select touched_responses.response_id from touched_responses)
    {% endif %}

),

-- One person hands in one response. Where its answers name several, the last in text order stands for them.
-- Two tools can number their responses alike, so a source is part of the name.
responses as (

    select
        source_name,
        response_id,
        max(customer_id) as customer_id,
        max(order_id) as order_id,
        max(ticket_id) as ticket_id,
        max(invitation_id) as invitation_id,
        max(email) as email,
        max(phone) as phone,
        max(case when respondent_type = 'internal' then 1 else 0 end) = 1 as is_colleague,
        max(submitted_at) as occurred_at,
        max(load_id) as load_id
    from answers
    group by source_name, response_id

),

combined as (

    select
        'ticket' as record_type,
        source_name,
        ticket_id as record_id,
        customer_id,
        order_id,
        cast(null as string) as ticket_id,
        cast(null as string) as invitation_id,
        email,
        phone,
        false as is_colleague,
        opened_at as occurred_at,
        load_id
    from tickets
    union all
    select
        'invitation' as record_type,
        source_name,
        invitation_id as record_id,
        customer_id,
        cast(null as string) as order_id,
        cast(null as string) as ticket_id,
        cast(null as string) as invitation_id,
        email,
        phone,
        false as is_colleague,
        sent_at as occurred_at,
        load_id
    from invitations
    union all
    select
        'response' as record_type,
        source_name,
        response_id as record_id,
        customer_id,
        order_id,
        ticket_id,
        invitation_id,
        email,
        phone,
        is_colleague,
        occurred_at,
        load_id
    from responses

),

normalised as (

    select
        record_type,
        source_name,
        record_id,
        customer_id,
        order_id,
        ticket_id,
        invitation_id,
        {{ normalised_email('email') }} as email,
        {{ normalised_phone('phone') }} as phone,
        is_colleague,
        {{ business_date('occurred_at') }} as occurred_date,
        load_id
    from combined

)

select * from normalised
