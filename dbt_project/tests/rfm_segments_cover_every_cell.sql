-- A failing row is a pair of scores that no row of seeds/rfm_segments.csv gives a segment: customers with it would
-- vanish from every count by segment. Several pairs may have one segment, and a name may be any but those in brackets.
{{ config(meta={'dagster': {'ref': {'name': 'rfm_segments'}}}) }}

with scores as (

    select given.score
    from (values (1), (2), (3), (4), (5)) as given (score)

)

select
    recency.score as recency_score,
    frequency.score as frequency_score
from scores as recency
cross join scores as frequency
left join {{ ref('rfm_segments') }} as rfm_segments
    on recency.score = rfm_segments.recency_score and frequency.score = rfm_segments.frequency_score
where rfm_segments.segment is null or rfm_segments.segment like '(%'
