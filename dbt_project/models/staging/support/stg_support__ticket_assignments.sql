with source as (

    select * from {{ source('raw_support', 'ticket_assignments') }}

),

renamed as (

    select
        -- ids
        ticket_id,
        sequence_number,
        agent_id,

        -- strings
        nullif(trim(department), '') as department,

        -- timestamps
        assigned_at,

        -- lineage
        _source as source_name,
        _load_id as load_id

    from source

)

select * from renamed
