{#- A problem is counted in every cell that it belongs to: of its month and of all, of its department and of all, of its
    kind, of all and, if orders show it, of those. -#}

{#- Silent customers for each one who complains, as the literature has it; shown beside the estimate, never used. -#}
{%- set claimed_silent = 26 -%}

with problems as (

    select
        problem_id,
        customer_key,
        cast(date_trunc('month', happened_date) as date) as problem_month,
        coalesce(department, '(unknown)') as problem_department,
        problem_kind as kind,
        is_from_order,
        is_decided,
        -- What a customer wrote is no silence; whether it was a complaint too is no matter of courage.
        case when is_voiced then 1 else 0 end as is_voiced,
        case when is_decided and not is_voiced and outcome in ('resolved', 'unresolved') then 1 else 0 end
            as is_complaint,
        case when is_decided and not is_voiced and outcome = 'told_in_survey' then 1 else 0 end as is_told_in_survey,
        happened_at,
        revenue_12m_before
    from {{ ref('fct_problems') }}

),

-- Where no ticket says whether it is a complaint, nobody knows who was silent. A complaint that names nobody was voiced
-- all the same, about a problem that looks silent; where all are such, nothing can be said.
complaint_tickets as (

    select
        count(is_complaint) > 0 as are_complaints_known,
        count(case when is_complaint then 1 end) as complaint_count,
        count(case when is_complaint then customer_key end) as matched_count
    from {{ ref('fct_support_tickets') }}

),

voices as (

    select
        are_complaints_known,
        case
            when complaint_count = 0 then 1.0e0
            when matched_count > 0 then cast(matched_count as double) / complaint_count
        end as matched_share
    from complaint_tickets

),

sides as (

    select 0 as is_all
    union all
    select 1 as is_all

),

kinds as (

    select 'own' as side
    union all
    select '(orders)' as side
    union all
    select '(all)' as side

),

counted as (

    select
        problems.*,
        case when months.is_all = 0 then problems.problem_month end as cell_month,
        case when departments.is_all = 1 then '(all)' else problems.problem_department end as cell_department,
        case when kinds.side = 'own' then problems.kind else kinds.side end as cell_kind
    from problems
    cross join sides as months
    cross join sides as departments
    cross join kinds
    where kinds.side <> '(orders)' or problems.is_from_order

),

numbered as (

    select
        *,
        row_number() over (
            partition by cell_month, cell_department, cell_kind, customer_key
            order by happened_at desc nulls last, problem_id desc nulls last
        ) as place_from_last
    from counted
    where is_decided

),

by_customer as (

    select
        cell_month,
        cell_department,
        cell_kind,
        customer_key,
        count(*) as problems,
        sum(is_voiced) as problems_voiced,
        sum(1 - is_voiced) as problems_rated,
        sum(is_complaint) as complaints,
        sum(is_told_in_survey) as told_in_survey,
        max(case when place_from_last = 1 then revenue_12m_before end) as revenue
    from numbered
    group by cell_month, cell_department, cell_kind, customer_key

),

heard as (

    select
        *,
        problems_voiced = 0 and complaints = 0 and told_in_survey = 0 as is_silent
    from by_customer

),

undecided as (

    select
        cell_month,
        cell_department,
        cell_kind,
        count(*) as problems_undecided
    from counted
    where not is_decided
    group by cell_month, cell_department, cell_kind

),

decided as (

    select
        cell_month,
        cell_department,
        cell_kind,
        cast(sum(problems) as bigint) as problems,
        cast(sum(problems_voiced) as bigint) as problems_voiced,
        cast(sum(problems_rated) as bigint) as problems_rated,
        cast(sum(complaints) as bigint) as complaints,
        cast(sum(told_in_survey) as bigint) as told_in_survey,
        count(*) as customers_with_problem,
        count(case when complaints > 0 then 1 end) as customers_complained,
        count(case when is_silent then 1 end) as customers_silent,
        cast(sum(case when is_silent then revenue else 0 end) as decimal(18, 4)) as revenue_at_risk,

        -- for the likeness of several problems of one person
        cast(sum(problems_rated * problems_rated) as double) as problems_squared,
        cast(sum(problems_rated * complaints) as double) as problems_times_complaints,
        cast(sum(complaints * complaints) as double) as complaints_squared
    from heard
    group by cell_month, cell_department, cell_kind

),

cells as (

    select
        coalesce(decided.cell_month, undecided.cell_month) as month,
        coalesce(decided.cell_department, undecided.cell_department) as department,
        coalesce(decided.cell_kind, undecided.cell_kind) as problem_kind,
        coalesce(decided.problems, 0) as problems,
        coalesce(decided.problems_voiced, 0) as problems_voiced,
        coalesce(decided.problems_rated, 0) as problems_rated,
        coalesce(undecided.problems_undecided, 0) as problems_undecided,
        coalesce(decided.complaints, 0) as complaints,
        coalesce(decided.told_in_survey, 0) as told_in_survey,
        coalesce(decided.customers_with_problem, 0) as customers_with_problem,
        coalesce(decided.customers_complained, 0) as customers_complained,
        coalesce(decided.customers_silent, 0) as customers_silent,
        cast(coalesce(decided.revenue_at_risk, 0) as decimal(18, 4)) as revenue_at_risk,
        decided.problems_squared,
        decided.problems_times_complaints,
        decided.complaints_squared
    from decided
    full outer join undecided
        on
            decided.cell_month is not distinct from undecided.cell_month
            and decided.cell_department = undecided.cell_department
            and decided.cell_kind = undecided.cell_kind

),

-- Variance of the rate with customers drawn and not problems, over the variance of as many independent problems.
shared as (

    select
        cells.*,
        case
            when voices.are_complaints_known and cells.problems_rated >= {{ minimum_answers() }}
                then cells.problems_rated
        end as rated_problems,
        cast(cells.complaints as double) / nullif(cells.problems_rated, 0) as complaint_share,
        voices.matched_share
    from cells
    cross join voices

),

weighed as (

    select
        *,
        case
            when complaint_share > 0 and complaint_share < 1
                then greatest(
                    1.0,
                    (
                        complaints_squared
                        - 2 * complaint_share * problems_times_complaints
                        + complaint_share * complaint_share * problems_squared
                    ) / (problems_rated * complaint_share * (1 - complaint_share))
                )
            else 1.0
        end as design_effect
    from shared

),

bounded as (

    select
        *,
        {{ percentage('complaints', 'rated_problems') }} as rate,
        {{ wilson('(complaints / design_effect)', '(rated_problems / design_effect)', -1) }} as rate_lower,
        {{ wilson('(complaints / design_effect)', '(rated_problems / design_effect)', 1) }} as rate_upper
    from weighed

),

-- With the complaints of those whom nobody recognised, as many as among the others.
voiced as (

    select
        *,
        {{ clipped('rate / matched_share', 0, 100) }} as voiced_rate,
        {{ clipped('rate_lower / matched_share', 0, 100) }} as voiced_rate_lower,
        {{ clipped('rate_upper / matched_share', 0, 100) }} as voiced_rate_upper
    from bounded

),

-- The more complain, the fewer are silent per complaint: the bounds change sides. Nobody complaining bounds it from
-- below only.
silent as (

    select
        *,
        (100 - voiced_rate) / nullif(voiced_rate, 0) as silent_ratio,
        (100 - voiced_rate_upper) / nullif(voiced_rate_upper, 0) as silent_ratio_lower,
        case when complaints > 0 then (100 - voiced_rate_lower) / nullif(voiced_rate_lower, 0) end
            as silent_ratio_upper
    from voiced

),

rounded as (

    select
        coalesce(substring(cast(month as string), 1, 7), '(all)') as period,
        department,
        problem_kind,
        month,
        problems,
        problems_voiced,
        problems_undecided,
        complaints,
        told_in_survey,
        customers_with_problem,
        customers_complained,
        customers_silent,
        round(rate, 4) as complaint_rate,
        round(rate_lower, 4) as complaint_rate_lower,
        round(rate_upper, 4) as complaint_rate_upper,
        round(design_effect, 4) as design_effect,
        round(100 * matched_share, 4) as complaints_matched_share,
        round(silent_ratio, 4) as silent_per_complaint,
        round(silent_ratio_lower, 4) as silent_per_complaint_lower,
        round(silent_ratio_upper, 4) as silent_per_complaint_upper,
        cast({{ claimed_silent }} as double) as claimed_silent_per_complaint,
        {{ claimed_silent }} >= silent_ratio_lower
        and {{ claimed_silent }} <= coalesce(silent_ratio_upper, {{ claimed_silent }}) as is_claim_within_interval,
        revenue_at_risk
    from silent

)

select * from rounded
