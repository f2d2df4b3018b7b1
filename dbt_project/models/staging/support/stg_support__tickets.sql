with source as (

    select * from {{ source('raw_support', 'tickets') }}

),

renamed as (

    select
        -- ids
        ticket_id,
        customer_id,
        order_id,

        -- strings
        nullif(trim(email), '') as email,
        nullif(trim(phone), '') as phone,
        nullif(trim(channel), '') as channel,
        nullif(trim(category), '') as category,
        nullif(trim(priority), '') as priority,
        nullif(trim(status), '') as ticket_status,
        nullif(trim(department), '') as department,

        -- numerics
        satisfaction_score,
        reopen_count,

        -- booleans
        is_complaint,

        -- timestamps
        opened_at,
        first_replied_at,
        resolved_at,
        closed_at,

        -- lineage
        _source as source_name,
        _load_id as load_id

    from source

)

select * from renamed
