with source as (

    select * from {{ source('raw_org', 'departments') }}

),

renamed as (

    select
        -- strings
        nullif(trim(department), '') as department,
        nullif(trim(name), '') as department_name,
        nullif(trim(parent_department), '') as parent_department,

        -- lineage
        _source as source_name,
        _load_id as load_id

    from source

)

select * from renamed
