{#- How initiatives are measured: the rules of the seed initiative_rules, and the pieces that several models share. -#}

{% macro initiative_rules() -%}
    {{ return([
        'months_before',
        'months_since',
        'minimum_months_before',
        'minimum_months_since',
        'home_days',
        'minimum_customers',
        'minimum_comparisons',
        'something_else_happened',
        'pretrend_p_value',
        'balance_p_value',
    ]) }}
{%- endmacro %}


{#- The value of a rule. A scalar subquery, as the seed has one row per rule. -#}
{% macro initiative_rule(rule) -%}
    {%- if rule not in initiative_rules() -%}
        {{ exceptions.raise_compiler_error(
            "'" ~ rule ~ "' is no rule of the seed initiative_rules: use one of " ~ initiative_rules() | join(', ')
        ) }}
    {%- endif -%}
    (select rules.rule_value from {{ ref('initiative_rules') }} as rules where rules.rule = '{{ rule }}')
{%- endmacro %}


{#- Whole periods of 30 days from one day to a later one; 0 for the first 30 days, -1 for the 30 days before. -#}
{% macro month_from_start(first_date, second_date) -%}
    cast(floor({{ days_from_to(first_date, second_date) }} / 30.0) as integer)
{%- endmacro %}


{#- Outcomes by the family that they are counted in: answers to a question, or the purchases of customers. -#}
{% macro initiative_outcomes() -%}
    {{ return({
        'nps': {'family': 'answers', 'unit': 'points'},
        'csat': {'family': 'answers', 'unit': 'percent'},
        'ces': {'family': 'answers', 'unit': 'percent'},
        'connection': {'family': 'answers', 'unit': 'points'},
        'net_sales': {'family': 'purchases', 'unit': 'money'},
        'margin': {'family': 'purchases', 'unit': 'money'},
    }) }}
{%- endmacro %}


{#- Squares that are added to those of answers in a mean, as a few answers more at both ends would: ten equal answers are
    no certainty. One and a half promoters and detractors for nps (Rocks 2016), two of each box for shares (Agresti and
    Coull 1998), one at each end of connection. Money has none. -#}
{% macro squares_of_further_answers(outcome) -%}
    case {{ outcome }}
        when 'nps' then 15000.0e0
        when 'csat' then 10000.0e0
        when 'ces' then 10000.0e0
        when 'connection' then 5000.0e0
        else 0.0e0
    end
{%- endmacro %}


{#- Variance of (mean since - factor * mean before) of one side: the squared pull of each customer on it, from the sums of
    squares and products of int_initiatives__changes (linearisation; customers are the clusters). Nobody before: of the
    mean since alone. -#}
{% macro variance_of_change(side, factor) -%}
    (
        {{ side }}_late_squares / power({{ side }}_late_n, 2)
        - coalesce(
            2 * {{ factor }} * {{ side }}_both_products / ({{ side }}_late_n * nullif({{ side }}_base_n, 0))
            - power({{ factor }}, 2) * {{ side }}_base_squares / power(nullif({{ side }}_base_n, 0), 2),
            0
        )
    )
{%- endmacro %}
