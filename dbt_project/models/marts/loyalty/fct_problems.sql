{#- Evidence of problems from all sides, one problem per order, with the complaint about it and the next purchase. -#}

with rules as (

    select * from {{ ref('problem_rules') }}

),

orders as (

    select
        *,
        {{ business_date('promised_at') }} as promised_date
    from {{ ref('fct_orders') }}
    where customer_key is not null

),

-- Exports end before the business date where a feed is late or was closed. What is not known after its last day has not
-- been seen not to happen. A source that never tells of arrivals, or of resolutions, does not say that there were none.
telling_order_sources as (

    select
        source_name,
        max(order_date) as known_until
    from {{ ref('fct_orders') }}
    group by source_name
    having count(delivered_at) > 0

),

purchases_known as (

    select coalesce(max(order_date), {{ as_of_date() }}) as known_until
    from {{ ref('fct_orders') }}

),

tickets as (

    select * from {{ ref('fct_support_tickets') }}
    where customer_key is not null

),

telling_ticket_sources as (

    select
        source_name,
        max(opened_date) as known_until
    from {{ ref('fct_support_tickets') }}
    group by source_name
    having count(resolution_hours) > 0

),

overdue_orders as (

    select
        orders.*,
        orders.delivered_at is null as is_undelivered,
        coalesce(
            orders.delivery_delay_days,
            {{ days_from_to('orders.promised_date', 'telling_order_sources.known_until') }}
        ) as overdue_days
    from orders
    left join telling_order_sources on orders.source_name = telling_order_sources.source_name
    where
        orders.delivery_delay_days is not null
        or orders.delivered_at is null and not orders.is_cancelled and telling_order_sources.source_name is not null

),

-- What customers wrote beside a low score; the words may stand under a question of their own.
worded_responses as (

    select
        response_id,
        source_name
    from {{ ref('fct_survey_responses') }}
    where respondent_type = 'external' and has_comment
    group by response_id, source_name

),

-- A low score for the handling of a complaint is no evidence: only those who complain can give it.
low_scores as (

    select
        rules.rule,
        responses.customer_key,
        coalesce(responses.order_id, tickets.order_id) as order_id,
        responses.ticket_id,
        responses.response_id,
        responses.source_name,
        responses.department,
        responses.submitted_at,
        worded_responses.response_id is not null as has_words
    from {{ ref('fct_survey_responses') }} as responses
    inner join rules
        on
            rules.evidence = 'score'
            and responses.metric = rules.evidence_value
            and responses.standard_score <= rules.threshold
    left join tickets on responses.ticket_id = tickets.ticket_id
    left join worded_responses
        on responses.response_id = worded_responses.response_id and responses.source_name = worded_responses.source_name
    where
        responses.respondent_type = 'external'
        and responses.customer_key is not null
        and not coalesce(tickets.is_complaint, false)

),

evidence as (

    select
        rules.rule,
        orders.customer_key,
        concat('order ', orders.order_id) as problem_id,
        orders.order_id,
        orders.department,
        orders.ordered_at as happened_at,
        0 as has_words
    from orders
    inner join rules on rules.evidence = 'order_status' and orders.order_status = rules.evidence_value

    union all

    select
        rules.rule,
        overdue_orders.customer_key,
        concat('order ', overdue_orders.order_id) as problem_id,
        overdue_orders.order_id,
        overdue_orders.department,
        overdue_orders.promised_at as happened_at,
        0 as has_words
    from overdue_orders
    inner join rules
        on
            overdue_orders.overdue_days >= rules.threshold
            and (rules.evidence = 'late_days' or rules.evidence = 'undelivered_days' and overdue_orders.is_undelivered)

    union all

    select
        rules.rule,
        orders.customer_key,
        concat('order ', orders.order_id) as problem_id,
        orders.order_id,
        orders.department,
        returns.returned_at as happened_at,
        0 as has_words
    from {{ ref('stg_crm__returns') }} as returns
    inner join orders on returns.order_id = orders.order_id
    inner join rules on rules.evidence = 'return'
    where {{ business_date('returns.returned_at') }} <= {{ as_of_date() }}

    union all

    select
        rules.rule,
        lines.customer_key,
        concat('order ', lines.order_id) as problem_id,
        lines.order_id,
        lines.department,
        lines.ordered_at as happened_at,
        0 as has_words
    from {{ ref('fct_order_lines') }} as lines
    inner join rules
        on
            rules.evidence = 'returned_line' and lines.is_return
            or rules.evidence = 'line_type' and lines.line_type = rules.evidence_value and lines.net_amount > 0
    where
        lines.customer_key is not null
        and not lines.is_cancelled
        and (lines.is_return or lines.line_type <> 'product') -- most lines are neither, and need not meet the rules

    union all

    select
        rules.rule,
        tickets.customer_key,
        case
            when tickets.order_id is not null then concat('order ', tickets.order_id)
            else concat('ticket ', tickets.ticket_id)
        end as problem_id,
        tickets.order_id,
        tickets.department,
        tickets.opened_at as happened_at,
        0 as has_words
    from tickets
    inner join telling_ticket_sources on tickets.source_name = telling_ticket_sources.source_name
    inner join rules
        on
            rules.evidence = 'unresolved_days'
            and coalesce(
                tickets.resolution_hours / 24,
                {{ days_from_to('tickets.opened_date', 'telling_ticket_sources.known_until') }}
            ) > rules.threshold
    where not coalesce(tickets.is_complaint, false)

    union all

    select
        rule,
        customer_key,
        case
            when order_id is not null then concat('order ', order_id)
            when ticket_id is not null then concat('ticket ', ticket_id)
            else concat('response ', response_id, ' ', source_name)
        end as problem_id,
        order_id,
        department,
        submitted_at as happened_at,
        case when has_words then 1 else 0 end as has_words
    from low_scores

),

ranked as (

    select
        evidence.*,
        rules.problem_kind,
        rules.is_from_order,
        rules.is_voiced,
        rules.complaint_window_days,
        rules.resolution_days,
        row_number() over (
            partition by evidence.problem_id
            order by
                rules.rank asc nulls last,
                evidence.happened_at asc nulls last,
                evidence.rule asc nulls last,
                evidence.customer_key asc nulls last,
                evidence.department asc nulls last
        ) as place
    from evidence
    inner join rules on evidence.rule = rules.rule

),

problems as (

    select
        problem_id,
        max(case when place = 1 then customer_key end) as customer_key,
        max(case when place = 1 then problem_kind end) as problem_kind,
        max(case when place = 1 and is_from_order then 1 else 0 end) = 1 as is_from_order,
        max(case when place = 1 and is_voiced then 1 else 0 end) = 1 as is_voiced,
        max(case when place = 1 then department end) as department,
        max(order_id) as order_id,
        min(happened_at) as happened_at,
        {{ business_date('min(happened_at)') }} as happened_date,
        cast(count(distinct problem_kind) as integer) as kind_count,
        max(complaint_window_days) as complaint_window_days,
        max(resolution_days) as resolution_days,
        max(has_words) = 1 as has_words
    from ranked
    group by problem_id

),

-- A complaint is about the order that it names; without one, about the customer's problem that is nearest in time.
complaints_about as (

    select
        complaints.ticket_id,
        complaints.opened_at,
        complaints.opened_date,
        complaints.resolution_hours,
        problems.problem_id,
        0 as seconds_apart
    from tickets as complaints
    inner join problems on complaints.order_id = problems.order_id
    where complaints.is_complaint

    union all

    select
        complaints.ticket_id,
        complaints.opened_at,
        complaints.opened_date,
        complaints.resolution_hours,
        problems.problem_id,
        abs({{ seconds_from_to('problems.happened_at', 'complaints.opened_at') }}) as seconds_apart
    from tickets as complaints
    inner join problems on complaints.customer_key = problems.customer_key
    where
        complaints.is_complaint
        and complaints.order_id is null
        and abs({{ days_from_to('problems.happened_date', 'complaints.opened_date') }})
        <= problems.complaint_window_days

),

nearest as (

    select
        *,
        row_number() over (
            partition by ticket_id
            order by seconds_apart asc nulls last, problem_id asc nulls last
        ) as place
    from complaints_about

),

-- Whoever writes again has not been helped before: the latest complaint decides.
complaints as (

    select
        *,
        row_number() over (
            partition by problem_id
            order by opened_at desc nulls last, ticket_id desc nulls last
        ) as place_from_last
    from nearest
    where place = 1

),

complained as (

    select
        problem_id,
        cast(count(*) as integer) as complaint_count,
        min(opened_date) as first_complaint_date,
        max(case when place_from_last = 1 then ticket_id end) as complaint_ticket_id,
        max(case when place_from_last = 1 then resolution_hours end) as resolution_hours
    from complaints
    group by problem_id

),

around as (

    select
        problems.problem_id,
        min(
            case
                when
                    orders.is_purchase
                    and orders.ordered_at > problems.happened_at
                    and orders.order_id <> coalesce(problems.order_id, '')
                    then orders.order_date
            end
        ) as next_purchase_date,
        sum(
            case
                when
                    not orders.is_cancelled
                    and orders.order_date <= problems.happened_date
                    and orders.order_date > {{ one_year_before('problems.happened_date') }}
                    then orders.net_amount - orders.refunded_amount
            end
        ) as revenue_before
    from problems
    inner join orders on problems.customer_key = orders.customer_key
    group by problems.problem_id

),

facts as (

    select
        problems.problem_id,
        problems.customer_key,
        problems.problem_kind,
        problems.kind_count,
        problems.is_from_order,
        problems.is_voiced,
        problems.happened_at,
        problems.happened_date,
        {{ department_key('problems.department') }} as department_key,
        problems.department,
        problems.order_id,
        complained.complaint_ticket_id,
        coalesce(complained.complaint_count, 0) as complaint_count,
        complained.first_complaint_date,
        case
            when complained.problem_id is null and problems.has_words then 'told_in_survey'
            when complained.problem_id is null then 'never_voiced'
            when coalesce(complained.resolution_hours <= 24 * problems.resolution_days, false) then 'resolved'
            else 'unresolved'
        end as outcome,
        {{ days_from_to('problems.happened_date', 'purchases_known.known_until') }}
        >= problems.complaint_window_days + problems.resolution_days as is_decided,
        around.next_purchase_date,
        greatest(
            {{ days_from_to(
                'problems.happened_date', 'coalesce(around.next_purchase_date, purchases_known.known_until)'
            ) }},
            0
        ) as followed_days,
        cast(coalesce(around.revenue_before, 0) as decimal(18, 4)) as revenue_12m_before
    from problems
    cross join purchases_known
    left join complained on problems.problem_id = complained.problem_id
    left join around on problems.problem_id = around.problem_id

)

select * from facts
