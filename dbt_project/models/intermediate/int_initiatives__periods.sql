with units as (

    select * from {{ ref('int_initiatives__units') }}

),

members as (

    select * from {{ ref('int_initiatives__members') }}

),

scored as (

    select
        answers.response_id,
        answers.customer_key,
        answers.department,
        answers.order_id,
        answers.response_date,
        case when answers.metric in ('nps', 'csat', 'ces') then answers.metric else 'connection' end as outcome,
        cast(
            case
                when answers.metric = 'nps'
                    then case answers.nps_category when 'promoter' then 100 when 'detractor' then -100 else 0 end
                when answers.metric in ('csat', 'ces') then case when answers.is_top_two_box then 100 else 0 end
                else
                    100
                    * (answers.standard_score - metric_scales.scale_min)
                    / (metric_scales.scale_max - metric_scales.scale_min)
            end as decimal(18, 4)
        ) as value
    from {{ ref('fct_survey_responses') }} as answers
    inner join {{ ref('metric_scales') }} as metric_scales on answers.metric = metric_scales.metric
    where
        answers.respondent_type = 'external'
        and answers.standard_score is not null
        and (answers.metric in ('nps', 'csat', 'ces') or substring(answers.metric, 1, 4) = 'poc_')

),

-- The six points of connection of a questionnaire are one answer: their mean.
answers as (

    select
        coalesce(customer_key, response_id) as cluster_key,
        customer_key,
        department,
        order_id,
        response_date,
        outcome,
        cast(cast(sum(value) as double) / count(*) as decimal(18, 4)) as value
    from scored
    group by response_id, customer_key, department, order_id, response_date, outcome

),

-- Where an answer belongs to, by each kind of scope.
located as (

    select
        'department' as scope_kind,
        department as member,
        cluster_key,
        response_date,
        outcome,
        value
    from answers
    where department is not null
    union all
    select
        'sales_channel' as scope_kind,
        orders.sales_channel as member,
        answers.cluster_key,
        answers.response_date,
        answers.outcome,
        answers.value
    from answers
    inner join {{ ref('fct_orders') }} as orders on answers.order_id = orders.order_id
    where orders.sales_channel is not null
    union all
    select
        'country' as scope_kind,
        customers.country as member,
        answers.cluster_key,
        answers.response_date,
        answers.outcome,
        answers.value
    from answers
    inner join {{ ref('dim_customers') }} as customers on answers.customer_key = customers.customer_key
    where customers.country is not null

),

answers_of_units as (

    select
        units.initiative_id,
        units.unit,
        units.months_before,
        units.months_since,
        located.outcome,
        located.cluster_key,
        cast(1 as double) as weight,
        {{ month_from_start('units.starts_on', 'located.response_date') }} as month_from_start,
        located.value
    from units
    inner join located on units.scope_kind = located.scope_kind and units.member = located.member
    where units.family = 'answers'
    union all
    select
        units.initiative_id,
        units.unit,
        units.months_before,
        units.months_since,
        answers.outcome,
        answers.cluster_key,
        members.weight,
        {{ month_from_start('units.starts_on', 'answers.response_date') }} as month_from_start,
        answers.value
    from units
    inner join members on units.initiative_id = members.initiative_id and units.unit = members.unit
    inner join answers on members.customer_key = answers.customer_key
    where units.family = 'answers' and units.scope_kind = 'customers'

),

answers_by_period as (

    select
        initiative_id,
        'answers' as family,
        outcome,
        unit,
        cluster_key,
        month_from_start,
        weight,
        cast(count(*) as bigint) as answers,
        cast(sum(value) as decimal(38, 4)) as value
    from answers_of_units
    where month_from_start >= -months_before and month_from_start < months_since
    group by initiative_id, outcome, unit, cluster_key, month_from_start, weight

),

value_basis as (

    select * from {{ ref('int_purchases__value_basis') }}

),

orders as (

    select
        orders.customer_key,
        orders.order_date,
        orders.net_amount - orders.refunded_amount as net_sales,
        value_basis.rate_without_cost is not null as is_margin_known,
        cast(
            {{ value_after_refund(
                order_margin('orders', 'value_basis'), 'orders.net_amount', 'orders.refunded_amount'
            ) }} as decimal(18, 4)
        ) as margin
    from {{ ref('fct_orders') }} as orders
    cross join value_basis
    where orders.customer_key is not null and not orders.is_cancelled

),

purchase_units as (

    select distinct
        initiative_id,
        unit,
        starts_on,
        months_before,
        months_since
    from {{ ref('int_initiatives__units') }}
    where family = 'purchases'

),

purchases_by_period as (

    select
        purchase_units.initiative_id,
        purchase_units.unit,
        members.customer_key,
        members.weight,
        {{ month_from_start('purchase_units.starts_on', 'orders.order_date') }} as month_from_start,
        sum(orders.net_sales) as net_sales,
        sum(case when orders.is_margin_known then orders.margin end) as margin
    from purchase_units
    inner join members
        on purchase_units.initiative_id = members.initiative_id and purchase_units.unit = members.unit
    inner join orders on members.customer_key = orders.customer_key
    where
        {{ month_from_start('purchase_units.starts_on', 'orders.order_date') }} >= -purchase_units.months_before
        and {{ month_from_start('purchase_units.starts_on', 'orders.order_date') }} < purchase_units.months_since
    group by
        purchase_units.initiative_id,
        purchase_units.unit,
        members.customer_key,
        members.weight,
        {{ month_from_start('purchase_units.starts_on', 'orders.order_date') }}

),

periods as (

    select * from answers_by_period
    {% for outcome in ['net_sales', 'margin'] %}
    union all
    select
        initiative_id,
        'purchases' as family,
        '{{ outcome }}' as outcome,
        unit,
        customer_key as cluster_key,
        month_from_start,
        weight,
        cast(null as bigint) as answers,
        cast({{ outcome }} as decimal(38, 4)) as value
    from purchases_by_period
    where {{ outcome }} is not null
    {% endfor %}

)

select * from periods
