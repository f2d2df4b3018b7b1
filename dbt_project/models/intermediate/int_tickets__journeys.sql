with assignments as (

    select * from {{ ref('stg_support__ticket_assignments') }}
    where {{ business_date('assigned_at') }} <= {{ as_of_date() }}

),

-- An assignment to nobody's department is no step: the desks before and after it are neighbours.
department_steps as (

    select
        ticket_id,
        department,
        lag(department) over (
            partition by ticket_id
            order by assigned_at asc nulls first, sequence_number asc nulls first
        ) as previous_department,
        row_number() over (
            partition by ticket_id
            order by assigned_at desc nulls last, sequence_number desc nulls last
        ) as step_from_last
    from assignments
    where department is not null

),

step_totals as (

    select
        ticket_id,
        count(distinct department) as distinct_department_count,
        count(case when department <> previous_department then 1 end) as handoff_count,
        max(case when step_from_last = 1 then department end) as last_department
    from department_steps
    group by ticket_id

),

assignment_totals as (

    select
        ticket_id,
        count(*) as assignment_count
    from assignments
    group by ticket_id

),

journeys as (

    select
        assignment_totals.ticket_id,
        cast(assignment_totals.assignment_count as integer) as assignment_count,
        cast(coalesce(step_totals.distinct_department_count, 0) as integer) as distinct_department_count,
        cast(coalesce(step_totals.handoff_count, 0) as integer) as handoff_count,
        step_totals.last_department
    from assignment_totals
    left join step_totals on assignment_totals.ticket_id = step_totals.ticket_id

)

select * from journeys
