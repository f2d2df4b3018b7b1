"""The vocabulary that suites are written in.

Belongs here: :class:`Suite`, and one function for each way of saying what must be true of a table. Does not:
any particular table. Each function returns an :class:`Expectation`, which knows two things: how to build the
Great Expectations object that counts what is wrong, and the query that shows a few of the rows that are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_quality.results import Severity
from pipelines import contracts

_PERSONAL_COLUMNS = {
    column.name for contract in contracts.ALL for column in contract.columns if column.personal
}
_PROTECTS_PERSONS = "Nobody can be identified from what is published."
_EMAIL = "[^@[:space:]]+@[^@[:space:]]+[.][a-zA-Z]"
SHOWN_KEYS = 5  # enough to find the fault, few enough to read


@dataclass(frozen=True)
class Batch:
    """What a suite looks at: a table, or the rows of it that a query picks."""

    table: str
    query: str
    columns: Mapping[str, str]  # name to DuckDB type
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Expectation:
    """One thing that must be true."""

    name: str  # unique within its suite
    protects: str  # what a failure would mean for the reader, in plain words
    severity: Severity
    column: str | None
    expected: str
    # The Great Expectations object, from the batch and the arguments common to all (severity, ...).
    build: Callable[[Batch, dict[str, Any]], Any]
    # A query for failing rows; its column ``observed``, if any, is the value shown, the others are keys.
    failing_rows: Callable[[Batch], str] | None = None


@dataclass(frozen=True)
class Suite:
    """All expectations on one table.

    Args:
        table: such as ``kpi.kpi_loyalty_monthly``.
        keys: columns that tell which row failed; never personal ones.
        query: the rows to look at; default: the whole table.

    Raises:
        ValueError: there is no expectation, or two have one name.
    """

    table: str
    keys: tuple[str, ...]
    expectations: tuple[Expectation, ...]
    query: str | None = None

    def __post_init__(self) -> None:
        names = [expectation.name for expectation in self.expectations]
        if not names:
            raise ValueError(
                f"the suite of {self.table} has no expectation: it would pass whatever the table holds"
            )
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"the suite of {self.table} has two expectations named {min(twice)!r}")


def not_null(column: str, *, protects: str, severity: Severity = "error") -> Expectation:
    """No row lacks a value."""

    def build(_: Batch, common: dict[str, Any]) -> Any:
        import great_expectations.expectations as gxe

        return gxe.ExpectColumnValuesToNotBeNull(column=column, **common)

    return Expectation(
        f"{column} is never empty",
        protects,
        severity,
        column,
        "a value",
        build,
        _rows_where(f"{column} is null", "'null'"),
    )


def between(
    column: str, low: float, high: float, *, protects: str, severity: Severity = "error"
) -> Expectation:
    """Every value lies within the bounds, both included; a null is no value."""

    def build(_: Batch, common: dict[str, Any]) -> Any:
        import great_expectations.expectations as gxe

        return gxe.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high, **common)

    return Expectation(
        f"{column} between {low} and {high}",
        protects,
        severity,
        column,
        f"{low} to {high}",
        build,
        _rows_where(f"{column} not between {low} and {high}", column),
    )


def one_of(column: str, values: Sequence[str], *, protects: str, severity: Severity = "error") -> Expectation:
    """Every value is one of these; a null is no value."""

    def build(_: Batch, common: dict[str, Any]) -> Any:
        import great_expectations.expectations as gxe

        return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(values), **common)

    listed = ", ".join(f"'{value.replace(chr(39), chr(39) * 2)}'" for value in values)
    return Expectation(
        f"{column} is a known value",
        protects,
        severity,
        column,
        ", ".join(values),
        build,
        _rows_where(f"{column} not in ({listed})", column),
    )


def no_row(
    name: str,
    condition: str,
    *,
    protects: str,
    shows: str | None = None,
    column: str | None = None,
    keys: tuple[str, ...] | None = None,
    severity: Severity = "error",
) -> Expectation:
    """No row meets ``condition``. All of a suite cost one scan of the table.

    Args:
        name: what is true when no row does.
        shows: SQL expression for the value to show of a failing row; never a personal one.
        keys: instead of the suite's.
    """

    def build(_: Batch, common: dict[str, Any]) -> Any:
        from data_quality.gx_expectations import ExpectNoRowsWhere

        return ExpectNoRowsWhere(condition=condition, **common)

    return Expectation(
        name,
        protects,
        severity,
        column,
        f"no row where {condition}",
        build,
        _rows_where(condition, shows, keys),
    )


def finds_nothing(
    name: str, query: str, *, protects: str, column: str | None = None, severity: Severity = "error"
) -> Expectation:
    """``query`` finds no row: for what several tables, or all rows together, must show.

    Args:
        name: what is true when the query finds nothing.
        query: its column ``observed`` is the value to show, the others are keys; none is personal.
    """

    def build(_: Batch, common: dict[str, Any]) -> Any:
        from data_quality.gx_expectations import ExpectQueryToFindNothing

        return ExpectQueryToFindNothing(query=query, **common)

    return Expectation(name, protects, severity, column, "no row found", build, lambda _: query)


def no_personal_column() -> Expectation:
    """No column bears the name of one that the contracts call personal."""

    def query(batch: Batch) -> str:
        names = ", ".join(f"'{name}'" for name in batch.columns if name in _PERSONAL_COLUMNS)
        return f"select unnest([{names}]::varchar[]) as observed"

    def build(batch: Batch, common: dict[str, Any]) -> Any:
        from data_quality.gx_expectations import ExpectQueryToFindNothing

        return ExpectQueryToFindNothing(query=query(batch), **common)

    return Expectation(
        "no column is a direct identifier",
        _PROTECTS_PERSONS,
        "error",
        None,
        "no personal column",
        build,
        query,
    )


def no_email_address() -> Expectation:
    """No text of the table looks like an e-mail address. What is shown is the column, never the text."""

    def looks_like_one(batch: Batch) -> dict[str, str]:
        return {
            # contains() first: it is ten times as fast as the regular expression, and nearly always false
            name: f"(contains(\"{name}\", '@') and regexp_matches(\"{name}\", '{_EMAIL}'))"
            for name, kind in batch.columns.items()
            if kind == "VARCHAR"
        }

    def condition(batch: Batch) -> str:
        return " or ".join(looks_like_one(batch).values()) or "false"

    def build(batch: Batch, common: dict[str, Any]) -> Any:
        from data_quality.gx_expectations import ExpectNoRowsWhere

        return ExpectNoRowsWhere(condition=condition(batch), **common)

    def failing_columns(batch: Batch) -> str:
        whens = " ".join(f"when {test} then '{name}'" for name, test in looks_like_one(batch).items())
        return f"select distinct case {whens} end as observed from ({batch.query}) where {condition(batch)}"

    return Expectation(
        "no text looks like an e-mail address",
        _PROTECTS_PERSONS,
        "error",
        None,
        "no e-mail address in any column",
        build,
        failing_columns,
    )


def _rows_where(
    condition: str, shows: str | None, keys: tuple[str, ...] | None = None
) -> Callable[[Batch], str]:
    def query(batch: Batch) -> str:
        shown = [*(batch.keys if keys is None else keys), *([f"{shows} as observed"] if shows else [])]
        return f"select {', '.join(shown) or 'null as observed'} from ({batch.query}) where {condition}"

    return query
