"""Who comes back: what one company published against what is planted in it, one function per group of claims."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator

import numpy as np
import polars as pl

from pipelines.demo import DEFAULT_END

from .company import Company, Truth
from .findings import Claim, Finding, Room
from .reference import References
from .report import wilson

WINDOW_DAYS = 180  # seed forgiveness_rules: come_back_days
PRICE_TOLERANCE = 0.1  # percent points: prices are rounded to cents

CLAIMS = (
    Claim(
        "forgiveness_certain",
        "After a failure fewer customers come back",
        "`kpi_forgiveness`, failures that orders show: the 95 % interval of `difference` is below 0. Numbers: points;"
        " planted: what the failures of the same customers add to their chance of leaving, times the chance that"
        " customers who have not left buy again within the window.",
    ),
    Claim(
        "forgiveness_covered",
        "How many fewer come back is covered",
        "The same interval holds the planted difference.",
    ),
    Claim(
        "forgiveness_loyal",
        "Promoters forgive more than detractors",
        "`difference` is higher among promoters. Numbers: by how many points.",
    ),
    Claim(
        "forgiveness_loyal_certain",
        "The same, beyond chance",
        "The 95 % interval of that difference of differences (from both intervals, Zou and Donner 2008) is above 0.",
    ),
    Claim(
        "price_rise_found",
        "The price rise is found in its month, by as much as was planted, and no other is",
        "`kpi_price_tolerance` has rises of the one month in which all prices were raised, one of the whole assortment"
        " among them. Numbers: percent.",
    ),
    Claim(
        "price_fewer",
        "After the price rise fewer customers buy again, by both comparisons",
        "`change` of all customers is below 0 against the year before and against the period before. Numbers: the mean"
        " of both, in points, with season and trend in them.",
    ),
    Claim(
        "price_tolerance",
        "Promoters bear the price rise better than detractors",
        "`tolerance` of promoters is above 0. Numbers: points.",
        "comparisons of a seed",
    ),
    Claim(
        "price_tolerance_certain",
        "The same, beyond chance",
        "The 95 % interval of `tolerance` is above 0.",
        "comparisons of a seed",
    ),
    Claim(
        "adoption_loyal",
        "Promoters try new categories more readily than detractors",
        "`kpi_category_adoption`, all half-years: `adventure` is higher among promoters, the number of purchases and of"
        " categories known left aside. Numbers: by how many points; without the correction: the difference of"
        " `adoption_rate`.",
    ),
    Claim(
        "adoption_loyal_certain",
        "The same, beyond chance",
        "The 95 % interval of that difference (from both intervals, Zou and Donner 2008) is above 0.",
    ),
    Claim(
        "lost_sinking",
        "The sinking department loses more of its customers than the others",
        "`kpi_lost_customers`, returning customers, in the months from the one on in which it has sunk: a higher share"
        " is lost than of all others together. Numbers: by how many points.",
    ),
    Claim(
        "lost_sinking_certain",
        "The same, beyond chance",
        "The 95 % interval of the difference (Wilson's of both shares, Zou and Donner 2008) is above 0.",
    ),
)


def findings_of(company: Company, _: References) -> list[Finding]:
    """Everything that one company says about who comes back."""
    return [*_forgiveness(company), *_price_rise(company), *_adoption(company), *_lost(company)]


def _forgiveness(company: Company) -> Iterator[Finding]:
    by_band = {
        row["band"]: row
        for row in company.rows(
            "select band, difference, difference_lower, difference_upper from kpi.kpi_forgiveness"
            " where problem_kind = '(orders)' and failure_number = '(all)' and difference is not null"
        )
    }
    planted = _planted_difference(company.truth)
    everybody = by_band["(all)"]
    difference, lower, upper = (everybody[f"difference{end}"] for end in ("", "_lower", "_upper"))
    is_certain = upper < 0
    yield Finding(
        "forgiveness_certain",
        is_certain,
        estimate=difference,
        planted=planted,
        reason="" if is_certain else "the interval holds 0",
    )
    outside = (
        "the interval is above it"
        if planted < lower
        else "the interval is below it"
        if planted > upper
        else ""
    )
    yield Finding("forgiveness_covered", not outside, estimate=difference, planted=planted, reason=outside)
    yield from _direction("forgiveness_loyal", by_band, "difference")


def _direction(claim: str, by_band: dict[str, dict], name: str, **beside: float) -> Iterator[Finding]:
    """Whether promoters have more of something than detractors, and whether that is more than chance."""
    certain = f"{claim}_certain"
    if not {"promoter", "detractor"} <= by_band.keys():
        yield from (Finding(key, False, reason="too few answered") for key in (claim, certain))
        return
    estimates = [
        tuple(by_band[band][f"{name}{end}"] for end in ("", "_lower", "_upper"))
        for band in ("promoter", "detractor")
    ]
    yield from _higher(claim, *estimates, **beside)


def _higher(
    claim: str, one: tuple[float, ...], other: tuple[float, ...], **beside: float
) -> Iterator[Finding]:
    """Two findings: that one estimate is above another, and that the interval of their difference is above 0."""
    (p, p_lower, _), (q, _, q_upper) = one, other
    lower = p - q - math.hypot(p - p_lower, q_upper - q)
    yield Finding(claim, p > q, estimate=p - q, reason="" if p > q else "the other way round", **beside)
    yield Finding(
        f"{claim}_certain", lower > 0, estimate=p - q, reason="" if lower > 0 else "the interval holds 0"
    )


def _planted_difference(truth: Truth) -> float:
    """Points by which failures lower the share of customers who come back, from what is planted.

    Of each customer the first failure whose window is over, as the published table counts.
    """
    effects = truth.planted["effects"]
    known = truth.frame("customers").select("customer_id", pl.col("orders").alias("orders_by_the_end"))
    orders = (
        truth.frame("orders")
        .sort("customer_id", "ordered_at")
        .join(known, on="customer_id")
        .with_columns(
            # whoever was a customer before the first day has bought before the first order that is seen
            (
                pl.int_range(pl.len()).over("customer_id")
                + pl.col("orders_by_the_end")
                - pl.len().over("customer_id")
            ).alias("orders_before")
        )
        .filter(~pl.col("is_cancelled"))
        .with_columns(
            (pl.col("ordered_at").shift(-1).over("customer_id") - pl.col("ordered_at"))
            .dt.total_days()
            .alias("wait")
        )
        .filter(pl.col("ordered_at").dt.date() <= DEFAULT_END - dt.timedelta(WINDOW_DAYS))
    )
    stays = orders.filter(~pl.col("is_last"))["wait"]
    buys_again_unless_left = float((stays.fill_null(WINDOW_DAYS + 1) <= WINDOW_DAYS).mean())
    failed = orders.filter(pl.col("problem") != "none").unique(
        "customer_id", keep="first", maintain_order=True
    )
    usual = (
        effects["drop_out_logit"]
        + effects["drop_out_per_loyalty"] * failed["habit_after"].to_numpy()
        + effects["drop_out_first_purchase"] * (failed["orders_before"] == 0).to_numpy()
    )
    complained, resolved = failed["complained"].to_numpy(), failed["is_resolved"].to_numpy()
    after_failure = (
        usual
        + effects["drop_out_silent"] * ~complained
        + effects["drop_out_resolved"] * (complained & resolved)
        + effects["drop_out_unresolved"] * (complained & ~resolved)
        + effects["drop_out_regret"] * failed["regrets"].to_numpy()
    )
    leaves_more = _logistic(after_failure) - _logistic(usual)
    return float(-100 * buys_again_unless_left * leaves_more.mean())


def _logistic(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))


def _price_rise(company: Company) -> Iterator[Finding]:
    rise = dt.date.fromisoformat(company.truth.planted["price_rise_on"])
    planted = 100 * company.truth.planted["effects"]["price_rise"]
    rows = company.rows("select * from kpi.kpi_price_tolerance where category = '(all)'")
    months = {
        row["rise_month"] for row in company.rows("select distinct rise_month from kpi.kpi_price_tolerance")
    }
    found = [row for row in rows if row["rise_month"] == rise]
    change = found[0]["price_change_percent"] if found else None
    if change is None:
        reason = "not found"
    elif months != {rise}:
        reason = "another rise besides"
    else:
        reason = "" if abs(change - planted) <= PRICE_TOLERANCE else "by another percentage"
    yield Finding("price_rise_found", not reason, estimate=change, planted=planted, reason=reason)
    changes = [row["change"] for row in found if row["band"] == "(all)" and row["change"] is not None]
    are_fewer = len(changes) == 2 and max(changes) < 0
    yield Finding(
        "price_fewer",
        are_fewer,
        estimate=sum(changes) / len(changes) if changes else None,
        reason="" if are_fewer else "not by both",
    )
    for row in found:
        if row["band"] == "promoter" and row["tolerance"] is not None:
            better, certain = row["tolerance"] > 0, row["tolerance_lower"] > 0
            estimate = row["tolerance"]
            yield Finding(
                "price_tolerance", better, estimate=estimate, reason="" if better else "the other way round"
            )
            yield Finding(
                "price_tolerance_certain",
                certain,
                estimate=estimate,
                reason="" if certain else "the interval holds 0",
            )


def _adoption(company: Company) -> Iterator[Finding]:
    by_band = {
        row["band"]: row
        for row in company.rows(
            "select band, adoption_rate, adventure, adventure_lower, adventure_upper from kpi.kpi_category_adoption"
            " where period = '(all)' and adventure is not null"
        )
    }
    beside = {}
    if {"promoter", "detractor"} <= by_band.keys():
        beside["uncorrected"] = by_band["promoter"]["adoption_rate"] - by_band["detractor"]["adoption_rate"]
    yield from _direction("adoption_loyal", by_band, "adventure", **beside)


def _lost(company: Company) -> Iterator[Finding]:
    sinking = company.truth.planted["sinking"]
    counted = company.frame(
        "select department, sum(customers)::bigint as customers, sum(lost)::bigint as lost from kpi.kpi_lost_customers"
        f" where buyer = 'returning' and department <> '(all)' and month >= date '{sinking['until']}'"
        " and customers_window_open = 0 group by department"
    )
    is_sinking = pl.col("department") == sinking["department"]
    own, others = counted.filter(is_sinking), counted.filter(~is_sinking)
    yield from _higher(
        "lost_sinking",
        *(_share(side["lost"].sum(), side["customers"].sum()) for side in (own, others)),
    )


def _share(successes: int, n: int) -> tuple[float, float, float]:
    lower, upper = wilson(successes, n)
    return 100 * successes / n, 100 * lower, 100 * upper


ROOM = Room(
    "Coming back",
    models=("kpi_forgiveness", "kpi_price_tolerance", "kpi_category_adoption", "kpi_lost_customers"),
    claims=CLAIMS,
    findings=findings_of,
)
