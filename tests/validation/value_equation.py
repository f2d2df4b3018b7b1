"""Value in both directions: what one company published against what its customers went through."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator

import polars as pl
from scipy.stats import spearmanr

from pipelines.demo import DEFAULT_END

from .company import Company
from .findings import Claim, Finding, Room
from .reference import References

ENOUGH = 0.4  # one to two answers of reliability 0.3 cannot give more than 0.6
NEGLIGIBLE = 0.1
Z = 1.96

CLAIMS = (
    Claim(
        "value_given",
        "Value given follows what customers went through",
        "`customer_value`, customers who answered: the 95 % interval (Fieller 1957) of Spearman's correlation of"
        " `value_given_score` with the mean planted result and process of their orders of 12 months is above"
        f" {ENOUGH}.",
    ),
    Claim(
        "value_given_records",
        "The same by records alone",
        "Customers without an answer: the interval is above 0. That it is not far above is why they have no quadrant.",
    ),
    Claim(
        "value_frequency",
        "Who buys often is not taken for somebody who gives up more for each purchase",
        "Customers with purchases in 12 months: Spearman's correlation of their number with `value_taken_score` lies"
        f" between -{NEGLIGIBLE} and {NEGLIGIBLE}. Nothing is planted that links them.",
    ),
    Claim(
        "value_quadrant",
        "Who is called loyal and valuable is more loyal than who is called short-changed",
        "The 95 % interval of the difference of their planted attitudes at the end is above 0. Numbers: standard"
        " deviations of latent satisfaction.",
    ),
    Claim(
        "value_sinking",
        "More of the valuable are short-changed in the sinking department than elsewhere",
        "`kpi_value_quadrants`, by home department: its share of `valuable but short-changed` among the valuable is"
        " higher than that of all others together. Numbers: by how many points.",
    ),
)


def findings_of(company: Company, _: References) -> list[Finding]:
    """Everything that one company says about the value equation."""
    return [*_customers(company), _sinking(company)]


def _customers(company: Company) -> Iterator[Finding]:
    customers = _with_truth(company)
    answered = customers.filter(pl.col("value_given_answers") > 0)
    silent = customers.filter(pl.col("value_given_answers") == 0)
    for claim, group, least in (("value_given", answered, ENOUGH), ("value_given_records", silent, 0.0)):
        correlation, error = _correlation(group, "value_given_score", "experience")
        found = math.tanh(math.atanh(correlation) - Z * error) > least
        yield Finding(
            claim, found, estimate=correlation, reason="" if found else "the interval is not above it"
        )
    correlation, _ = _correlation(customers, "value_taken_score", "purchases_12m")
    is_small = abs(correlation) < NEGLIGIBLE
    reason = "" if is_small else "follows purchases"
    yield Finding("value_frequency", is_small, estimate=correlation, planted=0.0, reason=reason)
    loyal, short = (
        customers.filter(pl.col("value_quadrant") == name)["attitude"]
        for name in ("loyal and valuable", "valuable but short-changed")
    )
    difference = loyal.mean() - short.mean()
    error = math.sqrt(loyal.var() / len(loyal) + short.var() / len(short))
    found = difference > Z * error
    yield Finding(
        "value_quadrant", found, estimate=difference, reason="" if found else "the interval holds 0"
    )


def _with_truth(company: Company) -> pl.DataFrame:
    """Customers with the means of what they went through in the last 12 months, and their attitude at the end."""
    since = DEFAULT_END.replace(year=DEFAULT_END.year - 1) + dt.timedelta(days=1)
    orders = company.frame("select order_id, customer_key from marts.fct_orders where not is_cancelled")
    truth = (
        company.truth.frame("orders")
        .filter(pl.col("ordered_at").dt.date() >= since)
        .join(orders, on="order_id")
        .sort("ordered_at")
        .group_by("customer_key")
        .agg(
            ((pl.col("result") + pl.col("process")) / 2).mean().alias("experience"),
            pl.col("attitude_after").last().alias("attitude"),
        )
    )
    return company.frame("select * from marts.customer_value").join(truth, on="customer_key")


def _correlation(customers: pl.DataFrame, one: str, other: str) -> tuple[float, float]:
    """Spearman's correlation, and the standard error of its Fisher transform (Fieller, Hartley and Pearson 1957)."""
    known = customers.select(one, other).drop_nulls()
    return float(spearmanr(known[one], known[other]).statistic), math.sqrt(1.06 / (known.height - 3))


def _sinking(company: Company) -> Finding:
    sinking = company.truth.planted["sinking"]["department"]
    counts = company.frame(
        f"""
        select group_name = '{sinking}' as is_sinking,
            sum(customers) filter (where quadrant = 'valuable but short-changed') as short_changed,
            sum(customers) as valuable
        from kpi.kpi_value_quadrants
        where group_kind = 'department' and quadrant in ('valuable but short-changed', 'loyal and valuable')
        group by is_sinking
        """
    )
    shares = dict(counts.select("is_sinking", 100 * pl.col("short_changed") / pl.col("valuable")).iter_rows())
    difference = shares[True] - shares[False]
    return Finding(
        "value_sinking",
        difference > 0,
        estimate=difference,
        reason="" if difference > 0 else "the other way round",
    )


ROOM = Room("Value in both directions", ("kpi_value_quadrants", "fct_orders"), CLAIMS, findings_of)
