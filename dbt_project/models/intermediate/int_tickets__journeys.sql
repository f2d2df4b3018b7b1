with steps as (

    select * from {{ ref('int_tickets__steps') }}

),

tickets as (

    select
        ticket_id,
        opened_at
    from {{ ref('stg_support__tickets') }}

),

totals as (

    select
        steps.ticket_id,

        -- departments
        count(case when steps.event_kind = 'assigned' then 1 end) as assigned_count,
        count(
            case
                when
                    steps.event_kind <> 'assigned'
                    and steps.department is not null
                    and (steps.previous_department is null or steps.is_handoff)
                    then 1
            end
        ) as other_assignment_count,
        count(distinct steps.department) as distinct_department_count,
        count(case when steps.is_handoff then 1 end) as handoff_count,
        max(case when steps.previous_department is null then steps.department end) as first_department,
        max(case when steps.event_from_last = 1 then steps.current_department end) as last_department,

        -- answers: what is written at the opening itself is the question, also where a colleague notes it down
        min(
            case
                when steps.event_kind = 'agent_replied' and steps.occurred_at > tickets.opened_at
                    then steps.occurred_at
            end
        ) as first_replied_at,
        count(
            case when steps.event_kind = 'agent_replied' and steps.occurred_at > tickets.opened_at then 1 end
        ) as reply_count,

        -- states
        max(case when steps.event_from_last = 1 then steps.current_status end) in ('solved', 'closed') as is_resolved,
        max(case when steps.event_from_last = 1 then steps.current_status end) = 'closed' as is_closed,
        count(steps.ticket_status) as status_count,
        count(case when steps.ticket_status is not null then steps.occurred_at end) as timed_status_count,
        count(case when steps.is_reopening then 1 end) as reopen_count,
        max(case when steps.is_resolution then steps.occurred_at end) as last_resolved_at,
        max(
            case
                when steps.ticket_status = 'closed' and coalesce(steps.previous_status, '') <> 'closed'
                    then steps.occurred_at
            end
        ) as last_closed_at,
        sum(
            case
                when steps.current_status in ('new', 'open')
                    then {{ seconds_from_to('steps.occurred_at', 'steps.next_occurred_at') }}
            end
        ) as open_seconds
    from steps
    left join tickets on steps.ticket_id = tickets.ticket_id
    group by steps.ticket_id

),

journeys as (

    select
        ticket_id,
        first_replied_at,
        -- a history without a single answer may be one that does not tell answers
        cast(nullif(reply_count, 0) as integer) as reply_count,
        case when is_resolved then last_resolved_at end as resolved_at,
        case when is_closed then last_closed_at end as closed_at,
        timed_status_count > 0 as has_status_times,
        cast(case when status_count > 0 then reopen_count end as integer) as reopen_count,
        cast(case when is_resolved then open_seconds end / 3600.0 as double) as waiting_for_us_hours,
        cast(assigned_count + other_assignment_count as integer) as assignment_count,
        cast(distinct_department_count as integer) as distinct_department_count,
        cast(handoff_count as integer) as handoff_count,
        first_department,
        last_department
    from totals

)

select * from journeys
