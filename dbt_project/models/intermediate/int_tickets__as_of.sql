with tickets as (

    select
        *,
        {{ business_date('opened_at') }} as opened_date
    from {{ ref('stg_support__tickets') }}

),

matches as (

    select * from {{ ref('int_identity__matches') }}
    where record_type = 'ticket'

),

journeys as (

    select * from {{ ref('int_tickets__journeys') }}

),

-- What happened after the business date has not happened yet.
known as (

    select
        *,
        case when {{ business_date('first_replied_at') }} <= {{ as_of_date() }} then first_replied_at end
            as known_first_replied_at,
        case
            when {{ business_date('coalesce(resolved_at, closed_at)') }} <= {{ as_of_date() }}
                then coalesce(resolved_at, closed_at)
        end as known_resolved_at,
        case when {{ business_date('closed_at') }} <= {{ as_of_date() }} then closed_at end as known_closed_at
    from tickets
    where opened_date <= {{ as_of_date() }}

),

-- A history that tells when the states changed is believed also where it says: not resolved. The ticket's own
-- columns are those of today, and keep the first resolution of a ticket that was opened again.
timed as (

    select
        known.*,
        coalesce(journeys.first_replied_at, known.known_first_replied_at) as replied_at,
        case when journeys.has_status_times then journeys.resolved_at else known.known_resolved_at end as solved_at,
        case when journeys.has_status_times then journeys.closed_at else known.known_closed_at end as final_at,
        case when journeys.has_status_times then 'events' else 'ticket' end as times_from,
        journeys.waiting_for_us_hours,
        coalesce(journeys.reopen_count, known.reopen_count) as known_reopen_count,
        coalesce(journeys.first_department, known.department) as first_department,
        coalesce(known.department, journeys.last_department) as known_department,
        journeys.reply_count,
        coalesce(journeys.assignment_count, 0) as assignment_count,
        coalesce(journeys.distinct_department_count, 0) as distinct_department_count,
        coalesce(journeys.handoff_count, 0) as handoff_count
    from known
    left join journeys on known.ticket_id = journeys.ticket_id

),

enriched as (

    select
        timed.ticket_id,
        matches.customer_key,
        matches.customer_match,
        timed.order_id,
        timed.opened_at,
        timed.opened_date,
        cast({{ hours_from_to('timed.opened_at', 'timed.replied_at') }} as double) as first_reply_hours,
        timed.reply_count,
        cast({{ hours_from_to('timed.opened_at', 'timed.solved_at') }} as double) as resolution_hours,
        timed.waiting_for_us_hours,
        timed.solved_at as resolved_at,
        timed.final_at as closed_at,
        timed.times_from,
        timed.channel,
        timed.category,
        timed.is_complaint,
        timed.priority,
        timed.ticket_status as status,
        timed.first_department,
        timed.known_department as department,
        timed.satisfaction_score,
        cast(timed.known_reopen_count as integer) as reopen_count,
        timed.assignment_count,
        timed.distinct_department_count,
        timed.handoff_count,
        timed.source_name
    from timed
    left join matches on timed.ticket_id = matches.record_id

)

select * from enriched
