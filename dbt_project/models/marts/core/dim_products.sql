with products as (

    select * from {{ ref('stg_crm__products') }}

),

sold as (

    select distinct product_id from {{ ref('fct_order_lines') }}

),

all_products as (

    select
        coalesce(products.product_id, sold.product_id) as product_id,
        products.product_name,
        products.category,
        products.list_price,
        products.unit_cost,
        products.product_id is null as is_inferred
    from products
    full outer join sold on products.product_id = sold.product_id

)

select * from all_products
