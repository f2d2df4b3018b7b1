{#- Written anew are the answers of new loads and those whose person has become another one, however that happened: a
    late customer, ticket or order, an address that turned out to be shared. Everything else in a row depends on the
    row itself, on seeds and on the company's time zone, and a change of those builds all models anew. -#}

{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['response_id', 'question_id'],
        on_schema_change='fail'
    )
}}

with matches as (

    select * from {{ ref('int_identity__matches') }}
    where record_type = 'response'

),

{% if is_incremental() %}
rematched as (

    select
        held.response_id,
        held.question_id
    from {{ this }} as held
    inner join matches on held.response_id = matches.record_id and held.source_name = matches.source_name
    where
        held.customer_match <> matches.customer_match
        or coalesce(held.customer_key, '') <> coalesce(matches.customer_key, '')

),

{% endif %}
responses as (

    select answers.*
    from {{ ref('stg_survey__responses') }} as answers
    {% if is_incremental() %}
    left join rematched
        on answers.response_id = rematched.response_id and answers.question_id = rematched.question_id
    where answers.load_id > {{ newest_load_in_this() }} or rematched.response_id is not null
    {% endif %}

),

metric_scales as (

    select * from {{ ref('metric_scales') }}

),

scaled as (

    select
        responses.response_id,
        responses.question_id,
        responses.survey_id,
        coalesce(responses.respondent_type, 'external') as respondent_type,
        matches.customer_key,
        matches.customer_match,
        responses.order_id,
        responses.ticket_id,
        responses.department,
        responses.touchpoint,
        responses.locale,
        responses.metric,
        responses.score,
        coalesce(responses.scale_min, metric_scales.scale_min) as scale_min,
        coalesce(responses.scale_max, metric_scales.scale_max) as scale_max,
        metric_scales.scale_min as usual_scale_min,
        metric_scales.scale_max as usual_scale_max,
        metric_scales.top_two_box_cut,
        coalesce(length(trim(responses.comment)) > 0, false) as has_comment,
        responses.submitted_at,
        {{ business_date('responses.submitted_at') }} as response_date,
        responses.source_name,
        responses.load_id
    from responses
    left join matches
        on responses.response_id = matches.record_id and responses.source_name = matches.source_name
    left join metric_scales on responses.metric = metric_scales.metric

),

-- Exact on the usual scale; stretched onto it otherwise, so that a 4 of 5 and an 8 of 10 can be counted together.
-- A decimal and not a floating-point number: means must not depend on the order of the rows.
standardised as (

    select
        *,
        cast(
            case
                when scale_min = usual_scale_min and scale_max = usual_scale_max then cast(score as double)
                else
                    usual_scale_min
                    + (usual_scale_max - usual_scale_min)
                    * cast(score - scale_min as double)
                    / nullif(cast(scale_max - scale_min as double), 0)
            end as decimal(18, 4)
        ) as standard_score
    from scaled

),

categorised as (

    select
        *,
        case when metric = 'nps' then {{ nps_category('standard_score') }} end as nps_category,
        standard_score >= top_two_box_cut as is_top_two_box
    from standardised

)

select * from categorised
