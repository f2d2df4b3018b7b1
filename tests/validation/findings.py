"""What a claim is, what one company said about it, and the rooms that make claims. No reading and no judging."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .company import Company
    from .reference import References


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


@dataclass(frozen=True)
class Room:
    """The claims of one topic, and how a company is asked about them."""

    title: str
    models: tuple[str, ...]  # that have to be built
    claims: tuple[Claim, ...]
    findings: Callable[[Company, References], Sequence[Finding]]
