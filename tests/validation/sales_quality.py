"""Good and bad sales: what one company reports against what went wrong in it, and against what its customers felt."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from .company import Company
from .findings import Claim, Finding, Room
from .loyalty import ATTITUDE_IN_NPS, DAY_IN_NPS
from .reference import References

TRACES = ("refund", "complaint", "penalty")  # rules for what stands in the company's own records
TOLERANCE = 0.1  # points: a complaint that names no order is now and then held against another one
PASSIVE_FROM = 6.5  # rounded to 7: no detractor

CLAIMS = (
    Claim(
        "bad_sales_traced",
        "Bad sales that left a trace are covered, by department",
        "Percent of a department's sales. Planted: lines that were given back, lines of orders that were complained"
        " about, and penalties. Estimate: `kpi_sales_quality_reasons_monthly`, lines that refund, complaint or penalty"
        " decided. Covered where the planted share lies between the estimate and the estimate with what is still open,"
        " a tenth of a point allowed.",
        "departments of a seed",
    ),
    Claim(
        "bad_sales_regretted",
        "Bad sales that left a trace are covered, by campaign that is regretted",
        "As above.",
        "campaigns of a seed",
    ),
    Claim(
        "bad_sales_campaigns",
        "The campaigns that are regretted have the highest share of bad sales",
        "`kpi_sales_quality_monthly`, all months: `bad_sold_amount` of `sold_amount` is higher in each of them than in"
        " any other campaign. Numbers: percent, the lowest of theirs beside the highest of the others.",
    ),
    Claim(
        "bad_sales_felt",
        "The share of bad sales does not overstate what customers felt",
        "Percent of all sales. Planted: the same traces, and orders after which the customer would have answered 0 to 6"
        " to the recommendation question, whether asked or not. Estimate: what is reported as bad. It is found where it"
        " is not higher: most customers are never asked or do not answer, so it is far lower.",
    ),
)


def findings_of(company: Company, _: References) -> list[Finding]:
    """Everything that one company says."""
    lines = _lines(company)
    return [
        *_traced(company, lines, "department", "bad_sales_traced", company.truth.departments["department"]),
        *_traced(
            company,
            lines,
            "campaign_id",
            "bad_sales_regretted",
            pl.Series(company.truth.planted["regret_campaigns"]),
        ),
        _campaigns(company),
        _felt(company, lines),
    ]


def _lines(company: Company) -> pl.DataFrame:
    """Every line that was sold, with whether it was bad in truth: by its traces, and by what the customer felt."""
    effects = company.truth.planted["effects"]
    day = effects["result_weight"] * pl.col("result") + (1 - effects["result_weight"]) * pl.col("process")
    answer = effects["nps_centre"] + effects["nps_per_sd"] * (
        ATTITUDE_IN_NPS * pl.col("attitude_after") + DAY_IN_NPS * day
    )
    sold = company.frame(
        "select order_id, line_number, line_type, department, campaign_id, cast(net_amount as double) as amount"
        " from marts.fct_order_lines where not is_cancelled and net_amount > 0"
    )
    truth = company.truth.frame("orders").select(
        "order_id",
        "problem",
        "complained",
        answer.alias("answer"),
    )
    is_given_back = (pl.col("problem") == "regret") | (
        pl.col("problem").is_in(["faulty", "unsuitable"]) & (pl.col("line_number") == 1)
    )
    return sold.join(truth, on="order_id").with_columns(
        (is_given_back | pl.col("complained") | (pl.col("line_type") == "penalty")).alias("has_trace"),
        (pl.col("answer") < PASSIVE_FROM).alias("is_detractor"),
    )


def _percent(amount: pl.Expr) -> pl.Expr:
    return 100 * amount.sum() / pl.col("amount").sum()


def _traced(
    company: Company, lines: pl.DataFrame, dimension: str, claim: str, members: pl.Series
) -> Iterator[Finding]:
    planted = dict(
        lines.group_by(dimension).agg(_percent(pl.col("amount").filter(pl.col("has_trace")))).rows()
    )
    level = "month_" + dimension.removesuffix("_id")
    traces = ", ".join(f"'{rule}'" for rule in TRACES)
    reported = company.rows(
        f"select {dimension} as member,"
        f" 100.0 * sum(sold_amount) filter (where decided_by in ({traces})) / sum(sold_amount) as seen,"
        " 100.0 * sum(sold_amount) filter (where decided_by = '(open)') / sum(sold_amount) as still_open"
        f" from kpi.kpi_sales_quality_reasons_monthly where level = '{level}' group by {dimension} order by {dimension}"
    )
    for row in reported:
        if row["member"] not in members:
            continue
        value, seen = planted[row["member"]], float(row["seen"] or 0)
        highest = seen + float(row["still_open"] or 0)
        reason = (
            "less was planted than is called bad"
            if value < seen - TOLERANCE
            else "more was planted than is called bad or still open"
            if value > highest + TOLERANCE
            else ""
        )
        yield Finding(claim, not reason, estimate=seen, planted=value, reason=reason)


def _campaigns(company: Company) -> Finding:
    shares = company.frame(
        "select campaign_id, 100.0 * cast(sum(bad_sold_amount) as double) / cast(sum(sold_amount) as double) as share"
        " from kpi.kpi_sales_quality_monthly where level = 'month_campaign' and campaign_id <> '(none)'"
        " group by campaign_id having sum(sold_amount) > 0"
    )
    is_regretted = pl.col("campaign_id").is_in(company.truth.planted["regret_campaigns"])
    lowest, highest = shares.select(
        pl.col("share").filter(is_regretted).min(), pl.col("share").filter(~is_regretted).max().alias("other")
    ).row(0)
    found = lowest > highest
    return Finding(
        "bad_sales_campaigns",
        found,
        estimate=lowest,
        uncorrected=highest,
        reason="" if found else "another campaign is above one of them",
    )


def _felt(company: Company, lines: pl.DataFrame) -> Finding:
    planted = lines.select(
        _percent(pl.col("amount").filter(pl.col("has_trace") | pl.col("is_detractor")))
    ).item()
    (row,) = company.rows(
        "select 100.0 * sum(bad_sold_amount) / sum(sold_amount) as bad from kpi.kpi_sales_quality_monthly"
        " where level = 'month'"
    )
    bad = float(row["bad"])
    return Finding(
        "bad_sales_felt",
        bad <= planted,
        estimate=bad,
        planted=planted,
        reason="" if bad <= planted else "more is called bad",
    )


ROOM = Room(
    "Good and bad sales",
    ("kpi_sales_quality_monthly", "kpi_sales_quality_reasons_monthly"),
    CLAIMS,
    findings_of,
)
