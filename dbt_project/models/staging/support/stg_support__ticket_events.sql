with source as (

    select * from {{ source('raw_support', 'ticket_events') }}

),

renamed as (

    select
        -- ids
        ticket_id,
        event_id,
        sequence_number,
        agent_id,

        -- strings
        kind as event_kind,
        nullif(trim(department), '') as department,
        status as ticket_status,
        nullif(trim(channel), '') as channel,

        -- timestamps
        occurred_at,

        -- lineage
        _source as source_name,
        _load_id as load_id

    from source

)

select * from renamed
