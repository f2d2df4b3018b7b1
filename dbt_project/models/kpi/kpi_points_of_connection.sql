{%- set item_count = 6 -%}

with metric_scales as (

    select * from {{ ref('metric_scales') }}

),

answers as (

    select
        responses.response_id,
        responses.respondent_type,
        cast(date_trunc('quarter', responses.response_date) as date) as answer_quarter,
        coalesce(responses.department, '(unknown)') as answer_department,
        substring(responses.metric, 5) as answer_item,
        responses.standard_score,
        metric_scales.scale_min,
        metric_scales.scale_max
    from {{ ref('fct_survey_responses') }} as responses
    inner join metric_scales on responses.metric = metric_scales.metric
    where
        responses.metric in (
            'poc_listening', 'poc_importance', 'poc_conflict', 'poc_honesty', 'poc_reliability', 'poc_authenticity'
        )
        and responses.standard_score is not null

),

-- One voice per questionnaire and item, should a questionnaire ask an item twice.
item_answers as (

    select
        response_id,
        respondent_type,
        answer_quarter,
        answer_department,
        answer_item,
        cast(cast(sum(standard_score) as double) / count(*) as decimal(18, 4)) as item_score,
        max(scale_min) as scale_min,
        max(scale_max) as scale_max
    from answers
    group by response_id, respondent_type, answer_quarter, answer_department, answer_item

),

questionnaires as (

    select
        response_id,
        respondent_type,
        answer_quarter,
        answer_department,
        count(*) = {{ item_count }} as is_complete,
        cast(sum(item_score) as decimal(18, 4)) as total_score,
        count(case when item_score >= scale_max then 1 end) = {{ item_count }} as is_all_top_box,
        min(scale_min) as scale_min,
        max(scale_max) as scale_max
    from item_answers
    group by response_id, respondent_type, answer_quarter, answer_department

),

-- The six items, and the scale that they form: the total of a complete questionnaire.
voices as (

    select
        respondent_type,
        answer_quarter,
        answer_department,
        answer_item,
        item_score as score,
        item_score >= scale_max as is_top_box,
        scale_min,
        scale_max
    from item_answers

    union all

    select
        respondent_type,
        answer_quarter,
        answer_department,
        '(all)' as answer_item,
        case when is_complete then total_score end as score,
        is_complete and is_all_top_box as is_top_box,
        scale_min,
        scale_max
    from questionnaires

),

summed as (

    select
        answer_quarter,
        respondent_type,
        coalesce(answer_department, '(all)') as department,
        answer_item as item,
        case when answer_item = '(all)' then {{ item_count }} else 1 end as items_in_score,
        count(*) as questionnaires,
        count(score) as n,
        count(case when is_top_box then 1 end) as top_box_n,
        cast(sum(score) as double) as score_sum,
        cast(sum(score * score) as double) as square_sum,
        cast(min(scale_min) as double) as scale_min,
        cast(max(scale_max) as double) as scale_max
    from voices
    group by
        grouping sets (
            (answer_quarter, respondent_type, answer_item),
            (answer_quarter, respondent_type, answer_department, answer_item)
        )

),

complete_items as (

    select item_answers.*
    from item_answers
    inner join questionnaires
        on
            item_answers.response_id = questionnaires.response_id
            and item_answers.respondent_type = questionnaires.respondent_type
            and item_answers.answer_quarter = questionnaires.answer_quarter
            and item_answers.answer_department = questionnaires.answer_department
    where questionnaires.is_complete

),

summed_complete_items as (

    select
        answer_quarter,
        respondent_type,
        coalesce(answer_department, '(all)') as department,
        answer_item,
        count(*) as n,
        cast(sum(item_score) as double) as score_sum,
        cast(sum(item_score * item_score) as double) as square_sum
    from complete_items
    group by
        grouping sets (
            (answer_quarter, respondent_type, answer_item),
            (answer_quarter, respondent_type, answer_department, answer_item)
        )

),

-- Decimals again, so that the sum over the items does not depend on their order.
item_variances as (

    select
        answer_quarter,
        respondent_type,
        department,
        '(all)' as item,
        cast(
            sum(cast({{ sample_variance('score_sum', 'square_sum', 'n') }} as decimal(18, 12))) as double
        ) as variance_sum
    from summed_complete_items
    group by answer_quarter, respondent_type, department

),

-- Below the minimum of answers only the counts remain.
measured as (

    select
        summed.*,
        case when summed.n >= {{ minimum_answers() }} then summed.n end as scored_n,
        summed.score_sum / nullif(summed.n, 0) / summed.items_in_score as score_mean,
        sqrt({{ sample_variance('summed.score_sum', 'summed.square_sum', 'summed.n') }} / nullif(summed.n, 0))
        / summed.items_in_score as score_error,
        {{ cronbach_alpha(
            item_count,
            'item_variances.variance_sum',
            sample_variance('summed.score_sum', 'summed.square_sum', 'summed.n')
        ) }} as scale_alpha
    from summed
    left join item_variances
        on
            summed.answer_quarter = item_variances.answer_quarter
            and summed.respondent_type = item_variances.respondent_type
            and summed.department = item_variances.department
            and summed.item = item_variances.item

),

bounded as (

    select
        *,
        score_mean - {{ t_95('(n - 1)') }} * score_error as mean_lower_bound,
        score_mean + {{ t_95('(n - 1)') }} * score_error as mean_upper_bound
    from measured

),

scored as (

    select
        answer_quarter as quarter,
        department,
        respondent_type,
        item,
        questionnaires,
        n,
        case when scored_n > 0 then round(score_mean, 4) end as mean,
        case when scored_n > 0 then round(score_error, 4) end as standard_error,
        case
            when scored_n > 0
                then round(case when mean_lower_bound < scale_min then scale_min else mean_lower_bound end, 4)
        end as mean_lower,
        case
            when scored_n > 0
                then round(case when mean_upper_bound > scale_max then scale_max else mean_upper_bound end, 4)
        end as mean_upper,
        top_box_n,
        round({{ percentage('top_box_n', 'scored_n') }}, 4) as top_box,
        round({{ wilson('top_box_n', 'scored_n', -1) }}, 4) as top_box_lower,
        round({{ wilson('top_box_n', 'scored_n', 1) }}, 4) as top_box_upper,
        case when scored_n > 2 then round(scale_alpha, 4) end as alpha,
        round({{ cronbach_alpha_bound('scale_alpha', item_count, 'scored_n', -1) }}, 4) as alpha_lower,
        round({{ cronbach_alpha_bound('scale_alpha', item_count, 'scored_n', 1) }}, 4) as alpha_upper
    from bounded

)

select * from scored
