with campaigns as (

    select * from {{ ref('stg_crm__campaigns') }}

),

mentioned as (

    select campaign_id from {{ ref('fct_orders') }}
    union
    select campaign_id from {{ ref('fct_campaign_contacts') }}

),

all_campaigns as (

    select
        coalesce(campaigns.campaign_id, mentioned.campaign_id) as campaign_id,
        campaigns.campaign_name,
        campaigns.kind,
        campaigns.starts_on,
        campaigns.ends_on,
        campaigns.cost,
        campaigns.campaign_id is null as is_inferred
    from campaigns
    full outer join mentioned on campaigns.campaign_id = mentioned.campaign_id
    where coalesce(campaigns.campaign_id, mentioned.campaign_id) is not null

)

select * from all_campaigns
