{%- set metrics = [
    'nps', 'csat', 'ces', 'poc_listening', 'poc_importance', 'poc_conflict', 'poc_honesty', 'poc_reliability',
    'poc_authenticity'
] -%}

with run_settings as (

    select * from {{ source('ops', 'run_settings') }}

),

metric_scales as (

    select * from {{ ref('metric_scales') }}

),

index_weights as (

    select * from {{ ref('loyalty_index_weights') }}

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

by_metric as (

    select
        customer_key,
        metric,
        count(*) as answer_count,

        -- latest answer
        max(response_date) as latest_date,
        max(case when metric_answer_number = 1 then standard_score end) as latest_score,
        max(case when metric_answer_number = 1 then nps_category end) as latest_category,
        max(case when metric_answer_number = 1 and is_within_12m then nps_category end) as current_category,
        max(
            case
                when metric_answer_number = 1 and is_within_12m and is_top_two_box then 1
                when metric_answer_number = 1 and is_within_12m then 0
            end
        ) as current_top_two,

        -- last 12 months
        count(case when is_within_12m then 1 end) as recent_answers,
        cast(sum(case when is_within_12m then standard_score end) as double)
        / nullif(count(case when is_within_12m then 1 end), 0) as recent_mean,

        -- last answer to any question
        max(case when answer_number = 1 then touchpoint end) as last_answer_touchpoint,
        max(case when answer_number = 1 then department end) as last_answer_department
    from answers
    group by customer_key, metric

),

-- A question of the index that was answered in the last 12 months: its place on its scale, 0..1, and how far its mean
-- would repeat. Products are decimals, so that their sums do not depend on the order of the rows.
index_parts as (

    select
        by_metric.*,
        index_weights.weight,
        cast(
            index_weights.weight
            * (by_metric.recent_mean - metric_scales.scale_min)
            / nullif(cast(metric_scales.scale_max - metric_scales.scale_min as double), 0)
            as decimal(18, 12)
        ) as weighted_level,
        cast(
            index_weights.weight
            * {{ spearman_brown('index_weights.answer_reliability', 'by_metric.recent_answers') }}
            as decimal(18, 12)
        ) as weighted_reliability
    from by_metric
    left join index_weights
        on case when by_metric.recent_answers > 0 then by_metric.metric end = index_weights.metric
    left join metric_scales on index_weights.metric = metric_scales.metric

),

by_customer as (

    select
        customer_key,
        {% for metric in metrics %}
        max(case when metric = '{{ metric }}' then latest_score end) as {{ metric }}_latest,
        max(case when metric = '{{ metric }}' then latest_date end) as {{ metric }}_latest_date,
        max(case when metric = '{{ metric }}' then recent_mean end) as {{ metric }}_12m_mean,
        coalesce(max(case when metric = '{{ metric }}' then recent_answers end), 0) as {{ metric }}_answers_12m,
        {% endfor %}

        -- satisfied detractor: what the latest answers of the last 12 months say; empty without both
        max(case when metric = 'nps' then latest_category end) as nps_category,
        max(case when metric = 'nps' then current_category end) as current_nps_category,
        max(case when metric = 'csat' then current_top_two end) as current_csat_top_two,

        -- loyalty index
        count(weight) as index_parts,
        sum(case when weight is not null then recent_answers end) as index_answers,
        cast(sum(weight) as double) as index_weight,
        cast(sum(weighted_level) as double) as index_level,
        cast(sum(weighted_reliability) as double) as index_reliability,

        -- last answer
        sum(answer_count) as answer_count,
        max(latest_date) as last_answer_date,
        max(last_answer_touchpoint) as last_answer_touchpoint,
        max(last_answer_department) as last_answer_department
    from index_parts
    group by customer_key

),

whole_index as (

    select cast(sum(weight) as double) as total_weight
    from index_weights

),

loyalty as (

    select
        by_customer.customer_key,
        run_settings.as_of_date,

        -- how close the bond is
        round(100 * by_customer.index_level / nullif(by_customer.index_weight, 0), 4) as loyalty_index,
        cast(by_customer.index_parts as integer) as loyalty_index_parts,
        cast(coalesce(by_customer.index_answers, 0) as integer) as loyalty_index_answers,
        round(coalesce(by_customer.index_weight, 0) / whole_index.total_weight, 4) as loyalty_index_weight_share,
        round(by_customer.index_reliability / nullif(by_customer.index_weight, 0), 4) as loyalty_index_reliability,
        by_customer.nps_category,
        case
            when by_customer.current_nps_category is not null and by_customer.current_csat_top_two is not null
                then by_customer.current_nps_category = 'detractor' and by_customer.current_csat_top_two = 1
        end as is_satisfied_detractor,

        -- question by question
        {% for metric in metrics %}
        by_customer.{{ metric }}_latest,
        by_customer.{{ metric }}_latest_date,
        by_customer.{{ metric }}_12m_mean,
        cast(by_customer.{{ metric }}_answers_12m as integer) as {{ metric }}_answers_12m,
        {% endfor %}

        -- answers
        cast(by_customer.answer_count as integer) as answer_count,
        by_customer.last_answer_date,
        by_customer.last_answer_touchpoint,
        by_customer.last_answer_department
    from by_customer
    cross join run_settings
    cross join whole_index

)

select * from loyalty
