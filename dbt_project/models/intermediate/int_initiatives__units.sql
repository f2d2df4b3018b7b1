{#- Who is compared with whom, and over which periods. Callaway and Sant'Anna 2021: only what no initiative has treated
    yet says how things would have gone. -#}

with initiatives as (

    select * from {{ ref('int_initiatives__scoped') }}
    where scope_kind <> '(unknown)'

),

run_settings as (

    select * from {{ source('ops', 'run_settings') }}

),

treatments as (

    select
        initiative_id,
        scope_kind,
        starts_on,
        trim(member) as member
    from (
        select
            initiative_id,
            scope_kind,
            starts_on,
            {{ each_text('treated_members') }} as member
        from initiatives
        where scope_kind <> 'customers'
    ) as named

),

places as (

    select
        'department' as scope_kind,
        department as member,
        coalesce(parent_department, '') as belongs_to
    from {{ ref('dim_departments') }}
    where department <> {{ department_key('null') }}
    union all
    select distinct
        'sales_channel' as scope_kind,
        sales_channel as member,
        '' as belongs_to
    from {{ ref('fct_orders') }}
    where sales_channel is not null
    union all
    select distinct
        'country' as scope_kind,
        country as member,
        '' as belongs_to
    from {{ ref('dim_customers') }}
    where country is not null

),

-- A service desk is no comparison for a shop: departments are compared under the same parent.
belongings as (

    select distinct
        treatments.initiative_id,
        places.belongs_to
    from treatments
    inner join places on treatments.scope_kind = places.scope_kind and treatments.member = places.member

),

candidates as (

    select
        initiatives.initiative_id,
        initiatives.starts_on,
        places.scope_kind,
        places.member
    from belongings
    inner join initiatives on belongings.initiative_id = initiatives.initiative_id
    inner join places
        on initiatives.scope_kind = places.scope_kind and belongings.belongs_to = places.belongs_to

),

-- What else was tried there, up to the start and after it.
crossed as (

    select
        candidates.initiative_id,
        candidates.member,
        max(case when treatments.initiative_id = candidates.initiative_id then 1 else 0 end) = 1 as is_treated,
        max(
            case
                when
                    treatments.initiative_id <> candidates.initiative_id
                    and treatments.starts_on <= candidates.starts_on
                    then treatments.starts_on
            end
        ) as earlier_on,
        min(
            case
                when
                    treatments.initiative_id <> candidates.initiative_id
                    and treatments.starts_on > candidates.starts_on
                    then treatments.starts_on
            end
        ) as later_on
    from candidates
    left join treatments
        on candidates.scope_kind = treatments.scope_kind and candidates.member = treatments.member
    group by candidates.initiative_id, candidates.member

),

members as (

    select * from crossed
    where is_treated or earlier_on is null
    union all
    select
        initiatives.initiative_id,
        sides.member,
        sides.member = '(treated)' as is_treated,
        cast(null as date) as earlier_on,
        cast(null as date) as later_on
    from initiatives
    cross join (
        select '(treated)' as member
        union all
        select '(comparison)' as member
    ) as sides
    where initiatives.scope_kind = 'customers'

),

-- What else happened to the treated cuts their months, whatever they are compared with.
own_bounds as (

    select
        initiative_id,
        max(earlier_on) as earlier_on,
        min(later_on) as later_on
    from members
    where is_treated
    group by initiative_id

),

families as (

    select
        'answers' as family,
        min(response_date) as known_from
    from {{ ref('fct_survey_responses') }}
    where respondent_type = 'external' and standard_score is not null
    union all
    select
        'purchases' as family,
        min(order_date) as known_from
    from {{ ref('fct_orders') }}
    where is_purchase and customer_key is not null

),

elapsed as (

    select
        initiatives.initiative_id,
        initiatives.scope_kind,
        initiatives.method,
        initiatives.starts_on,
        families.family,
        own_bounds.later_on,
        greatest(
            {{ month_from_start('initiatives.starts_on', days_after('run_settings.as_of_date', 1)) }}, 0
        ) as months_elapsed,
        greatest(
            least(
                {{ month_from_start('families.known_from', 'initiatives.starts_on') }},
                {{ month_from_start(
                    'coalesce(own_bounds.earlier_on, families.known_from)', 'initiatives.starts_on'
                ) }},
                cast({{ initiative_rule('months_before') }} as integer)
            ),
            0
        ) as months_before
    from initiatives
    inner join own_bounds on initiatives.initiative_id = own_bounds.initiative_id
    cross join families
    cross join run_settings
    where families.known_from is not null

),

measured as (

    select
        *,
        least(
            months_elapsed,
            coalesce({{ month_from_start('starts_on', 'later_on') }}, months_elapsed),
            cast({{ initiative_rule('months_since') }} as integer)
        ) as months_since
    from elapsed

),

units as (

    select
        measured.initiative_id,
        measured.scope_kind,
        measured.method,
        measured.starts_on,
        measured.family,
        members.member,
        case when members.is_treated then '(treated)' else members.member end as unit,
        members.is_treated,
        measured.months_elapsed,
        measured.months_before,
        case
            when members.is_treated then measured.months_since
            else least(
                measured.months_since,
                coalesce({{ month_from_start('measured.starts_on', 'members.later_on') }}, measured.months_since)
            )
        end as months_since
    from measured
    inner join members on measured.initiative_id = members.initiative_id

)

select * from units
