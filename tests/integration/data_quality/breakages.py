"""The one way in which a suite is tried: something is broken, and the expectation that must notice is run.

Not a test. Of a suite only the expectations in question run: each takes Great Expectations its time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from data_quality.expectations import Suite
from data_quality.results import ExpectationResult, GateResult, Severity

Gate = Callable[..., GateResult]


def failing(
    gate: Gate, suite: Suite, expectation: str, *changes: str, severity: Severity = "error"
) -> ExpectationResult:
    """What the expectation of this name finds after the changes, in which ``{t}`` is the suite's table.

    It must fail, and because of what it has seen: one that cannot be checked fails too.
    """
    (found,) = all_failing(gate, suite, [expectation], *changes, severity=severity)
    return found


def all_failing(
    gate: Gate, suite: Suite, expectations: Collection[str], *changes: str, severity: Severity = "error"
) -> tuple[ExpectationResult, ...]:
    """The same for several at once, in the order of the suite."""
    tried = tuple(one for one in suite.expectations if one.name in expectations)
    result = gate(
        (replace(suite, expectations=tried),), *(change.format(t=suite.table) for change in changes)
    )
    failed = result.errors if severity == "error" else result.warnings
    assert all(found.checked for found in failed)
    assert {found.expectation for found in failed} == set(expectations)
    return failed
