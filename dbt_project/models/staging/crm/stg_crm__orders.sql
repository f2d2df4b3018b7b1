with source as (

    select * from {{ source('raw_crm', 'orders') }}

),

renamed as (

    select
        -- ids
        order_id,
        customer_id,
        campaign_id,

        -- strings
        nullif(trim(sales_channel), '') as sales_channel,
        nullif(trim(department), '') as department,
        nullif(trim(currency), '') as currency,
        nullif(lower(trim(status)), '') as order_status,

        -- timestamps
        ordered_at,
        promised_at,
        delivered_at,

        -- lineage
        _source as source_name,
        _load_id as load_id

    from source

)

select * from renamed
