with customers as (

    select
        accounts.customer_key,
        {{ normalised_email('customers.email') }} as email,
        customers.phone,
        {{ telephone_digits('customers.phone') }} as digits,
        {{ digits_only('customers.phone') }} as all_digits,
        {{ is_international('customers.phone') }} as is_international,
        upper(customers.country) as country
    from {{ ref('stg_crm__customers') }} as customers
    inner join {{ ref('int_identity__accounts') }} as accounts on customers.customer_id = accounts.customer_id
    where customers.email is not null or customers.phone is not null

),

calling_codes as (

    select
        country_code as country,
        calling_code,
        trunk_prefix
    from {{ ref('calling_codes') }}
    union
    select
        upper(country_name) as country,
        calling_code,
        trunk_prefix
    from {{ ref('calling_codes') }}

),

-- What people dial before a number inside their country is no part of it abroad.
telephones as (

    select
        customers.customer_key,
        customers.digits,
        customers.is_international,
        calling_codes.calling_code,
        customers.all_digits like calling_codes.trunk_prefix || '%' as has_trunk_prefix,
        case
            when
                customers.is_international and customers.digits like calling_codes.calling_code || '%'
                then substr(customers.digits, length(calling_codes.calling_code) + 1)
            when
                not customers.is_international
                and customers.all_digits like calling_codes.trunk_prefix || '%'
                then substr(customers.all_digits, length(calling_codes.trunk_prefix) + 1)
            when not customers.is_international and calling_codes.trunk_prefix is null
                then customers.all_digits
            else customers.digits
        end as national_digits
    from customers
    left join calling_codes on customers.country = calling_codes.country
    where customers.digits is not null

),

-- Where the country is unknown, the number as it was written has to do: it may lack nothing but the plus.
international as (

    select
        customer_key,
        national_digits,
        case
            when is_international or calling_code is null then digits
            when has_trunk_prefix is null or has_trunk_prefix then calling_code || national_digits
            when digits like calling_code || '%' then digits
            else calling_code || national_digits
        end as international_digits
    from telephones

),

-- Every way of writing a customer's address under which somebody may have left it.
customer_addresses as (

    select
        'email' as address_kind,
        email as address,
        customer_key
    from customers
    where email is not null
    union all
    select
        'phone' as address_kind,
        '+' || international_digits as address,
        customer_key
    from international
    union all
    select
        'phone' as address_kind,
        international_digits as address,
        customer_key
    from international
    union all
    select
        'phone' as address_kind,
        {{ without_leading_zeros('national_digits') }} as address,
        customer_key
    from international

),

-- Only what somebody left is looked up.
contacts as (

    select
        'email' as address_kind,
        email as address
    from {{ ref('int_identity__references') }}
    where email is not null
    union
    select
        'phone' as address_kind,
        phone as address
    from {{ ref('int_identity__references') }}
    where phone is not null

),

owners as (

    select
        contacts.address_kind,
        contacts.address,
        min(customer_addresses.customer_key) as customer_key,
        coalesce(min(customer_addresses.customer_key) <> max(customer_addresses.customer_key), false)
            as has_several_owners
    from contacts
    left join customer_addresses
        on
            contacts.address_kind = customer_addresses.address_kind
            and contacts.address = customer_addresses.address
    group by contacts.address_kind, contacts.address

),

-- A seed names mailboxes that many people read: name@ at any domain, @domain whole, or one address.
shared_mailboxes as (

    select lower(trim(mailbox)) as mailbox from {{ ref('shared_mailboxes') }}

),

-- A family's mailbox says who shares a home, not who answered: shared addresses keep no customer.
judged as (

    select
        owners.address_kind,
        owners.address,
        owners.customer_key,
        owners.has_several_owners
        or whole.mailbox is not null
        or names.mailbox is not null
        or domains.mailbox is not null as is_shared
    from owners
    left join shared_mailboxes as whole on owners.address = whole.mailbox
    left join shared_mailboxes as names on split_part(owners.address, '@', 1) || '@' = names.mailbox
    left join shared_mailboxes as domains on '@' || split_part(owners.address, '@', 2) = domains.mailbox

),

addresses as (

    select
        address_kind,
        address,
        case when not is_shared then customer_key end as customer_key,
        is_shared
    from judged
    where is_shared or customer_key is not null

)

select * from addresses
