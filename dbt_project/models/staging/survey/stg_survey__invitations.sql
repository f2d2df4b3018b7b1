with source as (

    select * from {{ source('raw_survey', 'invitations') }}

),

renamed as (

    select
        -- ids
        invitation_id,
        survey_id,
        customer_id,

        -- strings
        nullif(trim(email), '') as email,
        nullif(trim(phone), '') as phone,
        nullif(trim(department), '') as department,
        nullif(trim(touchpoint), '') as touchpoint,
        nullif(trim(locale), '') as locale,

        -- timestamps
        sent_at,

        -- lineage
        _source as source_name,
        _load_id as load_id

    from source

)

select * from renamed
