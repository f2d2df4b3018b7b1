-- A failing row is a cut of seeds/rfm_cut_points.csv that is not stricter than that of the score below it, so that
-- nobody would get one of the two; or a share of buyers that nobody reaches or everybody does.
{{ config(meta={'dagster': {'ref': {'name': 'rfm_cut_points'}}}) }}

with neighbours as (

    select
        *,
        lag(rank_share_from) over (partition by measure order by score asc nulls first) as share_below,
        lag(days_up_to) over (partition by measure order by score asc nulls first) as days_below,
        lag(value_from) over (partition by measure order by score asc nulls first) as value_below
    from {{ ref('rfm_cut_points') }}

)

select
    measure,
    score,
    case
        when score = 1 then 'the share of score 1 is 0: everybody has it who reaches no higher one'
        when rank_share_from <= 0 or rank_share_from > 1 then 'a share above score 1 is more than 0 and at most 1'
        else 'is not stricter than the score below'
    end as what_is_wrong
from neighbours
where
    score = 1 and rank_share_from <> 0
    or score > 1 and (rank_share_from <= 0 or rank_share_from > 1)
    or rank_share_from <= share_below
    or days_up_to >= days_below
    or value_from <= value_below
