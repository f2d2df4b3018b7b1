with events as (

    select * from {{ ref('int_tickets__events') }}

),

-- An event that names no department is no step: the desks before and after it are neighbours.
department_steps as (

    select
        ticket_id,
        event_kind,
        department,
        lag(department) over (
            partition by ticket_id
            order by event_number asc nulls first
        ) as previous_department,
        row_number() over (
            partition by ticket_id
            order by event_number desc nulls last
        ) as step_from_last
    from events
    where department is not null

),

department_totals as (

    select
        ticket_id,
        count(distinct department) as distinct_department_count,
        count(case when department <> previous_department then 1 end) as handoff_count,
        count(
            case
                when event_kind <> 'assigned' and (previous_department is null or department <> previous_department)
                    then 1
            end
        ) as other_assignment_count,
        max(case when step_from_last = 1 then department end) as last_department
    from department_steps
    group by ticket_id

),

-- The same for states. Solved and closed are one here: a ticket that is closed after it was solved was not opened.
status_steps as (

    select
        ticket_id,
        occurred_at,
        ticket_status,
        ticket_status in ('solved', 'closed') as is_resolved,
        lag(ticket_status) over (
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
        ) as step_from_last
    from events
    where ticket_status is not null

),

status_totals as (

    select
        ticket_id,
        max(case when step_from_last = 1 then ticket_status end) as last_status,
        count(case when not is_resolved and previous_status in ('solved', 'closed') then 1 end) as reopen_count,
        count(occurred_at) as timed_status_count,
        max(case when is_resolved and coalesce(previous_status, '') not in ('solved', 'closed') then occurred_at end)
            as last_resolved_at,
        max(case when ticket_status = 'closed' and coalesce(previous_status, '') <> 'closed' then occurred_at end)
            as last_closed_at,
        sum(
            case
                when ticket_status in ('new', 'open') then {{ seconds_from_to('occurred_at', 'next_occurred_at') }}
            end
        ) as open_seconds
    from status_steps
    group by ticket_id

),

tickets as (

    select
        ticket_id,
        opened_at
    from {{ ref('stg_support__tickets') }}

),

-- What is written at the opening itself is the question, also where a colleague notes it down for the customer.
event_totals as (

    select
        events.ticket_id,
        count(case when events.event_kind = 'assigned' then 1 end) as assigned_count,
        min(
            case
                when events.event_kind = 'agent_replied' and events.occurred_at > tickets.opened_at
                    then events.occurred_at
            end
        ) as first_replied_at
    from events
    left join tickets on events.ticket_id = tickets.ticket_id
    group by events.ticket_id

),

journeys as (

    select
        event_totals.ticket_id,
        event_totals.first_replied_at,
        case when status_totals.last_status in ('solved', 'closed') then status_totals.last_resolved_at end
            as resolved_at,
        case when status_totals.last_status = 'closed' then status_totals.last_closed_at end as closed_at,
        coalesce(status_totals.timed_status_count, 0) > 0 as has_status_times,
        cast(status_totals.reopen_count as integer) as reopen_count,
        cast(
            case when status_totals.last_status in ('solved', 'closed') then status_totals.open_seconds end / 3600.0
            as double
        ) as waiting_for_us_hours,
        cast(event_totals.assigned_count + coalesce(department_totals.other_assignment_count, 0) as integer)
            as assignment_count,
        cast(coalesce(department_totals.distinct_department_count, 0) as integer) as distinct_department_count,
        cast(coalesce(department_totals.handoff_count, 0) as integer) as handoff_count,
        department_totals.last_department
    from event_totals
    left join department_totals on event_totals.ticket_id = department_totals.ticket_id
    left join status_totals on event_totals.ticket_id = status_totals.ticket_id

)

select * from journeys
