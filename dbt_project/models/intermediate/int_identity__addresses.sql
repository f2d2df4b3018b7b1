with customers as (

    select * from {{ ref('stg_crm__customers') }}

),

accounts as (

    select * from {{ ref('int_identity__accounts') }}

),

emails as (

    select
        accounts.customer_key,
        'email' as address_kind,
        {{ normalised_email('customers.email') }} as address
    from customers
    inner join accounts on customers.customer_id = accounts.customer_id

),

phones as (

    select
        accounts.customer_key,
        'phone' as address_kind,
        {{ normalised_phone('customers.phone') }} as address
    from customers
    inner join accounts on customers.customer_id = accounts.customer_id

),

addresses as (

    select * from emails
    union all
    select * from phones

),

-- A family's mailbox says who shares a home, not who answered: shared addresses keep no customer.
counted as (

    select
        address_kind,
        address,
        case when min(customer_key) = max(customer_key) then min(customer_key) end as customer_key,
        min(customer_key) <> max(customer_key) as is_shared
    from addresses
    where address is not null
    group by address_kind, address

)

select * from counted
