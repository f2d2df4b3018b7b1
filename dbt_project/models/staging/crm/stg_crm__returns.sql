with source as (

    select * from {{ source('raw_crm', 'returns') }}

),

renamed as (

    select
        -- ids
        return_id,
        order_id,
        line_number,

        -- strings
        nullif(trim(reason), '') as reason,

        -- numerics
        quantity,
        refund_amount,

        -- timestamps
        returned_at,

        -- lineage
        _source as source_name,
        _load_id as load_id

    from source

)

select * from renamed
