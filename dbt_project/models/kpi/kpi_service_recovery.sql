{#- Kaplan and Meier's estimate (1958) of who has bought again so many days after a problem. Whoever has not by the
    business date is followed up to it and leaves then; nobody is counted as lost. Factors and Greenwood's terms are
    added as decimals: sums of floating-point numbers would depend on the order of the rows. -#}

{#- Of 10 dissatisfied customers 9 do not buy again, of 20 whose problem was resolved 19 do: shown, used nowhere. -#}
{%- set claimed_dissatisfied = 10 -%}
{%- set claimed_resolved = 95 -%}
{%- set grid = [30, 60, 90, 180, 365] -%}

with sides as (

    select 0 as is_all
    union all
    select 1 as is_all

),

problems as (

    select
        problems.problem_id,
        problems.customer_key,
        problems.happened_at,
        problems.followed_days,
        problems.next_purchase_date is not null as has_repurchased,
        case when outcomes.is_all = 1 then '(all)' else problems.outcome end as outcome,
        case when kinds.is_all = 1 then '(all)' else problems.problem_kind end as problem_kind
    from {{ ref('fct_problems') }} as problems
    cross join sides as outcomes
    cross join sides as kinds
    where problems.is_decided

),

-- One life per customer and cell, from the first such problem: intervals are for people, who are independent.
numbered as (

    select
        *,
        row_number() over (
            partition by outcome, problem_kind, customer_key
            order by happened_at asc nulls last, problem_id asc nulls last
        ) as place
    from problems

),

days as (

    select
        outcome,
        problem_kind,
        followed_days,
        count(*) as leaving,
        count(case when has_repurchased then 1 end) as repurchases
    from numbered
    where place = 1
    group by outcome, problem_kind, followed_days

),

-- At risk on a day: everybody who had not bought before and is followed at least to that day, so that a purchase on
-- the last day that is known counts.
risk_sets as (

    select
        *,
        sum(leaving) over (
            partition by outcome, problem_kind
            order by followed_days desc nulls last
            rows between unbounded preceding and current row
        ) as at_risk
    from days

),

factors as (

    select
        outcome,
        problem_kind,
        followed_days,
        leaving,
        repurchases,
        repurchases = at_risk as is_last,
        case
            when repurchases < at_risk
                then cast(ln(cast(at_risk - repurchases as double) / at_risk) as decimal(38, 18))
        end as log_factor,
        case
            when repurchases < at_risk
                then
                    cast(
                        cast(repurchases as double) / (cast(at_risk as double) * (at_risk - repurchases))
                        as decimal(38, 18)
                    )
        end as greenwood_term
    from risk_sets

),

grid as (
    {% for day in grid %}
    select {{ day }} as day
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

),

added as (

    select
        factors.outcome,
        factors.problem_kind,
        grid.day,
        cast(sum(factors.leaving) as bigint) as customers,
        cast(sum(case when factors.followed_days >= grid.day then factors.leaving else 0 end) as bigint) as at_risk,
        cast(sum(case when factors.followed_days <= grid.day then factors.repurchases else 0 end) as bigint)
            as repurchased,
        max(case when factors.followed_days <= grid.day and factors.is_last then 1 else 0 end) = 1
            as have_all_repurchased,
        cast(sum(case when factors.followed_days <= grid.day then factors.log_factor end) as double) as log_survival,
        cast(sum(case when factors.followed_days <= grid.day then factors.greenwood_term end) as double)
            as greenwood_sum
    from factors
    cross join grid
    group by factors.outcome, factors.problem_kind, grid.day

),

-- Nothing is said of days that nobody has been followed to, nor of too few customers.
shown as (

    select
        *,
        case
            when customers < {{ minimum_answers() }} then 'nothing'
            when have_all_repurchased then 'everybody'
            when at_risk = 0 then 'nothing'
            when repurchased = 0 then 'nobody'
            else 'some'
        end as what,
        repurchased + at_risk as known_on_day
    from added

),

-- On the scale of log(-log), where the interval stays between 0 and 1 (Kalbfleisch and Prentice 1980). It has no
-- width where nobody or everybody bought: there Wilson's, over those of whom it is known.
estimated as (

    select
        *,
        case what
            when 'nobody' then 0.0e0
            when 'everybody' then 100.0e0
            when 'some' then 100.0e0 * (1 - exp(log_survival))
        end as rate,
        case
            when what in ('nobody', 'everybody') then {{ wilson('repurchased', 'known_on_day', -1) }}
            when what = 'some'
                then 100.0e0 * (
                    1 - exp(log_survival * exp({{ z_95() }} * sqrt(greenwood_sum) / log_survival))
                )
        end as rate_lower,
        case
            when what in ('nobody', 'everybody') then {{ wilson('repurchased', 'known_on_day', 1) }}
            when what = 'some'
                then 100.0e0 * (
                    1 - exp(log_survival * exp(-{{ z_95() }} * sqrt(greenwood_sum) / log_survival))
                )
        end as rate_upper,
        case
            when outcome = 'resolved' then {{ claimed_resolved }}.0e0
            when outcome <> '(all)' or problem_kind = 'low_score' then {{ claimed_dissatisfied }}.0e0
        end as claimed_rate
    from shown

),

rounded as (

    select
        outcome,
        problem_kind,
        day,
        customers,
        at_risk,
        repurchased,
        round(rate, 4) as repurchase_rate,
        round(rate_lower, 4) as repurchase_rate_lower,
        round(rate_upper, 4) as repurchase_rate_upper,
        claimed_rate as claimed_repurchase_rate,
        claimed_rate >= rate_lower and claimed_rate <= rate_upper as is_claim_within_interval
    from estimated

)

select * from rounded
