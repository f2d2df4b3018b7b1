with source as (

    select * from {{ source('raw_crm', 'order_lines') }}

),

renamed as (

    select
        -- ids
        order_id,
        line_number,
        product_id,

        -- strings
        line_type,

        -- numerics
        quantity,
        unit_price,
        discount_amount,
        fee_amount,

        -- lineage
        _source as source_name,
        _load_id as load_id

    from source

)

select * from renamed
