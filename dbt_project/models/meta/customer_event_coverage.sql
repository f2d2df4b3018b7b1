select
    event_kind,
    cast(count(*) as bigint) as events,
    cast(count(customer_key) as bigint) as events_of_customers,
    cast(count(*) - count(customer_key) as bigint) as events_of_unknown_people,
    cast(count(case when not is_time_known then 1 end) as bigint) as events_without_time,
    min(event_date) as first_date,
    max(event_date) as last_date
from {{ ref('int_customers__events') }}
group by event_kind
