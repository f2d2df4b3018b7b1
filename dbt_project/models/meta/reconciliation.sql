with loads as (

    select
        source,
        table_name,
        sum(records_read) as records_read,
        sum(rows_excluded) as rows_excluded,
        sum(rows_read) as rows_read,
        sum(rows_loaded) as rows_loaded,
        sum(rows_superseded) as rows_superseded,
        sum(rows_quarantined) as rows_quarantined,
        sum(rows_duplicate) as rows_duplicate,
        sum(rows_deleted) as rows_deleted,
        sum(quantity_read) as quantity_read,
        sum(quantity_loaded) as quantity_loaded,
        sum(quantity_superseded) as quantity_superseded,
        sum(quantity_quarantined) as quantity_quarantined,
        sum(quantity_duplicate) as quantity_duplicate,
        coalesce(sum(quantity_deleted), 0) as quantity_deleted,
        sum(amount_read) as amount_read,
        sum(amount_loaded) as amount_loaded,
        sum(amount_superseded) as amount_superseded,
        sum(amount_quarantined) as amount_quarantined,
        sum(amount_duplicate) as amount_duplicate,
        coalesce(sum(amount_deleted), 0) as amount_deleted
    from {{ source('ingest', 'loads') }}
    group by source, table_name

),

raw_rows as (

    {{ rows_by_source('crm.customers', ref('stg_crm__customers')) }}
    union all
    {{ rows_by_source('crm.products', ref('stg_crm__products')) }}
    union all
    {{ rows_by_source('crm.orders', ref('stg_crm__orders')) }}
    union all
    {{ rows_by_source('crm.order_lines', ref('stg_crm__order_lines')) }}
    union all
    {{ rows_by_source('crm.returns', ref('stg_crm__returns')) }}
    union all
    {{ rows_by_source('crm.campaigns', ref('stg_crm__campaigns')) }}
    union all
    {{ rows_by_source('crm.campaign_contacts', ref('stg_crm__campaign_contacts')) }}
    union all
    {{ rows_by_source('survey.invitations', ref('stg_survey__invitations')) }}
    union all
    {{ rows_by_source('survey.responses', ref('stg_survey__responses')) }}
    union all
    {{ rows_by_source('support.tickets', ref('stg_support__tickets')) }}
    union all
    {{ rows_by_source('support.ticket_assignments', ref('stg_support__ticket_assignments')) }}
    union all
    {{ rows_by_source('support.ticket_events', ref('stg_support__ticket_events')) }}
    union all
    {{ rows_by_source('org.departments', ref('stg_org__departments')) }}
    union all
    {{ rows_by_source('org.initiatives', ref('stg_org__initiatives')) }}
    union all
    {{ rows_by_source('org.kpi_targets', ref('stg_org__kpi_targets')) }}

),

published_lines as (

    select
        source_name,
        count(*) as rows_published,
        sum(quantity) as quantity_published,
        sum({{ multiplied('quantity', 'unit_price') }}) as amount_published
    from {{ ref('fct_order_lines') }}
    group by source_name

),

published as (

    select
        'crm.order_lines' as table_name,
        source_name,
        rows_published
    from published_lines
    union all
    select
        'crm.orders' as table_name,
        source_name,
        count(*) as rows_published
    from {{ ref('fct_orders') }}
    group by source_name
    union all
    select
        'crm.campaign_contacts' as table_name,
        source_name,
        count(*) as rows_published
    from {{ ref('fct_campaign_contacts') }}
    group by source_name
    union all
    select
        'survey.responses' as table_name,
        source_name,
        count(*) as rows_published
    from {{ ref('fct_survey_responses') }}
    group by source_name
    union all
    select
        'survey.invitations' as table_name,
        source_name,
        count(*) as rows_published
    from {{ ref('fct_survey_invitations') }}
    group by source_name
    union all
    select
        'support.tickets' as table_name,
        source_name,
        count(*) as rows_published
    from {{ ref('fct_support_tickets') }}
    group by source_name

),

after_as_of as (

    {{ rows_by_date('crm.order_lines', ref('int_orders__lines'), 'order_date') }}
    union all
    {{ rows_by_date('crm.orders', ref('int_orders__totals'), 'order_date') }}
    union all
    {{ rows_by_date('crm.campaign_contacts', ref('stg_crm__campaign_contacts'), business_date('sent_at')) }}
    union all
    {{ rows_by_date('survey.invitations', ref('stg_survey__invitations'), business_date('sent_at')) }}
    union all
    {{ rows_by_date('survey.responses', ref('int_responses__scored'), 'response_date') }}
    union all
    {{ rows_by_date('support.tickets', ref('stg_support__tickets'), business_date('opened_at')) }}

),

