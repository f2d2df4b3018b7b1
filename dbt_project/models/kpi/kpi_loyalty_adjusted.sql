with boxes as (

    select
        coalesce(locale, '(unknown)') as answer_locale,
        cast(date_trunc('quarter', response_date) as date) as answer_quarter,
        cast(floor(standard_score) as integer) as box,
        count(*) as answers
    from {{ ref('fct_survey_responses') }}
    where respondent_type = 'external' and metric = 'nps' and standard_score is not null
    group by
        coalesce(locale, '(unknown)'),
        cast(date_trunc('quarter', response_date) as date),
        cast(floor(standard_score) as integer)

),

stretches as (

    select
        locale,
        method,
        evidence_n,
        is_adjusted,
        stretch,
        case when is_adjusted then stretch_estimate_lower else 1.0e0 end as stretch_lower,
        case when is_adjusted then stretch_estimate_upper else 1.0e0 end as stretch_upper
    from {{ ref('kpi_response_stretch') }}

),

-- The share of a box that lies beyond the cut-offs of its locale, and what it would be at the ends of the stretch.
shared as (

    select
        boxes.*,
        stretches.method,
        stretches.is_adjusted,
        boxes.answers * {{ promoter_share('boxes.box', 'stretches.stretch') }} as promoters,
        boxes.answers * ({{ detractor_share('boxes.box', 'stretches.stretch') }}) as detractors,
        boxes.answers * {{ promoter_share('boxes.box', 'stretches.stretch_lower') }} as promoters_lower,
        boxes.answers * ({{ detractor_share('boxes.box', 'stretches.stretch_lower') }}) as detractors_lower,
        boxes.answers * {{ promoter_share('boxes.box', 'stretches.stretch_upper') }} as promoters_upper,
        boxes.answers * ({{ detractor_share('boxes.box', 'stretches.stretch_upper') }}) as detractors_upper
    from boxes
    inner join stretches on boxes.answer_locale = stretches.locale

),

-- Locales are added up as if all their stretches erred in the same direction, since they have the reference in common.
rolled_up as (

    select
        coalesce(answer_locale, '(all)') as locale,
        answer_quarter as quarter,
        method,
        cast(sum(answers) as bigint) as nps_n,
        cast(sum(case when box >= 9 then answers else 0 end) as bigint) as nps_promoters,
        cast(sum(case when box < 7 then answers else 0 end) as bigint) as nps_detractors,
        cast(sum(case when is_adjusted then answers else 0 end) as bigint) as adjusted_n,
        {{ exact_sum('promoters') }} as promoters,
        {{ exact_sum('detractors') }} as detractors,
        {{ exact_sum('promoters_lower') }} as promoters_lower,
        {{ exact_sum('detractors_lower') }} as detractors_lower,
        {{ exact_sum('promoters_upper') }} as promoters_upper,
        {{ exact_sum('detractors_upper') }} as detractors_upper
    from shared
    group by
        grouping sets (
            (method), (method, answer_locale), (method, answer_quarter), (method, answer_quarter, answer_locale)
        )

),

measured as (

    select
        *,
        {{ nps('promoters', 'detractors', 'nps_n') }} as adjusted,
        {{ nps('promoters_lower', 'detractors_lower', 'nps_n') }} as adjusted_at_lower,
        {{ nps('promoters_upper', 'detractors_upper', 'nps_n') }} as adjusted_at_upper,
        {{ nps_adjusted_wald('promoters', 'detractors', 'nps_n', -1) }} as sampled_lower,
        {{ nps_adjusted_wald('promoters', 'detractors', 'nps_n', 1) }} as sampled_upper,
        case when nps_n >= {{ minimum_answers() }} then nps_n end as scored_n
    from rolled_up

),

-- Both doubts together: the distances to the two bounds, squared and added (Zou and Donner 2008).
bounded as (

    select
        *,
        adjusted - sqrt(power(adjusted - sampled_lower, 2) + power(adjusted - adjusted_at_lower, 2)) as lower_bound,
        adjusted + sqrt(power(sampled_upper - adjusted, 2) + power(adjusted_at_upper - adjusted, 2)) as upper_bound
    from measured

),

scored as (

    select
        case
            when bounded.quarter is null then '(all)'
            else
                cast(extract(year from bounded.quarter) as string)
                || '-Q'
                || cast(extract(quarter from bounded.quarter) as string)
        end as period,
        bounded.quarter,
        bounded.locale,
        bounded.method,
        bounded.nps_n,
        bounded.nps_promoters,
        bounded.nps_detractors,
        round({{ nps('bounded.nps_promoters', 'bounded.nps_detractors', 'bounded.scored_n') }}, 4) as nps,
        round({{ nps_adjusted_wald('bounded.nps_promoters', 'bounded.nps_detractors', 'bounded.scored_n', -1) }}, 4)
            as nps_lower,
        round({{ nps_adjusted_wald('bounded.nps_promoters', 'bounded.nps_detractors', 'bounded.scored_n', 1) }}, 4)
            as nps_upper,
        round(bounded.promoters, 4) as adjusted_promoters,
        round(bounded.detractors, 4) as adjusted_detractors,
        case when bounded.scored_n > 0 then round(bounded.adjusted, 4) end as nps_adjusted,
        case when bounded.scored_n > 0 then round({{ clipped('bounded.lower_bound', -100, 100) }}, 4) end
            as nps_adjusted_lower,
        case when bounded.scored_n > 0 then round({{ clipped('bounded.upper_bound', -100, 100) }}, 4) end
            as nps_adjusted_upper,
        bounded.adjusted_n,
        bounded.adjusted_n > 0 as is_adjusted,
        stretches.stretch,
        round(5 + 3.5e0 / stretches.stretch, 4) as promoter_cut,
        round(5 + 1.5e0 / stretches.stretch, 4) as detractor_cut,
        stretches.evidence_n
    from bounded
    left join stretches on bounded.locale = stretches.locale and bounded.method = stretches.method

)

select * from scored
