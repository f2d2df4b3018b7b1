with answers as (

    select * from {{ ref('int_responses__scored') }}
    where
        metric = 'nps'
        and respondent_type = 'external'
        and customer_key is not null
        and nps_category is not null
        and response_date <= {{ as_of_date() }}

),

numbered as (

    select
        customer_key,
        response_date,
        nps_category,
        row_number() over (
            partition by customer_key, response_date
            order by submitted_at desc nulls last, response_id desc nulls last, question_id desc nulls last
        ) as place_from_last
    from answers

),

-- The last word of a day counts, until the next answer.
held as (

    select
        customer_key,
        nps_category as band,
        response_date as answered_on,
        lead(response_date) over (partition by customer_key order by response_date asc nulls last) as next_answered_on
    from numbered
    where place_from_last = 1

)

select * from held
