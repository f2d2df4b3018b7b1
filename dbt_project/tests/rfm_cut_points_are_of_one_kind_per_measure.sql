-- A failing row is a measure of seeds/rfm_cut_points.csv that is cut neither by rank in all scores above 1 nor by value
-- in all of them: fill one column, and leave the others empty. Days cut recency, values cut frequency and money.
{{ config(meta={'dagster': {'ref': {'name': 'rfm_cut_points'}}}) }}

select
    measure,
    count(case when score > 1 then rank_share_from end) as by_rank,
    count(case when score > 1 then days_up_to end) as by_days,
    count(case when score > 1 then value_from end) as by_value,
    'mixes columns, leaves cuts out, or is cut by the other measure''s column' as what_is_wrong
from {{ ref('rfm_cut_points') }}
group by measure
having
    not (
        count(case when score > 1 then rank_share_from end) = 4 and count(days_up_to) = 0 and count(value_from) = 0
        or measure = 'recency'
        and count(case when score > 1 then days_up_to end) = 4 and count(rank_share_from) = 0 and count(value_from) = 0
        or measure <> 'recency'
        and count(case when score > 1 then value_from end) = 4 and count(rank_share_from) = 0 and count(days_up_to) = 0
    )
