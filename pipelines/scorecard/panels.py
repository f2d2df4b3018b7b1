"""The panels of the page: what each asks of the published file, and how it is drawn.

Every query gives numbers as they are published: it chooses rows and columns, and computes nothing. The only exception
is ``grid``, which counts the rows of ``marts.customer_rfm``. Rows come in the order in which they are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.scorecard import charts
from pipelines.scorecard.findings import NAMED_INITIATIVE
from pipelines.scorecard.headlines import LAST_MONTH

# Best first, as people read them; the seed rfm_segments tells what they are.
_SEGMENTS = (
    "champions",
    "loyal customers",
    "potential loyalists",
    "new customers",
    "promising",
    "need attention",
    "about to sleep",
    "can't lose",
    "at risk",
    "hibernating",
)
_KPIS = (  # as in the seed scorecard_kpis
    "nps",
    "csat",
    "ces",
    "response_rate",
    "first_contact_share",
    "reopened_share",
    "return_rate",
    "bad_sales_share",
    "net_sales",
)
_ITEMS = ("listening", "importance", "conflict", "honesty", "reliability", "authenticity")
_OUTCOMES = ("nps", "csat", "ces", "connection", "net_sales", "margin")
_VERDICTS = (
    "success story",
    "loved, not yet paid back",
    "harmful",
    "no effect seen",
    "too early",
    "cannot be told",
)


def _place(column: str, order: tuple[str, ...]) -> str:
    """Where a value stands in an order of its own; values that are not in it come last."""
    values = ", ".join("'" + value.replace("'", "''") + "'" for value in order)
    return f"coalesce(list_position([{values}], {column}), {len(order) + 1})"


# Only what moved beyond chance is told in words.
_EFFECTS = ", ".join(
    f"max({column}) filter (where outcome = '{outcome}' and status in ('gain', 'loss')) as {outcome}_{column}"
    for outcome in _OUTCOMES
    for column in ("effect", "effect_lower", "effect_upper")
)


@dataclass(frozen=True)
class Panel:
    """One chart with its table.

    Args:
        name: names the panel in the texts and on the page.
        group: the part of the page it stands in.
        tables: what the query reads; a publication without one of them has no such panel.
        sql: the rows.
        chart: draws them; None: they are told in words, one paragraph a row.
        clicks: what a click on the chart chooses: the column of the row, by filter.
        picks: columns of which the panel shows one value at a time, chosen in the panel itself or by clicks on others.
        leads_to: the panel that shows what a click chooses, where it is another one.
        min_width: pixels that its chart needs; where there are fewer, it is scrolled.
        is_full: it stretches over the whole page.
    """

    name: str
    group: str
    tables: tuple[str, ...]
    sql: str
    chart: Callable[[], Any] | None
    clicks: Mapping[str, str] = field(default_factory=dict)
    picks: tuple[str, ...] = ()
    leads_to: str | None = None
    min_width: int = 0
    is_full: bool = False


_INITIATIVES = f"(select * replace ({NAMED_INITIATIVE}) from kpi.kpi_initiative_impact) as named"
# Campaigns that the CRM does not list have no name, and the same name can come back every year.
_CAMPAIGN = """coalesce(campaign_name, campaign_id)
            || case when count(*) over (partition by campaign_name, outcome) > 1
                then ' (' || campaign_id || ')' else '' end as campaign_name"""
_TO_DEPARTMENT = {"department": "department"}
_TO_SEGMENT = {"segment": "segment"}

PANELS = (
    Panel(
        "loyalty",
        "loyalty",
        ("kpi.kpi_loyalty_monthly",),
        f"""select month, department, nps, nps_lower, nps_upper, nps_n, nps_promoters, nps_passives, nps_detractors
        from kpi.kpi_loyalty_monthly where level in ('month', 'month_department') and month <= {LAST_MONTH}
        order by month, department""",
        charts.loyalty,
    ),
    Panel(
        "satisfaction",
        "loyalty",
        ("kpi.kpi_loyalty_monthly",),
        f"""select month, department, csat, csat_lower, csat_upper, csat_n, ces, ces_lower, ces_upper, ces_n,
            response_rate, response_rate_lower, response_rate_upper, invitations
        from kpi.kpi_loyalty_monthly where level in ('month', 'month_department') and month <= {LAST_MONTH}
        order by month, department""",
        charts.satisfaction,
    ),
    Panel(
        "departments",
        "loyalty",
        ("kpi.kpi_department_scorecard",),
        f"""select department, kpi_name, status, actual, actual_lower, actual_upper, target, n, unit, month
        from kpi.kpi_department_scorecard
        where month = {LAST_MONTH} and status <> 'unknown kpi'
        order by department, {_place("kpi", _KPIS)}""",
        charts.departments,
        clicks=_TO_DEPARTMENT,
        min_width=980,
        is_full=True,
    ),
    Panel(
        "divergence",
        "loyalty",
        ("kpi.kpi_indicator_divergence",),
        f"""select month, department, is_alert, case when is_alert then 'alert' else 'no alert' end as alert,
            nps_change, nps_change_lower, nps_change_upper, csat_change, csat_change_lower, csat_change_upper,
            nps_recent_n, csat_recent_n
        from kpi.kpi_indicator_divergence where nps_change is not null and month <= {LAST_MONTH}
        order by month, department""",
        charts.divergence,
        clicks=_TO_DEPARTMENT,
    ),
    Panel(
        "connection",
        "loyalty",
        ("kpi.kpi_points_of_connection",),
        f"""select department, item, respondent_type, mean, mean_lower, mean_upper, top_box, n, quarter
        from kpi.kpi_points_of_connection
        where item <> '(all)' and mean is not null and quarter = (
            select max(quarter) from kpi.kpi_points_of_connection
            where respondent_type = 'external' and item = '(all)' and department = '(all)' and alpha is not null
        )
        order by department, {_place("item", _ITEMS)}, respondent_type""",
        charts.connection,
    ),
    Panel(
        "sales",
        "sales",
        ("kpi.kpi_sales_quality_monthly",),
        f"""select month, department, net_amount, good_sold_amount, undecided_sold_amount, bad_sold_amount,
            bad_share, undecided_share, lines
        from kpi.kpi_sales_quality_monthly
        where level in ('month', 'month_department') and month <= {LAST_MONTH} order by month, department""",
        charts.sales,
    ),
    Panel(
        "regret",
        "sales",
        ("kpi.kpi_campaign_regret",),
        f"""select {_CAMPAIGN}, campaign_verdict, difference, difference_lower, difference_upper,
            campaign_value, matched_full_price_value, campaign_n, matched_n
        from kpi.kpi_campaign_regret where outcome = 'returned' and difference is not null
        order by difference desc, campaign_id""",
        charts.regret,
    ),
    Panel(
        "lifetime_value",
        "customers",
        ("kpi.clv_segments",),
        """select segment, customers, clv_mean, clv_mean_lower, clv_mean_upper, clv_amount, clv_status
        from kpi.clv_segments where segment <> '(all)' order by clv_mean desc, segment""",
        charts.lifetime_value,
        clicks=_TO_SEGMENT,
    ),
    Panel(
        "quadrants",
        "customers",
        ("kpi.kpi_value_quadrants",),
        """select group_name as segment, quadrant, customers, clv_amount, revenue_amount, value_balance,
            value_balance_lower, value_balance_upper, loyalty_index
        from kpi.kpi_value_quadrants where group_kind in ('all', 'rfm_segment') and is_quadrant
        order by segment, customers desc, quadrant""",
        charts.quadrants,
    ),
    Panel(
        "grid",
        "customers",
        ("marts.customer_rfm",),
        """select segment, recency_score, frequency_score, count(*) as customers,
            sum(monetary_amount) as monetary_amount
        from marts.customer_rfm where recency_score is not null
        group by all order by recency_score desc, frequency_score""",
        charts.grid,
        clicks=_TO_SEGMENT,
    ),
    Panel(
        "movements",
        "customers",
        ("kpi.rfm_segment_migration",),
        f"""select from_segment, to_segment, customers, share_percent, share_percent_lower, share_percent_upper,
            revenue_amount, month
        from kpi.rfm_segment_migration where month = {LAST_MONTH}
        order by {_place("from_segment", _SEGMENTS)}, {_place("to_segment", _SEGMENTS)}""",
        charts.movements,
        clicks={"segment": "from_segment"},
        min_width=560,
    ),
    Panel(
        "silence",
        "service",
        ("kpi.kpi_silent_customers",),
        """select department, customers_with_problem, customers_complained, customers_silent,
            silent_per_complaint, silent_per_complaint_lower, silent_per_complaint_upper,
            claimed_silent_per_complaint, revenue_at_risk
        from kpi.kpi_silent_customers
        where period = '(all)' and problem_kind = '(orders)' and silent_per_complaint is not null
        order by department""",
        charts.silence,
        clicks=_TO_DEPARTMENT,
    ),
    Panel(
        "recovery",
        "service",
        ("kpi.kpi_service_recovery",),
        """select outcome, day, repurchase_rate, repurchase_rate_lower, repurchase_rate_upper, at_risk, customers,
            claimed_repurchase_rate
        from kpi.kpi_service_recovery
        where problem_kind = '(all)' and outcome in ('resolved', 'unresolved', 'never_voiced')
        order by outcome, day""",
        charts.recovery,
    ),
    Panel(
        "journey",
        "service",
        ("kpi.kpi_support_journey",),
        f"""select month, department, handed_off_share, handed_off_share_lower, handed_off_share_upper,
            handed_off_n, first_contact_share, first_contact_share_lower, first_contact_share_upper,
            first_contact_n, tickets
        from kpi.kpi_support_journey where month <= {LAST_MONTH} order by month, department""",
        charts.journey,
    ),
    Panel(
        "handoffs",
        "service",
        ("kpi.kpi_loyalty_by_handoffs",),
        """select handoffs, nps, nps_lower, nps_upper, n, mean
        from kpi.kpi_loyalty_by_handoffs where metric = 'nps' and handoffs <> '(all)' order by handoffs""",
        charts.handoffs,
    ),
    Panel(
        "stories",
        "initiatives",
        ("kpi.kpi_initiative_impact",),
        f"""select initiative_id, first(initiative_name order by outcome) as initiative_name,
            any_value(owner) as owner, any_value(scope_kind) as scope_kind, any_value(scope_name) as scope_name,
            any_value(method) as method, any_value(starts_on) as starts_on, any_value(ends_on) as ends_on,
            any_value(verdict) as verdict,
            {_EFFECTS},
            max(cost) as cost, max(margin_gain) as margin_gain, max(margin_gain_lower) as margin_gain_lower,
            max(margin_gain_upper) as margin_gain_upper, max(roi) as roi, max(roi_lower) as roi_lower,
            max(roi_upper) as roi_upper
        from {_INITIATIVES} group by initiative_id
        order by {_place("any_value(verdict)", _VERDICTS)}, max(margin_gain) desc nulls last, initiative_id""",
        None,
        is_full=True,
    ),
    Panel(
        "impact",
        "initiatives",
        ("kpi.kpi_initiative_impact",),
        f"""select initiative_id, initiative_name, outcome as effect_on, status,
            effect, effect_lower, effect_upper, baseline, unit,
            treated_n, comparison_n, pretrend_p_value, verdict
        from {_INITIATIVES}
        order by {_place("verdict", _VERDICTS)}, initiative_id, {_place("outcome", _OUTCOMES)}""",
        charts.impact,
        clicks={"initiative_id": "initiative_id", "effect_on": "effect_on"},
        leads_to="timeline",
        min_width=900,
        is_full=True,
    ),
    Panel(
        "timeline",
        "initiatives",
        ("kpi.kpi_initiative_timeline", "kpi.kpi_initiative_impact"),
        f"""select initiative_id, initiative_name, outcome as effect_on, month_from_start,
            effect, effect_lower, effect_upper, treated_value, comparison_value, treated.unit,
            treated.treated_n, treated.comparison_n
        from kpi.kpi_initiative_timeline as treated
        inner join (
            select initiative_id, outcome, initiative_name, verdict from {_INITIATIVES}
        ) using (initiative_id, outcome)
        where effect is not null
        order by {_place("verdict", _VERDICTS)}, initiative_id,
            {_place("outcome", _OUTCOMES)}, month_from_start""",
        charts.timeline,
        picks=("initiative_id", "effect_on"),
        is_full=True,
    ),
)
