{#- What was said or sent back, by the order or line that it speaks of. Few orders have any. -#}

with rules as (

    select * from {{ ref('int_sales_quality__rules') }}

),

orders as (

    select * from {{ ref('fct_orders') }}

),

-- The part that came back so far, after each return: decimals add up to the same in any order.
returned_so_far as (

    select
        refunds.order_id,
        refunds.line_number,
        refunds.returned_date,
        rules.rule_bit,
        rules.threshold,
        sum(cast(refunds.returned_share as decimal(18, 6))) over (
            partition by refunds.order_id, refunds.line_number
            order by refunds.returned_date asc nulls last
        ) as returned_share
    from {{ ref('int_sales_quality__refunds') }} as refunds
    inner join rules on rules.evidence = 'refund'
    where {{ days_from_to('refunds.order_date', 'refunds.returned_date') }} <= rules.window_days

),

statements as (

    select
        rules.rule_bit,
        rules.window_days,
        concat('ticket ', tickets.ticket_id) as statement_id,
        tickets.order_id,
        tickets.customer_key,
        tickets.opened_at as said_at,
        tickets.opened_date as said_date
    from {{ ref('fct_support_tickets') }} as tickets
    inner join rules on rules.evidence = 'complaint'
    where tickets.is_complaint

    union all

    select
        rules.rule_bit,
        rules.window_days,
        concat('answer ', responses.response_id, ' ', responses.question_id, ' ', responses.source_name)
            as statement_id,
        coalesce(responses.order_id, tickets.order_id) as order_id,
        responses.customer_key,
        responses.submitted_at as said_at,
        responses.response_date as said_date
    from {{ ref('fct_survey_responses') }} as responses
    inner join rules
        on
            responses.metric = rules.evidence_value
            and (
                rules.evidence = 'score_at_most' and responses.standard_score <= rules.threshold
                or rules.evidence = 'score_at_least' and responses.standard_score >= rules.threshold
            )
    left join {{ ref('fct_support_tickets') }} as tickets on responses.ticket_id = tickets.ticket_id
    where responses.respondent_type = 'external'

),

about_their_order as (

    select
        statements.rule_bit,
        orders.order_id,
        statements.said_date
    from statements
    inner join orders on statements.order_id = orders.order_id
    where {{ days_from_to('orders.order_date', 'statements.said_date') }} <= statements.window_days

),

-- What names no order, or none that is known, speaks of the latest purchase before it.
purchases_before as (

    select
        statements.rule_bit,
        statements.statement_id,
        statements.said_date,
        purchases.order_id,
        row_number() over (
            partition by statements.statement_id, statements.rule_bit
            order by purchases.ordered_at desc nulls last, purchases.order_id desc nulls last
        ) as place
    from statements
    inner join orders as purchases
        on
            statements.customer_key = purchases.customer_key
            and statements.said_at >= purchases.ordered_at
            and {{ days_from_to('purchases.order_date', 'statements.said_date') }} <= statements.window_days
    left join orders as named on statements.order_id = named.order_id
    where purchases.is_purchase and named.order_id is null

),

evidence as (

    select
        rule_bit,
        order_id,
        line_number,
        returned_date as evidence_date
    from returned_so_far
    where returned_share >= threshold

    union all

    select
        rule_bit,
        order_id,
        cast(null as bigint) as line_number,
        said_date as evidence_date
    from about_their_order

    union all

    select
        rule_bit,
        order_id,
        cast(null as bigint) as line_number,
        said_date as evidence_date
    from purchases_before
    where place = 1

),

first_of_each_rule as (

    select
        order_id,
        line_number,
        rule_bit,
        min(evidence_date) as evidence_date
    from evidence
    group by order_id, line_number, rule_bit

)

select
    order_id,
    line_number,
    cast(sum(rule_bit) as bigint) as rule_bits,
    min(rule_bit) as first_rule_bit,
    min_by(evidence_date, rule_bit) as first_rule_date
from first_of_each_rule
group by order_id, line_number
