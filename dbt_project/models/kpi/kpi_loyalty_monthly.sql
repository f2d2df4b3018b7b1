{#- Everything is counted once, in the finest cells; all levels add those up. -#}

{%- set counts = [
    'invitations', 'invitations_answered', 'invitations_open',
    'nps_n', 'nps_promoters', 'nps_passives', 'nps_detractors',
    'csat_n', 'csat_top_two', 'ces_n', 'ces_easy',
] -%}
{%- set cell = ['cell_month', 'cell_department', 'cell_touchpoint', 'cell_locale'] -%}

-- An invitation counts in the month it was sent in, an answer in the month it was given in.
with invitations as (

    select
        cast(date_trunc('month', sent_date) as date) as cell_month,
        coalesce(department, '(unknown)') as cell_department,
        coalesce(touchpoint, '(unknown)') as cell_touchpoint,
        coalesce(locale, '(unknown)') as cell_locale,
        is_answered,
        {{ days_from_to('sent_date', as_of_date()) }} < {{ answer_window_days() }} as is_recent
    from {{ ref('fct_survey_invitations') }}
    where respondent_type = 'external'

),

answers as (

    select
        cast(date_trunc('month', response_date) as date) as cell_month,
        coalesce(department, '(unknown)') as cell_department,
        coalesce(touchpoint, '(unknown)') as cell_touchpoint,
        coalesce(locale, '(unknown)') as cell_locale,
        metric,
        nps_category,
        is_top_two_box
    from {{ ref('fct_survey_responses') }}
    where
        respondent_type = 'external'
        and metric in ('nps', 'csat', 'ces')
        and standard_score is not null

),

cells_of_invitations as (

    select
        {{ cell | join(', ') }},
        count(*) as invitations,
        count(case when is_answered then 1 end) as invitations_answered,
        count(case when is_recent and not is_answered then 1 end) as invitations_open
    from invitations
    group by {{ cell | join(', ') }}

),

cells_of_answers as (

    select
        {{ cell | join(', ') }},
        count(case when metric = 'nps' then 1 end) as nps_n,
        count(case when nps_category = 'promoter' then 1 end) as nps_promoters,
        count(case when nps_category = 'passive' then 1 end) as nps_passives,
        count(case when nps_category = 'detractor' then 1 end) as nps_detractors,
        count(case when metric = 'csat' then 1 end) as csat_n,
        count(case when metric = 'csat' and is_top_two_box then 1 end) as csat_top_two,
        count(case when metric = 'ces' then 1 end) as ces_n,
        count(case when metric = 'ces' and is_top_two_box then 1 end) as ces_easy
    from answers
    group by {{ cell | join(', ') }}

),

cells as (

    select
        {% for column in counts %}
        coalesce({{ column }}, 0) as {{ column }},
        {% endfor %}
        coalesce(asked.cell_month, given.cell_month) as cell_month,
        coalesce(asked.cell_department, given.cell_department) as cell_department,
        coalesce(asked.cell_touchpoint, given.cell_touchpoint) as cell_touchpoint,
        coalesce(asked.cell_locale, given.cell_locale) as cell_locale
    from cells_of_invitations as asked
    full outer join cells_of_answers as given
        on
            asked.cell_month = given.cell_month
            and asked.cell_department = given.cell_department
            and asked.cell_touchpoint = given.cell_touchpoint
            and asked.cell_locale = given.cell_locale

),

rolled_up as (

    select
        {% for column in counts %}
        cast(sum({{ column }}) as bigint) as {{ column }},
        {% endfor %}
        cell_month,
        cell_department,
        cell_touchpoint,
        cell_locale,
        grouping(cell_department) as is_all_departments,
        grouping(cell_touchpoint) as is_all_touchpoints,
        grouping(cell_locale) as is_all_locales
    from cells
    group by cell_month, cube (cell_department, cell_touchpoint, cell_locale)

),

-- A score from too few answers would be read as news: below the minimum only the counts remain.
counts_to_score as (

    select
        *,
        case when invitations >= {{ minimum_answers() }} then invitations end as scored_invitations,
        case when nps_n >= {{ minimum_answers() }} then nps_n end as nps_scored_n,
        case when csat_n >= {{ minimum_answers() }} then csat_n end as csat_scored_n,
        case when ces_n >= {{ minimum_answers() }} then ces_n end as ces_scored_n
    from rolled_up

),

-- Four decimals are more than any interval carries, and few enough to be the same on every engine.
scored as (

    select
        cell_month as month,
        'month'
        || case when is_all_departments = 0 then '_department' else '' end
        || case when is_all_touchpoints = 0 then '_touchpoint' else '' end
        || case when is_all_locales = 0 then '_locale' else '' end as level,
        coalesce(cell_department, '(all)') as department,
        coalesce(cell_touchpoint, '(all)') as touchpoint,
        coalesce(cell_locale, '(all)') as locale,
        invitations,
        invitations_answered,
        invitations_open,
        round({{ percentage('invitations_answered', 'scored_invitations') }}, 4) as response_rate,
        round({{ wilson('invitations_answered', 'scored_invitations', -1) }}, 4) as response_rate_lower,
        round({{ wilson('invitations_answered', 'scored_invitations', 1) }}, 4) as response_rate_upper,
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
        round({{ wilson('csat_top_two', 'csat_scored_n', 1) }}, 4) as csat_upper,
        ces_n,
        ces_easy,
        round({{ percentage('ces_easy', 'ces_scored_n') }}, 4) as ces,
        round({{ wilson('ces_easy', 'ces_scored_n', -1) }}, 4) as ces_lower,
        round({{ wilson('ces_easy', 'ces_scored_n', 1) }}, 4) as ces_upper
    from counts_to_score

)

select * from scored
