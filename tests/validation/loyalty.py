"""Loyalty: what one company published against what is planted in it, one function per group of claims."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator

import numpy as np
import polars as pl

from .company import Company
from .findings import Claim, Finding, Room
from .reference import Reference, References, revenue_falls, wave_quarters

METHODS = ("later_behaviour", "later_behaviour_and_spread")
# How the recommendation answer is made of attitude and of the day (``pipelines.demo.survey``).
ATTITUDE_IN_NPS = 0.75
DAY_IN_NPS = 0.25
NOISE_IN_NPS = 0.50
MIDDLE_OF_NPS = 5.0
RESULT_LOST_PER_HAND_OFF = 0.15
DRAWS = 50  # of a person's noise per customer: the NPS of 3,000 customers is then known to a third of a point
MOVED = 0.10  # sd of process quality: less than this moves no score that could be seen


CLAIMS = (
    Claim(
        "handoffs_nps",
        "Hand-offs lower loyalty: answers to the recommendation question",
        "`kpi_loyalty_by_handoffs.slope_per_handoff` has its whole 95 % interval below 0. Planted: points of the 0"
        " to 10 scale that one hand-off costs before answers are cut off at 10 and before one locale's style, which"
        " both weaken it.",
    ),
    Claim("handoffs_csat", "Hand-offs lower loyalty: CSAT", "As above; only the direction is planted."),
    Claim("handoffs_ces", "Hand-offs lower loyalty: CES", "As above; only the direction is planted."),
    Claim(
        "style_later_behaviour",
        "The middle-answering locale's adjusted NPS is nearer to the truth: later behaviour alone",
        "`kpi_loyalty_adjusted`, all periods: `nps_adjusted` is nearer than `nps` to the NPS that the same answers"
        " would have without the style (planted). A locale that is not adjusted is not recovered.",
    ),
    Claim(
        "style_later_behaviour_and_spread",
        "The middle-answering locale's adjusted NPS is nearer to the truth: with the spread of answers",
        "As above.",
    ),
    Claim(
        "others_later_behaviour",
        "Other locales do not get worse: later behaviour alone",
        "`nps_adjusted` is not further than `nps` from the truth of its locale. Numbers: how much further it is,"
        " in points.",
        "locales of a seed",
    ),
    Claim(
        "others_later_behaviour_and_spread",
        "Other locales do not get worse: with the spread of answers",
        "As above.",
        "locales of a seed",
    ),
    Claim(
        "silent_orders",
        "The silent per complaint are covered, among problems that orders show",
        "`kpi_silent_customers`, (orders): the 95 % interval of `silent_per_complaint` holds the planted ratio.",
    ),
    Claim(
        "silent_all",
        "The silent per complaint are covered, among all problems",
        "The same for (all), which adds low scores: problems that the generator does not count.",
    ),
    Claim(
        "silent_happened",
        "The silent per complaint of this very company are covered",
        "As for (orders), but the ratio that came about in the company by the same dice, instead of the planted one.",
    ),
    Claim(
        "sinking_flagged",
        "The sinking department is flagged at all",
        "`kpi_indicator_divergence` has an `is_alert` of it from the month on in which it begins to sink. Numbers:"
        " months from then to the first one. It sinks evenly over five months.",
    ),
    Claim(
        "sinking_own",
        "The sinking department is flagged before its revenue falls",
        "That first alert comes in an earlier month than the first in which its share of the company's revenue"
        " over three months is a tenth below what it was before. Numbers: months of lead, over seeds that have both.",
    ),
    Claim(
        "sinking_twin",
        "The sinking department is flagged before its revenue falls, chance left aside",
        "As above, but the fall is that of a company of the same seed and ten times the customers: a twentieth counts.",
    ),
    Claim(
        "false_alarms",
        "No alert elsewhere",
        "Months of a company with no alert of another department, or of this one before it sinks; the rule allows"
        " one month in twenty where nothing changes. Other departments do change: colleagues' morale moves how they"
        " treat customers.",
        "months of a company",
    ),
    Claim(
        "alpha",
        "Alpha of the six points of connection is covered in the quarters of the relationship waves",
        "`kpi_points_of_connection`, customers, all departments: the 95 % interval of `alpha` holds the alpha of"
        " the complete questionnaires of the same quarter in a company of the same seed with ten times the customers."
        " The generator's pilot takes place among the first 5,000 customers only, before the last two waves: feelings"
        " then differ more in the small company, the likely cause where its alpha is above that of the large one.",
        "waves of a seed",
    ),
    Claim(
        "recovery_direction",
        "After a resolved complaint more buy again than after an unresolved one",
        "`kpi_service_recovery`, 365 days: the estimate for resolved is higher. Numbers: the difference in points;"
        " planted: that of a large company.",
    ),
    Claim(
        "recovery_certain",
        "The same, beyond chance",
        "The 95 % interval of the difference (from both intervals, Zou and Donner 2008) is above 0.",
    ),
    Claim(
        "recovery_covered",
        "The difference in repurchase is covered",
        "The same interval holds the difference of a large company.",
    ),
    Claim(
        "reweighted_nearer",
        "NPS weighted against non-response is nearer to that of all customers",
        "`kpi_loyalty_reweighted`, (all): `nps_reweighted` is nearer than `nps` to the NPS that all customers"
        " would have if each had answered about their last purchase, with the style of their locale (planted).",
    ),
    Claim(
        "reweighted_covered",
        "NPS weighted against non-response covers that of all customers",
        "Its 95 % interval holds the planted value. Weights are right where the silent of a segment and locale"
        " feel as those who answer; here the dissatisfied answer less within each.",
    ),
)


def findings_of(company: Company, known: References) -> list[Finding]:
    """Everything that one company says."""
    return [
        *_hand_offs(company),
        *_response_style(company),
        *_silence(company),
        *_sinking_department(company, known.twin),
        *_alphas(company, known.twin),
        *_recovery(company, known.large),
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


ROOM = Room(
    "Loyalty",
    models=(
        "kpi_loyalty_by_handoffs",
        "kpi_loyalty_adjusted",
        "kpi_silent_customers",
        "kpi_indicator_divergence",
        "kpi_points_of_connection",
        "kpi_service_recovery",
        "kpi_loyalty_reweighted",
    ),
    claims=CLAIMS,
    findings=findings_of,
)
