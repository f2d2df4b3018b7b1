with purchases as (

    select
        customer_key,
        order_date,
        department,
        row_number() over (
            partition by customer_key, order_date
            order by ordered_at desc nulls last, order_id desc nulls last
        ) as place_from_last
    from {{ ref('int_orders__as_of') }}
    where is_purchase and customer_key is not null

),

-- Several purchases of a day are one visit, of the department that sold last.
visits as (

    select
        customer_key,
        order_date as visit_date,
        department,
        cast(
            row_number() over (partition by customer_key order by order_date asc nulls last) as integer
        ) as visit_number,
        lag(order_date) over (partition by customer_key order by order_date asc nulls last) as previous_visit_date,
        lead(order_date) over (partition by customer_key order by order_date asc nulls last) as next_visit_date
    from purchases
    where place_from_last = 1

)

select * from visits
