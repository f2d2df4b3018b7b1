with customers as (

    select
        members.customer_key,
        members.segment as customer_segment,
        coalesce(dim_customers.locale, '(unknown)') as customer_locale
    from {{ ref('customer_rfm') }} as members
    left join {{ ref('dim_customers') }} as dim_customers on members.customer_key = dim_customers.customer_key

),

-- Who may still answer has not refused to: invitations of the last days wait for the next report.
invited as (

    select
        customer_key,
        count(*) as invitations,
        count(case when is_answered then 1 end) as invitations_answered
    from {{ ref('fct_survey_invitations') }}
    where
        respondent_type = 'external'
        and customer_key is not null
        and sent_date > {{ one_year_before(as_of_date()) }}
        and {{ days_from_to('sent_date', as_of_date()) }} >= {{ answer_window_days() }}
    group by customer_key

),

counted as (

    select
        coalesce(customers.customer_segment, '(all)') as segment,
        coalesce(customers.customer_locale, '(all)') as locale,
        count(*) as customers,
        count(invited.customer_key) as asked,
        count(case when invited.invitations_answered > 0 then 1 end) as answered,
        cast(coalesce(sum(invited.invitations), 0) as bigint) as invitations,
        cast(coalesce(sum(invited.invitations_answered), 0) as bigint) as invitations_answered
    from customers
    left join invited on customers.customer_key = invited.customer_key
    group by
        grouping sets (
            (),
            (customers.customer_segment),
            (customers.customer_locale),
            (customers.customer_segment, customers.customer_locale)
        )

),

counts_to_score as (

    select
        *,
        case when customers >= {{ minimum_answers() }} then customers end as scored_customers,
        case when asked >= {{ minimum_answers() }} then asked end as scored_asked
    from counted
    where customers > 0

),

scored as (

    select
        segment,
        locale,
        customers,
        asked,
        answered,
        invitations,
        invitations_answered,
        round({{ percentage('asked', 'scored_customers') }}, 4) as asked_share,
        round({{ percentage('answered', 'scored_asked') }}, 4) as answered_share,
        round({{ wilson('answered', 'scored_asked', -1) }}, 4) as answered_share_lower,
        round({{ wilson('answered', 'scored_asked', 1) }}, 4) as answered_share_upper
    from counts_to_score

)

select * from scored
