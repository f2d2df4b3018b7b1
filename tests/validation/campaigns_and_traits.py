"""Campaigns and traits: what one company published against what is planted in it, one function per group of claims."""

from __future__ import annotations

from collections.abc import Iterator

from .company import Company
from .findings import Claim, Finding, Room
from .reference import References

FOUND = ("confirmed", "unconfirmed")
WITHOUT_EFFECT = (
    "locale",
    "country",
)  # beside those that the generator names: only how people answer differs
PLANTED = {
    "loyalty_card": "a loyalty card",
    "household": "a family",
    "acquisition_channel": "came by referral",
}

CLAIMS = (
    Claim(
        "regret_named",
        "Campaigns that are regretted are named",
        "`kpi_campaign_regret.campaign_verdict` is regretted. Numbers: percentage points more returns than like"
        " purchases at the full price; planted: the share of its orders that are regretted; uncorrected: against all"
        " purchases at the full price in its months.",
        "campaigns of a seed",
    ),
    Claim(
        "regret_covered",
        "How much more of them is returned is covered",
        "The 95 % interval of `difference` for returns holds the planted share.",
        "campaigns of a seed",
    ),
    Claim(
        "regret_none_else",
        "No other campaign is called regretted",
        "`campaign_verdict` of the others is anything else. Numbers: as above.",
        "campaigns of a seed",
    ),
    Claim(
        "regret_nothing_covered",
        "That nothing more is returned of the others is covered",
        "The 95 % interval of `difference` for returns holds 0.",
        "campaigns of a seed",
    ),
    *(
        Claim(
            f"trait_{trait}",
            f"What the best have in common is found: {described}",
            "`kpi_high_value_traits`: `lift` above 1 with a q value of 0.05 at most. Numbers: the lift.",
        )
        for trait, described in PLANTED.items()
    ),
    *(
        Claim(
            f"trait_{trait}_confirmed",
            f"The same, confirmed by the later period: {described}",
            "`verdict` is confirmed. Numbers: the lift in the later period.",
        )
        for trait, described in PLANTED.items()
    ),
    Claim(
        "traits_true",
        "What is found is more than chance",
        "Of all traits found, those that are none of the seven without effect (five attributes, locale and country)."
        " The rule allows one in twenty to be. What has an effect without being planted as a trait, such as the"
        " category of the first purchase, counts as true.",
        "findings of a seed",
    ),
    Claim(
        "traits_true_confirmed",
        "What is confirmed is more than chance",
        "The same among those confirmed. The later period is of the same customers: who by chance was better among them"
        " stays so.",
        "findings of a seed",
    ),
)


def findings_of(company: Company, _: References) -> list[Finding]:
    """Everything that one company says about campaigns and traits."""
    return [*_campaigns(company), *_traits(company)]


def _campaigns(company: Company) -> Iterator[Finding]:
    planted = company.truth.planted
    rates = {campaign["campaign_id"]: 100 * campaign["regret_rate"] for campaign in planted["campaigns"]}
    for row in company.rows("select * from kpi.kpi_campaign_regret where outcome = 'returned'"):
        is_regretted = row["campaign_id"] in planted["regret_campaigns"]
        named, covered = (
            ("regret_named", "regret_covered")
            if is_regretted
            else ("regret_none_else", "regret_nothing_covered")
        )
        rate, uncorrected = rates[row["campaign_id"]], _uncorrected(row)
        is_right = (row["campaign_verdict"] == "regretted") == is_regretted
        yield Finding(
            named,
            is_right,
            estimate=row["difference"],
            planted=rate,
            uncorrected=uncorrected,
            reason="" if is_right else f"called {row['campaign_verdict']}",
        )
        if row["difference"] is None:
            yield Finding(covered, False, planted=rate, reason="too few purchases")
            continue
        outside = (
            "the interval is above it"
            if rate < row["difference_lower"]
            else "the interval is below it"
            if rate > row["difference_upper"]
            else ""
        )
        yield Finding(
            covered,
            not outside,
            estimate=row["difference"],
            planted=rate,
            uncorrected=uncorrected,
            reason=outside,
        )


def _uncorrected(row: dict[str, float | None]) -> float | None:
    if row["campaign_value"] is None or row["full_price_value"] is None:
        return None
    return row["campaign_value"] - row["full_price_value"]


def _traits(company: Company) -> Iterator[Finding]:
    planted = company.truth.planted
    rows = company.rows("select * from kpi.kpi_high_value_traits")
    published = {(row["trait"], row["trait_value"]): row for row in rows}
    for trait, value in planted["high_value_traits"].items():
        row = published.get((trait, "true" if value is True else value))
        if row is None:
            yield from (
                Finding(claim, False, reason="too few customers have it")
                for claim in (f"trait_{trait}", f"trait_{trait}_confirmed")
            )
            continue
        is_found = row["verdict"] in FOUND and row["lift"] > 1
        yield Finding(
            f"trait_{trait}",
            is_found,
            estimate=row["lift"],
            reason="" if is_found else row["reason"] or "less common",
        )
        is_confirmed = is_found and row["verdict"] == "confirmed"
        yield Finding(
            f"trait_{trait}_confirmed",
            is_confirmed,
            estimate=row["later_lift"],
            reason="" if is_confirmed else row["reason"] or "less common",
        )
    without_effect = {*planted["traits_without_effect"], *WITHOUT_EFFECT}
    for claim, verdicts in (("traits_true", FOUND), ("traits_true_confirmed", ("confirmed",))):
        for row in rows:
            if row["verdict"] in verdicts:
                is_chance = row["trait"] in without_effect
                yield Finding(claim, not is_chance, reason="a trait without effect" if is_chance else "")


ROOM = Room(
    "Campaigns and traits",
    models=("kpi_campaign_regret", "kpi_high_value_traits"),
    claims=CLAIMS,
    findings=findings_of,
)
