"""Findings of many companies as a page of Markdown. Pure: no files, no clock."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .findings import Claim, Finding, Room

Z_95 = 1.959963984540054
HOW_TO_READ = (
    "Estimates are medians over companies, with the 5 % and 95 % quantiles. The interval of a share is Wilson's; where",
    "one seed gives several cases, it is too narrow. All companies follow the rules of `pipelines/demo`: what is found",
    "here need not be found in a company that works otherwise.",
)
ENDS = (0.05, 0.95)  # of the estimates shown: what nine of ten companies would report


@dataclass(frozen=True)
class Run:
    """What was run: the head of the page."""

    command: str
    date: str
    customers: int
    asked_seeds: int
    findings: Mapping[int, Sequence[Finding]]  # by seed
    failed: Mapping[int, str]  # by seed: the error
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Summary:
    """One claim over all companies."""

    claim: Claim
    cases: int
    recovered: int
    reasons: Mapping[str, int]  # of those not recovered, commonest first
    estimates: Sequence[float]
    planted: Sequence[float]
    uncorrected: Sequence[float]


def summaries(findings: Mapping[int, Sequence[Finding]], claims: Sequence[Claim]) -> list[Summary]:
    """Every one of the claims that has a finding, in their order."""
    by_claim: dict[str, list[Finding]] = {claim.key: [] for claim in claims}
    for _, found in sorted(findings.items()):
        for finding in found:
            if finding.claim in by_claim:
                by_claim[finding.claim].append(finding)
    return [_summary(claim, by_claim[claim.key]) for claim in claims if by_claim[claim.key]]


def _summary(claim: Claim, found: Sequence[Finding]) -> Summary:
    return Summary(
        claim=claim,
        cases=len(found),
        recovered=sum(finding.recovered for finding in found),
        reasons=dict(Counter(finding.reason for finding in found if not finding.recovered).most_common()),
        estimates=[float(f.estimate) for f in found if f.estimate is not None],
        planted=[float(f.planted) for f in found if f.planted is not None],
        uncorrected=[float(f.uncorrected) for f in found if f.uncorrected is not None],
    )


def quantile(values: Sequence[float], share: float) -> float:
    """Between the two nearest values, as polars' and NumPy's linear one."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927), 0 to 1. Cases of one company are not independent: read it as a hint."""
    share, squared = successes / n, Z_95**2
    middle = (share + squared / (2 * n)) / (1 + squared / n)
    half = Z_95 / (1 + squared / n) * math.sqrt(share * (1 - share) / n + squared / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def page(run: Run, rooms: Sequence[Room]) -> Iterator[str]:
    """The lines of ``docs/validation.md``.

    Raises:
        ValueError: a finding whose claim no room makes, which the page would hide.
    """
    claims = {claim.key for room in rooms for claim in room.claims}
    unknown = {finding.claim for found in run.findings.values() for finding in found} - claims
    if unknown:
        raise ValueError(f"findings of unknown claims: {', '.join(sorted(unknown))}")
    yield "# Validation"
    yield ""
    yield "Do the published tables find what is planted in companies whose truth is known? Written by `make validate`."
    yield ""
    yield f"- command: `{run.command}`"
    yield f"- date: {run.date}"
    yield f"- companies: {len(run.findings)} of {run.asked_seeds} seeds, {run.customers:,} customers each, 24 months"
    yield from (f"- {note}" for note in run.notes)
    yield from (
        f"- **seed {seed} could not be built**: {error}" for seed, error in sorted(run.failed.items())
    )
    yield ""
    yield from HOW_TO_READ
    for room in rooms:
        yield from _section(room, summaries(run.findings, room.claims))


def _section(room: Room, found: Sequence[Summary]) -> Iterator[str]:
    if not found:
        return
    yield ""
    yield f"## {room.title}"
    yield ""
    yield "| claim | planted, median | uncorrected, median | estimate | found | share |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    yield from (_row(summary) for summary in found)
    for summary in found:
        yield ""
        yield f"**{summary.claim.title}.** {summary.claim.judged} {_verdict(summary)}"


def _row(summary: Summary) -> str:
    lower, upper = wilson(summary.recovered, summary.cases)
    share = f"{summary.recovered / summary.cases:.0%} ({lower:.0%} to {upper:.0%})"
    counted = f"{summary.recovered:,} of {summary.cases:,} {summary.claim.cases}"
    cells = (summary.claim.title, _median(summary.planted), _median(summary.uncorrected))
    return f"| {' | '.join((*cells, _spread(summary.estimates), counted, share))} |"


def _median(values: Sequence[float]) -> str:
    return _number(statistics.median(values)) if values else ""


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    low, high = (_number(quantile(values, share)) for share in ENDS)
    return f"{_median(values)} ({low} to {high})"


def _number(value: float) -> str:
    text = f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return text.replace("-0.00", "0.00")


def _verdict(summary: Summary) -> str:
    if not summary.reasons:
        return f"Found in all {summary.cases:,}."
    told = "; ".join(f"{reason} ({count:,})" for reason, count in summary.reasons.items())
    return f"Not found in {summary.cases - summary.recovered:,} of {summary.cases:,}: {told}."
