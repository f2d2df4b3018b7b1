{#- What happened to each ticket by the business date, from both ways of telling it, numbered in one order that does
    not depend on the order of arrival. -#}

with events as (

    select * from {{ ref('stg_support__ticket_events') }}
    where occurred_at is null or {{ business_date('occurred_at') }} <= {{ as_of_date() }}

),

requesters as (

    select distinct
        ticket_id,
        agent_id
    from events
    where event_kind = 'created' and agent_id is not null

),

-- Many tools keep one list of replies and do not say whose they are: what the one who asked writes is no answer.
told as (

    select
        events.ticket_id,
        events.event_id,
        events.occurred_at,
        events.sequence_number,
        case
            when events.event_kind = 'agent_replied' and requesters.agent_id is not null then 'customer_replied'
            else events.event_kind
        end as event_kind,
        events.department,
        events.ticket_status
    from events
    left join requesters
        on events.ticket_id = requesters.ticket_id and events.agent_id = requesters.agent_id

),

told_departments as (

    select distinct ticket_id from told
    where department is not null

),

-- A hand-off told by events and by assignments is one: assignments count where the events name no department.
assignments as (

    select
        assigned.ticket_id,
        concat('assignment ', cast(assigned.sequence_number as string)) as event_id,
        assigned.assigned_at as occurred_at,
        assigned.sequence_number,
        'assigned' as event_kind,
        assigned.department,
        cast(null as string) as ticket_status
    from {{ ref('stg_support__ticket_assignments') }} as assigned
    left join told_departments on assigned.ticket_id = told_departments.ticket_id
    where
        told_departments.ticket_id is null
        and {{ business_date('assigned.assigned_at') }} <= {{ as_of_date() }}

),

told_either_way as (

    select * from told
    union all
    select * from assignments

),

numbered as (

    select
        *,
        row_number() over (
            partition by ticket_id
            order by occurred_at asc nulls first, sequence_number asc nulls first, event_id asc nulls first
        ) as event_number
    from told_either_way

)

select * from numbered
