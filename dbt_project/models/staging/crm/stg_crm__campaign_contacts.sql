with source as (

    select * from {{ source('raw_crm', 'campaign_contacts') }}

),

renamed as (

    select
        -- ids
        campaign_id,
        customer_id,

        -- strings
        nullif(trim(channel), '') as channel,

        -- timestamps
        sent_at,

        -- lineage
        _source as source_name,
        _load_id as load_id

    from source

)

select * from renamed
