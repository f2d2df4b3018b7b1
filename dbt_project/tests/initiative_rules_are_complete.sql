-- A failing row is a rule that the seed does not have: no initiative would ever be told anything, and nobody would know
-- why. Put it back into seeds/initiative_rules.csv.
with wanted as (

    {% for rule in initiative_rules() %}
    select '{{ rule }}' as rule
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

)

select wanted.rule
from wanted
left join {{ ref('initiative_rules') }} as rules on wanted.rule = rules.rule and rules.rule_value > 0
where rules.rule is null
