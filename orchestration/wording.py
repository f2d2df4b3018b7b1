"""What a failed check or step of a night says to people. Imports no Dagster, so that a quick look can use it."""

from __future__ import annotations

from collections.abc import Sequence


def failed_check(table: str, check: str, description: str | None, failed_rows: int | None) -> list[str]:
    """One line a finding. dbt's tests have no words of their own: their name, what they counted, where to look."""
    if description:
        return description.splitlines()
    if failed_rows is None:
        return [f"{table}: {check}"]
    found = f"the test {check} found {failed_rows:,} rows; what it looks for is in dbt_project/"
    return [f"{table}: {found}"]


def failed_step(step: str, errors: Sequence[tuple[str | None, str]]) -> str | None:
    """One line; None where a check has told it already.

    Args:
        errors: class and message of the step's error and of each one behind it; the innermost is ours and says
            how to mend it.
    """
    kind = errors[0][0] or ""
    if "AssetCheckFailed" in kind:
        return None
    if kind == "DagsterExecutionInterruptedError":
        return f"{step}: the run was cancelled"
    return f"{step}: {errors[-1][1].strip().split(': ', 1)[-1]}"
