with answers as (

    select
        cast(date_trunc('month', response_date) as date) as answer_month,
        coalesce(department, '(unknown)') as answer_department,
        coalesce(touchpoint, '(unknown)') as answer_touchpoint,
        coalesce(locale, '(unknown)') as answer_locale,
        metric,
        nps_category,
        is_top_two_box
    from {{ ref('fct_survey_responses') }}
    where
        respondent_type = 'external'
        and metric in ('nps', 'csat')
        and standard_score is not null

),

counted as (

    select
        answer_month,
        answer_department,
        answer_touchpoint,
        answer_locale,
        grouping(answer_department) as is_all_departments,
        grouping(answer_touchpoint) as is_all_touchpoints,
        count(case when metric = 'nps' then 1 end) as nps_n,
        count(case when nps_category = 'promoter' then 1 end) as nps_promoters,
        count(case when nps_category = 'passive' then 1 end) as nps_passives,
        count(case when nps_category = 'detractor' then 1 end) as nps_detractors,
        count(case when metric = 'csat' then 1 end) as csat_n,
        count(case when metric = 'csat' and is_top_two_box then 1 end) as csat_top_two
    from answers
    group by
        grouping sets (
            (answer_month),
            (answer_month, answer_department),
            (answer_month, answer_department, answer_touchpoint, answer_locale)
        )

),

-- A score from too few answers would be read as news: below the minimum only the counts remain.
counts_to_score as (

    select
        *,
        case when nps_n >= {{ minimum_answers() }} then nps_n end as nps_scored_n,
        case when csat_n >= {{ minimum_answers() }} then csat_n end as csat_scored_n
    from counted

),

-- Four decimals are more than any interval carries, and few enough to be the same on every engine.
scored as (

    select
        answer_month as month,
        case
            when is_all_departments = 1 then 'month'
            when is_all_touchpoints = 1 then 'month_department'
            else 'month_department_touchpoint_locale'
        end as level,
        coalesce(answer_department, '(all)') as department,
        coalesce(answer_touchpoint, '(all)') as touchpoint,
        coalesce(answer_locale, '(all)') as locale,
        nps_n,
        nps_promoters,
        nps_passives,
        nps_detractors,
        round({{ nps('nps_promoters', 'nps_detractors', 'nps_scored_n') }}, 4) as nps,
        round({{ nps_standard_error('nps_promoters', 'nps_detractors', 'nps_scored_n') }}, 4) as nps_standard_error,
        round({{ nps_adjusted_wald('nps_promoters', 'nps_detractors', 'nps_scored_n', -1) }}, 4) as nps_lower,
        round({{ nps_adjusted_wald('nps_promoters', 'nps_detractors', 'nps_scored_n', 1) }}, 4) as nps_upper,
        csat_n,
        csat_top_two,
        round({{ percentage('csat_top_two', 'csat_scored_n') }}, 4) as csat,
        round({{ wilson('csat_top_two', 'csat_scored_n', -1) }}, 4) as csat_lower,
        round({{ wilson('csat_top_two', 'csat_scored_n', 1) }}, 4) as csat_upper
    from counts_to_score

)

select * from scored
