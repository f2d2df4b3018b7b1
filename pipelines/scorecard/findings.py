"""What a manager should hear first: rows of the published file that stand out, in the order in which they matter.

A finding is a row that the tables themselves have judged (an alert, a missed target, a verdict); none is judged here.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.scorecard.headlines import LAST_MONTH

# The same can be tried in two places, or twice: then the place tells which is meant, or the id.
NAMED_INITIATIVE = """case
            when count(*) over (partition by initiative_name, outcome) = 1 then initiative_name
            when count(*) over (partition by initiative_name, scope_name, outcome) = 1
                then initiative_name || ', ' || scope_name
            else initiative_name || ' (' || initiative_id || ')'
        end as initiative_name"""


@dataclass(frozen=True)
class Finding:
    """One kind of finding.

    Args:
        name: names its sentence in the texts.
        is_good: whether it goes well or needs attention.
        panel: where more is said about it.
        tables: what the query reads; a publication without one of them has no such finding.
        sql: one row each, the worst (or the best) first.
        follows: the columns that, chosen as filters, show more of it.
    """

    name: str
    is_good: bool
    panel: str
    tables: tuple[str, ...]
    sql: str
    follows: tuple[str, ...] = ()


def _target(name: str, status: str, is_good: bool) -> Finding:
    return Finding(
        name,
        is_good,
        "departments",
        ("kpi.kpi_department_scorecard",),
        f"""select department, kpi_name, actual, actual_lower, actual_upper, target, n, unit
        from kpi.kpi_department_scorecard where month = {LAST_MONTH} and status = '{status}'
        order by department, kpi""",
        follows=("department",),
    )


def _initiative(name: str, verdict: str, is_good: bool) -> Finding:
    return Finding(
        name,
        is_good,
        "stories",
        ("kpi.kpi_initiative_impact",),
        f"""select distinct initiative_id, initiative_name, cost, margin_gain, margin_gain_lower,
            margin_gain_upper
        from (select * replace ({NAMED_INITIATIVE}) from kpi.kpi_initiative_impact) as named
        where verdict = '{verdict}'
        order by margin_gain {"desc" if is_good else "asc"} nulls last, initiative_id""",
        follows=("initiative_id",),
    )


FINDINGS = (
    Finding(
        "divergence",
        False,
        "divergence",
        ("kpi.kpi_indicator_divergence",),
        f"""select department, nps_change, nps_change_lower, nps_change_upper, csat_change, csat_change_lower,
            csat_change_upper
        from kpi.kpi_indicator_divergence where is_alert and month = {LAST_MONTH}
        order by nps_change, department""",
        follows=("department",),
    ),
    _target("missed", "missed", is_good=False),
    _initiative("harmful", "harmful", is_good=False),
    Finding(
        "regretted",
        False,
        "regret",
        ("kpi.kpi_campaign_regret",),
        """select campaign_name, difference, difference_lower, difference_upper
        from kpi.kpi_campaign_regret
        where outcome = 'returned' and campaign_verdict = 'regretted' and verdict = 'worse'
        order by difference desc, campaign_name""",
    ),
    Finding(
        "silent",
        False,
        "silence",
        ("kpi.kpi_silent_customers",),
        """select customers_with_problem, customers_silent, revenue_at_risk
        from kpi.kpi_silent_customers
        where period = '(all)' and department = '(all)' and problem_kind = '(orders)' and customers_silent > 0""",
    ),
    _initiative("success", "success story", is_good=True),
    _initiative("loved", "loved, not yet paid back", is_good=True),
    _target("reached", "reached", is_good=True),
)
