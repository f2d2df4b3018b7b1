"""What must be true of every table that readers see, before it is published.

Belongs here: business ranges, numbers that must agree between tables, and privacy. Does not: keys, types
and relations, which dbt's contracts and tests have proved by now; nor the plausibility of what came in, which
``raw`` shows with file and line. One function per table, one module per room; a new table brings its own and is
added to :func:`published_suites`. All ``no_row`` of a table share one scan of it, however many they are; ``between``
and its like each read one column, and each ``finds_nothing`` costs a query: over the facts there are few of those.
"""

from __future__ import annotations

from data_quality.expectations import Suite
from data_quality.suites.published import (
    campaigns,
    core,
    forgiveness,
    initiatives,
    journeys,
    kpi,
    kpi_relationship,
    kpi_response_style,
    lifetime_value,
    loyalty,
    meta,
    problems,
    rfm,
    sales_quality,
    scorecard,
    traits,
    value,
)


def published_suites() -> tuple[Suite, ...]:
    """All suites of the gate before the publication, cheapest mistakes first."""
    return (
        meta.reconciliation(),
        meta.identity_match_rates(),
        sales_quality.sales_reconciliation(),
        journeys.customer_event_coverage(),
        core.dim_customers(),
        core.dim_dates(),
        core.dim_products(),
        core.dim_departments(),
        core.dim_campaigns(),
        core.fct_orders(),
        core.fct_order_lines(),
        core.fct_survey_responses(),
        core.fct_survey_invitations(),
        core.fct_support_tickets(),
        core.fct_campaign_contacts(),
        journeys.fct_customer_events(),
        rfm.customer_rfm(),
        rfm.kpi_rfm_segments_monthly(),
        rfm.rfm_segment_migration(),
        loyalty.customer_loyalty(),
        value.customer_value(),
        value.kpi_value_quadrants(),
        lifetime_value.clv_model_parameters(),
        lifetime_value.clv_validation(),
        lifetime_value.clv_segments(),
        problems.fct_problems(),
        sales_quality.fct_sales_quality(),
        sales_quality.kpi_sales_quality_monthly(),
        sales_quality.kpi_sales_quality_reasons_monthly(),
        kpi.kpi_loyalty_monthly(),
        kpi.kpi_indicator_divergence(),
        kpi_relationship.kpi_points_of_connection(),
        kpi_relationship.kpi_relationship_transitions(),
        kpi_response_style.kpi_response_style(),
        kpi_response_style.kpi_response_stretch(),
        kpi_response_style.kpi_loyalty_adjusted(),
        kpi_response_style.kpi_non_response(),
        kpi_response_style.kpi_loyalty_reweighted(),
        problems.kpi_silent_customers(),
        problems.kpi_service_recovery(),
        forgiveness.kpi_forgiveness(),
        forgiveness.kpi_price_tolerance(),
        forgiveness.kpi_category_adoption(),
        forgiveness.kpi_lost_customers(),
        scorecard.kpi_department_scorecard(),
        journeys.kpi_support_journey(),
        journeys.kpi_loyalty_by_handoffs(),
        campaigns.kpi_campaign_regret(),
        campaigns.kpi_campaign_pressure(),
        initiatives.kpi_initiative_impact(),
        initiatives.kpi_initiative_timeline(),
        traits.kpi_high_value_traits(),
    )
