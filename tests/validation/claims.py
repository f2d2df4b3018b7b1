"""Holds what one company published against what is planted in it: one function per group of claims.

What the claims mean, and when they count as found, stands beside their names in ``findings.py``.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator

import numpy as np
import polars as pl

from .company import Company
from .findings import Finding
from .reference import Reference, revenue_falls, wave_quarters

METHODS = ("later_behaviour", "later_behaviour_and_spread")
# How the recommendation answer is made of attitude and of the day (``pipelines.demo.survey``).
ATTITUDE_IN_NPS = 0.75
DAY_IN_NPS = 0.25
NOISE_IN_NPS = 0.50
MIDDLE_OF_NPS = 5.0
RESULT_LOST_PER_HAND_OFF = 0.15
DRAWS = 50  # of a person's noise per customer: the NPS of 3,000 customers is then known to a third of a point
MOVED = 0.10  # sd of process quality: less than this moves no score that could be seen


def findings_of(company: Company, twin: Reference, large: Reference) -> list[Finding]:
    """Everything that one company says.

    Args:
        twin: a larger company of the same seed. What departments go through differs between seeds.
        large: the largest company, for what is rare and does not.
    """
    return [
        *_hand_offs(company),
        *_response_style(company),
        *_silence(company),
        *_sinking_department(company, twin),
        *_alphas(company, twin),
        *_recovery(company, large),
        *_non_response(company),
    ]


def _hand_offs(company: Company) -> Iterator[Finding]:
    slopes = company.rows(
        "select metric, slope_per_handoff as slope, slope_lower, slope_upper from kpi.kpi_loyalty_by_handoffs"
        " where handoffs = '(all)' and metric in ('nps', 'csat', 'ces')"
    )
    for row in slopes:
        found = row["slope_upper"] is not None and row["slope_upper"] < 0
        yield Finding(
            f"handoffs_{row['metric']}",
            found,
            estimate=row["slope"],
            planted=_points_per_hand_off(company) if row["metric"] == "nps" else None,
            reason="" if found else "the interval holds 0",
        )


def _points_per_hand_off(company: Company) -> float:
    effects = company.truth.planted["effects"]
    process = 1 - effects["result_weight"]
    by_attitude = ATTITUDE_IN_NPS * effects["learning"] * process * effects["hand_off"]
    by_day = DAY_IN_NPS * (
        process * effects["hand_off"] - effects["result_weight"] * RESULT_LOST_PER_HAND_OFF
    )
    return effects["nps_per_sd"] * (by_attitude + by_day)


def _response_style(company: Company) -> Iterator[Finding]:
    answered = company.frame(
        "select response_id, locale from marts.fct_survey_responses"
        " where respondent_type = 'external' and metric = 'nps' and standard_score is not null"
    )
    true_answer = pl.col("nps_uncompressed")
    net = (true_answer >= 9).cast(pl.Int64) - (true_answer <= 6).cast(pl.Int64)
    latent = dict(
        answered.join(company.truth.frame("answers").drop("locale"), on="response_id")
        .group_by("locale")
        .agg(100 * net.mean())
        .rows()
    )
    middle = company.truth.planted["effects"]["middle_locale"]
    published = company.rows(
        "select locale, method, nps, nps_adjusted, is_adjusted from kpi.kpi_loyalty_adjusted where period = '(all)'"
    )
    for row in published:
        if row["locale"] not in latent:
            continue
        truth = latent[row["locale"]]
        further = abs(row["nps_adjusted"] - truth) - abs(row["nps"] - truth)
        if row["locale"] != middle:
            worse = further > 0
            yield Finding(
                f"others_{row['method']}", not worse, estimate=further, reason="further away" if worse else ""
            )
            continue
        yield Finding(
            f"style_{row['method']}",
            further < 0,
            estimate=row["nps_adjusted"],
            planted=truth,
            uncorrected=row["nps"],
            reason=""
            if further < 0
            else "further away"
            if row["is_adjusted"]
            else "not adjusted: too little evidence",
        )


def _silence(company: Company) -> Iterator[Finding]:
    realised = company.truth.planted["realised"]
    planted = company.truth.planted["silent_per_complaint"]
    happened = realised["problems"] / realised["complaints"] - 1
    for row in company.rows(
        "select problem_kind, silent_per_complaint as ratio, silent_per_complaint_lower as lower,"
        " silent_per_complaint_upper as upper from kpi.kpi_silent_customers"
        " where period = '(all)' and department = '(all)' and problem_kind in ('(orders)', '(all)')"
    ):
        kind = row["problem_kind"].strip("()")
        wanted = [(f"silent_{kind}", planted)] + ([("silent_happened", happened)] if kind == "orders" else [])
        for claim, value in wanted:
            reason = _outside(value, row["lower"], row["upper"])
            yield Finding(claim, not reason, estimate=row["ratio"], planted=value, reason=reason)


def _outside(value: float, lower: float | None, upper: float | None) -> str:
    """Why an interval does not hold a value; empty: it does. A bound that is None is open."""
    if lower is None and upper is None:
        return "no interval: too few"
    if lower is not None and value < lower:
        return "the interval is above it"
    return "the interval is below it" if upper is not None and value > upper else ""


def _sinking_department(company: Company, twin: Reference) -> Iterator[Finding]:
    sinking = company.truth.planted["sinking"]
    since = dt.date.fromisoformat(sinking["from"])
    months = company.frame(
        "select month, department, is_alert, departments_compared from kpi.kpi_indicator_divergence"
    )
    alerts = months.filter("is_alert")
    own = alerts.filter(pl.col("department") == sinking["department"], pl.col("month") >= since)
    flagged = own["month"].min()
    delay = None if flagged is None else _months(flagged) - _months(since)
    yield Finding(
        "sinking_flagged", flagged is not None, estimate=delay, reason="" if own.height else "never flagged"
    )
    yield _lead("sinking_own", flagged, revenue_falls(company.truth))
    yield _lead("sinking_twin", flagged, twin.revenue_falls)
    elsewhere = alerts.join(own, on=["month", "department"], how="anti")
    for (month,) in (
        months.filter(pl.col("departments_compared") > 0).select("month").unique().sort("month").rows()
    ):
        departments = elsewhere.filter(pl.col("month") == month)["department"].to_list()
        reason = ""
        if departments:
            true = any(_process_fell(company, department, month) for department in departments)
            reason = "an alert where process quality had fallen" if true else "an alert where it had not"
        yield Finding("false_alarms", not departments, reason=reason)


def _lead(claim: str, flagged: dt.date | None, falls: dt.date | None) -> Finding:
    lead = None if flagged is None or falls is None else _months(falls) - _months(flagged)
    if flagged is None:
        reason = "never flagged"
    elif lead is not None and lead <= 0:
        reason = "flagged in the month of the fall or later"
    else:
        reason = ""
    return Finding(claim, not reason, estimate=lead, reason=reason)


def _months(day: dt.date) -> int:
    return 12 * day.year + day.month


def _process_fell(company: Company, department: str, month: dt.date) -> bool:
    """Whether customers were treated worse in the three months up to this one than in the twelve before."""
    quality = (
        company.truth.departments.filter(pl.col("department") == department, pl.col("month") <= month)
        .sort("month")["process_quality"]
        .drop_nulls()
    )
    recent, earlier = quality.tail(3), quality[:-3].tail(12)
    return bool(len(earlier)) and recent.mean() < earlier.mean() - MOVED


def _alphas(company: Company, twin: Reference) -> Iterator[Finding]:
    published = {
        row["quarter"]: row
        for row in company.rows(
            "select quarter, alpha, alpha_lower, alpha_upper from kpi.kpi_points_of_connection"
            " where department = '(all)' and respondent_type = 'external' and item = '(all)'"
        )
    }
    for quarter in wave_quarters(company.truth):
        row, value = published[quarter], twin.alphas[quarter]
        reason = _outside(value, row["alpha_lower"], row["alpha_upper"])
        yield Finding("alpha", not reason, estimate=row["alpha"], planted=value, reason=reason)


def _recovery(company: Company, large: Reference) -> Iterator[Finding]:
    rates = {
        row["outcome"]: row
        for row in company.rows(
            "select outcome, repurchase_rate as rate, repurchase_rate_lower as lower, repurchase_rate_upper as upper"
            " from kpi.kpi_service_recovery"
            " where problem_kind = '(all)' and day = 365 and repurchase_rate is not null"
        )
    }
    claims = ("recovery_direction", "recovery_certain", "recovery_covered")
    if not {"resolved", "unresolved"} <= rates.keys():
        yield from (
            Finding(claim, False, reason="no rate: nobody is followed for so long") for claim in claims
        )
        return
    difference, lower, upper = _difference(rates["resolved"], rates["unresolved"])
    reasons = (
        "" if difference > 0 else "the other way round",
        "" if lower > 0 else "the interval holds 0",
        _outside(large.recovery, lower, upper),
    )
    for claim, reason in zip(claims, reasons, strict=True):
        yield Finding(claim, not reason, estimate=difference, planted=large.recovery, reason=reason)


def _difference(one: dict[str, float], other: dict[str, float]) -> tuple[float, float, float]:
    """A difference of two rates and its interval, from theirs (Zou and Donner 2008)."""
    difference = one["rate"] - other["rate"]
    return (
        difference,
        difference - math.hypot(one["rate"] - one["lower"], other["upper"] - other["rate"]),
        difference + math.hypot(one["upper"] - one["rate"], other["rate"] - other["lower"]),
    )


def _non_response(company: Company) -> Iterator[Finding]:
    (row,) = company.rows("select * from kpi.kpi_loyalty_reweighted where locale = '(all)'")
    truth = _nps_of_all_customers(company)
    further = abs(row["nps_reweighted"] - truth) - abs(row["nps"] - truth)
    outside = _outside(truth, row["nps_reweighted_lower"], row["nps_reweighted_upper"])
    reasons = {"reweighted_nearer": "" if further < 0 else "not nearer", "reweighted_covered": outside}
    for claim, reason in reasons.items():
        yield Finding(
            claim,
            not reason,
            estimate=row["nps_reweighted"],
            planted=truth,
            uncorrected=row["nps"],
            reason=reason,
        )


def _nps_of_all_customers(company: Company) -> float:
    """NPS if every customer who ever bought had answered about their last purchase, each locale in its own style."""
    effects = company.truth.planted["effects"]
    last = (
        company.truth.frame("orders")
        .filter(~pl.col("is_cancelled"))
        .sort("ordered_at")
        .unique("customer_id", keep="last", maintain_order=True)
        .join(company.truth.frame("customers").select("customer_id", "locale"), on="customer_id")
    )
    day = effects["result_weight"] * last["result"] + (1 - effects["result_weight"]) * last["process"]
    latent = (ATTITUDE_IN_NPS * last["attitude_after"] + DAY_IN_NPS * day).to_numpy()
    noise = np.random.default_rng(company.truth.planted["seed"]).normal(0, NOISE_IN_NPS, (DRAWS, len(last)))
    style = np.where(last["locale"] == effects["middle_locale"], effects["middle_compression"], 1.0)
    distance = effects["nps_centre"] + effects["nps_per_sd"] * (latent + noise) - MIDDLE_OF_NPS
    answers = np.round(MIDDLE_OF_NPS + style * distance)
    return float(100 * ((answers >= 9).mean() - (answers <= 6).mean()))
