{#- Who was expected to be worth most when the holdout began, what they had in common, and whether those who then were
    worth most had it too. Observed over expected, within groups of customers that are alike: lifts of all kinds of
    traits come from one formula. -#}

{#- A group is expected to have so many among the best before anything is said of it (Cochran 1954). -#}
{%- set fewest_expected = 5 -%}
{#- More purchases than this are one group; so are customers who came in the same half-year. -#}
{%- set most_purchases = 20 -%}
{%- set days_of_a_group = 182.5 -%}

with run_settings as (

    select
        *,
        {{ days_after('as_of_date', '-holdout_days') }} as known_on
    from {{ source('ops', 'run_settings') }}

),

-- The best tenth of all, equal values together: where more than a tenth share the highest value, nobody is best.
customers as (

    select
        clv.customer_key,
        case when percent_rank() over (order by clv.clv_amount asc nulls first) >= 0.9 then 1 else 0 end as is_top,
        case when percent_rank() over (order by clv.holdout_value asc nulls first) >= 0.9 then 1 else 0 end
            as is_top_later,
        cast(
            1000 * least(histories.frequency + 1, {{ most_purchases }})
            + floor(histories.age_days / {{ days_of_a_group }}) as integer
        ) as alike
    from {{ ref('int_customers__clv_at_holdout') }} as clv
    inner join {{ ref('int_customers__purchase_histories') }} as histories
        on clv.customer_key = histories.customer_key and histories.dataset = 'calibration'

),

how_valued as (

    select max(clv_status) as value_status
    from {{ ref('int_customers__clv_at_holdout') }}

),

-- Who has bought more often and for longer is written to, let down and answered more often: an experience is looked for
-- among customers with as many purchases since the same half-year. Everything else is looked for among all, as group 0.
groups as (

    select
        0 as alike,
        count(*) as customers,
        cast(sum(is_top) as bigint) as top_customers,
        cast(sum(is_top_later) as bigint) as later_top_customers
    from customers

    union all

    select
        alike,
        count(*) as customers,
        cast(sum(is_top) as bigint) as top_customers,
        cast(sum(is_top_later) as bigint) as later_top_customers
    from customers
    group by alike

),

whole as (

    select
        'expected' as period,
        customers,
        top_customers
    from groups
    where alike = 0

    union all

    select
        'came' as period,
        customers,
        later_top_customers as top_customers
    from groups
    where alike = 0

),

with_trait as (

    select
        traits.trait_kind,
        traits.trait,
        traits.trait_value,
        customers.is_top,
        customers.is_top_later,
        case when traits.trait_kind = 'experience' then customers.alike else 0 end as alike
    from {{ ref('int_customers__traits') }} as traits
    inner join customers on traits.customer_key = customers.customer_key

),

counted as (

    select
        trait_kind,
        trait,
        trait_value,
        alike,
        count(*) as n,
        sum(is_top) as top_n,
        sum(is_top_later) as later_top_n
    from with_trait
    group by trait_kind, trait, trait_value, alike

),

-- The best by what was expected, and the best by what came, are looked at alike.
compared as (

    select
        counted.trait_kind,
        counted.trait,
        counted.trait_value,
        'expected' as period,
        cast(counted.n as double) as n,
        cast(counted.top_n as double) as top_n,
        cast(groups.customers as double) as all_n,
        cast(groups.top_customers as double) as all_top_n
    from counted
    inner join groups on counted.alike = groups.alike

    union all

    select
        counted.trait_kind,
        counted.trait,
        counted.trait_value,
        'came' as period,
        cast(counted.n as double) as n,
        cast(counted.later_top_n as double) as top_n,
        cast(groups.customers as double) as all_n,
        cast(groups.later_top_customers as double) as all_top_n
    from counted
    inner join groups on counted.alike = groups.alike

),

-- How many would be among the best if the trait meant nothing, and by how much chance moves that (Mantel and Haenszel
-- 1959); with one group it is the chi-square test of two shares.
expected as (

    select
        trait_kind,
        trait,
        trait_value,
        period,
        cast(sum(n) as bigint) as n,
        cast(sum(top_n) as bigint) as top_n,
        {{ exact_sum('n * all_top_n / all_n') }} as expected_n,
        {{ exact_sum(
            'case when all_n > 1'
            ~ ' then n * (all_n - n) * all_top_n * (all_n - all_top_n) / (all_n * all_n * (all_n - 1)) end'
        ) }} as chance_variance
    from compared
    group by trait_kind, trait, trait_value, period

),

-- What the logarithm of the lift varies by (delta method), with half a success and half a failure added on both sides.
spreads as (

    select
        compared.trait_kind,
        compared.trait,
        compared.trait_value,
        compared.period,
        {{ exact_sum(
            'power(1 / nullif(cast(expected.top_n as double), 0)'
            ~ ' - compared.n / (compared.all_n * expected.expected_n), 2)'
            ~ ' * compared.n * (compared.top_n + 0.5e0) * (compared.n - compared.top_n + 0.5e0)'
            ~ ' / power(compared.n + 1, 2)'
            ~ ' + power(compared.n / (compared.all_n * expected.expected_n), 2) * (compared.all_n - compared.n)'
            ~ ' * (compared.all_top_n - compared.top_n + 0.5e0)'
            ~ ' * (compared.all_n - compared.n - compared.all_top_n + compared.top_n + 0.5e0)'
            ~ ' / power(compared.all_n - compared.n + 1, 2)'
        ) }} as log_variance
    from compared
    inner join expected
        on
            compared.trait_kind = expected.trait_kind
            and compared.trait = expected.trait
            and compared.trait_value = expected.trait_value
            and compared.period = expected.period
    where expected.expected_n > 0
    group by compared.trait_kind, compared.trait, compared.trait_value, compared.period

),

-- Nothing is said of a handful of people, with the trait or without. None of the best having it bounds the lift from
-- above only: 3.689 is the largest expectation of a Poisson variable that is 0 in one of forty cases.
lifts as (

    select
        expected.*,
        expected.expected_n >= {{ fewest_expected }}
        and whole.top_customers - expected.expected_n >= {{ fewest_expected }} as is_testable,
        expected.top_n / nullif(expected.expected_n, 0) as lift,
        case
            when expected.top_n = 0 then 0.0e0
            else expected.top_n / expected.expected_n * exp(-{{ z_95() }} * sqrt(spreads.log_variance))
        end as lift_lower,
        case
            when expected.top_n = 0 then 3.689e0 / nullif(expected.expected_n, 0)
            else expected.top_n / expected.expected_n * exp({{ z_95() }} * sqrt(spreads.log_variance))
        end as lift_upper,
        abs(expected.top_n - expected.expected_n) / nullif(sqrt(expected.chance_variance), 0) as z
    from expected
    inner join whole on expected.period = whole.period
    left join spreads
        on
            expected.trait_kind = spreads.trait_kind
            and expected.trait = spreads.trait
            and expected.trait_value = spreads.trait_value
            and expected.period = spreads.period
    where expected.n >= {{ minimum_answers() }} and whole.customers - expected.n >= {{ minimum_answers() }}

),

tested as (

    select
        lifts_then.trait_kind,
        lifts_then.trait,
        lifts_then.trait_value,
        lifts_then.n as customers,
        lifts_then.top_n as top_customers,
        round(lifts_then.expected_n, 4) as expected_top_customers,
        round(lifts_then.lift, 4) as lift,
        round(lifts_then.lift_lower, 4) as lift_lower,
        round(lifts_then.lift_upper, 4) as lift_upper,
        lifts_then.is_testable,
        case
            when lifts_then.is_testable then round(2 * (1 - ({{ normal_cdf('lifts_then.z') }})), 6)
        end as p_value,
        lifts_later.top_n as later_top_customers,
        round(lifts_later.expected_n, 4) as later_expected_top_customers,
        round(lifts_later.lift, 4) as later_lift,
        round(lifts_later.lift_lower, 4) as later_lift_lower,
        round(lifts_later.lift_upper, 4) as later_lift_upper,
        lifts_later.is_testable as is_testable_later
    from lifts as lifts_then
    inner join lifts as lifts_later
        on
            lifts_then.trait_kind = lifts_later.trait_kind
            and lifts_then.trait = lifts_later.trait
            and lifts_then.trait_value = lifts_later.trait_value
            and lifts_later.period = 'came'
    where lifts_then.period = 'expected'

),

ratios as (

    select
        *,
        count(p_value) over (partition by 1) as traits_tested,
        {{ discovery_ratio('p_value', '1') }} as ratio
    from tested

),

controlled as (

    select
        *,
        round({{ discovery_q_value('ratio', 'p_value', '1') }}, 6) as q_value
    from ratios

),

judged as (

    select
        *,
        case
            when not is_testable then 'not testable'
            when q_value > {{ false_discovery_rate() }} then 'not found'
            when
                is_testable_later
                and (lift > 1 and later_lift_lower > 1 or lift < 1 and later_lift_upper < 1) then 'confirmed'
            else 'unconfirmed'
        end as verdict
    from controlled

),

final as (

    select
        judged.trait_kind,
        judged.trait,
        judged.trait_value,
        run_settings.known_on,
        how_valued.value_status,
        case
            when judged.trait_kind = 'experience' then 'customers with as many purchases in as long a time'
            else 'all customers'
        end as compared_with,
        judged.customers,
        whole.customers as all_customers,
        judged.top_customers,
        whole.top_customers as all_top_customers,
        judged.expected_top_customers,
        round({{ percentage('judged.top_customers', 'judged.customers') }}, 4) as top_share,
        judged.lift,
        judged.lift_lower,
        judged.lift_upper,
        judged.p_value,
        judged.q_value,
        judged.traits_tested,
        judged.later_top_customers,
        later_whole.top_customers as all_later_top_customers,
        judged.later_expected_top_customers,
        judged.later_lift,
        judged.later_lift_lower,
        judged.later_lift_upper,
        judged.verdict,
        case
            when judged.verdict = 'not testable'
                then 'too few of the best are expected with the trait or without it'
            when judged.verdict = 'not found' then 'may be chance'
            when judged.verdict = 'unconfirmed' and not judged.is_testable_later
                then 'too few are the best of the later period'
            when judged.verdict = 'unconfirmed' and (judged.lift > 1) <> (judged.later_lift > 1)
                then 'the later period points the other way'
            when judged.verdict = 'unconfirmed' then 'the later period may be chance'
        end as reason
    from judged
    cross join run_settings
    cross join how_valued
    inner join whole on whole.period = 'expected'
    inner join whole as later_whole on later_whole.period = 'came'

)

select * from final
