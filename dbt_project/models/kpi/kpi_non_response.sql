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
        cast(coalesce(sum(invited.invitations_answered), 0) as bigint) as invitations_answered,

        -- for the likeness of several invitations of one person
        cast(sum(invited.invitations * invited.invitations) as double) as invitations_squared,
        cast(sum(invited.invitations * invited.invitations_answered) as double) as invitations_times_answered,
        cast(sum(invited.invitations_answered * invited.invitations_answered) as double) as answered_squared
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
        case when asked >= {{ minimum_answers() }} then asked end as scored_asked,
        case when invitations >= {{ minimum_answers() }} then invitations end as scored_invitations,
        cast(invitations_answered as double) / nullif(invitations, 0) as response_share
    from counted
    where customers > 0

),

-- Variance of the rate with customers drawn and not invitations, over the variance of as many independent invitations.
weighed as (

    select
        *,
        case
            when response_share > 0 and response_share < 1
                then greatest(
                    1.0,
                    (
                        answered_squared
                        - 2 * response_share * invitations_times_answered
                        + response_share * response_share * invitations_squared
                    ) / (invitations * response_share * (1 - response_share))
                )
            else 1.0
        end as design_effect
    from counts_to_score

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
        round({{ wilson('answered', 'scored_asked', 1) }}, 4) as answered_share_upper,
        round({{ percentage('invitations_answered', 'scored_invitations') }}, 4) as response_rate,
        round({{ wilson('(invitations_answered / design_effect)', '(scored_invitations / design_effect)', -1) }}, 4)
            as response_rate_lower,
        round({{ wilson('(invitations_answered / design_effect)', '(scored_invitations / design_effect)', 1) }}, 4)
            as response_rate_upper,
        round(design_effect, 4) as response_design_effect
    from weighed

)

select * from scored
