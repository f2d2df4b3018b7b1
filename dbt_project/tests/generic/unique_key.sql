{#- Fails with every key that occurs twice or has an empty part: the grain in the model's description is then untrue
    and every sum over the model counts something twice. -#}
{% test unique_key(model, columns, newest_load_only=false) %}

select
    {{ columns | join(', ') }},
    count(*) as occurrences
from {{ model }}
{% if newest_load_only %}
where load_id = (select max(newest.load_id) from {{ model }} as newest)
{% endif %}
group by {{ columns | join(', ') }}
having count(*) > 1
{%- for column in columns %} or {{ column }} is null{% endfor %}

{% endtest %}
