with lines as (

    {{ sales_quality_lines() }}

),

cells as (

    select
        cell_month,
        cell_department,
        cell_category,
        cell_campaign_id,
        cell_sales_channel,
        quality,
        coalesce(decided_by, '(open)') as decided_by,
        count(*) as line_count,
        sum(net_amount) as net_amount,
        sum(sold_amount) as sold_amount,
        sum(reversed_amount) as reversed_amount
    from lines
    group by
        cell_month,
        cell_department,
        cell_category,
        cell_campaign_id,
        cell_sales_channel,
        quality,
        coalesce(decided_by, '(open)')

),

rolled_up as (

    select
        cell_month as month,
        'month'
        || case when grouping(cell_department) = 0 then '_department' else '' end
        || case when grouping(cell_category) = 0 then '_category' else '' end
        || case when grouping(cell_campaign_id) = 0 then '_campaign' else '' end
        || case when grouping(cell_sales_channel) = 0 then '_sales_channel' else '' end as level,
        case when grouping(cell_department) = 1 then '(all)' else cell_department end as department,
        case when grouping(cell_category) = 1 then '(all)' else cell_category end as category,
        case when grouping(cell_campaign_id) = 1 then '(all)' else cell_campaign_id end as campaign_id,
        case when grouping(cell_sales_channel) = 1 then '(all)' else cell_sales_channel end as sales_channel,
        quality,
        decided_by,
        cast(sum(line_count) as bigint) as lines,
        cast(sum(net_amount) as decimal(38, 4)) as net_amount,
        cast(sum(sold_amount) as decimal(38, 4)) as sold_amount,
        cast(sum(reversed_amount) as decimal(38, 4)) as reversed_amount
    from cells
    group by
        grouping sets (
            (cell_month, quality, decided_by),
            (cell_month, quality, decided_by, cell_department),
            (cell_month, quality, decided_by, cell_category),
            (cell_month, quality, decided_by, cell_campaign_id),
            (cell_month, quality, decided_by, cell_sales_channel)
        )

)

select * from rolled_up
