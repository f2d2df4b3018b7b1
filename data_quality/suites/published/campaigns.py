"""Campaigns: purchases that were regretted, and customers who are written to too often."""

from __future__ import annotations

from data_quality.expectations import Expectation, Suite, between, finds_nothing, no_row, one_of
from data_quality.suites.published.shared import (
    AS_OF,
    MINIMUM_ANSWERS,
    POINT_TOLERANCE,
    nobody_identified,
    within_its_interval,
)

OUTCOMES = ("returned", "complained", "detractor", "low_csat", "nps_score", "csat_score", "next_full_price")
VERDICTS = ("worse", "not worse", "unclear", "too few", "too early", "not recorded")
CAMPAIGN_VERDICTS = ("regretted", "not regretted", "unclear", "not known")
FALSE_DISCOVERY_RATE = 0.05  # of the macro false_discovery_rate
POINTS = "case when measure = 'share' then 100.0 else 1.0 end"
ROUNDED_P = 1e-6  # p values are published with six decimals


def kpi_campaign_regret() -> Suite:
    return Suite(
        "kpi.kpi_campaign_regret",
        ("campaign_id", "outcome"),
        (
            one_of("outcome", OUTCOMES, protects="Every outcome is one that readers know."),
            one_of("verdict", VERDICTS, protects="Every verdict is in words that are explained."),
            one_of(
                "campaign_verdict",
                CAMPAIGN_VERDICTS,
                protects="Every verdict is in words that are explained.",
            ),
            between("p_value", 0, 1, protects="A probability is one."),
            between("matched_share", 0, 100, protects="A share of purchases is a percentage."),
            within_its_interval("difference"),
            no_row(
                "every purchase is too young, unknown, compared or without a like one",
                "purchases <> purchases_open + purchases_unknown + campaign_n "
                "or campaign_n <> matched_n + unmatched_n "
                "or least(purchases_open, purchases_unknown, matched_n, unmatched_n) < 0",
                shows="purchases",
                column="purchases",
                protects="No purchase of a campaign is lost on the way to its verdict.",
            ),
            no_row(
                "shares are of those counted",
                "measure = 'share' and (campaign_sum > campaign_n or full_price_sum > full_price_n "
                "or matched_campaign_sum > matched_n or matched_campaign_sum > campaign_sum "
                "or matched_full_price_weighted_sum > matched_n + 0.001)",
                shows="campaign_sum",
                column="campaign_sum",
                protects="The parts of a share can be added up.",
            ),
            no_row(
                "weighted purchases say no more than they are",
                f"matched_full_price_effective_n > matched_full_price_n + {POINT_TOLERANCE} "
                "or matched_customers > matched_n or (matched_n > 0) <> (matched_full_price_n > 0)",
                shows="matched_full_price_effective_n",
                column="matched_full_price_effective_n",
                protects="The numbers behind a comparison say how far it can be trusted.",
            ),
            no_row(
                "values and the difference follow from their sums",
                f"abs(campaign_value - {POINTS} * campaign_sum / campaign_n) > {POINT_TOLERANCE} "
                f"or abs(matched_campaign_value - {POINTS} * matched_campaign_sum / matched_n) > {POINT_TOLERANCE} "
                f"or abs(matched_full_price_value - {POINTS} * matched_full_price_weighted_sum / matched_n) > 0.01 "
                f"or abs(difference - matched_campaign_value + matched_full_price_value) > 2 * {POINT_TOLERANCE}",
                shows="difference",
                column="difference",
                protects="Whoever recomputes a score gets the same number.",
            ),
            no_row(
                "a comparison is shown from the minimum of customers on",
                f"(difference is not null) <> (matched_customers >= {MINIMUM_ANSWERS} "
                f"and matched_full_price_n >= {MINIMUM_ANSWERS}) "
                f"or (campaign_value is not null) <> (campaign_n >= {MINIMUM_ANSWERS})",
                shows="matched_customers",
                column="difference",
                protects="Nobody takes a few purchases for the rule.",
            ),
            no_row(
                "what is called worse is worse by more than the margin, and unlikely by chance",
                f"(verdict = 'worse') <> coalesce(q_value <= {FALSE_DISCOVERY_RATE}, false) "
                "or verdict = 'worse' "
                "and margin >= case when worse_when = 'higher' then difference else -difference end "
                f"or q_value < p_value - {ROUNDED_P}",
                shows="verdict",
                column="verdict",
                protects="No campaign is blamed for what chance or a trifle is.",
            ),
            _campaign_verdicts(),
            finds_nothing(
                "every purchase of a campaign by a known customer is counted",
                """
                select campaign_id, regret.purchases || ' of ' || facts.purchases as observed
                from (select campaign_id, count(*) as purchases from marts.fct_orders
                      where is_purchase and customer_key is not null and campaign_id is not null
                      group by campaign_id) as facts
                full join (select campaign_id, max(purchases) as purchases from kpi.kpi_campaign_regret
                           group by campaign_id) as regret using (campaign_id)
                where exists (select 1 from kpi.kpi_campaign_regret)
                    and regret.purchases is distinct from facts.purchases
                """,
                protects="No campaign and no purchase is missing.",
            ),
            *nobody_identified(),
        ),
    )


