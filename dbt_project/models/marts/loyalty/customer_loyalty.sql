with run_settings as (

    select * from {{ source('ops', 'run_settings') }}

),

-- An unanswered question is no answer: it neither counts nor lowers anything.
answers as (

    select
        responses.customer_key,
        responses.metric,
        responses.standard_score,
        responses.nps_category,
        responses.is_top_two_box,
        responses.response_date,
        responses.touchpoint,
        responses.department,
        responses.response_date > {{ one_year_before('run_settings.as_of_date') }} as is_within_12m,
        row_number() over (
            partition by responses.customer_key, responses.metric
            order by
                responses.submitted_at desc nulls last,
                responses.response_id desc nulls last,
                responses.question_id desc nulls last
        ) as metric_answer_number,
        row_number() over (
            partition by responses.customer_key
            order by
                responses.submitted_at desc nulls last,
                responses.response_id desc nulls last,
                responses.question_id desc nulls last
        ) as answer_number
    from {{ ref('fct_survey_responses') }} as responses
    cross join run_settings
    where
        responses.customer_key is not null
        and responses.respondent_type = 'external'
        and responses.standard_score is not null

),

by_customer as (

    select
        customer_key,

        -- nps
        max(case when metric = 'nps' and metric_answer_number = 1 then standard_score end) as nps_latest,
        max(case when metric = 'nps' then response_date end) as nps_latest_date,
        max(case when metric = 'nps' and metric_answer_number = 1 then nps_category end) as nps_category,
        sum(case when metric = 'nps' and is_within_12m then standard_score end) as nps_12m_sum,
        count(case when metric = 'nps' and is_within_12m then 1 end) as nps_answers_12m,

        -- csat
        max(case when metric = 'csat' and metric_answer_number = 1 then standard_score end) as csat_latest,
        max(case when metric = 'csat' then response_date end) as csat_latest_date,
        sum(case when metric = 'csat' and is_within_12m then standard_score end) as csat_12m_sum,
        count(case when metric = 'csat' and is_within_12m then 1 end) as csat_answers_12m,

        -- ces
        max(case when metric = 'ces' and metric_answer_number = 1 then standard_score end) as ces_latest,
        sum(case when metric = 'ces' and is_within_12m then standard_score end) as ces_12m_sum,
        count(case when metric = 'ces' and is_within_12m then 1 end) as ces_answers_12m,

        -- satisfied detractor: what the latest answers of the last 12 months say; empty without both
        max(case when metric = 'nps' and metric_answer_number = 1 and is_within_12m then nps_category end)
            as current_nps_category,
        max(
            case
                when metric = 'csat' and metric_answer_number = 1 and is_within_12m and is_top_two_box then 1
                when metric = 'csat' and metric_answer_number = 1 and is_within_12m then 0
            end
        ) as current_csat_top_two,

        -- last answer
        count(*) as answer_count,
        max(response_date) as last_answer_date,
        max(case when answer_number = 1 then touchpoint end) as last_answer_touchpoint,
        max(case when answer_number = 1 then department end) as last_answer_department
    from answers
    group by customer_key

),

loyalty as (

    select
        by_customer.customer_key,
        run_settings.as_of_date,
        by_customer.nps_latest,
        by_customer.nps_latest_date,
        by_customer.nps_category,
        cast(by_customer.nps_12m_sum as double) / nullif(by_customer.nps_answers_12m, 0) as nps_12m_mean,
        cast(by_customer.nps_answers_12m as integer) as nps_answers_12m,
        by_customer.csat_latest,
        by_customer.csat_latest_date,
        cast(by_customer.csat_12m_sum as double) / nullif(by_customer.csat_answers_12m, 0) as csat_12m_mean,
        cast(by_customer.csat_answers_12m as integer) as csat_answers_12m,
        by_customer.ces_latest,
        cast(by_customer.ces_12m_sum as double) / nullif(by_customer.ces_answers_12m, 0) as ces_12m_mean,
        cast(by_customer.ces_answers_12m as integer) as ces_answers_12m,
        case
            when by_customer.current_nps_category is not null and by_customer.current_csat_top_two is not null
                then by_customer.current_nps_category = 'detractor' and by_customer.current_csat_top_two = 1
        end as is_satisfied_detractor,
        cast(by_customer.answer_count as integer) as answer_count,
        by_customer.last_answer_date,
        by_customer.last_answer_touchpoint,
        by_customer.last_answer_department
    from by_customer
    cross join run_settings

)

select * from loyalty