unpublished_lines as (

    select
        source_name,
        count(case when order_date is null then 1 end) as rows_without_order,
        sum(quantity) as quantity_not_published,
        sum({{ multiplied('quantity', 'unit_price') }}) as amount_not_published
    from {{ ref('int_orders__lines') }}
    where order_date is null or order_date > {{ as_of_date() }}
    group by source_name

),

-- A fact without a row of a source still has a number for it: nothing, where the other counts say something.
joined as (

    select
        loads.*,
        coalesce(raw_rows.rows_in_warehouse, 0) as rows_in_warehouse,
        loads.table_name = 'crm.order_lines' as is_order_lines,
        loads.table_name in (
            'crm.order_lines', 'crm.orders', 'crm.campaign_contacts', 'survey.invitations', 'survey.responses',
            'support.tickets'
        ) as has_fact,
        coalesce(published.rows_published, 0) as rows_published,
        coalesce(after_as_of.rows_after_as_of, 0) as rows_after_as_of,
        coalesce(unpublished_lines.rows_without_order, 0) as rows_without_order,
        coalesce(published_lines.quantity_published, 0) as quantity_published,
        coalesce(unpublished_lines.quantity_not_published, 0) as quantity_not_published,
        coalesce(published_lines.amount_published, 0) as amount_published,
        coalesce(unpublished_lines.amount_not_published, 0) as amount_not_published
    from loads
    left join raw_rows on loads.source = raw_rows.source_name and loads.table_name = raw_rows.table_name
    left join published on loads.source = published.source_name and loads.table_name = published.table_name
    left join after_as_of on loads.source = after_as_of.source_name and loads.table_name = after_as_of.table_name
    left join published_lines on loads.source = published_lines.source_name
    left join unpublished_lines on loads.source = unpublished_lines.source_name

),

reconciliation as (

    select
        source,
        table_name,
        cast(records_read as bigint) as records_read,
        cast(rows_excluded as bigint) as rows_excluded,
        cast(rows_read as bigint) as rows_read,
        cast(rows_loaded as bigint) as rows_loaded,
        cast(rows_superseded as bigint) as rows_superseded,
        cast(rows_quarantined as bigint) as rows_quarantined,
        cast(rows_duplicate as bigint) as rows_duplicate,
        cast(rows_deleted as bigint) as rows_deleted,
        cast(rows_in_warehouse as bigint) as rows_in_warehouse,
        cast(case when has_fact then rows_published end as bigint) as rows_published,
        cast(case when has_fact then rows_after_as_of end as bigint) as rows_after_as_of,
        cast(case when is_order_lines then rows_without_order end as bigint) as rows_without_order,
        cast(quantity_read as decimal(38, 4)) as quantity_read,
        cast(quantity_loaded as decimal(38, 4)) as quantity_loaded,
        cast(quantity_superseded as decimal(38, 4)) as quantity_superseded,
        cast(quantity_quarantined as decimal(38, 4)) as quantity_quarantined,
        cast(quantity_duplicate as decimal(38, 4)) as quantity_duplicate,
        cast(case when is_order_lines then quantity_deleted end as decimal(38, 4)) as quantity_deleted,
        cast(case when is_order_lines then quantity_published end as decimal(38, 4)) as quantity_published,
        cast(case when is_order_lines then quantity_not_published end as decimal(38, 4)) as quantity_not_published,
        cast(amount_read as decimal(38, 8)) as amount_read,
        cast(amount_loaded as decimal(38, 8)) as amount_loaded,
        cast(amount_superseded as decimal(38, 8)) as amount_superseded,
        cast(amount_quarantined as decimal(38, 8)) as amount_quarantined,
        cast(amount_duplicate as decimal(38, 8)) as amount_duplicate,
        cast(case when is_order_lines then amount_deleted end as decimal(38, 8)) as amount_deleted,
        cast(case when is_order_lines then amount_published end as decimal(38, 8)) as amount_published,
        cast(case when is_order_lines then amount_not_published end as decimal(38, 8)) as amount_not_published
    from joined

)

select * from reconciliation
