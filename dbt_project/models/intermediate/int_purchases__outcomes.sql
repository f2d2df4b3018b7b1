with purchases as (

    select
        order_id,
        customer_key,
        order_date,
        ordered_at,
        campaign_id,
        returned_line_amount,
        campaign_id is null and discount_amount <= 0 as is_full_price,
        lead(ordered_at) over (
            partition by customer_key
            order by ordered_at asc nulls last, order_id asc nulls last
        ) as next_ordered_at
    from {{ ref('int_orders__as_of') }}
    where is_purchase and customer_key is not null

),

-- Exports end before the business date where a feed is late: what is not known after its last day has not been seen not
-- to happen.
orders_known as (

    select max(order_date) as known_until
    from {{ ref('int_orders__as_of') }}

),

days as (

    select
        customer_key,
        order_date,
        count(*) as purchases,
        max(case when is_full_price then order_date end) as full_price_date
    from purchases
    group by customer_key, order_date

),

-- As it stood on the evening before: purchases of the same day do not count.
states as (

    select
        customer_key,
        order_date,
        coalesce(
            sum(purchases) over (
                partition by customer_key
                order by order_date asc nulls last
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as earlier_purchases,
        lag(order_date) over (partition by customer_key order by order_date asc nulls last) as last_purchase_date,
        min(full_price_date) over (
            partition by customer_key
            order by order_date asc nulls last
            rows between 1 following and unbounded following
        ) as next_full_price_date
    from days

),

order_categories as (

    select
        order_lines.order_id,
        products.category,
        sum(order_lines.net_amount) as net_amount
    from {{ ref('int_orders__priced') }} as order_lines
    left join {{ ref('stg_crm__products') }} as products on order_lines.product_id = products.product_id
    where order_lines.line_type = 'product' and order_lines.quantity > 0
    group by order_lines.order_id, products.category

),

ranked_categories as (

    select
        order_id,
        category,
        row_number() over (
            partition by order_id
            order by net_amount desc nulls last, category asc nulls last
        ) as place
    from order_categories

),

refunds as (

    select
        order_id,
        min({{ business_date('returned_at') }}) as returned_date
    from {{ ref('stg_crm__returns') }}
    where {{ business_date('returned_at') }} <= {{ as_of_date() }}
    group by order_id

),

complaints as (

    select
        order_id,
        customer_key,
        opened_at,
        opened_date
    from {{ ref('int_tickets__as_of') }}
    where is_complaint

),

-- A complaint is about the order that it names; without one, about the customer's latest purchase.
complained as (

    select
        purchases.order_id,
        min(complaints.opened_date) as complained_date
    from purchases
    inner join complaints on purchases.order_id = complaints.order_id
    group by purchases.order_id

    union all

    select
        purchases.order_id,
        min(complaints.opened_date) as complained_date
    from purchases
    inner join complaints
        on
            purchases.customer_key = complaints.customer_key
            and purchases.ordered_at <= complaints.opened_at
            and (purchases.next_ordered_at > complaints.opened_at or purchases.next_ordered_at is null)
    where complaints.order_id is null
    group by purchases.order_id

),

first_complaints as (

    select
        order_id,
        min(complained_date) as complained_date
    from complained
    group by order_id

),

answers as (

    select
        coalesce(responses.order_id, tickets.order_id) as order_id,
        responses.metric,
        responses.standard_score,
        responses.response_date,
        row_number() over (
            partition by coalesce(responses.order_id, tickets.order_id), responses.metric
            order by
                responses.submitted_at asc nulls last,
                responses.response_id asc nulls last,
                responses.question_id asc nulls last
        ) as place
    from {{ ref('int_responses__scored') }} as responses
    left join {{ ref('int_tickets__as_of') }} as tickets on responses.ticket_id = tickets.ticket_id
    where
        responses.respondent_type = 'external'
        and responses.metric in ('nps', 'csat')
        and responses.standard_score is not null
        and responses.response_date <= {{ as_of_date() }}
        and coalesce(responses.order_id, tickets.order_id) is not null

),

first_answers as (

    select
        order_id,
        max(case when metric = 'nps' then standard_score end) as nps_score,
        max(case when metric = 'nps' then response_date end) as nps_date,
        max(case when metric = 'csat' then standard_score end) as csat_score,
        max(case when metric = 'csat' then response_date end) as csat_date
    from answers
    where place = 1
    group by order_id

),

outcomes as (

    select
        purchases.order_id,
        purchases.customer_key,
        purchases.order_date,
        cast(date_trunc('month', purchases.order_date) as date) as order_month,
        purchases.campaign_id,
        purchases.is_full_price,
        coalesce(ranked_categories.category, '(unknown)') as main_category,
        cast(states.earlier_purchases as bigint) as earlier_purchases,
        {{ days_from_to('states.last_purchase_date', 'purchases.order_date') }} as days_since_last_purchase,
        {{ days_from_to('purchases.order_date', 'orders_known.known_until') }} as days_observed,
        case
            when purchases.returned_line_amount > 0 then 0
            else {{ days_from_to('purchases.order_date', 'refunds.returned_date') }}
        end as days_to_return,
        {{ days_from_to('purchases.order_date', 'first_complaints.complained_date') }} as days_to_complaint,
        {{ days_from_to('purchases.order_date', 'states.next_full_price_date') }} as days_to_next_full_price,
        first_answers.nps_score,
        {{ days_from_to('purchases.order_date', 'first_answers.nps_date') }} as days_to_nps,
        first_answers.csat_score,
        {{ days_from_to('purchases.order_date', 'first_answers.csat_date') }} as days_to_csat
    from purchases
    cross join orders_known
    inner join states on purchases.customer_key = states.customer_key and purchases.order_date = states.order_date
    left join ranked_categories
        on purchases.order_id = ranked_categories.order_id and ranked_categories.place = 1
    left join refunds on purchases.order_id = refunds.order_id
    left join first_complaints on purchases.order_id = first_complaints.order_id
    left join first_answers on purchases.order_id = first_answers.order_id

)

select * from outcomes
