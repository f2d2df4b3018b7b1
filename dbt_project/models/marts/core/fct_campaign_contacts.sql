with contacts as (

    select
        *,
        {{ business_date('sent_at') }} as sent_date
    from {{ ref('stg_crm__campaign_contacts') }}

),

accounts as (

    select * from {{ ref('int_identity__accounts') }}

),

-- Two accounts of one person can be written to at the same moment: the number keeps both messages apart.
numbered as (

    select
        {{ campaign_key('contacts.campaign_id') }} as campaign_key,
        contacts.campaign_id,
        accounts.customer_key,
        contacts.sent_at,
        cast(
            row_number() over (
                partition by contacts.campaign_id, accounts.customer_key, contacts.sent_at
                order by contacts.customer_id asc nulls last
            ) as integer
        ) as message_number,
        contacts.sent_date,
        contacts.channel,
        contacts.source_name
    from contacts
    left join accounts on contacts.customer_id = accounts.customer_id
    where contacts.sent_date <= {{ as_of_date() }}

)

select * from numbered
