{#- Everything is added up once, in the finest cells; all levels add those up. Customers have to be counted anew at each
    level, which for all of them would cost more than all the rest: at those that tell one dimension apart only. -#}

{%- set amounts = [
    'net_amount', 'good_amount', 'bad_amount', 'undecided_amount',
    'sold_amount', 'good_sold_amount', 'bad_sold_amount', 'undecided_sold_amount',
    'reversed_amount', 'good_reversed_amount', 'bad_reversed_amount', 'undecided_reversed_amount',
    'refunded_amount', 'anonymous_sold_amount', 'undecided_anonymous_sold_amount',
] -%}
{%- set shares = [
    ('good_share', 'good_sold_amount', 'named.sold_amount'),
    ('bad_share', 'bad_sold_amount', 'named.sold_amount'),
    ('undecided_share', 'undecided_sold_amount', 'named.sold_amount'),
    ('bad_share_of_decided', 'bad_sold_amount', '(named.good_sold_amount + named.bad_sold_amount)'),
    ('anonymous_share', 'anonymous_sold_amount', 'named.sold_amount'),
] -%}
{%- set dimensions = ['department', 'category', 'campaign_id', 'sales_channel'] -%}

with lines as (

    {{ sales_quality_lines() }}

),

cells as (

    select
        cell_month,
        {% for dimension in dimensions %}
        cell_{{ dimension }},
        {% endfor %}
        count(*) as line_count,
        sum(net_amount) as net_amount,
        sum(sold_amount) as sold_amount,
        sum(reversed_amount) as reversed_amount,
        {% for quality in ['good', 'bad', 'undecided'] %}
        sum(case when quality = '{{ quality }}' then net_amount else 0 end) as {{ quality }}_amount,
        sum(case when quality = '{{ quality }}' then sold_amount else 0 end) as {{ quality }}_sold_amount,
        sum(case when quality = '{{ quality }}' then reversed_amount else 0 end) as {{ quality }}_reversed_amount,
        {% endfor %}
        sum(refunded_amount) as refunded_amount,
        sum(case when customer_key is null then sold_amount else 0 end) as anonymous_sold_amount,
        sum(case when quality = 'undecided' and decided_by is not null then sold_amount else 0 end)
            as undecided_anonymous_sold_amount
    from lines
    group by cell_month, cell_{{ dimensions | join(', cell_') }}

),

rolled_up as (

    select
        cell_month,
        {% for dimension in dimensions %}
        cell_{{ dimension }},
        grouping(cell_{{ dimension }}) as is_all_of_{{ dimension }},
        {% endfor %}
        {% for amount in amounts %}
        sum({{ amount }}) as {{ amount }},
        {% endfor %}
        sum(line_count) as line_count
    from cells
    group by cell_month, cube (cell_{{ dimensions | join(', cell_') }})

),

customers as (

    select
        cell_month,
        {% for dimension in dimensions %}
        coalesce(cell_{{ dimension }}, '(all)') as {{ dimension }},
        {% endfor %}
        count(distinct customer_key) as customers
    from lines
    group by
        grouping sets (
            {% for dimension in dimensions %}
            (cell_month, cell_{{ dimension }}),
            {% endfor %}
            (cell_month)
        )

),

named as (

    select
        {% for dimension in dimensions %}
        coalesce(cell_{{ dimension }}, '(all)') as {{ dimension }},
        {% endfor %}
        *
    from rolled_up

),

shares as (

    select
        named.cell_month as month,
        'month'
        {% for dimension in dimensions %}
        || case when named.is_all_of_{{ dimension }} = 0 then '_{{ dimension | replace('_id', '') }}' else '' end
        {% endfor %}
            as level,
        {% for dimension in dimensions %}
        named.{{ dimension }},
        {% endfor %}
        {% for amount in amounts %}
        cast(named.{{ amount }} as decimal(38, 4)) as {{ amount }},
        {% endfor %}
        {% for share, part, whole in shares %}
        round({{ percentage('cast(named.' ~ part ~ ' as double)', whole) }}, 4) as {{ share }},
        {% endfor %}
        cast(named.line_count as bigint) as lines,
        cast(customers.customers as bigint) as customers
    from named
    left join customers
        on
            named.cell_month = customers.cell_month
            {% for dimension in dimensions %}
            and named.{{ dimension }} = customers.{{ dimension }}
            {% endfor %}

)

select * from shares
