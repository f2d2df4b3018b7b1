-- A failing row is a measure or a score of seeds/rfm_cut_points.csv that is missing, or that nobody knows: without it
-- nobody could get that score.
{{ config(meta={'dagster': {'ref': {'name': 'rfm_cut_points'}}}) }}

with wanted as (

    select
        measures.measure,
        scores.score
    from (values ('recency'), ('frequency'), ('monetary')) as measures (measure)
    cross join (values (1), (2), (3), (4), (5)) as scores (score)

)

select
    coalesce(wanted.measure, cut_points.measure) as measure,
    coalesce(wanted.score, cut_points.score) as score,
    case when wanted.measure is null then 'is no score of a measure' else 'is missing' end as what_is_wrong
from wanted
full outer join {{ ref('rfm_cut_points') }} as cut_points
    on wanted.measure = cut_points.measure and wanted.score = cut_points.score
where wanted.measure is null or cut_points.measure is null
