{%- set shares = {
    'handed_off': 'handed_off', 'first_contact': 'first_contact_resolved', 'reopened': 'reopened'
} -%}

with tickets as (

    select
        cast(date_trunc('month', opened_date) as date) as opened_month,
        coalesce(first_department, '(unknown)') as first_desk,
        -- a ticket of which no desk is told was handed off an unknown number of times, not never
        case when distinct_department_count > 0 then handoff_count end as known_handoffs,
        reopen_count,
        coalesce(reply_count, 1) <= 1 as has_one_reply_at_most,
        resolution_hours is not null as is_resolved,
        first_reply_hours,
        resolution_hours,
        waiting_for_us_hours
    from {{ ref('fct_support_tickets') }}

),

judged as (

    select
        *,
        is_resolved and known_handoffs is not null and reopen_count is not null as is_first_contact_known,
        reopen_count is not null and (is_resolved or reopen_count > 0) as is_reopening_known,
        -- resolved without a reply: the source tells none, or there was nothing to say
        first_reply_hours is not null or not is_resolved as has_or_awaits_reply
    from tickets

),

counted as (

    select
        opened_month,
        first_desk,
        grouping(first_desk) as is_all_departments,
        count(*) as tickets,
        count(case when is_resolved then 1 end) as resolved,

        -- hand-offs
        count(known_handoffs) as handed_off_n,
        coalesce(sum(known_handoffs), 0) as handoffs,
        count(case when known_handoffs = 0 then 1 end) as handoffs_0,
        count(case when known_handoffs = 1 then 1 end) as handoffs_1,
        count(case when known_handoffs = 2 then 1 end) as handoffs_2,
        count(case when known_handoffs >= 3 then 1 end) as handoffs_3_or_more,
        count(case when known_handoffs > 0 then 1 end) as handed_off,

        -- first contact and reopening
        count(case when is_first_contact_known then 1 end) as first_contact_n,
        count(
            case
                when is_first_contact_known and known_handoffs = 0 and reopen_count = 0 and has_one_reply_at_most
                    then 1
            end
        ) as first_contact_resolved,
        count(case when is_reopening_known then 1 end) as reopened_n,
        count(case when is_reopening_known and reopen_count > 0 then 1 end) as reopened,

        -- waiting
        count(case when has_or_awaits_reply then 1 end) as first_reply_n,
        count(first_reply_hours) as first_replied,
        {{ quantile_of_all('first_reply_hours', 'has_or_awaits_reply', 0.5) }} as first_reply_hours_median,
        {{ quantile_of_all('first_reply_hours', 'has_or_awaits_reply', 0.9) }} as first_reply_hours_p90,
        {{ quantile_of_all('resolution_hours', 'true', 0.5) }} as resolution_hours_median,
        {{ quantile_of_all('resolution_hours', 'true', 0.9) }} as resolution_hours_p90,
        count(waiting_for_us_hours) as waiting_n,
        {{ quantile_of_all('waiting_for_us_hours', 'waiting_for_us_hours is not null', 0.5) }}
            as waiting_for_us_hours_median,
        {{ quantile_of_all('waiting_for_us_hours', 'waiting_for_us_hours is not null', 0.9) }}
            as waiting_for_us_hours_p90
    from judged
    group by grouping sets ((opened_month), (opened_month, first_desk))

),

-- A score from too few tickets would be read as news: below the minimum only the counts remain.
counts_to_score as (

    select
        *,
        {% for share in shares %}
        case when {{ share }}_n >= {{ minimum_answers() }} then {{ share }}_n end as {{ share }}_scored_n,
        {% endfor %}
        first_reply_n >= {{ minimum_answers() }} as is_reply_shown,
        tickets >= {{ minimum_answers() }} as is_resolution_shown,
        waiting_n >= {{ minimum_answers() }} as is_waiting_shown
    from counted

),

scored as (

    select
        opened_month as month,
        case when is_all_departments = 1 then 'month' else 'month_department' end as level,
        case when is_all_departments = 1 then '(all)' else first_desk end as department,
        cast(tickets as bigint) as tickets,
        cast(resolved as bigint) as resolved,
        cast(handoffs as bigint) as handoffs,
        cast(handoffs_0 as bigint) as handoffs_0,
        cast(handoffs_1 as bigint) as handoffs_1,
        cast(handoffs_2 as bigint) as handoffs_2,
        cast(handoffs_3_or_more as bigint) as handoffs_3_or_more,
        {% for share, successes in shares.items() %}
        cast({{ share }}_n as bigint) as {{ share }}_n,
        cast({{ successes }} as bigint) as {{ successes }},
        round({{ percentage(successes, share ~ '_scored_n') }}, 4) as {{ share }}_share,
        round({{ wilson(successes, share ~ '_scored_n', -1) }}, 4) as {{ share }}_share_lower,
        round({{ wilson(successes, share ~ '_scored_n', 1) }}, 4) as {{ share }}_share_upper,
        {% endfor %}
        cast(first_reply_n as bigint) as first_reply_n,
        cast(first_replied as bigint) as first_replied,
        cast(waiting_n as bigint) as waiting_n,
        case when is_reply_shown then round(first_reply_hours_median, 4) end as first_reply_hours_median,
        case when is_reply_shown then round(first_reply_hours_p90, 4) end as first_reply_hours_p90,
        case when is_resolution_shown then round(resolution_hours_median, 4) end as resolution_hours_median,
        case when is_resolution_shown then round(resolution_hours_p90, 4) end as resolution_hours_p90,
        case when is_waiting_shown then round(waiting_for_us_hours_median, 4) end as waiting_for_us_hours_median,
        case when is_waiting_shown then round(waiting_for_us_hours_p90, 4) end as waiting_for_us_hours_p90
    from counts_to_score

)

select * from scored
