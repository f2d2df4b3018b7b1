with campaigns as (

    select * from {{ ref('stg_crm__campaigns') }}

),

mentioned as (

    select campaign_id from {{ ref('fct_orders') }}
    union
    select campaign_id from {{ ref('fct_campaign_contacts') }}
    union
    -- what was bought in no campaign belongs to this one
    select {{ campaign_key('null') }} as campaign_id

),

all_campaigns as (

    select
        coalesce(campaigns.campaign_id, mentioned.campaign_id) as campaign_key,
        coalesce(campaigns.campaign_id, mentioned.campaign_id) as campaign_id,
        case
            when mentioned.campaign_id = {{ campaign_key('null') }} then mentioned.campaign_id
            else campaigns.campaign_name
        end as campaign_name,
        campaigns.kind,
        campaigns.starts_on,
        campaigns.ends_on,
        campaigns.cost,
        campaigns.campaign_id is null and mentioned.campaign_id <> {{ campaign_key('null') }} as is_inferred
    from campaigns
    full outer join mentioned on campaigns.campaign_id = mentioned.campaign_id
    where coalesce(campaigns.campaign_id, mentioned.campaign_id) is not null

)

select * from all_campaigns
