{#- The declared order of the evidence: account, order, ticket, invitation, e-mail, telephone; last what is only
    probable. The first that names exactly one person wins; where none does, the reason is that of the strongest
    reference that was given; an invitation's comes last, because it was sent to the address that stands there too. -#}

{%- set evidence = ['customer_id', 'order', 'ticket', 'invitation', 'email', 'phone'] -%}

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

-- Empty unless probabilistic matching is switched on.
probable_contacts as (

    select
        contacts.record_type,
        contacts.source_name,
        contacts.record_id,
        accounts.customer_key
    from {{ source('matching', 'contacts') }} as contacts
    inner join accounts on contacts.person_id = accounts.customer_id

),

-- What each record says of itself.
own_evidence as (

    select
        given.*,
        accounts.customer_key as customer_id_key,
        orders.order_id is not null as is_known_order,
        orders.customer_key as order_key,
        emails.customer_key as email_key,
        coalesce(emails.is_shared, false) as is_shared_email,
        phones.customer_key as phone_key,
        coalesce(phones.is_shared, false) as is_shared_phone,
        probable_contacts.customer_key as probable_key
    from {{ ref('int_identity__references') }} as given
    left join accounts on given.customer_id = accounts.customer_id
    left join orders on given.order_id = orders.order_id
    left join addresses as emails on given.email = emails.address and emails.address_kind = 'email'
    left join addresses as phones on given.phone = phones.address and phones.address_kind = 'phone'
    left join probable_contacts
        on
            given.record_type = probable_contacts.record_type
            and given.source_name = probable_contacts.source_name
            and given.record_id = probable_contacts.record_id

),

-- Tickets and invitations by what they say of themselves; only responses refer to them.
referred_to as (

    select
        record_type,
        record_id,
        coalesce(customer_id_key, order_key, email_key, phone_key) as customer_key
    from own_evidence
    where record_type in ('ticket', 'invitation')

),

all_evidence as (

    select
        own_evidence.*,
        tickets.record_id is not null as is_known_ticket,
        tickets.customer_key as ticket_key,
        invitations.record_id is not null as is_known_invitation,
        invitations.customer_key as invitation_key
    from own_evidence
    left join referred_to as tickets
        on own_evidence.ticket_id = tickets.record_id and tickets.record_type = 'ticket'
    left join referred_to as invitations
        on own_evidence.invitation_id = invitations.record_id and invitations.record_type = 'invitation'

),

declared as (

    select
        *,
        coalesce({{ evidence | join('_key, ') }}_key) as declared_key
    from all_evidence

),

-- A colleague who is also a customer answers here as a colleague.
matches as (

    select
        record_type,
        source_name,
        record_id,
        occurred_date,
        case when is_colleague then null else coalesce(declared_key, probable_key) end as customer_key,
        case
            when is_colleague then 'colleague'
            {% for kind in evidence -%}
            when {{ kind }}_key is not null then '{{ kind }}'
            {% endfor -%}
            when probable_key is not null then 'probable'
            when customer_id is not null then 'unknown customer_id'
            when is_known_order then 'anonymous order'
            when order_id is not null then 'unknown order'
            when is_known_ticket then 'anonymous ticket'
            when ticket_id is not null then 'unknown ticket'
            when is_shared_email then 'shared email'
            when email is not null then 'unknown email'
            when is_shared_phone then 'shared phone'
            when phone is not null then 'unknown phone'
            when is_known_invitation then 'anonymous invitation'
            when invitation_id is not null then 'unknown invitation'
            else 'no reference'
        end as customer_match,
        -- the strongest of the weaker references that names somebody else than the one that won
        case
            when is_colleague then null
            {% for kind in evidence[1:] -%}
            when {{ kind }}_key <> declared_key then '{{ kind }}'
            {% endfor -%}
        end as contradicted_by
    from declared

)

select * from matches
