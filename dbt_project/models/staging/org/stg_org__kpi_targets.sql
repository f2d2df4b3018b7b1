with source as (

    select * from {{ source('raw_org', 'kpi_targets') }}

),

renamed as (

    select
        -- strings
        nullif(trim(kpi), '') as kpi,
        nullif(trim(department), '') as department,

        -- numerics
        target_value,

        -- dates
        month,

        -- lineage
        _source as source_name,
        _load_id as load_id

    from source

)

select * from renamed
