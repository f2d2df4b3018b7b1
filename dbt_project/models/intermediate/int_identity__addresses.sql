with customers as (

    select
        accounts.customer_key,
        {{ normalised_email('customers.email') }} as email,
        {{ telephone_digits('customers.phone') }} as phone_digits
    from {{ ref('stg_crm__customers') }} as customers
    inner join {{ ref('int_identity__accounts') }} as accounts on customers.customer_id = accounts.customer_id

),

-- Requesters and respondents leave one contact, which may be either kind. Only what somebody left is looked up.
contacts as (

    select email as contact from {{ ref('stg_support__tickets') }}
    union
    select email as contact from {{ ref('stg_survey__responses') }}

),

contact_emails as (

    select distinct {{ normalised_email('contact') }} as email from contacts

),

contact_phones as (

    select distinct {{ telephone_digits('contact') }} as phone_digits from contacts

),

owners as (

    select
        'email' as address_kind,
        contact_emails.email as address,
        customers.customer_key
    from contact_emails
    inner join customers on contact_emails.email = customers.email
    union all
    select
        'phone' as address_kind,
        contact_phones.phone_digits as address,
        customers.customer_key
    from contact_phones
    inner join customers on contact_phones.phone_digits = customers.phone_digits
    where {{ is_telephone('contact_phones.phone_digits') }}

),

-- A family's mailbox says who shares a home, not who answered: shared addresses keep no customer.
counted as (

    select
        address_kind,
        address,
        case when min(customer_key) = max(customer_key) then min(customer_key) end as customer_key,
        min(customer_key) <> max(customer_key) as is_shared
    from owners
    group by address_kind, address

)

select * from counted
