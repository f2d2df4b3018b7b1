{{ config(materialized='view') }}

-- Satisfaction about a contact is about how somebody was treated; any other is about what they got.
with answers as (

    select
        customer_key,
        standard_score,
        case
            when metric = 'value_result' then 'result_answers'
            when metric = 'value_process' then 'process_answers'
            when metric = 'csat' and (ticket_id is not null or touchpoint = 'support') then 'contact_satisfaction'
            when metric = 'csat' then 'satisfaction'
            when metric = 'ces' then 'ease_answers'
        end as part
    from {{ ref('int_responses__scored') }}
    where
        customer_key is not null
        and respondent_type = 'external'
        and standard_score is not null
        and response_date > {{ one_year_before(as_of_date()) }}
        and response_date <= {{ as_of_date() }}

),

by_customer as (

    select
        customer_key,
        {% for part in ['result_answers', 'satisfaction', 'process_answers', 'contact_satisfaction', 'ease_answers'] %}
        count(case when part = '{{ part }}' then 1 end) as {{ part }}_count,
        cast(sum(case when part = '{{ part }}' then standard_score end) as double)
        / nullif(count(case when part = '{{ part }}' then 1 end), 0) as {{ part }}_mean,
        {% endfor %}
        count(*) as answer_count
    from answers
    where part is not null
    group by customer_key

)

select * from by_customer
