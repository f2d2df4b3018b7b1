"""The panels of the page: what each asks of the published file, and how it is drawn.

Every query gives numbers as they are published: it chooses rows and columns, and computes nothing. The only exception
is ``grid``, which counts the rows of ``marts.customer_rfm``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipelines.scorecard import charts
from pipelines.scorecard.headlines import LAST_MONTH
from pipelines.scorecard.texts import Texts


@dataclass(frozen=True)
class Panel:
    """One chart with its table.

    Args:
        name: names the panel in the texts and on the page.
        tables: what the query reads; a publication without one of them has no such panel.
        sql: the rows.
        chart: draws them.
        words: columns that hold words, for which the language may have others.
        clicks: the filter that a click on the chart sets, as (filter, column).
    """

    name: str
    tables: tuple[str, ...]
    sql: str
    chart: Callable[[Texts], Any]
    words: tuple[str, ...] = ()
    clicks: tuple[str, str] | None = None


PANELS = (
    Panel(
        "loyalty",
        ("kpi.kpi_loyalty_monthly",),
        """select month, department, nps, nps_lower, nps_upper, nps_n, nps_promoters, nps_passives, nps_detractors
        from kpi.kpi_loyalty_monthly where level in ('month', 'month_department') order by month, department""",
        charts.loyalty,
        words=("department",),
    ),
    Panel(
        "satisfaction",
        ("kpi.kpi_loyalty_monthly",),
        """select month, department, csat, csat_lower, csat_upper, csat_n, ces, ces_lower, ces_upper, ces_n
        from kpi.kpi_loyalty_monthly where level in ('month', 'month_department') order by month, department""",
        charts.satisfaction,
        words=("department",),
    ),
    Panel(
        "departments",
        ("kpi.kpi_department_scorecard",),
        f"""select department, kpi_name, status, actual, actual_lower, actual_upper, target, n, unit, month
        from kpi.kpi_department_scorecard
        where month = {LAST_MONTH} and status <> 'unknown kpi' and kpi <> 'net_sales'
        order by department, kpi_name""",
        charts.departments,
        words=("department", "kpi_name", "status", "unit"),
        clicks=("department", "department"),
    ),
    Panel(
        "divergence",
        ("kpi.kpi_indicator_divergence",),
        """select month, department, is_alert, case when is_alert then 'alert' else 'no alert' end as alert,
            nps_change, nps_change_lower, nps_change_upper, csat_change, nps_recent_n, csat_recent_n
        from kpi.kpi_indicator_divergence where nps_change is not null order by month, department""",
        charts.divergence,
        words=("department", "alert"),
        clicks=("department", "department"),
    ),
    Panel(
        "sales",
        ("kpi.kpi_sales_quality_monthly",),
        """select month, department, good_sold_amount, undecided_sold_amount, bad_sold_amount, bad_share,
            undecided_share
        from kpi.kpi_sales_quality_monthly where level in ('month', 'month_department') order by month, department""",
        charts.sales,
        words=("department",),
    ),
    Panel(
        "regret",
        ("kpi.kpi_campaign_regret",),
        """select campaign_name, campaign_verdict, difference, difference_lower, difference_upper, campaign_value,
            matched_full_price_value, campaign_n, matched_n
        from kpi.kpi_campaign_regret where outcome = 'returned' and difference is not null
        order by difference desc""",
        charts.regret,
        words=("campaign_name", "campaign_verdict"),
    ),
    Panel(
        "lifetime_value",
        ("kpi.clv_segments",),
        """select segment, customers, clv_mean, clv_mean_lower, clv_mean_upper, clv_amount, clv_status
        from kpi.clv_segments where segment <> '(all)' order by clv_mean desc, segment""",
        charts.lifetime_value,
        words=("segment", "clv_status"),
        clicks=("segment", "segment"),
    ),
    Panel(
        "quadrants",
        ("kpi.kpi_value_quadrants",),
        """select group_name as segment, quadrant, customers, clv_amount, revenue_amount, value_balance,
            value_balance_lower, value_balance_upper, loyalty_index
        from kpi.kpi_value_quadrants where group_kind in ('all', 'rfm_segment') and is_quadrant
        order by segment, quadrant""",
        charts.quadrants,
        words=("segment", "quadrant"),
    ),
    Panel(
        "grid",
        ("marts.customer_rfm",),
        """select segment, recency_score, frequency_score, count(*) as customers,
            sum(monetary_amount) as monetary_amount
        from marts.customer_rfm group by all order by recency_score, frequency_score""",
        charts.grid,
        words=("segment",),
        clicks=("segment", "segment"),
    ),
    Panel(
        "movements",
        ("kpi.rfm_segment_migration",),
        f"""select from_segment, to_segment, customers, share_percent, share_percent_lower, share_percent_upper,
            revenue_amount, month
        from kpi.rfm_segment_migration where month = {LAST_MONTH} order by from_segment, to_segment""",
        charts.movements,
        words=("from_segment", "to_segment"),
        clicks=("segment", "from_segment"),
    ),
    Panel(
        "silence",
        ("kpi.kpi_silent_customers",),
        """select department, customers_with_problem, customers_complained, customers_silent,
            silent_per_complaint, silent_per_complaint_lower, silent_per_complaint_upper,
            claimed_silent_per_complaint, revenue_at_risk
        from kpi.kpi_silent_customers
        where period = '(all)' and problem_kind = '(orders)' and silent_per_complaint is not null
        order by department""",
        charts.silence,
        words=("department",),
        clicks=("department", "department"),
    ),
    Panel(
        "recovery",
        ("kpi.kpi_service_recovery",),
        """select outcome, day, repurchase_rate, repurchase_rate_lower, repurchase_rate_upper, at_risk, customers,
            claimed_repurchase_rate
        from kpi.kpi_service_recovery
        where problem_kind = '(all)' and outcome in ('resolved', 'unresolved', 'never_voiced')
        order by outcome, day""",
        charts.recovery,
        words=("outcome",),
    ),
    Panel(
        "handoffs",
        ("kpi.kpi_loyalty_by_handoffs",),
        """select handoffs, nps, nps_lower, nps_upper, n, mean
        from kpi.kpi_loyalty_by_handoffs where metric = 'nps' and handoffs <> '(all)' order by handoffs""",
        charts.handoffs,
        words=("handoffs",),
    ),
    Panel(
        "connection",
        ("kpi.kpi_points_of_connection",),
        """select department, item, respondent_type, mean, mean_lower, mean_upper, top_box, n, quarter
        from kpi.kpi_points_of_connection
        where item <> '(all)' and mean is not null and quarter = (
            select max(quarter) from kpi.kpi_points_of_connection
            where respondent_type = 'external' and item = '(all)' and department = '(all)' and alpha is not null
        )
        order by department, item, respondent_type""",
        charts.connection,
        words=("department", "item", "respondent_type"),
    ),
)
