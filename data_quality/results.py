"""What the gate found, as plain values: no Great Expectations object leaves this package.

Every value here may be logged, shown in the Dagster UI and published: an expectation names the key columns
and the value to show, and never a personal one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class ExpectationResult:
    """One expectation on one table."""

    table: str
    expectation: str
    column: str | None
    severity: Severity
    success: bool
    observed: str  # the value of the first failing row, or what was found instead of ``expected``
    expected: str
    unexpected_count: int | None  # failing rows; None: not about rows, or could not be checked
    row_count: int | None  # rows looked at; None: the expectation is not about the rows of one table
    failing_keys: tuple[str, ...]  # at most five, such as "month=2026-05-01, department=shop"
    protects: str  # what a failure would mean for the reader of the table
    checked: bool = True  # False: it raised, and ``observed`` says why

    @property
    def line(self) -> str:
        """The failure in one line: table, expectation, how many rows, value and key of the first."""
        return f"{self.table}: {self.expectation}: {self.finding}"

    @property
    def finding(self) -> str:
        """What was observed, without the table and the expectation."""
        if not self.checked:
            return f"could not be checked: {self.observed}"
        rows = None
        if self.unexpected_count is not None and self.row_count is not None:
            rows = f"{self.unexpected_count} of {self.row_count} rows"
        elif self.unexpected_count is not None:
            rows = f"{self.unexpected_count} row{'' if self.unexpected_count == 1 else 's'}"
        parts = [rows, f"observed {self.observed}" if self.observed else None]
        key = f" ({self.failing_keys[0]})" if self.failing_keys else ""
        return ", ".join(part for part in parts if part) + key


@dataclass(frozen=True)
class TableResult:
    """All expectations on one table."""

    table: str
    results: tuple[ExpectationResult, ...]

    @property
    def passed(self) -> bool:
        return not any(result.severity == "error" and not result.success for result in self.results)


@dataclass(frozen=True)
class GateResult:
    """All tables of one gate."""

    name: str
    tables: tuple[TableResult, ...]

    @property
    def passed(self) -> bool:
        """Whether no expectation of severity error failed."""
        return not self.errors

    @property
    def errors(self) -> tuple[ExpectationResult, ...]:
        return tuple(result for result in self._failures() if result.severity == "error")

    @property
    def warnings(self) -> tuple[ExpectationResult, ...]:
        return tuple(result for result in self._failures() if result.severity == "warning")

    def summary(self) -> str:
        """One line per failed expectation, errors first; those not checked for one reason share one."""
        lines = [result.line for result in (*self.errors, *self.warnings) if result.checked]
        unchecked = Counter((r.table, r.observed) for r in (*self.errors, *self.warnings) if not r.checked)
        names = {(r.table, r.observed): r.line for r in (*self.warnings, *self.errors) if not r.checked}
        for (table, reason), count in unchecked.items():
            shared = f"{table}: {count} expectations could not be checked: {reason}"
            lines.append(names[table, reason] if count == 1 else shared)
        return "\n".join(lines)

    def records(self) -> list[dict[str, Any]]:
        """Every result as a mapping of JSON values, for the manifest of a publication."""
        return [asdict(result) for table in self.tables for result in table.results]

    def _failures(self) -> Iterator[ExpectationResult]:
        return (result for table in self.tables for result in table.results if not result.success)
