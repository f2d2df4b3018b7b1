select
    cast(null as string) as initiative_id,
    cast(null as string) as outcome,
    cast(null as string) as unit,
    cast(null as bigint) as month_from_start,
    cast(null as date) as period_starts_on,
    cast(null as double) as treated_value,
    cast(null as double) as comparison_value,
    cast(null as double) as effect,
    cast(null as double) as effect_lower,
    cast(null as double) as effect_upper,
    cast(null as bigint) as treated_n,
    cast(null as bigint) as comparison_n
where false
