-- A failing row is a rule that the seed does not have. Every window that it names would stay open for ever: the tables
-- that read it would show no rate, and not say why. Put it back into seeds/forgiveness_rules.csv.
with wanted as (

    {% for rule in forgiveness_rules() %}
    select '{{ rule }}' as rule
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

)

select wanted.rule
from wanted
left join {{ ref('forgiveness_rules') }} as rules on wanted.rule = rules.rule and rules.rule_value > 0
where rules.rule is null
