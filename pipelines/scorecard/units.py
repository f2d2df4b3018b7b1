"""What the values of a column are, so that the page writes 78.6 % and €1,234 and not 78.6 and 1234.

Belongs here: units by column of the published tables. Does not: how a language writes them (``words.js``).
"""

from __future__ import annotations

WORD, MONTH, QUARTER, DAY = "word", "month", "quarter", "day"
COUNT, POINTS, PERCENT, MONEY, RATIO, SCORE = "count", "points", "percent", "money", "ratio", "score"
BY_ROW = "by_row"  # the row's column ``unit`` says it
SIGNED = "+"  # before a unit: differences, which say which way

_BOUNDS = ("_lower", "_upper")
_UNITS = {
    WORD: (
        "department segment from_segment to_segment kpi_name status unit alert campaign_name campaign_verdict"
        " clv_status quadrant outcome handoffs item respondent_type initiative_id initiative_name owner"
        " scope_kind scope_name method verdict effect_on"
    ),
    MONTH: "month",
    QUARTER: "quarter",
    DAY: "starts_on ends_on",
    COUNT: (
        "n nps_n csat_n ces_n nps_promoters nps_passives nps_detractors nps_recent_n csat_recent_n campaign_n"
        " matched_n customers customers_with_problem customers_complained customers_silent at_risk day"
        " recency_score frequency_score tickets handed_off_n first_contact_n treated_n comparison_n lines invitations"
    ),
    SIGNED + COUNT: "month_from_start",
    POINTS: "nps",
    SIGNED + POINTS: "nps_change nps_effect connection_effect",
    SIGNED + PERCENT: "csat_change csat_effect ces_effect difference",  # differences of percentages: points
    PERCENT: (
        "csat ces response_rate bad_share undecided_share campaign_value matched_full_price_value share_percent"
        " repurchase_rate claimed_repurchase_rate top_box handed_off_share first_contact_share"
    ),
    MONEY: (
        "net_amount good_sold_amount bad_sold_amount undecided_sold_amount clv_mean clv_amount revenue_amount"
        " monetary_amount revenue_at_risk cost"
    ),
    SIGNED + MONEY: "margin_gain margin_effect net_sales_effect",
    RATIO: "silent_per_complaint claimed_silent_per_complaint roi",
    SCORE: "mean value_balance loyalty_index pretrend_p_value",
    BY_ROW: "actual target baseline treated_value comparison_value",
    SIGNED + BY_ROW: "effect",
}
UNITS = {column: unit for unit, columns in _UNITS.items() for column in columns.split()}


def unit_of(column: str) -> str:
    """The unit of a column; the ends of an interval are of the unit of what they are about.

    Raises:
        KeyError: nobody has said it.
    """
    for bound in _BOUNDS:
        column = column.removesuffix(bound)
    return UNITS[column]
