with identifiers as (

    select * from {{ source('privacy', 'customer_keys') }}

),

customers as (

    select * from {{ ref('stg_crm__customers') }}

),

-- An account without a person of its own in the CRM is its own person.
persons as (

    select
        identifiers.customer_id,
        coalesce(person_keys.customer_key, identifiers.customer_key) as customer_key,
        customers.customer_id is not null as is_in_crm,
        coalesce(customers.load_id, 0) as load_id
    from identifiers
    left join customers on identifiers.customer_id = customers.customer_id
    left join identifiers as person_keys on customers.person_id = person_keys.customer_id

)

select * from persons
