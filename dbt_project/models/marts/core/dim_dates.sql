{#- BI tools compare years with years, so the calendar has whole ones, calendar and fiscal: it goes on after the
    business date. What counts months up to now asks for days_before_as_of >= 0. -#}

with run_settings as (

    select * from {{ source('ops', 'run_settings') }}

),

events as (

    select min(order_date) as event_date from {{ ref('fct_orders') }}
    union all
    select min(response_date) as event_date from {{ ref('fct_survey_responses') }}
    union all
    select min(sent_date) as event_date from {{ ref('fct_survey_invitations') }}
    union all
    select min(opened_date) as event_date from {{ ref('fct_support_tickets') }}
    union all
    select min(sent_date) as event_date from {{ ref('fct_campaign_contacts') }}

),

touched as (

    select
        run_settings.as_of_date,
        run_settings.fiscal_year_first_month,
        cast(
            date_trunc('year', coalesce(min(events.event_date), run_settings.as_of_date)) as date
        ) as first_year_start,
        extract(month from coalesce(min(events.event_date), run_settings.as_of_date))
        < run_settings.fiscal_year_first_month as is_first_in_fiscal_year_before,
        cast(date_trunc('year', run_settings.as_of_date) as date) as last_year_start,
        extract(month from run_settings.as_of_date) >= run_settings.fiscal_year_first_month
        and run_settings.fiscal_year_first_month > 1 as does_fiscal_year_end_next_year
    from run_settings
    cross join events
    group by run_settings.as_of_date, run_settings.fiscal_year_first_month

),

bounds as (

    select
        as_of_date,
        fiscal_year_first_month,
        case
            when is_first_in_fiscal_year_before then {{ one_year_before('first_year_start') }}
            else first_year_start
        end as first_day,
        -- the end of the month of some day of December, of this year or the next
        last_day(
            case
                when does_fiscal_year_end_next_year then {{ days_after('last_year_start', 710) }}
                else {{ days_after('last_year_start', 340) }}
            end
        ) as latest_day
    from touched

),

days as (

    select
        as_of_date,
        fiscal_year_first_month,
        {{ days_between('first_day', 'latest_day') }} as date_day
    from bounds

),

numbered as (

    select
        date_day,
        as_of_date,
        cast(extract(year from date_day) as integer) as year,
        cast(extract(quarter from date_day) as integer) as quarter,
        cast(extract(month from date_day) as integer) as month_of_year,
        cast(extract(day from date_day) as integer) as day_of_month,
        cast(date_trunc('quarter', date_day) as date) as quarter_start,
        cast(date_trunc('month', date_day) as date) as month_start,
        {{ iso_day_of_week('date_day') }} as day_of_week,
        {{ month_number('date_day') }} as months,
        {{ month_number('as_of_date') }} as months_as_of,
        {{ month_number(days_after('as_of_date', 1)) }} - 1 as last_whole_month,
        {{ one_year_before('as_of_date') }} as as_of_date_last_year,
        extract(month from date_day) < fiscal_year_first_month as is_in_fiscal_year_before,
        extract(month from as_of_date) < fiscal_year_first_month as is_now_in_fiscal_year_before,
        fiscal_year_first_month
    from days

),

dated as (

    select
        *,
        {{ days_after('date_day', '1 - day_of_week') }} as week_start,
        year - cast(is_in_fiscal_year_before as integer) as fiscal_year,
        cast(extract(year from as_of_date) as integer)
        - cast(is_now_in_fiscal_year_before as integer) as fiscal_year_as_of,
        month_of_year - fiscal_year_first_month + 1 + 12 * cast(is_in_fiscal_year_before as integer) as fiscal_month
    from numbered

),

calendar as (

    select
        date_day,
        year * 10000 + month_of_year * 100 + day_of_month as date_key,

        year,
        cast(year as string) || ' Q' || cast(quarter as string) as quarter_label,
        quarter,
        quarter_start,
        last_day({{ days_after('quarter_start', 70) }}) as quarter_end,
        month_start,
        last_day(date_day) as month_end,
        month_of_year,
        substr(cast(date_day as string), 1, 7) as month_label,
        {{ month_name('month_of_year') }} as month_name,
        day_of_month,
        date_day = last_day(date_day) as is_month_end,
        week_start,
        -- a week belongs to the year that its Thursday is in
        cast(extract(year from {{ days_after('week_start', 3) }}) as integer) as iso_year,
        cast(extract(week from date_day) as integer) as iso_week,
        day_of_week,
        {{ day_name('day_of_week') }} as day_name,
        day_of_week >= 6 as is_weekend,

        fiscal_year,
        case
            when fiscal_year_first_month = 1 then cast(fiscal_year as string)
            else cast(fiscal_year as string) || '/' || substr(cast(fiscal_year + 1 as string), 3, 2)
        end as fiscal_year_label,
        {{ quarter_of_month('fiscal_month') }} as fiscal_quarter,
        fiscal_month,

        {{ days_from_to('date_day', 'as_of_date') }} as days_before_as_of,
        cast(
            floor(
                {{ days_from_to('week_start', days_after('as_of_date', '1 - ' ~ iso_day_of_week('as_of_date'))) }} / 7
            ) as integer
        ) as weeks_before_as_of,
        months_as_of - months as months_before_as_of,
        date_day > as_of_date as is_after_as_of,
        months = months_as_of as is_current_month,
        months = last_whole_month as is_last_whole_month,
        months > last_whole_month - 12 and months <= last_whole_month as is_last_12_whole_months,
        year = extract(year from as_of_date) and date_day <= as_of_date as is_year_to_date,
        year = extract(year from as_of_date) - 1 and date_day <= as_of_date_last_year as is_same_period_last_year,
        fiscal_year = fiscal_year_as_of and date_day <= as_of_date as is_fiscal_year_to_date,
        fiscal_year = fiscal_year_as_of - 1 and date_day <= as_of_date_last_year as is_same_fiscal_period_last_year
    from dated

)

select * from calendar
