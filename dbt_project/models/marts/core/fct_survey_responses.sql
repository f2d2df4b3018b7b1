{{ config(materialized='view') }}

select
    response_id,
    question_id,
    survey_id,
    respondent_type,
    customer_key,
    customer_match,
    order_id,
    ticket_id,
    {{ department_key('department') }} as department_key,
    department,
    touchpoint,
    locale,
    metric,
    score,
    scale_min,
    scale_max,
    standard_score,
    nps_category,
    is_top_two_box,
    has_comment,
    submitted_at,
    response_date,
    source_name
from {{ ref('int_responses__scored') }}
where response_date <= {{ as_of_date() }}
