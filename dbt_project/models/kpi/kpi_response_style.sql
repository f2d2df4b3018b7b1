with metric_scales as (

    select * from {{ ref('metric_scales') }}

),

-- An answer between two boxes, given on another scale, counts in the lower one, as it does in the NPS.
answers as (

    select
        responses.metric,
        coalesce(responses.locale, '(unknown)') as answer_locale,
        coalesce(responses.customer_key, responses.response_id) as respondent,
        responses.standard_score,
        cast(floor(responses.standard_score) as integer) as box,
        abs(2 * responses.standard_score - metric_scales.scale_min - metric_scales.scale_max)
        <= 0.2 * (metric_scales.scale_max - metric_scales.scale_min) as is_middle,
        responses.standard_score in (metric_scales.scale_min, metric_scales.scale_max) as is_extreme
    from {{ ref('fct_survey_responses') }} as responses
    inner join metric_scales on responses.metric = metric_scales.metric
    where responses.respondent_type = 'external' and responses.standard_score is not null

),

counted as (

    select
        coalesce(answer_locale, '(all)') as locale,
        metric,
        count(*) as n,
        count(distinct respondent) as respondents,
        cast(sum(standard_score) as double) as score_sum,
        count(case when is_middle then 1 end) as middle_n,
        count(case when is_extreme then 1 end) as extreme_n
    from answers
    group by grouping sets ((metric), (answer_locale, metric))

),

boxes as (

    select
        coalesce(answer_locale, '(all)') as locale,
        metric,
        box,
        count(*) as answers_in_box
    from answers
    group by grouping sets ((metric, box), (answer_locale, metric, box))

),

accumulated as (

    select
        locale,
        metric,
        box,
        sum(answers_in_box) over (
            partition by locale, metric
            order by box asc nulls first
            rows between unbounded preceding and current row
        ) as answers_up_to,
        sum(answers_in_box) over (partition by locale, metric) as answers_in_all
    from boxes

),

-- Where a border between two boxes cuts a normal distribution of opinions. Borders with too few answers on one side
-- say nothing; the last box has no upper border, and so a ceiling does not make opinions look alike.
borders as (

    select
        locale,
        metric,
        cast(answers_in_all as double) as n,
        box + 0.5e0 as border,
        cast(answers_up_to as double) / answers_in_all as share_below
    from accumulated
    where answers_up_to >= {{ minimum_answers() }} and answers_in_all - answers_up_to >= {{ minimum_answers() }}

),

placed as (

    select
        *,
        {{ normal_quantile('share_below') }} as deviate
    from borders

),

-- By the inverse of each deviate's variance.
weighted as (

    select
        *,
        n * exp(-deviate * deviate) / (share_below * (1 - share_below)) as border_weight
    from placed

),

summed as (

    select
        locale,
        metric,
        {{ exact_sum('border_weight') }} as w,
        {{ exact_sum('border_weight * border') }} as wt,
        {{ exact_sum('border_weight * deviate') }} as wz,
        {{ exact_sum('border_weight * border * border') }} as wtt,
        {{ exact_sum('border_weight * border * deviate') }} as wtz
    from weighted
    group by locale, metric
    having count(*) > 1

),

spreads as (

    select
        locale,
        metric,
        (w * wtt - wt * wt) / nullif(w * wtz - wt * wz, 0) as spread
    from summed

),

scored as (

    select
        counted.locale,
        counted.metric,
        counted.n,
        counted.respondents,
        round(case when counted.n >= {{ minimum_answers() }} then counted.score_sum / counted.n end, 4) as mean,
        counted.middle_n,
        round({{ percentage('counted.middle_n', 'shown.n') }}, 4) as middle_share,
        round({{ wilson('counted.middle_n', 'shown.n', -1) }}, 4) as middle_share_lower,
        round({{ wilson('counted.middle_n', 'shown.n', 1) }}, 4) as middle_share_upper,
        counted.extreme_n,
        round({{ percentage('counted.extreme_n', 'shown.n') }}, 4) as extreme_share,
        round({{ wilson('counted.extreme_n', 'shown.n', -1) }}, 4) as extreme_share_lower,
        round({{ wilson('counted.extreme_n', 'shown.n', 1) }}, 4) as extreme_share_upper,
        round(spreads.spread, 4) as spread
    from counted
    left join counted as shown
        on
            counted.locale = shown.locale
            and counted.metric = shown.metric
            and shown.n >= {{ minimum_answers() }}
    left join spreads on counted.locale = spreads.locale and counted.metric = spreads.metric

)

select * from scored
