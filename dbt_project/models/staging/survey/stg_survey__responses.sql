with source as (

    select * from {{ source('raw_survey', 'responses') }}

),

renamed as (

    select
        -- ids
        response_id,
        question_id,
        survey_id,
        invitation_id,
        customer_id,
        employee_id,
        order_id,
        ticket_id,

        -- strings
        nullif(trim(respondent_type), '') as respondent_type,
        nullif(trim(email), '') as email,
        nullif(trim(phone), '') as phone,
        nullif(trim(department), '') as department,
        nullif(trim(touchpoint), '') as touchpoint,
        nullif(trim(locale), '') as locale,
        nullif(trim(metric), '') as metric,
        comment,

        -- numerics
        score,
        scale_min,
        scale_max,

        -- timestamps
        submitted_at,

        -- lineage
        _source as source_name,
        _load_id as load_id

    from source

)

select * from renamed
