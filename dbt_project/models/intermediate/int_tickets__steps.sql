{#- Each event of a ticket with the desk and the state it had before and after. What is told at one event holds until
    another says otherwise, so an event that names no department, or no state, changes none. -#}

with events as (

    select * from {{ ref('int_tickets__events') }}

),

stretches as (

    select
        *,
        count(department) over (
            partition by ticket_id
            order by event_number asc nulls first
            rows between unbounded preceding and current row
        ) as department_stretch,
        count(ticket_status) over (
            partition by ticket_id
            order by event_number asc nulls first
            rows between unbounded preceding and current row
        ) as status_stretch
    from events

),

-- A stretch holds one value and the events after it that name none.
carried as (

    select
        *,
        max(department) over (partition by ticket_id, department_stretch) as current_department,
        max(ticket_status) over (partition by ticket_id, status_stretch) as current_status
    from stretches

),

compared as (

    select
        *,
        lag(current_department) over (
            partition by ticket_id
            order by event_number asc nulls first
        ) as previous_department,
        lag(current_status) over (
            partition by ticket_id
            order by event_number asc nulls first
        ) as previous_status,
        lead(occurred_at) over (
            partition by ticket_id
            order by event_number asc nulls first
        ) as next_occurred_at,
        row_number() over (
            partition by ticket_id
            order by event_number desc nulls last
        ) as event_from_last
    from carried

),

-- Solved and closed are one here: a ticket that is closed after it was solved was not opened.
steps as (

    select
        ticket_id,
        event_number,
        event_from_last,
        event_id,
        occurred_at,
        next_occurred_at,
        event_kind,
        department,
        previous_department,
        current_department,
        ticket_status,
        previous_status,
        current_status,
        coalesce(department <> previous_department, false) as is_handoff,
        coalesce(ticket_status in ('solved', 'closed'), false)
        and coalesce(previous_status, '') not in ('solved', 'closed') as is_resolution,
        coalesce(ticket_status not in ('solved', 'closed') and previous_status in ('solved', 'closed'), false)
            as is_reopening
    from compared

)

select * from steps
