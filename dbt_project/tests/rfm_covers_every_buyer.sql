-- A failing row is a customer who bought but has no segment, or has one without having bought: segment counts would
-- no longer add up to the number of buyers.
with buyers as (

    select distinct customer_key
    from {{ ref('fct_orders') }}
    where is_purchase and customer_key is not null

)

select coalesce(buyers.customer_key, customer_rfm.customer_key) as customer_key
from buyers
full outer join {{ ref('customer_rfm') }} as customer_rfm on buyers.customer_key = customer_rfm.customer_key
where buyers.customer_key is null or customer_rfm.customer_key is null or customer_rfm.segment is null
