with source as (

    select * from {{ source('raw_crm', 'campaigns') }}

),

renamed as (

    select
        -- ids
        campaign_id,

        -- strings
        nullif(trim(name), '') as campaign_name,
        nullif(trim(kind), '') as kind,

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
