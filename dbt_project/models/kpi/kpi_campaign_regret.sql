{#- Coarsened exact matching (Iacus, King and Porro 2012): a purchase in a campaign is compared with purchases at the
    full price of the same month and main category by customers who stood alike the evening before. -#}

-- Purchases at the full price in months without a campaign are like none: left out here, they cost nothing below.
with purchases as (

    select * from {{ ref('int_purchases__outcomes') }}
    where
        campaign_id is not null
        or (
            is_full_price
            and order_month in (
                select in_a_campaign.order_month
                from {{ ref('int_purchases__outcomes') }} as in_a_campaign
                where in_a_campaign.campaign_id is not null
            )
        )

),

rules as (

    select * from {{ ref('campaign_regret_outcomes') }}

),

bands as (

    select
        measure,
        band,
        lowest,
        lead(lowest) over (partition by measure order by lowest asc nulls last) as next_lowest
    from {{ ref('campaign_matching_bands') }}

),

-- A company that records no returns, or does not say which tickets are complaints, has not seen that there are none.
recorded as (

    select
        (
            select count(all_purchases.days_to_return)
            from {{ ref('int_purchases__outcomes') }} as all_purchases
        ) > 0 as are_returns_known,
        (select count(tickets.is_complaint) from {{ ref('fct_support_tickets') }} as tickets) > 0
            as are_complaints_known

),

strata as (

    select
        purchases.*,
        concat_ws(
            ' | ',
            substring(cast(purchases.order_month as string), 1, 7),
            frequency.band,
            coalesce(recency.band, '(none)'),
            purchases.main_category
        ) as stratum
    from purchases
    inner join bands as frequency
        on
            frequency.measure = 'earlier_purchases'
            and purchases.earlier_purchases >= frequency.lowest
            and (purchases.earlier_purchases < frequency.next_lowest or frequency.next_lowest is null)
    left join bands as recency
        on
            recency.measure = 'days_since_last_purchase'
            and purchases.days_since_last_purchase >= recency.lowest
            and (purchases.days_since_last_purchase < recency.next_lowest or recency.next_lowest is null)

),

-- What became of each purchase within the window; empty: nobody says.
seen as (

    select
        strata.customer_key,
        strata.order_month,
        strata.campaign_id,
        strata.stratum,
        rules.outcome,
        strata.days_observed < rules.window_days as is_open,
        case
            when rules.outcome = 'returned' and recorded.are_returns_known
                then case when strata.days_to_return <= rules.window_days then 1 else 0 end
            when rules.outcome = 'complained' and recorded.are_complaints_known
                then case when strata.days_to_complaint <= rules.window_days then 1 else 0 end
            when rules.outcome = 'next_full_price'
                then case when strata.days_to_next_full_price <= rules.window_days then 1 else 0 end
            when strata.days_to_nps <= rules.window_days and rules.outcome = 'nps_score' then strata.nps_score
            when strata.days_to_nps <= rules.window_days and rules.outcome = 'detractor'
                then case when strata.nps_score < 7 then 1 else 0 end
            when strata.days_to_csat <= rules.window_days and rules.outcome = 'csat_score' then strata.csat_score
            when strata.days_to_csat <= rules.window_days and rules.outcome = 'low_csat'
                then case when strata.csat_score <= 2 then 1 else 0 end
        end as value
    from strata
    cross join rules
    cross join recorded

),

known as (

    select * from seen
    where not is_open and value is not null

),

in_campaigns as (

    select
        campaign_id,
        outcome,
        count(*) as purchases,
        count(case when is_open then 1 end) as purchases_open,
        count(case when not is_open and value is null then 1 end) as purchases_unknown,
        count(case when not is_open then value end) as campaign_n,
        sum(case when not is_open then value end) as campaign_sum
    from seen
    where campaign_id is not null
    group by campaign_id, outcome

),

campaign_months as (

    select distinct
        campaign_id,
        order_month
    from strata
    where campaign_id is not null

),

-- Everybody at the full price in the months of the campaign, alike or not.
at_full_price as (

    select
        campaign_months.campaign_id,
        known.outcome,
        count(*) as full_price_n,
        sum(known.value) as full_price_sum
    from campaign_months
    inner join known on campaign_months.order_month = known.order_month and known.campaign_id is null
    group by campaign_months.campaign_id, known.outcome

),

campaign_strata as (

    select
        campaign_id,
        outcome,
        stratum,
        count(*) as campaign_n
    from known
    where campaign_id is not null
    group by campaign_id, outcome, stratum

),

full_price_strata as (

    select
        outcome,
        stratum,
        count(*) as full_price_n
    from known
    where campaign_id is null
    group by outcome, stratum

),

-- In each stratum the purchases at the full price count together as much as those in the campaign.
matched_strata as (

    select
        campaign_strata.campaign_id,
        campaign_strata.outcome,
        campaign_strata.stratum,
        cast(campaign_strata.campaign_n as double) / full_price_strata.full_price_n as full_price_weight
    from campaign_strata
    inner join full_price_strata
        on
            campaign_strata.outcome = full_price_strata.outcome
            and campaign_strata.stratum = full_price_strata.stratum

),

compared_purchases as (

    select
        matched_strata.campaign_id,
        matched_strata.outcome,
        known.customer_key,
        known.value,
        case when known.campaign_id is null then 0 else 1 end as is_in_campaign,
        case when known.campaign_id is null then matched_strata.full_price_weight else 0 end as weight
    from matched_strata
    inner join known
        on
            matched_strata.outcome = known.outcome
            and matched_strata.stratum = known.stratum
            and (matched_strata.campaign_id = known.campaign_id or known.campaign_id is null)

),

by_customer as (

    select
        campaign_id,
        outcome,
        customer_key,
        sum(is_in_campaign) as campaign_n,
        sum(is_in_campaign * value) as campaign_sum,
        count(*) - sum(is_in_campaign) as full_price_n,
        {{ exact_sum('weight') }} as full_price_weight,
        {{ exact_sum('weight * weight') }} as full_price_squared_weight,
        {{ exact_sum('weight * value') }} as full_price_sum
    from compared_purchases
    group by campaign_id, outcome, customer_key

),

means as (

    select
        campaign_id,
        outcome,
        cast(sum(campaign_n) as bigint) as n,
        cast(count(case when campaign_n > 0 then 1 end) as bigint) as customers,
        cast(sum(campaign_sum) as decimal(18, 4)) as campaign_sum,
        cast(sum(campaign_sum) as double) / sum(campaign_n) as campaign_mean,
        cast(sum(full_price_n) as bigint) as full_price_n,
        power({{ exact_sum('full_price_weight') }}, 2) / {{ exact_sum('full_price_squared_weight') }}
            as full_price_effective_n,
        {{ exact_sum('full_price_sum') }} as full_price_sum,
        {{ exact_sum('full_price_sum') }} / sum(campaign_n) as full_price_mean
    from by_customer
    group by campaign_id, outcome

),

-- How far each customer pulls the difference away from what it is: purchases of one person are alike, and some people
-- bought on both sides.
pulls as (

    select
        by_customer.campaign_id,
        by_customer.outcome,
        {{ exact_sum(
            'power('
            ~ '(by_customer.campaign_sum - by_customer.campaign_n * means.campaign_mean)'
            ~ ' - (by_customer.full_price_sum - by_customer.full_price_weight * means.full_price_mean), 2)'
        ) }} as squares
    from by_customer
    inner join means on by_customer.campaign_id = means.campaign_id and by_customer.outcome = means.outcome
    group by by_customer.campaign_id, by_customer.outcome

),

-- Shares are never taken as surer than as many independent purchases with one success and one failure more on each side
-- (Agresti and Caffo 2000): nobody sending anything back does not make a certainty.
spreads as (

    select
        means.*,
        rules.measure = 'share' as is_share,
        case
            when means.customers > 1
                then pulls.squares / means.n / means.n * means.customers / (means.customers - 1)
        end as clustered_variance,
        (means.campaign_sum + 1) * (means.n - means.campaign_sum + 1) / power(means.n + 2, 3) as campaign_variance,
        (means.full_price_mean * means.full_price_effective_n + 1)
        * ((1 - means.full_price_mean) * means.full_price_effective_n + 1)
        / power(means.full_price_effective_n + 2, 3) as full_price_variance
    from means
    inner join pulls on means.campaign_id = pulls.campaign_id and means.outcome = pulls.outcome
    inner join rules on means.outcome = rules.outcome

),

differences as (

    select
        *,
        customers >= {{ minimum_answers() }} and full_price_n >= {{ minimum_answers() }} as is_shown,
        case
            when is_share
                then 100 * sqrt(greatest(coalesce(clustered_variance, 0), campaign_variance + full_price_variance))
            else sqrt(clustered_variance)
        end as standard_error
    from spreads

),

published_scores as (

    select
        in_campaigns.campaign_id,
        in_campaigns.outcome,
        rules.measure,
        rules.window_days,
        rules.worse_when,
        cast(rules.margin as double) as margin,
        rules.is_deciding,
        in_campaigns.purchases,
        in_campaigns.purchases_open,
        in_campaigns.purchases_unknown,
        in_campaigns.campaign_n,
        cast(coalesce(in_campaigns.campaign_sum, 0) as decimal(18, 4)) as campaign_sum,
        coalesce(at_full_price.full_price_n, 0) as full_price_n,
        cast(coalesce(at_full_price.full_price_sum, 0) as decimal(18, 4)) as full_price_sum,
        case when rules.measure = 'share' then 100.0e0 else 1.0e0 end as points,
        coalesce(differences.n, 0) as matched_n,
        in_campaigns.campaign_n - coalesce(differences.n, 0) as unmatched_n,
        round({{ percentage('coalesce(differences.n, 0)', 'in_campaigns.campaign_n') }}, 4) as matched_share,
        coalesce(differences.customers, 0) as matched_customers,
        coalesce(differences.campaign_sum, 0) as matched_campaign_sum,
        coalesce(differences.full_price_n, 0) as matched_full_price_n,
        round(differences.full_price_effective_n, 4) as matched_full_price_effective_n,
        round(coalesce(differences.full_price_sum, 0), 4) as matched_full_price_weighted_sum,
        coalesce(differences.is_shown, false) as is_shown,
        differences.campaign_mean,
        differences.full_price_mean,
        round(case when differences.is_shown then differences.standard_error end, 4) as standard_error
    from in_campaigns
    inner join rules on in_campaigns.outcome = rules.outcome
    left join at_full_price
        on in_campaigns.campaign_id = at_full_price.campaign_id and in_campaigns.outcome = at_full_price.outcome
    left join differences
        on in_campaigns.campaign_id = differences.campaign_id and in_campaigns.outcome = differences.outcome

),

shown as (

    select
        *,
        case when campaign_n >= {{ minimum_answers() }} then round(points * campaign_sum / campaign_n, 4) end
            as campaign_value,
        case when full_price_n >= {{ minimum_answers() }} then round(points * full_price_sum / full_price_n, 4) end
            as full_price_value,
        case when is_shown then round(points * campaign_mean, 4) end as matched_campaign_value,
        case when is_shown then round(points * full_price_mean, 4) end as matched_full_price_value,
        case when is_shown then round(points * (campaign_mean - full_price_mean), 4) end as difference
    from published_scores

),

-- The question is whether it is worse by more than the margin, not whether it differs at all.
tested as (

    select
        *,
        (case when worse_when = 'higher' then difference else -difference end - margin) / nullif(standard_error, 0)
            as t_beyond_margin
    from shown

),

normal as (

    select
        *,
        {{ normal_of_t('t_beyond_margin', 'nullif(matched_customers - 1, 0)') }} as z_beyond_margin
    from tested

),

chances as (

    select
        *,
        round(1 - ({{ normal_cdf('z_beyond_margin') }}), 6) as p_value
    from normal

),

ratios as (

    select
        *,
        {{ discovery_ratio('p_value', 'outcome') }} as ratio
    from chances

),

controlled as (

    select
        *,
        round({{ discovery_q_value('ratio', 'p_value', 'outcome') }}, 6) as q_value,
        round(difference - {{ t_95('(matched_customers - 1)') }} * standard_error, 4) as difference_lower,
        round(difference + {{ t_95('(matched_customers - 1)') }} * standard_error, 4) as difference_upper
    from ratios

),

judged as (

    select
        *,
        case
            when purchases_open = purchases then 'too early'
            when campaign_n = 0 then 'not recorded'
            when p_value is null then 'too few'
            when q_value <= {{ false_discovery_rate() }} then 'worse'
            when worse_when = 'higher' and difference_upper < margin then 'not worse'
            when worse_when = 'lower' and difference_lower > -margin then 'not worse'
            else 'unclear'
        end as verdict
    from controlled

),

verdicts as (

    select
        campaign_id,
        case
            when count(case when verdict = 'worse' then 1 end) > 0 then 'regretted'
            when count(*) = count(case when verdict = 'not worse' then 1 end) then 'not regretted'
            when count(*) = count(case when verdict in ('too few', 'too early', 'not recorded') then 1 end)
                then 'not known'
            else 'unclear'
        end as campaign_verdict
    from judged
    where is_deciding
    group by campaign_id

),

final as (

    select
        judged.campaign_id,
        campaigns.campaign_name,
        judged.outcome,
        judged.measure,
        judged.window_days,
        judged.worse_when,
        judged.margin,
        judged.is_deciding,
        judged.purchases,
        judged.purchases_open,
        judged.purchases_unknown,
        judged.campaign_n,
        judged.campaign_sum,
        judged.campaign_value,
        judged.full_price_n,
        judged.full_price_sum,
        judged.full_price_value,
        judged.matched_n,
        judged.unmatched_n,
        judged.matched_share,
        judged.matched_customers,
        judged.matched_campaign_sum,
        judged.matched_campaign_value,
        judged.matched_full_price_n,
        judged.matched_full_price_effective_n,
        judged.matched_full_price_weighted_sum,
        judged.matched_full_price_value,
        judged.difference,
        judged.standard_error as difference_standard_error,
        judged.difference_lower,
        judged.difference_upper,
        judged.p_value,
        judged.q_value,
        judged.verdict,
        coalesce(verdicts.campaign_verdict, 'not known') as campaign_verdict
    from judged
    left join verdicts on judged.campaign_id = verdicts.campaign_id
    left join {{ ref('dim_campaigns') }} as campaigns on judged.campaign_id = campaigns.campaign_id

)

select * from final
