with accounts as (

    select
        accounts.customer_key,
        customers.locale,
        customers.country,
        customers.acquisition_channel,
        {{ business_date('customers.registered_at') }} as registered_date,
        row_number() over (
            partition by accounts.customer_key
            order by customers.registered_at asc nulls last, customers.customer_id asc nulls last
        ) as account_number
    from {{ ref('stg_crm__customers') }} as customers
    inner join {{ ref('int_identity__accounts') }} as accounts on customers.customer_id = accounts.customer_id
    where {{ business_date('customers.registered_at') }} <= {{ as_of_date() }}

),

account_counts as (

    select
        customer_key,
        count(*) as account_count,
        min(registered_date) as registered_date
    from accounts
    group by customer_key

),

-- A person with several accounts: where they came from is in the first, where they are now in the latest.
persons as (

    select
        account_counts.customer_key,
        latest_accounts.locale,
        latest_accounts.country,
        account_counts.registered_date,
        first_accounts.acquisition_channel,
        account_counts.account_count
    from account_counts
    inner join accounts as first_accounts
        on
            account_counts.customer_key = first_accounts.customer_key
            and first_accounts.account_number = 1
    inner join accounts as latest_accounts
        on
            account_counts.customer_key = latest_accounts.customer_key
            and account_counts.account_count = latest_accounts.account_number

),

events as (

    select
        customer_key,
        first_seen_date as event_date
    from {{ ref('int_customers__orders') }}
    union all
    select
        customer_key,
        response_date as event_date
    from {{ ref('fct_survey_responses') }}
    union all
    select
        customer_key,
        sent_date as event_date
    from {{ ref('fct_survey_invitations') }}
    union all
    select
        customer_key,
        opened_date as event_date
    from {{ ref('fct_support_tickets') }}
    union all
    select
        customer_key,
        sent_date as event_date
    from {{ ref('fct_campaign_contacts') }}

),

seen as (

    select
        customer_key,
        min(event_date) as first_seen_date
    from events
    where customer_key is not null
    group by customer_key

),

members as (

    select
        coalesce(persons.customer_key, seen.customer_key) as customer_key,
        persons.locale,
        persons.country,
        least(
            coalesce(persons.registered_date, seen.first_seen_date),
            coalesce(seen.first_seen_date, persons.registered_date)
        ) as registered_date,
        persons.acquisition_channel,
        cast(coalesce(persons.account_count, 1) as integer) as account_count,
        persons.customer_key is null as is_inferred
    from persons
    full outer join seen on persons.customer_key = seen.customer_key

)

select * from members