def _campaign_verdicts() -> Expectation:
    return finds_nothing(
        "a campaign is regretted where a deciding outcome is worse, and acquitted where none may be",
        """
        select campaign_id, any_value(campaign_verdict) as observed
        from kpi.kpi_campaign_regret
        group by campaign_id
        having count(distinct campaign_verdict) <> 1
            or (any_value(campaign_verdict) = 'regretted') <> bool_or(is_deciding and verdict = 'worse')
            or any_value(campaign_verdict) = 'not regretted' and bool_or(is_deciding and verdict <> 'not worse')
        """,
        protects="The verdict on a campaign is that of the outcomes that decide.",
    )


def kpi_campaign_pressure() -> Suite:
    return Suite(
        "kpi.kpi_campaign_pressure",
        ("period", "contacts_band"),
        (
            *(
                between(rate, 0, 100, protects="A share is a percentage.")
                for rate in ("bought_rate", "return_rate", "detractor_share")
            ),
            within_its_interval("bought_rate"),
            within_its_interval("return_rate"),
            within_its_interval("detractor_share"),
            no_row(
                "counts are parts of one another",
                "customer_months_bought > least(customer_months, purchases) or campaign_purchases > purchases "
                "or customers > customer_months or greatest(return_n, nps_n) > purchases "
                "or returned > return_n or detractors > nps_n or contacts < contacts_from * customer_months",
                shows="customer_months",
                column="customer_months",
                protects="The parts of a rate can be added up.",
            ),
            no_row(
                "rates follow from their counts and are shown from the minimum on",
                " or ".join(
                    f"({rate} is not null) <> ({n} >= {MINIMUM_ANSWERS}) "
                    f"or abs({rate} - 100.0 * {count} / {n}) > {POINT_TOLERANCE}"
                    for rate, count, n in (
                        ("bought_rate", "customer_months_bought", "customer_months"),
                        ("return_rate", "returned", "return_n"),
                        ("detractor_share", "detractors", "nps_n"),
                    )
                ),
                shows="customer_months",
                column="bought_rate",
                protects="Whoever recomputes a rate gets the same number.",
            ),
            no_row(
                "a month is its first day, before the business date, and named by its period",
                f"month > {AS_OF} or month <> date_trunc('month', month) "
                "or period <> coalesce(strftime(month, '%Y-%m'), '(all)')",
                shows="period",
                column="month",
                protects="Months join the calendar.",
            ),
            finds_nothing(
                "the months add up to all months, and a month counts every customer known before it once",
                """
                select contacts_band, sum(customer_months) filter (month is not null) as observed
                from kpi.kpi_campaign_pressure
                group by contacts_band
                having sum(customer_months) filter (month is not null)
                        is distinct from sum(customer_months) filter (month is null)
                    or sum(purchases) filter (month is not null) is distinct from sum(purchases) filter (month is null)
                union all
                select period as contacts_band, sum(customers) as observed
                from kpi.kpi_campaign_pressure
                where month is not null
                group by period, month
                having sum(customers) <> (select count(*) from marts.dim_customers where registered_date < month)
                """,
                protects="Nobody is counted twice or forgotten.",
            ),
            *nobody_identified(),
        ),
    )
