{#- How often customers were written to in the 90 days before a month, and what they did in that month. -#}

{%- set contact_days = 90 -%}
{%- set counts = [
    'contacts', 'purchases', 'campaign_purchases', 'bought', 'return_n', 'returned', 'nps_n', 'detractors'
] -%}

with purchases as (

    select * from {{ ref('int_purchases__outcomes') }}

),

rules as (

    select
        max(case when outcome = 'returned' then window_days end) as return_days,
        max(case when outcome = 'detractor' then window_days end) as answer_days
    from {{ ref('campaign_regret_outcomes') }}

),

recorded as (

    select count(days_to_return) > 0 as are_returns_known
    from purchases

),

contacts as (

    select
        customer_key,
        sent_date
    from {{ ref('fct_campaign_contacts') }}
    where customer_key is not null

),

bands as (

    select
        band,
        lowest,
        lead(lowest) over (order by lowest asc nulls last) as next_lowest
    from {{ ref('campaign_matching_bands') }}
    where measure = 'contacts_90_days'

),

calendar as (

    select
        month_start as month,
        max(date_day) as last_day
    from {{ ref('dim_dates') }}
    where date_day <= {{ as_of_date() }}
    group by month_start

),

-- Whole months only; before the first contact that is known nothing says who was written to.
months as (

    select
        calendar.month,
        {{ month_number('calendar.month') }} as month_number
    from calendar
    cross join (select min(sent_date) as first_sent_date from contacts) as begin
    where
        calendar.month > begin.first_sent_date
        and extract(month from {{ days_after('calendar.last_day', 1) }}) <> extract(month from calendar.month)

),

customers as (

    select
        dim_customers.customer_key,
        dim_customers.registered_date,
        greatest(
            0,
            span.last_month_number
            - greatest({{ month_number('dim_customers.registered_date') }} + 1, span.first_month_number)
            + 1
        ) as months_known
    from {{ ref('dim_customers') }} as dim_customers
    cross join (
        select
            min(month_number) as first_month_number,
            max(month_number) as last_month_number
        from months
    ) as span
    where dim_customers.registered_date is not null

),

contacted as (

    select
        contacts.customer_key,
        months.month,
        count(*) as contacts
    from contacts
    inner join months
        on {{ days_from_to('contacts.sent_date', 'months.month') }} between 1 and {{ contact_days }}
    group by contacts.customer_key, months.month

),

behaved as (

    select
        purchases.customer_key,
        purchases.order_month as month,
        count(*) as purchases,
        count(purchases.campaign_id) as campaign_purchases,
        count(case when recorded.are_returns_known and purchases.days_observed >= rules.return_days then 1 end)
            as return_n,
        count(
            case
                when purchases.days_observed >= rules.return_days and purchases.days_to_return <= rules.return_days
                    then 1
            end
        ) as returned,
        count(
            case
                when
                    purchases.days_observed >= rules.answer_days
                    and purchases.days_to_nps <= rules.answer_days
                    then purchases.nps_score
            end
        ) as nps_n,
        count(
            case
                when
                    purchases.days_observed >= rules.answer_days
                    and purchases.days_to_nps <= rules.answer_days
                    and purchases.nps_score < 7
                    then 1
            end
        ) as detractors
    from purchases
    cross join rules
    cross join recorded
    group by purchases.customer_key, purchases.order_month

),

-- Customers who were written to before the month or bought in it; nobody counts before the month after they came.
customer_months as (

    select
        customers.customer_key,
        months.month,
        coalesce(contacted.contacts, 0) as contacts,
        coalesce(behaved.purchases, 0) as purchases,
        coalesce(behaved.campaign_purchases, 0) as campaign_purchases,
        case when behaved.purchases > 0 then 1 else 0 end as bought,
        coalesce(behaved.return_n, 0) as return_n,
        coalesce(behaved.returned, 0) as returned,
        coalesce(behaved.nps_n, 0) as nps_n,
        coalesce(behaved.detractors, 0) as detractors
    from contacted
    full outer join behaved on contacted.customer_key = behaved.customer_key and contacted.month = behaved.month
    inner join customers on coalesce(contacted.customer_key, behaved.customer_key) = customers.customer_key
    inner join months on coalesce(contacted.month, behaved.month) = months.month
    where customers.registered_date < months.month

),

banded as (

    select
        customer_months.*,
        bands.lowest
    from customer_months
    inner join bands
        on
            customer_months.contacts >= bands.lowest
            and (customer_months.contacts < bands.next_lowest or bands.next_lowest is null)

),

by_customer as (

    select
        customer_key,
        lowest,
        {% for count in counts %}
        sum({{ count }}) as {{ count }},
        {% endfor %}
        count(*) as months
    from banded
    group by customer_key, lowest

),

-- The other months of each customer, in which they neither were written to nor bought, without a row for each.
quiet_months as (

    select
        customers.customer_key,
        customers.months_known - coalesce(sum(by_customer.months), 0) as months
    from customers
    left join by_customer on customers.customer_key = by_customer.customer_key
    group by customers.customer_key, customers.months_known

),

known_customers as (

    select
        months.month,
        count(*) as people
    from months
    inner join customers on months.month > customers.registered_date
    group by months.month

),

seen_customers as (

    select
        month,
        count(*) as people
    from banded
    group by month

),

quiet_customers as (

    select
        known_customers.month,
        known_customers.people - coalesce(seen_customers.people, 0) as people
    from known_customers
    left join seen_customers on known_customers.month = seen_customers.month

),

months_without_contact as (

    select * from by_customer
    where lowest = 0

),

whole_history as (

    select
        customer_key,
        lowest,
        months,
        {{ counts | join(', ') }}
    from by_customer
    where lowest > 0

    union all

    select
        quiet_months.customer_key,
        0 as lowest,
        quiet_months.months + coalesce(without_contact.months, 0) as months,
        0 as contacts,
        coalesce(without_contact.purchases, 0) as purchases,
        coalesce(without_contact.campaign_purchases, 0) as campaign_purchases,
        coalesce(without_contact.bought, 0) as bought,
        coalesce(without_contact.return_n, 0) as return_n,
        coalesce(without_contact.returned, 0) as returned,
        coalesce(without_contact.nps_n, 0) as nps_n,
        coalesce(without_contact.detractors, 0) as detractors
    from quiet_months
    left join months_without_contact as without_contact
        on quiet_months.customer_key = without_contact.customer_key

),

-- `people` alike rows stand in one.
units as (

    select
        month,
        lowest,
        {{ counts | join(', ') }},
        1 as people,
        1 as months
    from banded

    union all

    select
        month,
        0 as lowest,
        {% for count in counts %}
        0 as {{ count }},
        {% endfor %}
        people,
        1 as months
    from quiet_customers

    union all

    select
        cast(null as date) as month,
        lowest,
        {{ counts | join(', ') }},
        1 as people,
        months
    from whole_history
    where months > 0

),

cells as (

    select
        month,
        lowest,
        cast(sum(people) as bigint) as customers,
        cast(sum(people * months) as bigint) as months,
        {% for count in counts %}
        cast(sum({{ count }}) as bigint) as {{ count }},
        {% endfor %}

        -- for the likeness of several months, purchases or answers of one person
        cast(sum(people * months * months) as double) as months_squared,
        cast(sum(months * bought) as double) as months_times_bought,
        cast(sum(bought * bought) as double) as bought_squared,
        cast(sum(return_n * return_n) as double) as return_n_squared,
        cast(sum(return_n * returned) as double) as return_n_times_returned,
        cast(sum(returned * returned) as double) as returned_squared,
        cast(sum(nps_n * nps_n) as double) as nps_n_squared,
        cast(sum(nps_n * detractors) as double) as nps_n_times_detractors,
        cast(sum(detractors * detractors) as double) as detractors_squared
    from units
    where people > 0
    group by month, lowest

),

weighed as (

    select
        *,
        case when months >= {{ minimum_answers() }} then months end as rated_months,
        case when return_n >= {{ minimum_answers() }} then return_n end as rated_returns,
        case when nps_n >= {{ minimum_answers() }} then nps_n end as rated_answers,
        {{ design_effect('bought', 'months', 'months_squared', 'months_times_bought', 'bought_squared') }}
            as bought_effect,
        {{ design_effect(
            'returned', 'return_n', 'return_n_squared', 'return_n_times_returned', 'returned_squared'
        ) }} as returned_effect,
        {{ design_effect('detractors', 'nps_n', 'nps_n_squared', 'nps_n_times_detractors', 'detractors_squared') }}
            as detractors_effect
    from cells

),

final as (

    select
        coalesce(substring(cast(weighed.month as string), 1, 7), '(all)') as period,
        bands.band as contacts_band,
        weighed.month,
        bands.lowest as contacts_from,
        weighed.customers,
        weighed.months as customer_months,
        weighed.contacts,
        weighed.purchases,
        weighed.campaign_purchases,
        weighed.bought as customer_months_bought,
        round({{ percentage('bought', 'rated_months') }}, 4) as bought_rate,
        round({{ wilson_of_clusters('bought', 'rated_months', 'bought_effect', -1) }}, 4) as bought_rate_lower,
        round({{ wilson_of_clusters('bought', 'rated_months', 'bought_effect', 1) }}, 4) as bought_rate_upper,
        weighed.return_n,
        weighed.returned,
        round({{ percentage('returned', 'rated_returns') }}, 4) as return_rate,
        round({{ wilson_of_clusters('returned', 'rated_returns', 'returned_effect', -1) }}, 4) as return_rate_lower,
        round({{ wilson_of_clusters('returned', 'rated_returns', 'returned_effect', 1) }}, 4) as return_rate_upper,
        weighed.nps_n,
        weighed.detractors,
        round({{ percentage('detractors', 'rated_answers') }}, 4) as detractor_share,
        round({{ wilson_of_clusters('detractors', 'rated_answers', 'detractors_effect', -1) }}, 4)
            as detractor_share_lower,
        round({{ wilson_of_clusters('detractors', 'rated_answers', 'detractors_effect', 1) }}, 4)
            as detractor_share_upper
    from weighed
    inner join bands on weighed.lowest = bands.lowest

)

select * from final
