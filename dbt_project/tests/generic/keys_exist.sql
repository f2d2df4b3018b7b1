{#- Fails with every key value that its dimension does not know: a join from BI would silently drop those rows.
    keys maps a column of the model to the dimension and the column there. Empty keys are allowed, but in columns that
    stand for what is empty, too: always. One test for all keys of a model, because every test costs the night a tenth
    of a second. -#}
{% test keys_exist(model, keys) %}

{% for column, target in keys.items() %}
select
    '{{ column }}' as key_column,
    facts.{{ column }} as unknown_key
from (select distinct {{ column }} from {{ model }} {% if not target.always %}where {{ column }} is not null{% endif %}) as facts
left join {{ target.to }} as dimension on facts.{{ column }} = dimension.{{ target.field | default(column) }}
where dimension.{{ target.field | default(column) }} is null
{% if not loop.last %}union all{% endif %}
{% endfor %}

{% endtest %}
