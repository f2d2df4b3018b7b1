with initiatives as (

    select
        initiative_id,
        starts_on,
        {{ json_as_map('scope') }} as scope_parts
    from {{ ref('stg_org__initiatives') }}

),

parts as (

    select
        initiative_id,
        starts_on,
        scope_parts['department'] as departments,
        coalesce(scope_parts['sales_channel'], scope_parts['channel']) as sales_channels,
        scope_parts['country'] as countries,
        scope_parts['customers'] as customers,
        scope_parts['control_customers'] as control_customers,
        coalesce(lower(scope_parts['randomised']) = 'true', false) as is_said_randomised
    from initiatives

),

-- Whoever writes two kinds of scope may mean both together or either: nobody knows, so nothing is measured.
kinds as (

    select
        *,
        case
            when
                case when departments is not null then 1 else 0 end
                + case when sales_channels is not null then 1 else 0 end
                + case when countries is not null then 1 else 0 end
                + case when customers is not null then 1 else 0 end <> 1
                then '(unknown)'
            when departments is not null then 'department'
            when sales_channels is not null then 'sales_channel'
            when countries is not null then 'country'
            else 'customers'
        end as scope_kind
    from parts

),

scoped as (

    select
        initiative_id,
        starts_on,
        scope_kind,
        case
            when scope_kind = 'customers' and is_said_randomised and control_customers is not null
                then 'randomised pilot'
            when scope_kind <> '(unknown)' then 'difference in differences'
            else 'none'
        end as method,
        case when scope_kind <> '(unknown)' then coalesce(departments, sales_channels, countries, customers) end
            as treated_members,
        case when scope_kind = 'customers' then control_customers end as control_members
    from kinds

)

select * from scoped
