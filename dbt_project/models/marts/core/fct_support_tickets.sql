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

enriched as (

    select
        known.ticket_id,
        matches.customer_key,
        matches.customer_match,
        known.order_id,
        known.opened_at,
        known.opened_date,
        cast({{ hours_from_to('known.opened_at', 'known.known_first_replied_at') }} as double) as first_reply_hours,
        cast({{ hours_from_to('known.opened_at', 'known.known_resolved_at') }} as double) as resolution_hours,
        known.known_closed_at as closed_at,
        known.channel,
        known.category,
        known.is_complaint,
        known.priority,
        known.ticket_status as status,
        coalesce(known.department, journeys.last_department) as department,
        known.satisfaction_score,
        cast(known.reopen_count as integer) as reopen_count,
        coalesce(journeys.assignment_count, 0) as assignment_count,
        coalesce(journeys.distinct_department_count, 0) as distinct_department_count,
        coalesce(journeys.handoff_count, 0) as handoff_count,
        known.source_name
    from known
    left join matches on known.ticket_id = matches.record_id
    left join journeys on known.ticket_id = journeys.ticket_id

)

select * from enriched
