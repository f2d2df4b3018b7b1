{#- Lines of fct_sales_quality in the cells that both tables of their sums are rolled up from. -#}
{% macro sales_quality_lines() -%}
    select
        cast(date_trunc('month', quality.order_date) as date) as cell_month,
        coalesce(quality.department, '(unknown)') as cell_department,
        case when quality.line_type = 'product' then coalesce(products.category, '(unknown)') else '(no product)' end
            as cell_category,
        coalesce(quality.campaign_id, '(none)') as cell_campaign_id,
        coalesce(quality.sales_channel, '(unknown)') as cell_sales_channel,
        quality.customer_key,
        quality.quality,
        quality.decided_by,
        quality.net_amount,
        quality.refunded_amount,
        greatest(quality.net_amount, 0) as sold_amount,
        least(quality.net_amount, 0) as reversed_amount
    from {{ ref('fct_sales_quality') }} as quality
    left join {{ ref('dim_products') }} as products on quality.product_id = products.product_id
{%- endmacro %}
