{#- Scores and segments of buyers by recency, frequency and money, as of any date: customer_rfm and the month ends are
    cut by the same macro. -#}

{#- The column of the seed rfm_cut_points that cuts a measure by value. -#}
{% macro rfm_value_column(measure) -%}
    {{ return('days_up_to' if measure == 'recency' else 'value_from') }}
{%- endmacro %}


{#- One row with the cuts of all scores above 1, to be joined to every buyer. -#}
{% macro rfm_cuts() -%}
    select
        {% for measure in ['recency', 'frequency', 'monetary'] %}
        {% for score in [2, 3, 4, 5] %}
        max(case when measure = '{{ measure }}' and score = {{ score }} then rank_share_from end)
            as {{ measure }}_share_{{ score }},
        max(case when measure = '{{ measure }}' and score = {{ score }} then {{ rfm_value_column(measure) }} end)
            as {{ measure }}_value_{{ score }}
        {{- '' if loop.last and measure == 'monetary' else ',' }}
        {% endfor %}
        {% endfor %}
    from {{ ref('rfm_cut_points') }}
{%- endmacro %}


{#- 1 to 5 from a rank and a value. The share of others below is a fraction of whole numbers and the cut has few
    decimals, so that a buyer who lies exactly on it is not lost to rounding: both become the same double. -#}
{% macro rfm_score(measure, value) -%}
    case
        {% for score in [5, 4, 3, 2] %}
        when
            ranked.{{ measure }}_rank >= cast(cuts.{{ measure }}_share_{{ score }} as double)
            or ranked.{{ value }} {{ '<=' if measure == 'recency' else '>=' }} cuts.{{ measure }}_value_{{ score }}
            then {{ score }}
        {% endfor %}
        else 1
    end
{%- endmacro %}


{#- The buyers of `states` (state_date, customer_key, first_purchase_date, last_purchase_date, frequency,
    monetary_amount) with their recency, scores and segment, ranked among the buyers of the same date. Equal values get
    equal scores (ntile would split ties arbitrarily). The latest date ranks highest, which is recency turned round. -#}
{% macro rfm_segmented(states) -%}
    select
        scored.*,
        rfm_segments.segment
    from (
        select
            ranked.state_date,
            ranked.customer_key,
            ranked.first_purchase_date,
            ranked.last_purchase_date,
            ranked.recency_days,
            ranked.frequency,
            ranked.monetary_amount,
            {{ rfm_score('recency', 'recency_days') }} as recency_score,
            {{ rfm_score('frequency', 'frequency') }} as frequency_score,
            {{ rfm_score('monetary', 'monetary_amount') }} as monetary_score
        from (
            select
                *,
                {{ days_from_to('last_purchase_date', 'state_date') }} as recency_days,
                percent_rank() over (partition by state_date order by last_purchase_date asc nulls first)
                    as recency_rank,
                percent_rank() over (partition by state_date order by frequency asc nulls first) as frequency_rank,
                percent_rank() over (partition by state_date order by monetary_amount asc nulls first)
                    as monetary_rank
            from {{ states }}
        ) as ranked
        cross join ({{ rfm_cuts() }}) as cuts
    ) as scored
    left join {{ ref('rfm_segments') }} as rfm_segments
        on
            scored.recency_score = rfm_segments.recency_score
            and scored.frequency_score = rfm_segments.frequency_score
{%- endmacro %}


{#- One row per month that has ended by the business date, from the first in which a customer did anything, with the
    fingerprint of all that was done up to its end: a state that was made of the same is still right. -#}
{% macro rfm_month_ends() -%}
    select
        calendar.month_end,
        sum(coalesce(months.fingerprint, 0)) over (order by calendar.month_end asc nulls first) as inputs_fingerprint
    from (
        select date_day as month_end
        from (
            select {{ days_between('first_month', as_of_date()) }} as date_day
            from (select min(activity_month) as first_month from {{ ref('int_rfm__activity') }}) as bounds
        ) as days
        where extract(day from date_day + 1) = 1
    ) as calendar
    left join (
        select
            activity_month,
            sum({{ row_fingerprint([
                'activity_month', 'customer_key', 'purchase_count', 'first_purchase_date', 'last_purchase_date',
                'revenue_amount',
            ]) }}) as fingerprint
        from {{ ref('int_rfm__activity') }}
        group by activity_month
    ) as months
        on cast(date_trunc('month', calendar.month_end) as date) = months.activity_month
{%- endmacro %}


{#- Month ends whose customers did something else by then than what they were made of, and those after the last whole
    month. -#}
{% macro forget_month_ends_with_other_inputs() -%}
    {%- set held -%}
        select
            month_end,
            max(inputs_fingerprint) as inputs_fingerprint
        from {{ this }}
        group by month_end
    {%- endset -%}
    {{ forget_what_has_other_inputs('month_end', held, rfm_month_ends()) }}
{%- endmacro %}
