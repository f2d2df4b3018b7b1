with source as (

    select * from {{ source('raw_crm', 'products') }}

),

renamed as (

    select
        -- ids
        product_id,

        -- strings
        nullif(trim(name), '') as product_name,
        nullif(trim(category), '') as category,

        -- numerics
        list_price,
        unit_cost,

        -- lineage
        _source as source_name,
        _load_id as load_id

    from source

)

select * from renamed
