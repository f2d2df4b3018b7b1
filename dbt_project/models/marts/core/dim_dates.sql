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

bounds as (

    select
        run_settings.as_of_date,
        cast(
            date_trunc('month', coalesce(min(events.event_date), run_settings.as_of_date)) as date
        ) as first_day
    from run_settings
    cross join events
    group by run_settings.as_of_date

),

days as (

    select
        as_of_date,
        {{ days_between('first_day', 'as_of_date') }} as date_day
    from bounds

),

calendar as (

    select
        date_day,
        cast(extract(year from date_day) as integer) as year,
        cast(extract(quarter from date_day) as integer) as quarter,
        cast(date_trunc('month', date_day) as date) as month_start,
        cast(extract(week from date_day) as integer) as iso_week,
        {{ iso_day_of_week('date_day') }} as day_of_week,
        {{ iso_day_of_week('date_day') }} >= 6 as is_weekend,
        {{ days_from_to('date_day', 'as_of_date') }} as days_before_as_of
    from days

)

select * from calendar
