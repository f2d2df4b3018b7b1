with source as (

    select * from {{ source('raw_crm', 'customers') }}

),

renamed as (

    select
        -- ids
        customer_id,
        person_id,

        -- strings
        nullif(trim(email), '') as email,
        nullif(trim(phone), '') as phone,
        nullif(trim(locale), '') as locale,
        nullif(trim(country), '') as country,
        nullif(trim(acquisition_channel), '') as acquisition_channel,
        traits,

        -- timestamps
        registered_at,
        updated_at,

        -- lineage
        _source as source_name,
        _load_id as load_id

    from source

)

select * from renamed
