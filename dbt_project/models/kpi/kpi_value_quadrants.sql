{%- set scores = ['result', 'process', 'price', 'effort', 'value_given', 'value_taken'] -%}
{%- set estimates = ['value_balance', 'loyalty_index'] -%}

with customers as (

    select
        customer_value.*,
        coalesce(customer_value.value_quadrant, customer_value.no_quadrant_reason) as quadrant,
        customer_loyalty.loyalty_index,
        customer_rfm.segment
    from {{ ref('customer_value') }} as customer_value
    left join {{ ref('customer_loyalty') }} as customer_loyalty
        on customer_value.customer_key = customer_loyalty.customer_key
    left join {{ ref('customer_rfm') }} as customer_rfm
        on customer_value.customer_key = customer_rfm.customer_key

),

grouped as (

    select
        *,
        'all' as group_kind,
        '(all)' as group_name
    from customers
    union all
    select
        *,
        'rfm_segment' as group_kind,
        segment as group_name
    from customers
    where segment is not null
    union all
    select
        *,
        'department' as group_kind,
        home_department as group_name
    from customers
    where home_department is not null

),

-- Sums are of decimals: they must not depend on the order of the rows.
totals as (

    select
        group_kind,
        group_name,
        quadrant,
        count(*) as customers,
        count(value_quadrant) as customers_with_quadrant,
        count(case when value_given_answers > 0 then 1 end) as customers_answered,
        sum(revenue_amount) as revenue_amount,
        sum(margin_amount) as margin_amount,
        sum(clv_amount) as clv_amount,
        {% for score in scores + estimates %}
        count({{ score if score in estimates else score ~ '_score' }}) as {{ score }}_n,
        {{ exact_sum(score if score in estimates else score ~ '_score') }} as {{ score }}_sum,
        {% endfor %}
        {% for score in estimates %}
        {{ exact_sum(score ~ ' * ' ~ score) }} as {{ score }}_square_sum,
        {% endfor %}
        sum(contacts_12m) as contacts_12m,
        sum(late_days_12m) as late_days_12m
    from grouped
    group by grouping sets ((group_kind, group_name, quadrant), (group_kind, group_name))

),

measured as (

    select
        *,
        {% for score in estimates %}
        {{ t_95(score ~ '_n - 1') }} * sqrt(
            {{ sample_variance(score ~ '_sum', score ~ '_square_sum', score ~ '_n') }} / {{ score }}_n
        ) as {{ score }}_margin,
        {% endfor %}
        sum(case when quadrant is null then customers end) over (partition by group_kind, group_name)
            as group_customers
    from totals

),

quadrants as (

    select
        group_kind,
        group_name,
        coalesce(quadrant, '(all)') as quadrant,
        quadrant is not null and customers_with_quadrant > 0 as is_quadrant,
        cast(customers as integer) as customers,
        round({{ percentage('customers', 'group_customers') }}, 4) as customer_share_percent,
        cast(customers_answered as integer) as customers_answered,
        cast(revenue_amount as decimal(18, 4)) as revenue_amount,
        cast(margin_amount as decimal(18, 4)) as margin_amount,
        cast(clv_amount as decimal(18, 4)) as clv_amount,
        {% for score in scores %}
        cast({{ score }}_n as integer) as {{ score }}_n,
        case when {{ score }}_n >= {{ minimum_answers() }} then round({{ score }}_sum / {{ score }}_n, 4) end
            as {{ score }}_score,
        {% endfor %}
        {% for score in estimates %}
        cast({{ score }}_n as integer) as {{ score }}_n,
        case when {{ score }}_n >= {{ minimum_answers() }} then round({{ score }}_sum / {{ score }}_n, 4) end
            as {{ score }},
        {% for bound, side in [('lower', '-'), ('upper', '+')] %}
        case
            when {{ score }}_n >= {{ minimum_answers() }}
                then round({{ score }}_sum / {{ score }}_n {{ side }} {{ score }}_margin, 4)
        end as {{ score }}_{{ bound }},
        {% endfor %}
        {% endfor %}
        cast(contacts_12m as integer) as contacts_12m,
        cast(late_days_12m as integer) as late_days_12m
    from measured

)

select * from quadrants
