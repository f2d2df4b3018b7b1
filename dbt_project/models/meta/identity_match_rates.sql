{#- A rate over all records hardly moves in a night; the last seven days have every day of the week once. -#}

with matches as (

    select
        *,
        {{ days_from_to('occurred_date', as_of_date()) }} < 7 as is_recent
    from {{ ref('int_identity__matches') }}
    where occurred_date <= {{ as_of_date() }}

),

counted as (

    select
        source_name as source,
        record_type,
        customer_match,
        case
            when customer_match = 'colleague' then null
            else max(customer_key) is not null
        end as is_matched,
        count(*) as records,
        count(case when is_recent then 1 end) as records_7d,
        count(contradicted_by) as records_contradicted
    from matches
    group by source_name, record_type, customer_match

),

rates as (

    select
        source,
        record_type,
        customer_match,
        is_matched,
        records,
        cast(records as double) / sum(records) over (partition by source, record_type) as share,
        records_7d,
        cast(records_7d as double) / nullif(sum(records_7d) over (partition by source, record_type), 0) as share_7d,
        records_contradicted
    from counted

)

select
    source,
    record_type,
    customer_match,
    is_matched,
    cast(records as bigint) as records,
    cast(share as double) as share,
    cast(records_7d as bigint) as records_7d,
    cast(share_7d as double) as share_7d,
    cast(records_contradicted as bigint) as records_contradicted
from rates
