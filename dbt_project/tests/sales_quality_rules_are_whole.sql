-- A failing row is a rule of seeds/sales_quality_rules.csv that cannot be applied as it is written, or one that is
-- missing. Lines would be called good, bad or undecided by something else than what the seed says.
{{ config(meta={'dagster': {'ref': {'name': 'sales_quality_rules'}}}) }}

with rules as (

    select * from {{ ref('sales_quality_rules') }}

),

of_each_evidence as (

    select
        evidence,
        count(*) as rules_of_evidence
    from rules
    group by evidence

),

expected as (

    select 'kept' as evidence
    union all
    select 'anonymous' as evidence

),

mistakes as (

    select
        rule,
        case
            when rule is null or rule like '%,%' then 'a rule needs a name without commas'
            when rank is null then 'rank is empty'
            when
                coalesce(verdict, '') not in ('good', 'bad', 'undecided')
                then 'verdict is none of good, bad and undecided'
            when verdict = 'undecided' and evidence <> 'anonymous' then 'evidence must decide'
            when
                coalesce(evidence, '') not in (
                    'refund', 'complaint', 'score_at_most', 'score_at_least', 'line_type', 'reversal',
                    'promotion_only', 'repeat', 'kept', 'anonymous'
                )
                then 'evidence is of no kind that is looked at'
            when
                evidence in ('score_at_most', 'score_at_least', 'line_type') and evidence_value is null
                then 'evidence_value is empty'
            when
                evidence in ('refund', 'complaint', 'score_at_most', 'score_at_least', 'promotion_only', 'repeat')
                and coalesce(window_days, -1) < 0
                then 'window_days is empty or negative'
            when evidence in ('line_type', 'reversal', 'kept', 'anonymous') and window_days is not null
                then 'this evidence has no window of its own'
            when
                evidence in ('refund', 'score_at_most', 'score_at_least', 'promotion_only') and threshold is null
                then 'threshold is empty'
            when evidence in ('refund', 'promotion_only') and not threshold between 0 and 1
                then 'threshold is a share, 0 to 1'
            when reason is null then 'reason is empty'
        end as mistake
    from rules

    union all

    select
        evidence as rule,
        'one rule only can have this evidence' as mistake
    from of_each_evidence
    where
        rules_of_evidence > 1
        and evidence in ('refund', 'complaint', 'reversal', 'promotion_only', 'repeat', 'kept', 'anonymous')

    union all

    select
        expected.evidence as rule,
        'no rule has this evidence' as mistake
    from expected
    left join of_each_evidence on expected.evidence = of_each_evidence.evidence
    where of_each_evidence.evidence is null

)

select * from mistakes
where mistake is not null
