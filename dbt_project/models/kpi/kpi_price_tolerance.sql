{#- Do customers buy again after a price rise? Rises are read from what was charged: a step of the usual full price that
    lasts, of most products of a category or of the whole assortment, and of their worth together. Shares of customers
    who buy again are held against the same shares without a rise; that is no experiment, and other things change too. -#}

{#- A price is compared with the highest of the months before and has to be kept in those after: what comes back from an
    offer has not risen, and what is charged once is no price. -#}
{%- set months_before, months_after = 3, 2 -%}

with windows as (

    select
        {{ forgiveness_rule('buy_again_days') }} as window_days,
        100 + {{ forgiveness_rule('price_rise_percent') }} as risen_percent,
        {{ forgiveness_rule('price_rise_product_share') }} as product_share,
        {{ forgiveness_rule('price_rise_minimum_products') }} as minimum_products,
        {{ purchases_known_until() }} as known_until

),

sides as (

    select 0 as is_all
    union all
    select 1 as is_all

),

lines as (

    select
        lines.customer_key,
        lines.product_id,
        products.category,
        lines.order_date,
        lines.quantity,
        lines.unit_price,
        lines.discount_amount,
        lines.net_amount
    from {{ ref('fct_order_lines') }} as lines
    left join {{ ref('dim_products') }} as products on lines.product_id = products.product_id
    where lines.line_type = 'product' and lines.quantity > 0 and not lines.is_cancelled

),

known_since as (

    select min(order_date) as first_date from {{ ref('fct_orders') }}

),

charged as (

    select
        product_id,
        category,
        cast(date_trunc('month', order_date) as date) as month,
        unit_price,
        count(*) as line_count,
        sum(quantity) as units
    from lines
    where discount_amount = 0 and unit_price > 0
    group by product_id, category, cast(date_trunc('month', order_date) as date), unit_price

),

-- The usual price of a month is the one most often charged; of two, the lower.
ranked_prices as (

    select
        *,
        row_number() over (
            partition by product_id, month
            order by line_count desc nulls last, unit_price asc nulls last
        ) as place,
        sum(units) over (partition by product_id, month) as units_of_month
    from charged

),

prices as (

    select
        product_id,
        category,
        month,
        unit_price,
        max(unit_price) over (
            partition by product_id
            order by {{ month_number('month') }} asc nulls last
            range between {{ months_before }} preceding and 1 preceding
        ) as price_before,
        sum(units_of_month) over (
            partition by product_id
            order by {{ month_number('month') }} asc nulls last
            range between {{ months_before }} preceding and 1 preceding
        ) as units_before,
        min(unit_price) over (
            partition by product_id
            order by {{ month_number('month') }} asc nulls last
            range between 1 following and {{ months_after }} following
        ) as price_after
    from ranked_prices
    where place = 1

),

compared as (

    select
        prices.month,
        case when scopes.is_all = 1 then '(all)' else prices.category end as category,
        count(*) as products_compared,
        count(
            case
                when
                    100 * prices.unit_price >= windows.risen_percent * prices.price_before
                    and 100 * prices.price_after >= windows.risen_percent * prices.price_before
                    then 1
            end
        ) as products_risen,
        sum({{ multiplied('prices.units_before', 'prices.unit_price') }}) as worth_now,
        sum({{ multiplied('prices.units_before', 'prices.price_before') }}) as worth_before
    from prices
    cross join windows
    cross join sides as scopes
    where
        prices.price_before is not null
        and prices.price_after is not null
        and (scopes.is_all = 1 or prices.category is not null)
    group by prices.month, case when scopes.is_all = 1 then '(all)' else prices.category end

),

rise_months as (

    select
        compared.*,
        lag(compared.month) over (partition by compared.category order by compared.month asc nulls last)
            as previous_month
    from compared
    cross join windows
    where
        compared.products_compared >= windows.minimum_products
        and 100.0 * compared.products_risen >= windows.product_share * compared.products_compared
        and 100 * compared.worth_now >= windows.risen_percent * compared.worth_before

),

-- Prices that rise in steps have risen at the first one.
rises as (

    select
        month as rise_month,
        category,
        products_compared,
        products_risen,
        100.0 * (cast(worth_now as double) / cast(worth_before as double) - 1) as price_change_percent
    from rise_months
    where
        previous_month is null
        or {{ month_number('month') }} - {{ month_number('previous_month') }} > {{ months_before }}

),

-- The days on which customers are divided into those who had bought and those who buy again.
anchors as (

    select
        rise_month,
        category,
        'rise' as moment,
        rise_month as anchor_date
    from rises

    union all

    select
        rise_month,
        category,
        'year before' as moment,
        {{ one_year_before('rise_month') }} as anchor_date
    from rises

    union all

    select
        rises.rise_month,
        rises.category,
        'period before' as moment,
        rises.rise_month - windows.window_days as anchor_date
    from rises
    cross join windows

),

-- Without a rise there is no such day, and nothing is added up.
since as (

    select min(anchors.anchor_date - windows.window_days) as first_date
    from anchors
    cross join windows

),

bought as (

    select
        lines.customer_key,
        lines.category,
        lines.order_date,
        sum(lines.quantity) as units,
        sum(lines.net_amount) as net_amount
    from lines
    inner join since on lines.order_date >= since.first_date
    where lines.customer_key is not null
    group by lines.customer_key, lines.category, lines.order_date

),

bought_in as (

    select
        bought.customer_key,
        bought.order_date,
        bought.units,
        bought.net_amount,
        case when scopes.is_all = 1 then '(all)' else bought.category end as category
    from bought
    cross join sides as scopes

),

buyers as (

    select
        anchors.rise_month,
        anchors.category,
        anchors.moment,
        anchors.anchor_date,
        bought_in.customer_key,
        max(case when bought_in.order_date < anchors.anchor_date then 0 else 1 end) as has_bought_again,
        sum(case when bought_in.order_date >= anchors.anchor_date then bought_in.units else 0 end) as units,
        sum(case when bought_in.order_date >= anchors.anchor_date then bought_in.net_amount else 0 end) as revenue
    from anchors
    cross join windows
    inner join bought_in
        on
            anchors.category = bought_in.category
            and {{ days_from_to('anchors.anchor_date', 'bought_in.order_date') }} >= -windows.window_days
            and {{ days_from_to('anchors.anchor_date', 'bought_in.order_date') }} < windows.window_days
    group by
        anchors.rise_month, anchors.category, anchors.moment, anchors.anchor_date, bought_in.customer_key
    having min(bought_in.order_date) < anchors.anchor_date

),

buyers_in_bands as (

    select
        buyers.rise_month,
        buyers.category,
        buyers.moment,
        buyers.has_bought_again,
        buyers.units,
        buyers.revenue,
        case when bands.is_all = 1 then '(all)' else coalesce(held_bands.band, '(unknown)') end as band
    from buyers
    {{ join_band_before('buyers.customer_key', 'buyers.anchor_date') }}
    cross join sides as bands

),

counted as (

    select
        rise_month,
        category,
        moment,
        band,
        count(*) as customers,
        cast(sum(has_bought_again) as bigint) as bought_again,
        cast(sum(units) as decimal(18, 4)) as units,
        cast(sum(revenue) as decimal(18, 4)) as revenue
    from buyers_in_bands
    group by rise_month, category, moment, band

),

bands as (
    {% for band in ['promoter', 'passive', 'detractor', '(unknown)', '(all)'] %}
    select '{{ band }}' as band
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

),

-- A moment whose windows are not over, or begin before the first order that is known, has no share.
moments as (

    select
        anchors.rise_month,
        anchors.category,
        anchors.moment,
        bands.band,
        coalesce(counted.customers, 0) as customers,
        coalesce(counted.bought_again, 0) as bought_again,
        coalesce(counted.units, 0) as units,
        coalesce(counted.revenue, 0) as revenue,
        {{ days_from_to('anchors.anchor_date', 'windows.known_until') }} >= windows.window_days - 1 as is_over,
        {{ days_from_to('known_since.first_date', 'anchors.anchor_date') }} >= windows.window_days as is_known
    from anchors
    cross join windows
    cross join known_since
    cross join bands
    left join counted
        on
            anchors.rise_month = counted.rise_month
            and anchors.category = counted.category
            and anchors.moment = counted.moment
            and bands.band = counted.band

),

shown as (

    select
        *,
        case when is_over and is_known and customers >= {{ minimum_answers() }} then customers end as scored
    from moments

),

shares as (

    select
        *,
        {{ percentage('bought_again', 'scored') }} as share,
        {{ wilson('bought_again', 'scored', -1) }} as share_lower,
        {{ wilson('bought_again', 'scored', 1) }} as share_upper
    from shown

),

paired as (

    select
        after_rise.rise_month,
        after_rise.category,
        before_rise.moment as comparison,
        after_rise.band,
        after_rise.is_over,
        before_rise.is_known,
        {% for column in ['customers', 'bought_again', 'units', 'revenue'] %}
        after_rise.{{ column }},
        case when before_rise.is_known then before_rise.{{ column }} end as compared_{{ column }},
        {% endfor %}
        after_rise.share,
        after_rise.share_lower,
        after_rise.share_upper,
        before_rise.share as compared,
        before_rise.share_lower as compared_lower,
        before_rise.share_upper as compared_upper,
        after_rise.share - before_rise.share as change,
        {{ difference_bound('after_rise.share', 'before_rise.share', -1) }} as change_lower,
        {{ difference_bound('after_rise.share', 'before_rise.share', 1) }} as change_upper
    from shares as after_rise
    inner join shares as before_rise
        on
            after_rise.rise_month = before_rise.rise_month
            and after_rise.category = before_rise.category
            and after_rise.band = before_rise.band
    where after_rise.moment = 'rise' and before_rise.moment <> 'rise'

),

tolerance as (

    select
        own.rise_month,
        own.category,
        own.comparison,
        own.band,
        cast(rises.products_compared as integer) as products_compared,
        cast(rises.products_risen as integer) as products_risen,
        round(rises.price_change_percent, 4) as price_change_percent,
        windows.window_days,
        own.is_over as is_window_closed,
        {% for column in ['customers', 'bought_again', 'units', 'revenue'] %}
        own.{{ column }},
        {% endfor %}
        round(own.share, 4) as buying_rate,
        round(own.share_lower, 4) as buying_rate_lower,
        round(own.share_upper, 4) as buying_rate_upper,
        {% for column in ['customers', 'bought_again', 'units', 'revenue'] %}
        own.compared_{{ column }},
        {% endfor %}
        round(own.compared, 4) as compared_rate,
        round(own.compared_lower, 4) as compared_rate_lower,
        round(own.compared_upper, 4) as compared_rate_upper,
        round(own.change, 4) as change,
        round(own.change_lower, 4) as change_lower,
        round(own.change_upper, 4) as change_upper,
        {% set is_compared = "own.band in ('promoter', 'passive')" %}
        round(case when {{ is_compared }} then own.change - detractors.change end, 4) as tolerance,
        round(case when {{ is_compared }} then {{ difference_bound('own.change', 'detractors.change', -1) }} end, 4)
            as tolerance_lower,
        round(case when {{ is_compared }} then {{ difference_bound('own.change', 'detractors.change', 1) }} end, 4)
            as tolerance_upper
    from paired as own
    cross join windows
    inner join rises on own.rise_month = rises.rise_month and own.category = rises.category
    inner join paired as detractors
        on
            own.rise_month = detractors.rise_month
            and own.category = detractors.category
            and own.comparison = detractors.comparison
    where detractors.band = 'detractor'

)

select * from tolerance
