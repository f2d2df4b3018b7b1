{{ config(materialized='view', tags=['estimates_input']) }}

-- Below customer_rfm, which estimates cannot wait for: what is published is checked as a whole, after them.
select
    customer_key,
    segment
from {{ ref('int_rfm__as_of') }}
