{#- What the CRM holds is added up here from its own rows, without the models that fct_order_lines is made of. -#}

with crm_orders as (

    select
        orders.order_id,
        cast(date_trunc('month', {{ business_date('orders.ordered_at') }}) as date) as month_start
    from {{ ref('stg_crm__orders') }} as orders
    left join {{ ref('order_statuses') }} as order_statuses on orders.order_status = order_statuses.order_status
    where
        not coalesce(order_statuses.is_cancelled, false)
        and {{ business_date('orders.ordered_at') }} <= {{ as_of_date() }}

),

crm as (

    select
        crm_orders.month_start,
        count(*) as crm_lines,
        sum(
            cast({{ multiplied('order_lines.quantity', 'order_lines.unit_price') }} as decimal(18, 4))
            - coalesce(order_lines.discount_amount, 0)
        ) as crm_total
    from {{ ref('stg_crm__order_lines') }} as order_lines
    inner join crm_orders on order_lines.order_id = crm_orders.order_id
    group by crm_orders.month_start

),

facts as (

    select
        cast(date_trunc('month', order_date) as date) as month_start,
        count(*) as fact_lines,
        sum(net_amount) as net_sales
    from {{ ref('fct_order_lines') }}
    where not is_cancelled
    group by cast(date_trunc('month', order_date) as date)

),

judged as (

    select
        month as month_start,
        lines as judged_lines,
        good_amount,
        bad_amount,
        undecided_amount
    from {{ ref('kpi_sales_quality_monthly') }}
    where level = 'month'

),

months as (

    select month_start from crm
    union
    select month_start from facts
    union
    select month_start from judged

),

amounts as (

    select
        months.month_start,
        coalesce(crm.crm_lines, 0) as crm_lines,
        coalesce(facts.fact_lines, 0) as fact_lines,
        coalesce(judged.judged_lines, 0) as judged_lines,
        coalesce(judged.good_amount, 0) as good_amount,
        coalesce(judged.bad_amount, 0) as bad_amount,
        coalesce(judged.undecided_amount, 0) as undecided_amount,
        coalesce(facts.net_sales, 0) as net_sales,
        coalesce(crm.crm_total, 0) as crm_total
    from months
    left join crm on months.month_start = crm.month_start
    left join facts on months.month_start = facts.month_start
    left join judged on months.month_start = judged.month_start

),

reconciled as (

    select
        month_start as month,
        cast(crm_lines as bigint) as crm_lines,
        cast(fact_lines as bigint) as fact_lines,
        cast(judged_lines as bigint) as judged_lines,
        cast(good_amount as decimal(38, 4)) as good_amount,
        cast(bad_amount as decimal(38, 4)) as bad_amount,
        cast(undecided_amount as decimal(38, 4)) as undecided_amount,
        cast(net_sales as decimal(38, 4)) as net_sales,
        cast(crm_total as decimal(38, 4)) as crm_total,
        cast(good_amount + bad_amount + undecided_amount - net_sales as decimal(38, 4)) as difference_judged,
        cast(net_sales - crm_total as decimal(38, 4)) as difference_crm
    from amounts

)

select * from reconciled
