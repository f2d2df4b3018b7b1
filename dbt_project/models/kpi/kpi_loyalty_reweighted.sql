with customers as (

    select
        members.customer_key,
        members.segment,
        coalesce(dim_customers.locale, '(unknown)') as customer_locale
    from {{ ref('customer_rfm') }} as members
    left join {{ ref('dim_customers') }} as dim_customers on members.customer_key = dim_customers.customer_key

),

answers as (

    select
        customer_key,
        nps_category,
        row_number() over (
            partition by customer_key
            order by submitted_at desc nulls last, response_id desc nulls last, question_id desc nulls last
        ) as place
    from {{ ref('fct_survey_responses') }}
    where
        respondent_type = 'external'
        and metric = 'nps'
        and nps_category is not null
        and customer_key is not null
        and response_date > {{ one_year_before(as_of_date()) }}

),

-- One voice per customer, or those who are asked most often would be heard most.
cells as (

    select
        customers.customer_locale,
        customers.segment,
        count(*) as customers,
        count(answers.customer_key) as voices,
        count(case when answers.nps_category = 'promoter' then 1 end) as promoters,
        count(case when answers.nps_category = 'detractor' then 1 end) as detractors
    from customers
    left join answers on customers.customer_key = answers.customer_key and answers.place = 1
    group by customers.customer_locale, customers.segment

),

-- A few voices cannot stand for a whole cell. Small cells of a locale are taken together, and what is still too small
-- with that of the other locales.
within_locale as (

    select
        *,
        voices < {{ minimum_answers() }} as is_small,
        sum(case when voices < {{ minimum_answers() }} then voices else 0 end) over (partition by customer_locale)
            as small_voices
    from cells

),

pools as (

    select
        *,
        case
            when not is_small then customer_locale
            when small_voices >= {{ minimum_answers() }} then customer_locale
            else '(few answers)'
        end as pool_locale,
        case when is_small then '(few answers)' else segment end as pool_segment
    from within_locale

),

represented as (

    select
        *,
        cast(sum(customers) over (partition by pool_locale, pool_segment) as double)
        / nullif(sum(voices) over (partition by pool_locale, pool_segment), 0) as pool_weight
    from pools

),

-- As a multiple of the average voice of the company, and no more than the limit.
average_voice as (

    select cast(sum(case when pool_weight > 0 then customers else 0 end) as double) / nullif(sum(voices), 0) as weight
    from represented

),

weighted as (

    select
        represented.*,
        represented.pool_weight / average_voice.weight as untrimmed_weight,
        case
            when represented.pool_weight > {{ largest_voice_weight() }} * average_voice.weight
                then cast({{ largest_voice_weight() }} as double)
            else represented.pool_weight / average_voice.weight
        end as voice_weight
    from represented
    cross join average_voice

),

rolled_up as (

    select
        coalesce(customer_locale, '(all)') as locale,
        cast(sum(customers) as bigint) as customers,
        cast(sum(case when pool_weight > 0 then customers else 0 end) as bigint) as represented_customers,
        cast(sum(voices) as bigint) as nps_n,
        cast(sum(promoters) as bigint) as nps_promoters,
        cast(sum(detractors) as bigint) as nps_detractors,
        cast(sum(case when is_small then voices else 0 end) as bigint) as pooled_n,
        cast(sum(case when untrimmed_weight > voice_weight then voices else 0 end) as bigint) as trimmed_n,
        max(case when voices > 0 then voice_weight end) as largest_weight,
        {{ exact_sum('voices * voice_weight') }} as weight_sum,
        {{ exact_sum('voices * voice_weight * voice_weight') }} as square_sum,
        {{ exact_sum('promoters * voice_weight') }} as promoter_sum,
        {{ exact_sum('detractors * voice_weight') }} as detractor_sum
    from weighted
    group by grouping sets ((), (customer_locale))

),

-- Kish (1965): so many equally heard voices would be as certain.
measured as (

    select
        *,
        weight_sum * weight_sum / nullif(square_sum, 0) as effective_voices
    from rolled_up
    where customers > 0

),

effective as (

    select
        *,
        promoter_sum / nullif(weight_sum, 0) * effective_voices as effective_promoters,
        detractor_sum / nullif(weight_sum, 0) * effective_voices as effective_detractors,
        case when nps_n >= {{ minimum_answers() }} then nps_n end as scored_n,
        -- as published: ten voices less a rounding error are ten
        case when round(effective_voices, 4) >= {{ minimum_answers() }} then effective_voices end as scored_voices
    from measured

),

scored as (

    select
        locale,
        customers,
        represented_customers,
        nps_n,
        nps_promoters,
        nps_detractors,
        round({{ nps('nps_promoters', 'nps_detractors', 'scored_n') }}, 4) as nps,
        round({{ nps_adjusted_wald('nps_promoters', 'nps_detractors', 'scored_n', -1) }}, 4) as nps_lower,
        round({{ nps_adjusted_wald('nps_promoters', 'nps_detractors', 'scored_n', 1) }}, 4) as nps_upper,
        round({{ nps('effective_promoters', 'effective_detractors', 'scored_voices') }}, 4) as nps_reweighted,
        round({{ nps_adjusted_wald('effective_promoters', 'effective_detractors', 'scored_voices', -1) }}, 4)
            as nps_reweighted_lower,
        round({{ nps_adjusted_wald('effective_promoters', 'effective_detractors', 'scored_voices', 1) }}, 4)
            as nps_reweighted_upper,
        round(effective_voices, 4) as effective_n,
        round(largest_weight, 4) as largest_weight,
        pooled_n,
        trimmed_n
    from effective

)

select * from scored
