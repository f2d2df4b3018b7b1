with recommendations as (

    select
        response_id,
        question_id,
        coalesce(locale, '(unknown)') as locale,
        customer_key,
        submitted_at,
        response_date,
        cast(floor(standard_score) as integer) as box
    from {{ ref('fct_survey_responses') }}
    where respondent_type = 'external' and metric = 'nps' and standard_score is not null

),

counted as (

    select
        locale,
        locale = '(unknown)' as is_unknown,
        count(*) as nps_n
    from recommendations
    group by locale

),

locales as (

    select
        locale,
        row_number() over (
            order by is_unknown asc nulls last, nps_n desc nulls last, locale asc nulls last
        ) as place
    from counted

),

-- Answers whose window is closed. An end of the scale says "at least" or "at most", not how much: it is left out, or
-- a culture that reaches the ceiling would seem to differ from one that does not.
windows as (

    select *
    from recommendations
    where
        customer_key is not null
        and box between 1 and 9
        and {{ days_from_to('response_date', as_of_date()) }} >= {{ behaviour_window_days() }}

),

returned as (

    select distinct
        windows.response_id,
        windows.question_id
    from windows
    inner join {{ ref('fct_orders') }} as orders on windows.customer_key = orders.customer_key
    where
        orders.is_purchase
        and not orders.is_cancelled
        and orders.ordered_at > windows.submitted_at
        and {{ days_from_to('windows.response_date', 'orders.order_date') }} <= {{ behaviour_window_days() }}

),

-- One customer's answers are not independent: what follows adds up customers, not answers.
customers as (

    select
        windows.locale,
        windows.customer_key,
        count(*) as answers,
        count(returned.response_id) as returns,
        cast(sum(windows.box) as bigint) as box_sum,
        cast(sum(windows.box * windows.box) as bigint) as square_sum,
        cast(sum(case when returned.response_id is not null then windows.box else 0 end) as bigint) as product_sum
    from windows
    left join returned
        on windows.response_id = returned.response_id and windows.question_id = returned.question_id
    group by windows.locale, windows.customer_key

),

sums as (

    select
        locale,
        cast(sum(answers) as bigint) as evidence_n,
        cast(sum(returns) as bigint) as evidence_returned,
        cast(sum(returns) as double) / sum(answers) as return_mean,
        cast(sum(box_sum) as double) / sum(answers) as box_mean,
        cast(sum(square_sum) as double) - cast(sum(box_sum) as double) * sum(box_sum) / sum(answers) as box_squares,
        cast(sum(product_sum) as double) - cast(sum(box_sum) as double) * sum(returns) / sum(answers) as products
    from customers
    group by locale

),

slopes as (

    select
        *,
        products / nullif(box_squares, 0) as slope
    from sums

),

residuals as (

    select
        customers.locale,
        customers.product_sum
        - slopes.box_mean * customers.returns
        - slopes.return_mean * customers.box_sum
        + customers.answers * slopes.box_mean * slopes.return_mean
        - slopes.slope * (
            customers.square_sum
            - 2 * slopes.box_mean * customers.box_sum
            + customers.answers * slopes.box_mean * slopes.box_mean
        ) as residual
    from customers
    inner join slopes on customers.locale = slopes.locale

),

slope_errors as (

    select
        locale,
        sqrt({{ exact_sum('residual * residual') }}) as residual_root
    from residuals
    group by locale

),

-- In log odds, so that a locale that buys more often is not taken for one that means more by its answers.
behaviours as (

    select
        slopes.locale,
        slopes.slope / nullif(slopes.return_mean * (1 - slopes.return_mean), 0) as odds_slope,
        slope_errors.residual_root / nullif(slopes.slope * slopes.box_squares, 0) as relative_error
    from slopes
    inner join slope_errors on slopes.locale = slope_errors.locale

),

-- A slope that may be none at all cannot be divided by another.
usable_behaviours as (

    select *
    from behaviours
    where odds_slope > 0 and relative_error > 0 and relative_error * {{ z_95() }} < 1

),

references_to as (

    select max(case when place = 1 and locale <> '(unknown)' then locale end) as reference_locale
    from locales

),

by_behaviour as (

    select
        theirs.locale,
        ln(theirs.odds_slope / ours.odds_slope) as behaviour_log,
        sqrt(theirs.relative_error * theirs.relative_error + ours.relative_error * ours.relative_error)
            as behaviour_error
    from usable_behaviours as theirs
    cross join references_to
    inner join usable_behaviours as ours on references_to.reference_locale = ours.locale

),

