with run_settings as (

    select * from {{ source('ops', 'run_settings') }}

),

-- Anonymous answers are left out: nobody can be met again in them.
answers as (

    select
        customer_key,
        nps_category,
        {{ survey_wave('response_date') }} as wave,
        submitted_at,
        response_id,
        question_id
    from {{ ref('fct_survey_responses') }}
    where
        metric = 'nps'
        and touchpoint = 'relationship'
        and respondent_type = 'external'
        and customer_key is not null
        and standard_score is not null

),

numbered as (

    select
        customer_key,
        nps_category,
        wave,
        row_number() over (
            partition by customer_key, wave
            order by submitted_at desc nulls last, response_id desc nulls last, question_id desc nulls last
        ) as answer_number
    from answers

),

-- One band per person and wave: the last word counts.
positions as (

    select
        customer_key,
        nps_category as band,
        wave
    from numbered
    where answer_number = 1

),

waves as (

    select distinct wave from positions

),

-- A half-year in which nobody was asked is no wave: the one before it is compared.
followed as (

    select
        wave as from_wave,
        lead(wave) over (order by wave nulls last) as to_wave
    from waves

),

wave_pairs as (

    select
        from_wave,
        to_wave
    from followed
    where to_wave is not null

),

positions_before as (

    select
        wave_pairs.from_wave,
        positions.customer_key,
        positions.band
    from wave_pairs
    inner join positions on wave_pairs.from_wave = positions.wave

),

positions_after as (

    select
        wave_pairs.from_wave,
        positions.customer_key,
        positions.band
    from wave_pairs
    inner join positions on wave_pairs.to_wave = positions.wave

),

moves as (

    select
        coalesce(positions_before.from_wave, positions_after.from_wave) as from_wave,
        coalesce(positions_before.band, '(no answer)') as band_before,
        coalesce(positions_after.band, '(no answer)') as band_after
    from positions_before
    full outer join positions_after
        on
            positions_before.from_wave = positions_after.from_wave
            and positions_before.customer_key = positions_after.customer_key

),

counted as (

    select
        from_wave,
        band_before,
        band_after,
        count(*) as customers
    from moves
    group by from_wave, band_before, band_after

),

bands as (

    select
        'detractor' as band,
        1 as band_rank
    union all
    select
        'passive' as band,
        2 as band_rank
    union all
    select
        'promoter' as band,
        3 as band_rank
    union all
    select
        '(no answer)' as band,
        null as band_rank

),

-- All cells: that nobody made a move is a finding too.
cells as (

    select
        wave_pairs.from_wave,
        wave_pairs.to_wave,
        bands_before.band as band_before,
        bands_after.band as band_after,
        bands_after.band_rank - bands_before.band_rank as steps,
        coalesce(counted.customers, 0) as customers
    from wave_pairs
    cross join bands as bands_before
    cross join bands as bands_after
    left join counted
        on
            wave_pairs.from_wave = counted.from_wave
            and bands_before.band = counted.band_before
            and bands_after.band = counted.band_after
    where bands_before.band_rank is not null or bands_after.band_rank is not null

),

-- The share of a band speaks of those who answered twice; below the minimum only the counts remain.
shared as (

    select
        *,
        case
            when steps is not null
                then sum(case when steps is not null then customers else 0 end)
                    over (partition by from_wave, band_before)
        end as band_customers
    from cells

),

shares_to_show as (

    select
        *,
        case when band_customers >= {{ minimum_answers() }} then band_customers end as shown_customers
    from shared

),

transitions as (

    select
        moved.from_wave,
        moved.to_wave,
        moved.to_wave < {{ survey_wave('(run_settings.as_of_date + 1)') }} as is_over,
        moved.band_before,
        moved.band_after,
        case
            when moved.steps > 0 then 'more loyal'
            when moved.steps < 0 then 'less loyal'
            when moved.steps = 0 then 'unchanged'
            else 'answered once'
        end as change,
        moved.customers,
        cast(moved.band_customers as bigint) as band_customers,
        round({{ percentage('moved.customers', 'moved.shown_customers') }}, 4) as share_percent,
        round({{ wilson('moved.customers', 'moved.shown_customers', -1) }}, 4) as share_percent_lower,
        round({{ wilson('moved.customers', 'moved.shown_customers', 1) }}, 4) as share_percent_upper
    from shares_to_show as moved
    cross join run_settings

)

select * from transitions
