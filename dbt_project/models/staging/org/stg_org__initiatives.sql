with source as (

    select * from {{ source('raw_org', 'initiatives') }}

),

renamed as (

    select
        -- ids
        initiative_id,

        -- strings
        nullif(trim(name), '') as initiative_name,
        nullif(trim(owner), '') as owner,
        scope,

        -- numerics
        cost,

        -- dates
        starts_on,
        ends_on,

        -- lineage
        _source as source_name,
        _load_id as load_id

    from source

)

select * from renamed
