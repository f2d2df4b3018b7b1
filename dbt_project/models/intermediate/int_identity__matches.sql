{#- The declared order of the evidence: account, order, ticket, e-mail, telephone. The first that names exactly one
    person wins; where none does, the reason is that of the strongest reference that was given. -#}

with accounts as (

    select * from {{ ref('int_identity__accounts') }}

),

orders as (

    select
        order_id,
        customer_key
    from {{ ref('int_orders__totals') }}

),

addresses as (

    select * from {{ ref('int_identity__addresses') }}

),

tickets as (

    select
        ticket_id,
        customer_id,
        order_id,
        {{ normalised_email('email') }} as email,
        {{ telephone_digits('email') }} as phone_digits
    from {{ ref('stg_support__tickets') }}

),

ticket_evidence as (

    select
        tickets.ticket_id,
        tickets.customer_id,
        tickets.order_id,
        tickets.email,
        {{ is_telephone('tickets.phone_digits') }} as has_phone,
        accounts.customer_key as account_customer_key,
        orders.order_id as known_order_id,
        orders.customer_key as order_customer_key,
        emails.customer_key as email_customer_key,
        emails.is_shared as is_shared_email,
        phones.customer_key as phone_customer_key,
        phones.is_shared as is_shared_phone
    from tickets
    left join accounts on tickets.customer_id = accounts.customer_id
    left join orders on tickets.order_id = orders.order_id
    left join addresses as emails on tickets.email = emails.address and emails.address_kind = 'email'
    left join addresses as phones on tickets.phone_digits = phones.address and phones.address_kind = 'phone'

),

ticket_matches as (

    select
        ticket_id,
        coalesce(
            account_customer_key, order_customer_key, email_customer_key, phone_customer_key
        ) as customer_key,
        case
            when account_customer_key is not null then 'customer_id'
            when order_customer_key is not null then 'order'
            when email_customer_key is not null then 'email'
            when phone_customer_key is not null then 'phone'
            when customer_id is not null then 'unknown customer_id'
            when known_order_id is not null then 'anonymous order'
            when order_id is not null then 'unknown order'
            when is_shared_email then 'shared email'
            when email is not null then 'unknown email'
            when is_shared_phone then 'shared phone'
            when has_phone then 'unknown phone'
            else 'no reference'
        end as customer_match
    from ticket_evidence

),

responses as (

    select
        response_id,
        question_id,
        customer_id,
        order_id,
        ticket_id,
        coalesce(respondent_type = 'internal', false) as is_colleague,
        {{ normalised_email('email') }} as email,
        {{ telephone_digits('email') }} as phone_digits
    from {{ ref('stg_survey__responses') }}

),

response_evidence as (

    select
        responses.response_id,
        responses.question_id,
        responses.is_colleague,
        responses.customer_id,
        responses.order_id,
        responses.ticket_id,
        responses.email,
        {{ is_telephone('responses.phone_digits') }} as has_phone,
        accounts.customer_key as account_customer_key,
        orders.order_id as known_order_id,
        orders.customer_key as order_customer_key,
        ticket_matches.ticket_id as known_ticket_id,
        ticket_matches.customer_key as ticket_customer_key,
        emails.customer_key as email_customer_key,
        emails.is_shared as is_shared_email,
        phones.customer_key as phone_customer_key,
        phones.is_shared as is_shared_phone
    from responses
    left join accounts on responses.customer_id = accounts.customer_id
    left join orders on responses.order_id = orders.order_id
    left join ticket_matches on responses.ticket_id = ticket_matches.ticket_id
    left join addresses as emails on responses.email = emails.address and emails.address_kind = 'email'
    left join addresses as phones on responses.phone_digits = phones.address and phones.address_kind = 'phone'

),

-- A colleague who is also a customer answers here as a colleague.
response_matches as (

    select
        response_id,
        question_id,
        case
            when not is_colleague
                then coalesce(
                    account_customer_key,
                    order_customer_key,
                    ticket_customer_key,
                    email_customer_key,
                    phone_customer_key
                )
        end as customer_key,
        case
            when is_colleague then 'colleague'
            when account_customer_key is not null then 'customer_id'
            when order_customer_key is not null then 'order'
            when ticket_customer_key is not null then 'ticket'
            when email_customer_key is not null then 'email'
            when phone_customer_key is not null then 'phone'
            when customer_id is not null then 'unknown customer_id'
            when known_order_id is not null then 'anonymous order'
            when order_id is not null then 'unknown order'
            when known_ticket_id is not null then 'anonymous ticket'
            when ticket_id is not null then 'unknown ticket'
            when is_shared_email then 'shared email'
            when email is not null then 'unknown email'
            when is_shared_phone then 'shared phone'
            when has_phone then 'unknown phone'
            else 'no reference'
        end as customer_match
    from response_evidence

),

matches as (

    select
        'ticket' as record_type,
        ticket_id as record_id,
        '' as question_id,
        customer_key,
        customer_match
    from ticket_matches
    union all
    select
        'response' as record_type,
        response_id as record_id,
        question_id,
        customer_key,
        customer_match
    from response_matches

)

select * from matches
