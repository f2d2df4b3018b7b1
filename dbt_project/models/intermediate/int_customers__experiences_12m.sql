with customers as (

    select customer_key from {{ ref('int_customers__orders') }}
    where kept_order_count > 0

),

orders as (

    select * from {{ ref('int_customers__orders_12m') }}

),

contacts as (

    select * from {{ ref('int_customers__contacts_12m') }}

),

answers as (

    select * from {{ ref('int_customers__answers_12m') }}

),

-- A company that has no help desk, or cannot tell who wrote, does not know that nobody had to write.
telling as (

    select
        count(*) > 0 as tells_contacts,
        count(first_reply_wait_hours) > 0 as tells_replies,
        count(resolution_wait_hours) > 0 as tells_resolutions,
        count(hand_off_count) > 0 as tells_hand_offs
    from contacts

),

joined as (

    select
        customers.customer_key,
        orders.home_department,
        coalesce(orders.purchase_count, 0) as purchase_count,

        -- answers
        {% for part in ['result_answers', 'satisfaction', 'process_answers', 'contact_satisfaction', 'ease_answers'] %}
        coalesce(answers.{{ part }}_count, 0) as {{ part }}_count,
        answers.{{ part }}_mean,
        {% endfor %}

        -- what was given
        coalesce(orders.judged_order_count, 0) as judged_order_count,
        orders.kept_order_count,
        coalesce(contacts.judged_contact_count, 0) as judged_contact_count,
        contacts.solved_contact_count,

        -- price
        orders.goods_amount,
        orders.paid_of_list_amount,
        orders.list_amount,
        orders.charged_amount,

        -- effort: nothing where there was no contact, unknown where contacts or their times are not told
        greatest(coalesce(orders.purchase_count, 0), coalesce(contacts.contact_count, 0)) as experience_count,
        case
            when coalesce(orders.purchase_count, 0) > 0 and contacts.customer_key is null and telling.tells_contacts
                then 0
            else contacts.contact_count
        end as contact_count,
        {% for measure, told in [
            ('first_reply_wait_hours', 'tells_replies'),
            ('resolution_wait_hours', 'tells_resolutions'),
            ('hand_off_count', 'tells_hand_offs'),
            ('repeat_contact_count', 'tells_contacts'),
        ] %}
        case
            when coalesce(orders.purchase_count, 0) > 0 and contacts.customer_key is null and telling.{{ told }}
                then 0
            else contacts.{{ measure }}
        end as {{ measure }},
        {% endfor %}
        coalesce(orders.promised_delivery_count, 0) as promised_delivery_count,
        orders.late_days
    from customers
    cross join telling
    left join orders on customers.customer_key = orders.customer_key
    left join contacts on customers.customer_key = contacts.customer_key
    left join answers on customers.customer_key = answers.customer_key

)

select * from joined
