"""What a claim is, and what one company said about it. No reading and no judging: see ``claims.py``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """Something planted that the published tables should find."""

    key: str
    title: str
    judged: str  # what counts as found, and what the planted value is
    cases: str = "seeds"  # what is counted: one finding each


@dataclass(frozen=True)
class Finding:
    """One case. Numbers are in the claim's own unit; None: there is no such number."""

    claim: str  # key
    recovered: bool
    estimate: float | None = None
    planted: float | None = None
    uncorrected: float | None = None  # what stands beside the estimate without the correction under test
    reason: str = ""  # where it is not recovered: why, in words that many cases share


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
        "The same for (all), which adds low scores and abandoned tickets: problems that the generator does not count.",
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
