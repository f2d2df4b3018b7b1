with departments as (

    select * from {{ ref('stg_org__departments') }}

),

mentioned as (

    select department from {{ ref('fct_orders') }}
    union
    select department from {{ ref('fct_survey_responses') }}
    union
    select department from {{ ref('fct_survey_invitations') }}
    union
    select department from {{ ref('fct_support_tickets') }}
    union
    select department from {{ ref('int_tickets__events') }}
    union
    -- what no department is named for belongs to this one
    select {{ department_key('null') }} as department

),

all_departments as (

    select
        coalesce(departments.department, mentioned.department) as department_key,
        coalesce(departments.department, mentioned.department) as department,
        case
            when mentioned.department = {{ department_key('null') }} then mentioned.department
            else departments.department_name
        end as department_name,
        departments.parent_department,
        departments.department is null and mentioned.department <> {{ department_key('null') }} as is_inferred
    from departments
    full outer join mentioned on departments.department = mentioned.department
    where coalesce(departments.department, mentioned.department) is not null

)

select * from all_departments