spread_ratios as (

    select
        theirs.locale,
        ln(ours.spread / theirs.spread) as spread_log,
        sqrt(0.5e0 / (theirs.respondents - 1) + 0.5e0 / (ours.respondents - 1)) as spread_error
    from {{ ref('kpi_response_style') }} as theirs
    cross join references_to
    inner join {{ ref('kpi_response_style') }} as ours
        on references_to.reference_locale = ours.locale and theirs.metric = ours.metric
    where theirs.spread > 0 and ours.spread > 0 and theirs.respondents > 1 and ours.respondents > 1

),

-- The questions go to the same people, so their sampling errors do not cancel out; what differs between them does.
by_spread as (

    select
        locale,
        count(*) as spread_metrics,
        {{ exact_sum('spread_log') }} / count(*) as spread_log,
        sqrt(
            power({{ exact_sum('spread_error') }} / count(*), 2)
            + {{ sample_variance(exact_sum('spread_log'), exact_sum('spread_log * spread_log'), 'count(*)') }}
            / count(*)
        ) as spread_error
    from spread_ratios
    group by locale
    having count(*) >= {{ minimum_style_metrics() }}

),

evidence as (

    select
        locales.locale,
        references_to.reference_locale,
        coalesce(sums.evidence_n, 0) as evidence_n,
        coalesce(sums.evidence_returned, 0) as evidence_returned,
        by_behaviour.behaviour_log,
        by_behaviour.behaviour_error,
        coalesce(by_spread.spread_metrics, 0) as spread_metrics,
        by_spread.spread_log,
        by_spread.spread_error,
        sqrt(power(by_spread.spread_error, 2) + power({{ true_spread_sd() }}, 2)) as opinion_error
    from locales
    cross join references_to
    left join sums on locales.locale = sums.locale
    left join by_behaviour on locales.locale = by_behaviour.locale
    left join by_spread on locales.locale = by_spread.locale

),

weighed as (

    select
        *,
        1 / power(behaviour_error, 2) as behaviour_weight,
        1 / power(opinion_error, 2) as opinion_weight,
        coalesce(
            abs(behaviour_log - spread_log)
            > {{ z_95() }} * sqrt(power(behaviour_error, 2) + power(opinion_error, 2)),
            false
        ) as is_contradicted
    from evidence

),

estimates as (

    select
        *,
        'later_behaviour' as method,
        behaviour_log as estimate_log,
        behaviour_weight as estimate_weight
    from weighed

    union all

    select
        *,
        'later_behaviour_and_spread' as method,
        (behaviour_log * behaviour_weight + spread_log * opinion_weight) / (behaviour_weight + opinion_weight)
            as estimate_log,
        behaviour_weight + opinion_weight as estimate_weight
    from weighed

),

judged as (

    select
        *,
        case
            when locale = reference_locale then 'reference'
            when locale = '(unknown)' then 'no locale'
            when behaviour_log is null then 'too little evidence'
            when estimate_log is null then 'too few questions'
            when is_contradicted then 'contradicted'
            when abs(estimate_log) * sqrt(estimate_weight) <= {{ z_95() }} then 'within chance'
            when spread_log * estimate_log <= 0 or abs(spread_log) <= {{ z_95() }} * spread_error then 'not supported'
            else 'adjusted'
        end as verdict,
        estimate_log * estimate_weight / (estimate_weight + 1 / power({{ stretch_prior_sd() }}, 2)) as shrunk_log,
        1 / sqrt(estimate_weight + 1 / power({{ stretch_prior_sd() }}, 2)) as shrunk_error
    from estimates

),

published as (

    select
        locale,
        method,
        reference_locale,
        verdict,
        verdict = 'adjusted' as is_adjusted,
        round(case when verdict = 'adjusted' then exp(shrunk_log) else 1.0e0 end, 4) as stretch,
        case when verdict <> 'no locale' and locale <> reference_locale then round(exp(shrunk_log), 4) end
            as stretch_estimate,
        case
            when verdict <> 'no locale' and locale <> reference_locale
                then round(exp(shrunk_log - {{ z_95() }} * shrunk_error), 4)
        end as stretch_estimate_lower,
        case
            when verdict <> 'no locale' and locale <> reference_locale
                then round(exp(shrunk_log + {{ z_95() }} * shrunk_error), 4)
        end as stretch_estimate_upper,
        evidence_n,
        evidence_returned,
        round(exp(behaviour_log), 4) as behaviour_stretch,
        round(behaviour_error, 4) as behaviour_log_error,
        spread_metrics,
        round(exp(spread_log), 4) as spread_stretch,
        round(spread_error, 4) as spread_log_error
    from judged

)

select * from published
