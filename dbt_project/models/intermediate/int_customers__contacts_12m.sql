{{ config(materialized='view') }}

with unresolved_rule as (

    select min(threshold) as unresolved_days
    from {{ ref('problem_rules') }}
    where evidence = 'unresolved_days'

),

repeat_rule as (

    select window_days
    from {{ ref('value_equation_parts') }}
    where part = 'repeat_contacts'

),

-- A source that never tells of replies, resolutions or desks does not say that there were none.
telling_sources as (

    select
        source_name,
        max(opened_date) as known_until,
        count(first_reply_hours) > 0 as tells_replies,
        count(resolution_hours) > 0 as tells_resolutions,
        max(assignment_count) > 0 as tells_departments
    from {{ ref('int_tickets__as_of') }}
    group by source_name

),

tickets as (

    select
        *,
        lag(opened_date) over (
            partition by customer_key
            order by opened_at asc nulls last, ticket_id asc nulls last
        ) as previous_opened_date
    from {{ ref('int_tickets__as_of') }}
    where customer_key is not null

),

-- Who still waits has waited until the last day that is known. Decimals, because sums of them have no order.
waited as (

    select
        tickets.*,
        telling_sources.tells_departments,
        cast(
            case
                when telling_sources.tells_resolutions
                    then greatest(
                        coalesce(
                            tickets.resolution_hours,
                            24 * {{ days_from_to('tickets.opened_date', 'telling_sources.known_until') }}
                        ),
                        0
                    )
            end as decimal(18, 4)
        ) as resolution_wait_hours,
        cast(
            case
                when telling_sources.tells_replies
                    then greatest(
                        coalesce(
                            tickets.first_reply_hours,
                            tickets.resolution_hours,
                            24 * {{ days_from_to('tickets.opened_date', 'telling_sources.known_until') }}
                        ),
                        0
                    )
            end as decimal(18, 4)
        ) as first_reply_wait_hours
    from tickets
    left join telling_sources on tickets.source_name = telling_sources.source_name
    where tickets.opened_date > {{ one_year_before(as_of_date()) }}

),

-- A contact is judged once it was resolved or should have been.
judged as (

    select
        waited.*,
        coalesce(
            waited.resolution_wait_hours <= 24 * unresolved_rule.unresolved_days
            and waited.resolution_hours is not null
            and coalesce(waited.reopen_count, 0) = 0,
            false
        ) as is_solved,
        coalesce(
            waited.resolution_wait_hours is not null
            and (
                waited.resolution_hours is not null
                or waited.resolution_wait_hours > 24 * unresolved_rule.unresolved_days
            ),
            false
        ) as is_judged,
        coalesce(
            {{ days_from_to('waited.previous_opened_date', 'waited.opened_date') }} <= repeat_rule.window_days, false
        ) as is_repeat
    from waited
    cross join unresolved_rule
    left join repeat_rule on true

),

by_customer as (

    select
        customer_key,
        count(*) as contact_count,
        count(case when is_judged then 1 end) as judged_contact_count,
        count(case when is_judged and is_solved then 1 end) as solved_contact_count,
        sum(first_reply_wait_hours) as first_reply_wait_hours,
        sum(resolution_wait_hours) as resolution_wait_hours,
        sum(case when tells_departments then handoff_count end) as hand_off_count,
        sum(case when is_repeat then 1 else 0 end + coalesce(reopen_count, 0)) as repeat_contact_count
    from judged
    group by customer_key

)

select * from by_customer
