{#- How much less several purchases of one person say than as many of different people. -#}

{#- Variance of a rate with clusters drawn, over that of as many independent trials (Kish 1965); at least 1. From the
    totals of both and the sums over clusters of n squared, n times successes and successes squared. -#}
{% macro design_effect(successes, n, n_squared, product, successes_squared) -%}
    {%- set share = '(cast(' ~ successes ~ ' as double) / ' ~ n ~ ')' -%}
    case
        when {{ successes }} > 0 and {{ successes }} < {{ n }}
            then greatest(
                1.0e0,
                ({{ successes_squared }} - 2 * {{ share }} * {{ product }} + {{ share }} * {{ share }} * {{ n_squared }})
                / ({{ successes }} * (1 - {{ share }}))
            )
        else 1.0e0
    end
{%- endmacro %}


{#- Wilson bound of a share in percent, with as many fewer trials as the design effect says. -#}
{% macro wilson_of_clusters(successes, n, effect, side) -%}
    {{ wilson('(' ~ successes ~ ' / ' ~ effect ~ ')', '(' ~ n ~ ' / ' ~ effect ~ ')', side) }}
{%- endmacro %}


{#- The value of the normal distribution that is as unlikely as this one of Student's t (Wallace 1959). Wrong by 2 % at most
    from 3 degrees of freedom on. The value is written several times: give a column. -#}
{% macro normal_of_t(t, degrees_of_freedom) -%}
    {%- set v = 'cast(' ~ degrees_of_freedom ~ ' as double)' -%}
    (8 * {{ v }} + 1) / (8 * {{ v }} + 3)
    * sqrt({{ v }} * ln(1 + {{ t }} * {{ t }} / {{ v }}))
    * case when {{ t }} < 0 then -1 else 1 end
{%- endmacro %}
