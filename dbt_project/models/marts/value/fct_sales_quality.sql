{#- The rules that fired for a line are one whole number, the sum of their bits (int_sales_quality__rules): its lowest
    bit decides, and each number is put into words once, not once per line. -#}

with rules as (

    select * from {{ ref('int_sales_quality__rules') }}

),

-- Windows close with the last day of which orders are known: what has not come by then has not been seen not to come.
known as (

    select least({{ as_of_date() }}, max(order_date)) as known_until
    from {{ ref('fct_orders') }}

),

-- Empty where the rule has been taken out.
settings as (

    select
        known.known_until,
        max(case when rules.evidence = 'reversal' then rules.rule_bit end) as reversal_bit,
        max(case when rules.evidence = 'promotion_only' then rules.rule_bit end) as promotion_bit,
        max(case when rules.evidence = 'promotion_only' then rules.window_days end) as promotion_window_days,
        max(case when rules.evidence = 'promotion_only' then rules.threshold end) as promotion_discount_share,
        max(case when rules.evidence = 'repeat' then rules.rule_bit end) as repeat_bit,
        max(case when rules.evidence = 'repeat' then rules.window_days end) as repeat_window_days,
        max(case when rules.evidence = 'kept' then rules.rule_bit end) as kept_bit,
        max(case when rules.evidence = 'anonymous' then rules.rule_bit end) as anonymous_bit,
        coalesce(
            max(case when rules.verdict = 'bad' and rules.evidence <> 'promotion_only' then rules.window_days end), 0
        ) as bad_window_days,
        cast(coalesce(sum(case when rules.verdict = 'bad' then rules.rule_bit end), 0) as bigint) as bad_bits
    from known
    cross join rules
    group by known.known_until

),

lines as (

    select
        order_lines.*,
        coalesce(
            order_lines.line_type = 'product'
            and order_lines.discount_amount > 0
            and order_lines.discount_amount
            >= coalesce(settings.promotion_discount_share, 0) * abs(order_lines.gross_amount),
            false
        ) as is_promotion
    from {{ ref('fct_order_lines') }} as order_lines
    cross join settings
    where not order_lines.is_cancelled

),

reversals as (

    select
        reversals.*,
        coalesce(
            reversals.sale_discount_amount > 0
            and reversals.sale_discount_amount
            >= coalesce(settings.promotion_discount_share, 0) * abs(reversals.sale_gross_amount),
            false
        ) as is_promotion
    from {{ ref('int_sales_quality__reversals') }} as reversals
    cross join settings

),

-- A day is the unit of coming back: what is ordered twice on one day is one purchase.
customer_days as (

    select
        customer_key,
        order_date,
        max(
            case
                when line_type = 'product' and quantity > 0 and net_amount > 0 and not is_promotion
                    then order_date
            end
        ) as full_price_date
    from lines
    where customer_key is not null
    group by customer_key, order_date

),

following_days as (

    select
        customer_key,
        order_date,
        min(full_price_date) over (
            partition by customer_key
            order by order_date asc nulls last
            rows between 1 following and unbounded following
        ) as next_full_price_date
    from customer_days

),

order_evidence as (

    select * from {{ ref('int_sales_quality__evidence') }}
    where line_number is null

),

line_evidence as (

    select * from {{ ref('int_sales_quality__evidence') }}
    where line_number is not null

),

refunds as (

    select
        order_id,
        line_number,
        sum(refund_amount) as refund_amount
    from {{ ref('int_sales_quality__refunds') }}
    group by order_id, line_number

),

-- Goods that come back are judged as the sale they belong to, so that both leave good or bad sales together.
judged_as as (

    select
        lines.order_id,
        lines.line_number,
        lines.customer_key,
        lines.product_id,
        lines.order_date,
        lines.sales_channel,
        lines.department,
        lines.campaign_id,
        lines.line_type,
        lines.quantity,
        lines.discount_amount,
        lines.net_amount,
        lines.is_return,
        reversals.sale_order_id,
        reversals.sale_line_number,
        coalesce(reversals.sale_order_id, lines.order_id) as judged_order_id,
        coalesce(reversals.sale_line_number, lines.line_number) as judged_line_number,
        coalesce(reversals.sale_order_date, lines.order_date) as judged_date,
        coalesce(reversals.is_promotion, lines.is_promotion and not lines.is_return) as is_promotion
    from lines
    left join reversals on lines.order_id = reversals.order_id and lines.line_number = reversals.line_number

),

told as (

    select
        judged_as.*,
        settings.*,
        following_days.next_full_price_date,
        {{ days_from_to('judged_as.judged_date', 'settings.known_until') }} as known_days,
        {{ days_from_to('judged_as.judged_date', 'following_days.next_full_price_date') }} as days_to_full_price,
        judged_as.is_promotion and judged_as.customer_key is not null and settings.promotion_bit is not null
            as can_be_promotion_only,
        coalesce(order_evidence.rule_bits, 0)
        + coalesce(line_evidence.rule_bits, 0)
        + coalesce(charges.rule_bit, 0)
        + case
            when judged_as.is_return and judged_as.sale_order_id is null then coalesce(settings.reversal_bit, 0)
            else 0
        end as told_bits,
        order_evidence.first_rule_bit as order_rule_bit,
        order_evidence.first_rule_date as order_rule_date,
        line_evidence.first_rule_bit as line_rule_bit,
        line_evidence.first_rule_date as line_rule_date
    from judged_as
    cross join settings
    left join following_days
        on judged_as.customer_key = following_days.customer_key and judged_as.judged_date = following_days.order_date
    left join order_evidence on judged_as.judged_order_id = order_evidence.order_id
    left join line_evidence
        on
            judged_as.judged_order_id = line_evidence.order_id
            and judged_as.judged_line_number = line_evidence.line_number
    left join rules as charges on charges.evidence = 'line_type' and judged_as.line_type = charges.evidence_value

),

behaved as (

    select
        *,
        coalesce(days_to_full_price <= repeat_window_days, false) as is_repeat,
        can_be_promotion_only and coalesce(days_to_full_price <= promotion_window_days, false)
            as came_back_from_promotion,
        can_be_promotion_only and known_days >= promotion_window_days
        and not coalesce(days_to_full_price <= promotion_window_days, false) as is_promotion_only
    from told

),

-- Nothing spoke against the sale, and nothing can any more.
judged as (

    select
        *,
        known_days >= bad_window_days
        and (not can_be_promotion_only or came_back_from_promotion)
        and (told_bits & bad_bits) = 0 as is_over_without_bad,
        told_bits
        + case when is_repeat then coalesce(repeat_bit, 0) else 0 end
        + case when is_promotion_only then promotion_bit else 0 end as bits_so_far
    from behaved

),

summed as (

    select
        *,
        can_be_promotion_only and not came_back_from_promotion as may_be_promotion_only,
        cast(
            bits_so_far
            + case
                when is_over_without_bad and customer_key is null then anonymous_bit
                when is_over_without_bad then kept_bit
                else 0
            end as bigint
        ) as rule_bits
    from judged

),

deciding as (

    select
        *,
        rule_bits & -rule_bits as deciding_bit,
        case
            when came_back_from_promotion
                then greatest({{ days_after('judged_date', 'bad_window_days') }}, next_full_price_date)
            else {{ days_after('judged_date', 'bad_window_days') }}
        end as over_date
    from summed

),

-- Read twice below, so that it is held in memory: only what is needed from here on.
dated as (

    select
        order_id,
        line_number,
        customer_key,
        product_id,
        order_date,
        sales_channel,
        department,
        campaign_id,
        line_type,
        quantity,
        discount_amount,
        net_amount,
        is_promotion,
        is_return,
        sale_order_id,
        sale_line_number,
        judged_date,
        known_days,
        may_be_promotion_only,
        rule_bits,
        deciding_bit,
        case
            when deciding_bit = 0 then null
            when deciding_bit = order_rule_bit then greatest(order_date, order_rule_date)
            when deciding_bit = line_rule_bit then greatest(order_date, line_rule_date)
            when deciding_bit = repeat_bit then greatest(order_date, next_full_price_date)
            when deciding_bit = promotion_bit
                then greatest(order_date, {{ days_after('judged_date', 'promotion_window_days') }})
            when deciding_bit in (kept_bit, anonymous_bit) then greatest(order_date, over_date)
            else order_date
        end as decided_on
    from deciding

),

kinds_of_lines as (

    select distinct
        rule_bits,
        deciding_bit,
        may_be_promotion_only
    from dated

),

in_words as (

    select
        kinds_of_lines.rule_bits,
        kinds_of_lines.may_be_promotion_only,
        coalesce(max(deciding.verdict), 'undecided') as quality,
        max(deciding.rule) as decided_by,
        {{ joined_in_order(
            'case when (kinds_of_lines.rule_bits & rules.rule_bit) <> 0 then rules.rule end', 'rules.rule_bit'
        ) }} as reasons,
        -- the longest window of a rule that would go before the deciding one and say otherwise
        max(
            case
                when (kinds_of_lines.rule_bits & rules.rule_bit) <> 0 then null
                when rules.rule_bit > coalesce(deciding.rule_bit, rules.rule_bit) then null
                when rules.evidence = 'promotion_only' and not kinds_of_lines.may_be_promotion_only then null
                when rules.verdict = case when deciding.verdict = 'bad' then 'good' else 'bad' end
                    then rules.window_days
            end
        ) as window_days
    from kinds_of_lines
    cross join rules
    left join rules as deciding on kinds_of_lines.deciding_bit = deciding.rule_bit
    group by kinds_of_lines.rule_bits, kinds_of_lines.may_be_promotion_only

),

sales_quality as (

    select
        dated.order_id,
        dated.line_number,
        dated.customer_key,
        dated.product_id,
        dated.order_date,
        dated.sales_channel,
        {{ department_key('dated.department') }} as department_key,
        dated.department,
        {{ campaign_key('dated.campaign_id') }} as campaign_key,
        dated.campaign_id,
        dated.line_type,
        dated.quantity,
        dated.discount_amount,
        dated.net_amount,
        cast(coalesce(refunds.refund_amount, 0) as decimal(18, 4)) as refunded_amount,
        dated.is_promotion,
        dated.is_return,
        dated.sale_order_id as reversed_order_id,
        dated.sale_line_number as reversed_line_number,
        in_words.quality,
        in_words.decided_by,
        in_words.reasons,
        dated.decided_on,
        case
            when in_words.window_days > dated.known_days
                then {{ days_after('dated.judged_date', 'in_words.window_days') }}
        end as open_until
    from dated
    inner join in_words
        on
            dated.rule_bits = in_words.rule_bits
            and dated.may_be_promotion_only = in_words.may_be_promotion_only
    left join refunds on dated.order_id = refunds.order_id and dated.line_number = refunds.line_number

)

select * from sales_quality
