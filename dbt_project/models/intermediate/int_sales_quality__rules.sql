{{ config(materialized='view') }}

select
    rule,
    verdict,
    evidence,
    evidence_value,
    window_days,
    threshold,
    rank,
    -- The rules that fired are one whole number, the sum of their bits. The lower the rank the lower the bit.
    cast(power(2, row_number() over (order by rank asc nulls last, rule asc nulls last) - 1) as bigint) as rule_bit
from {{ ref('sales_quality_rules') }}
