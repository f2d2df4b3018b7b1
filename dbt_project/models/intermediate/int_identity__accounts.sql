with identifiers as (

    select * from {{ source('privacy', 'customer_keys') }}

),

customers as (

    select * from {{ ref('stg_crm__customers') }}

),

-- Empty unless probabilistic matching is switched on.
probable_people as (

    select * from {{ source('matching', 'people') }}

),

-- An account without a person of its own in the CRM is its own person.
declared as (

    select
        identifiers.customer_id,
        coalesce(customers.person_id, identifiers.customer_id) as person_id,
        customers.customer_id is not null as is_in_crm,
        coalesce(customers.load_id, 0) as load_id
    from identifiers
    left join customers on identifiers.customer_id = customers.customer_id

),

persons as (

    select
        declared.customer_id,
        person_keys.customer_key,
        declared.is_in_crm,
        coalesce(probable_people.same_person_id <> probable_people.person_id, false) as is_probable,
        greatest(declared.load_id, coalesce(probable_people.load_id, 0)) as load_id
    from declared
    left join probable_people on declared.person_id = probable_people.person_id
    inner join identifiers as person_keys
        on coalesce(probable_people.same_person_id, declared.person_id) = person_keys.customer_id

)

select * from persons
