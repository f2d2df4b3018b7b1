with tickets as (

    select * from {{ ref('fct_support_tickets') }}
    where distinct_department_count > 0

),

handoffs as (

    select
        ticket_id,
        coalesce(occurred_at, cast('0001-01-01' as timestamp)) as known_since
    from {{ ref('int_tickets__steps') }}
    where is_handoff

),

answers as (

    select
        responses.response_id,
        responses.question_id,
        responses.ticket_id,
        responses.metric,
        responses.standard_score,
        responses.nps_category,
        responses.submitted_at
    from {{ ref('fct_survey_responses') }} as responses
    inner join tickets on responses.ticket_id = tickets.ticket_id
    where responses.respondent_type = 'external' and responses.standard_score is not null

),

-- What came after the answer cannot have moved it: a customer who complains in the survey is often passed on for that.
-- Both conditions are plain comparisons, so that answers and hand-offs are hashed and not held against each other.
experienced as (

    select
        answers.response_id,
        answers.question_id,
        answers.metric,
        answers.standard_score,
        answers.nps_category,
        count(handoffs.ticket_id) as handoff_count
    from answers
    left join handoffs
        on
            answers.ticket_id = handoffs.ticket_id
            and answers.submitted_at >= handoffs.known_since
    group by
        answers.response_id, answers.question_id, answers.metric, answers.standard_score, answers.nps_category

),

grouped_by_handoffs as (

    select
        metric,
        case when handoff_count >= 3 then '3 or more' else cast(handoff_count as string) end as handoff_group,
        cast(handoff_count as integer) as x,
        standard_score as y,
        nps_category
    from experienced

),

-- Sums of decimals and integers, so that no number depends on the order of the rows.
summed as (

    select
        metric,
        handoff_group,
        grouping(handoff_group) as is_all,
        count(*) as n,
        sum(x) as sum_x,
        sum(x * x) as sum_xx,
        sum(y) as sum_y,
        sum(cast(y * y as decimal(28, 8))) as sum_yy,
        sum(cast(x * y as decimal(28, 4))) as sum_xy,
        count(case when nps_category = 'promoter' then 1 end) as nps_promoters,
        count(case when nps_category = 'passive' then 1 end) as nps_passives,
        count(case when nps_category = 'detractor' then 1 end) as nps_detractors
    from grouped_by_handoffs
    group by grouping sets ((metric), (metric, handoff_group))

),

centred as (

    select
        *,
        case when n >= {{ minimum_answers() }} then n end as scored_n,
        cast(sum_y as double) as total_y,
        cast(sum_yy as double) as total_yy,
        {{ centred_sum('sum_x', 'sum_x', 'sum_xx', 'n') }} as squares_x,
        {{ centred_sum('sum_y', 'sum_y', 'sum_yy', 'n') }} as squares_y,
        {{ centred_sum('sum_x', 'sum_y', 'sum_xy', 'n') }} as products_xy
    from summed

),

-- The line through all answers to a question, least squares; two numbers are estimated, so n - 2 are left.
fitted as (

    select
        *,
        total_y / scored_n as mean_score,
        sqrt({{ sample_variance('total_y', 'total_yy', 'scored_n') }} / scored_n) as mean_error,
        case when is_all = 1 and scored_n > 2 and squares_x > 0 then products_xy / squares_x end as slope,
        case
            when is_all = 1 and scored_n > 2 and squares_x > 0
                then
                    sqrt(
                        case
                            when squares_y > products_xy * products_xy / squares_x
                                then squares_y - products_xy * products_xy / squares_x
                            else 0
                        end / (scored_n - 2) / squares_x
                    )
        end as slope_error,
        case when metric = 'nps' then scored_n end as nps_scored_n
    from centred

),

scored as (

    select
        metric,
        case when is_all = 1 then '(all)' else handoff_group end as handoffs,
        cast(n as bigint) as n,
        round(mean_score, 4) as mean,
        round(mean_error, 4) as mean_standard_error,
        round(mean_score - {{ t_95('scored_n - 1') }} * mean_error, 4) as mean_lower,
        round(mean_score + {{ t_95('scored_n - 1') }} * mean_error, 4) as mean_upper,
        {% for count in ['nps_promoters', 'nps_passives', 'nps_detractors'] %}
        cast(case when metric = 'nps' then {{ count }} end as bigint) as {{ count }},
        {% endfor %}
        round({{ nps('nps_promoters', 'nps_detractors', 'nps_scored_n') }}, 4) as nps,
        round({{ nps_standard_error('nps_promoters', 'nps_detractors', 'nps_scored_n') }}, 4) as nps_standard_error,
        round({{ nps_adjusted_wald('nps_promoters', 'nps_detractors', 'nps_scored_n', -1) }}, 4) as nps_lower,
        round({{ nps_adjusted_wald('nps_promoters', 'nps_detractors', 'nps_scored_n', 1) }}, 4) as nps_upper,
        round(slope, 4) as slope_per_handoff,
        round(slope_error, 4) as slope_standard_error,
        round(slope - {{ t_95('scored_n - 2') }} * slope_error, 4) as slope_lower,
        round(slope + {{ t_95('scored_n - 2') }} * slope_error, 4) as slope_upper
    from fitted

)

select * from scored
