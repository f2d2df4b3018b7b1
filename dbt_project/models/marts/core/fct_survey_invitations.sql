{#- Whether an invitation was answered is told by the response that carries it. Many tools export responses without:
    such a response answers the latest invitation of its person to its survey, if that is recent enough. -#}

with matches as (

    select
        source_name,
        record_id,
        customer_key,
        customer_match
    from {{ ref('int_identity__matches') }}
    where record_type = 'invitation'

),

response_references as (

    select
        source_name,
        record_id,
        invitation_id
    from {{ ref('int_identity__references') }}
    where record_type = 'response'

),

-- A questionnaire that was handed in empty answers nothing.
questionnaires as (

    select
        response_id,
        source_name,
        max(survey_id) as survey_id,
        max(customer_key) as customer_key,
        max(respondent_type) as respondent_type,
        min(submitted_at) as submitted_at
    from {{ ref('fct_survey_responses') }}
    where score is not null or has_comment
    group by response_id, source_name

),

responses as (

    select
        questionnaires.*,
        response_references.invitation_id
    from questionnaires
    left join response_references
        on
            questionnaires.response_id = response_references.record_id
            and questionnaires.source_name = response_references.source_name

),

-- An invitation does not say whether it went to a customer; the answers to its survey do.
colleague_surveys as (

    select survey_id
    from {{ ref('fct_survey_responses') }}
    group by survey_id
    having min(respondent_type) = 'internal'

),

answered_by_invitation as (

    select
        invitation_id,
        max(respondent_type) as respondent_type,
        min(submitted_at) as answered_at
    from responses
    where invitation_id is not null
    group by invitation_id

),

invitations as (

    select
        sent.*,
        {{ business_date('sent.sent_at') }} as sent_date,
        matches.customer_key,
        matches.customer_match,
        answered.answered_at,
        coalesce(answered.respondent_type, '') = 'internal' or colleague_surveys.survey_id is not null as is_colleague
    from {{ ref('stg_survey__invitations') }} as sent
    left join matches on sent.invitation_id = matches.record_id and sent.source_name = matches.source_name
    left join answered_by_invitation as answered on sent.invitation_id = answered.invitation_id
    left join colleague_surveys on sent.survey_id = colleague_surveys.survey_id
    where {{ business_date('sent.sent_at') }} <= {{ as_of_date() }}

),

-- Responses without their invitation, each with the invitations that it may be the answer to.
candidates as (

    select
        responses.response_id,
        responses.source_name,
        responses.submitted_at,
        invitations.invitation_id,
        row_number() over (
            partition by responses.response_id, responses.source_name
            order by invitations.sent_at desc nulls last, invitations.invitation_id asc nulls last
        ) as place
    from responses
    inner join invitations
        on
            responses.customer_key = invitations.customer_key
            and coalesce(responses.survey_id, '') = coalesce(invitations.survey_id, '')
    where
        responses.invitation_id is null
        and invitations.answered_at is null
        and {{ seconds_from_to('invitations.sent_at', 'responses.submitted_at') }}
        between 0 and {{ answer_window_days() }} * 86400

),

answered_by_customer as (

    select
        invitation_id,
        min(submitted_at) as answered_at
    from candidates
    where place = 1
    group by invitation_id

),

facts as (

    select
        invitations.invitation_id,
        invitations.survey_id,
        case when invitations.is_colleague then 'internal' else 'external' end as respondent_type,
        case when not invitations.is_colleague then invitations.customer_key end as customer_key,
        case when invitations.is_colleague then 'colleague' else invitations.customer_match end as customer_match,
        {{ department_key('invitations.department') }} as department_key,
        invitations.department,
        invitations.touchpoint,
        invitations.locale,
        invitations.sent_at,
        invitations.sent_date,
        coalesce(invitations.answered_at, answered_by_customer.answered_at) as answered_at,
        case
            when invitations.answered_at is not null then 'invitation'
            when answered_by_customer.answered_at is not null then 'customer'
        end as answer_match,
        coalesce(invitations.answered_at, answered_by_customer.answered_at) is not null as is_answered,
        invitations.source_name
    from invitations
    left join answered_by_customer on invitations.invitation_id = answered_by_customer.invitation_id

)

select * from facts
