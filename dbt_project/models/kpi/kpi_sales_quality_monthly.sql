{#- Everything is added up once, in the finest cells; all levels add those up. Customers are counted anew in each. -#}

{%- set amounts = [
    'net_amount', 'good_amount', 'bad_amount', 'undecided_amount',
    'sold_amount', 'good_sold_amount', 'bad_sold_amount', 'undecided_sold_amount',
    'reversed_amount', 'good_reversed_amount', 'bad_reversed_amount', 'undecided_reversed_amount',
    'refunded_amount', 'anonymous_sold_amount', 'undecided_anonymous_sold_amount',
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
        customer_key,
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
    group by cell_month, cell_{{ dimensions | join(', cell_') }}, customer_key

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
        sum(line_count) as line_count,
        count(distinct customer_key) as customers
    from cells
    group by cell_month, cube (cell_{{ dimensions | join(', cell_') }})

),

shares as (

    select
        cell_month as month,
        'month'
        {% for dimension in dimensions %}
        || case when is_all_of_{{ dimension }} = 0 then '_{{ dimension | replace('_id', '') }}' else '' end
        {% endfor %}
            as level,
        {% for dimension in dimensions %}
        coalesce(cell_{{ dimension }}, '(all)') as {{ dimension }},
        {% endfor %}
        cast(line_count as bigint) as lines,
        cast(customers as bigint) as customers,
        {% for amount in amounts %}
        cast({{ amount }} as decimal(38, 4)) as {{ amount }},
        {% endfor %}
        {% for quality in ['good', 'bad', 'undecided'] %}
        round({{ percentage('cast(' ~ quality ~ '_sold_amount as double)', 'sold_amount') }}, 4)
            as {{ quality }}_share,
        {% endfor %}
        round(
            {{ percentage('cast(bad_sold_amount as double)', '(good_sold_amount + bad_sold_amount)') }}, 4
        ) as bad_share_of_decided,
        round({{ percentage('cast(anonymous_sold_amount as double)', 'sold_amount') }}, 4) as anonymous_share
    from rolled_up

)

select * from shares
