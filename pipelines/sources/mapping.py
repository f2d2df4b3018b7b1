"""From a file's records to rows of a canonical table: the user's mapping, then the contract.

Everything here works on whole columns. A row that breaks the contract is split off with every reason
that applies; reasons name columns, never values, because values can be personal data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from pipelines.contracts import Column, Contract, Kind
from pipelines.formats.records import LINE, RECORD, UnreadableFileError, trimmed
from pipelines.settings import ColumnMapping, TableMapping
from pipelines.sources.values import parsed

VERSION = "_version"
EXTRA = "_extra"  # JSON of columns that no mapping reads, but that are kept; a frame without it has none
_VALUE = "kizuna:value"
REPEAT = "kizuna:repeat"  # an exact repetition of an earlier record of the same file
# A handful of values that an expression fails on are errors in the data; a thousand mean that it is wrong.
MAXIMUM_FAILURES = 1000
_SHOWN_COLUMNS = 50
# A date, an e-mail address, a number, signs that no name has, or a text that is too long for one.
_LIKE_A_VALUE = re.compile(r"\d{4}-\d\d-\d\d|@|^[\d.,]+$|[\x00-\x08\x0e-\x1f\x7f]|.{300}")
# As many values of which none fits are no errors any more: the column has changed, or is the wrong one.
MINIMUM_VALUES = 20


@dataclass(frozen=True)
class Mapped:
    """Canonical rows of one file.

    Attributes:
        rows: what the contract lets in: its columns beside ``RECORD``, ``LINE``, ``VERSION`` and ``EXTRA``.
        rejected: what it does not: the same columns (null where a value is unusable) and ``reason``.
        repeated: rows of records that repeat an earlier one and have no key of their own.
        everything: all rows as read, before they are told apart.
        excluded: records that the mapping's ``where`` leaves to other tables.
    """

    rows: pl.DataFrame
    rejected: pl.DataFrame
    repeated: pl.DataFrame
    everything: pl.DataFrame
    excluded: int


def source_fields(mapping: TableMapping, *, required_only: bool = False) -> set[str]:
    """The columns of the file that a mapping reads; ``required_only``: those that the file must have."""
    fields: set[str] = set()
    for _, column in _all_columns(mapping):
        if required_only and column.optional:
            continue
        fields |= _fields_of(column)
    if mapping.where is not None:
        fields.update(pl.sql_expr(mapping.where).meta.root_names())
    return fields


def _fields_of(column: ColumnMapping) -> set[str]:
    if column.column is not None:
        return {column.column}
    if column.sql is not None:
        return set(pl.sql_expr(column.sql).meta.root_names())
    return set(column.number_within or ())


def numbers_records(mapping: TableMapping) -> bool:
    """Whether the mapping makes up part of the key, so that only whole records can be told apart."""
    return any(column.number_within is not None for column in mapping.columns.values())


def has_versions(mapping: TableMapping) -> bool:
    """Whether the rows say which of two with one key is newer."""
    return mapping.version is not None or "updated_at" in mapping.columns


def apply_mapping(frame: pl.DataFrame, mapping: TableMapping, *, zone: str, drop_repeats: bool) -> Mapped:
    """Map the records of one file to one canonical table.

    Args:
        frame: the file's columns, trimmed, beside ``RECORD`` and ``LINE``, and ``EXTRA`` where there is any.
        zone: time zone of times that carry no offset.
        drop_repeats: whether records that no key tells apart count once.

    Raises:
        UnreadableFileError: a column that the mapping needs is not in the file, or an expression does not
            suit the file's columns.
    """
    _require_columns(frame, mapping)
    contract = mapping.contract
    records = frame.height
    if mapping.where is not None:
        kept, failed = _evaluated(frame, pl.sql_expr(mapping.where), f"{mapping.table}: where")
        if kept.dtype not in (pl.Boolean, pl.Null):
            raise UnreadableFileError(f"{mapping.table}: where is no condition: it gives {kept.dtype}")
        # A condition that cannot be computed says nothing: the row stays, and its columns are judged.
        frame = frame.filter(kept.cast(pl.Boolean) if failed is None else kept.cast(pl.Boolean) | failed)
    repeats = _repeats(frame) if drop_repeats and numbers_records(mapping) else None
    if numbers_records(mapping):
        frame = frame.with_columns((pl.lit(False) if repeats is None else repeats).alias(REPEAT))

    typed: dict[str, pl.Series] = {}
    problems: list[_Problem] = []
    for column in contract.columns:
        values, failed = _column_values(frame, mapping, column, zone)
        typed[column.name] = values.alias(column.name)
        if failed is not None:
            problems.append(_Problem(failed, _refusal(column, mapping)))
        if contract.is_required(column) and values.null_count():
            empty = values.is_null() if failed is None else values.is_null() & ~failed
            problems.append(_Problem(empty, f"{column.name} is empty"))
    versions, failed = _versions(frame, mapping, typed, zone)
    if failed is not None:  # without it the row would count as the oldest, or the newest, unasked
        problems.append(_Problem(failed, "version is no timestamp"))
    extra = frame[EXTRA] if EXTRA in frame.columns else _constant(None, pl.String, frame.height).alias(EXTRA)
    rows = pl.DataFrame([frame[RECORD], frame[LINE], *typed.values(), versions, extra])
    problems += _broken_rules(rows, contract)

    distinct = rows if repeats is None else rows.filter(~repeats)
    if problems:
        reasons = _reasons(problems, mapping.question)
        reasons = reasons if repeats is None else reasons.filter(~repeats)
        good = distinct.filter(reasons == "")
        rejected = distinct.with_columns(reasons.alias("reason")).filter(reasons != "")
    else:
        good, rejected = distinct, distinct.clear().with_columns(pl.lit("").alias("reason"))
    return Mapped(
        rows=good,
        rejected=rejected,
        repeated=rows.clear() if repeats is None else rows.filter(repeats),
        everything=rows,
        excluded=records - frame.height,
    )


@dataclass(frozen=True)
class _Problem:
    rows: pl.Series  # where the rule is broken
    reason: str


def _reasons(problems: list[_Problem], question: str | None) -> pl.Series:
    """For each row the reasons that apply, joined; an empty text for a good row.

    A record that asks several questions is several rows: the reason says which question's row it is.
    """
    texts = [pl.when(problem.rows).then(pl.lit(problem.reason)) for problem in problems]
    joined = pl.concat_str(texts, separator="; ", ignore_nulls=True)
    if question is not None:
        joined = pl.when(joined != "").then(pl.lit(f"{question}: ") + joined).otherwise(joined)
    return pl.select(joined).to_series()


def _refusal(column: Column, mapping: TableMapping) -> str:
    if mapping.columns[column.name].labels is not None:
        return f"{column.name} is neither a number nor one of the declared labels"
    return f"{column.name} is no {column.kind.value}"


def _broken_rules(rows: pl.DataFrame, contract: Contract) -> list[_Problem]:
    rules = list(_row_rules(contract))
    if not rules:
        return []
    broken = rows.select(fails.fill_null(False).alias(str(n)) for n, (fails, _) in enumerate(rules))
    return [_Problem(broken[:, n], reason) for n, (_, reason) in enumerate(rules) if broken[:, n].any()]


def _column_values(
    frame: pl.DataFrame, mapping: TableMapping, column: Column, zone: str
) -> tuple[pl.Series, pl.Series | None]:
    """The column's typed values, and where something is there that is none of its type (None: nowhere)."""
    spec = mapping.columns.get(column.name)
    if spec is None or (spec.optional and not _fields_of(spec) <= set(frame.columns)):
        return _constant(None, column.kind.polars, frame.height), None
    found, failed = _found_values(frame, mapping, column.name, spec)
    values, failed = _typed(mapping, column.name, found, failed, column.kind, spec.format, zone)
    if failed is not None:
        _refuse_if_none_fits(mapping, column.name, spec, column.kind, values, failed)
    return values, failed


def _refuse_if_none_fits(
    mapping: TableMapping, name: str, spec: ColumnMapping, kind: Kind, values: pl.Series, failed: pl.Series
) -> None:
    """A whole column that is of another kind is one error of the file, not one of each of its rows."""
    failures = int(failed.sum())
    if failures < MINIMUM_VALUES or values.null_count() < values.len():
        return
    origin = f"the column {spec.column!r}" if spec.column is not None else "its expression"
    raise UnreadableFileError(
        f"{mapping.table}: {name} is to be {kind.value}, but none of the {failures:,} values of {origin} is. "
        f"Has the export changed? Correct the mapping of {name}: its column, sql or format"
    )


def _typed(
    mapping: TableMapping,
    name: str,
    found: pl.Series,
    failed: pl.Series | None,
    kind: Kind,
    format_: str | None,
    zone: str,
) -> tuple[pl.Series, pl.Series | None]:
    try:
        values, unusable = parsed(found, kind, format_, zone)
    except (TypeError, pl.exceptions.PolarsError):
        raise UnreadableFileError(
            f"{mapping.table}: {name} is to be {kind.value}, but what it is mapped to holds {found.dtype}. "
            f"Map another column, or cast it with sql"
        ) from None
    return values, failed if unusable is None else unusable if failed is None else unusable | failed


def _found_values(
    frame: pl.DataFrame, mapping: TableMapping, name: str, spec: ColumnMapping
) -> tuple[pl.Series, pl.Series | None]:
    if spec.column is not None and spec.labels is not None:
        return _numbers_of(frame[spec.column].cast(pl.String), spec.labels)
    if spec.column is not None and spec.values is None:
        return frame[spec.column], None
    if spec.constant is not None and spec.values is None:
        return _constant(spec.constant, None, frame.height), None
    found, failed = _evaluated(frame, _expression(spec), f"{mapping.table}: {name}")
    return trimmed(found.to_frame())[:, 0] if found.dtype == pl.String else found, failed


def _numbers_of(answers: pl.Series, labels: Mapping[str, float]) -> tuple[pl.Series, pl.Series]:
    """What answers in words stand for, and where there is one that stands for nothing.

    Blanks around a label and capitals do not matter. A plain number stands for itself: many tools put words
    to the ends of a scale only.
    """
    words = answers.str.strip_chars().str.to_lowercase()
    declared = {label.strip().lower(): number for label, number in labels.items()}
    found = words.replace_strict(
        list(declared), list(declared.values()), default=None, return_dtype=pl.Float64
    )
    numbers = found.cast(Kind.DECIMAL.polars).zip_with(
        found.is_not_null(), answers.cast(Kind.DECIMAL.polars, strict=False)
    )
    return numbers, numbers.is_null() & answers.is_not_null()


def _constant(value: object, dtype: pl.DataType | type[pl.DataType] | None, height: int) -> pl.Series:
    return pl.Series([value], dtype=dtype).new_from_index(0, height)


def _versions(
    frame: pl.DataFrame, mapping: TableMapping, typed: dict[str, pl.Series], zone: str
) -> tuple[pl.Series, pl.Series | None]:
    if mapping.version is not None:
        found, failed = _found_values(frame, mapping, "version", mapping.version)
        spec = mapping.version
        values, failed = _typed(mapping, "version", found, failed, Kind.TIMESTAMP, spec.format, zone)
        if failed is not None:
            _refuse_if_none_fits(mapping, "version", spec, Kind.TIMESTAMP, values, failed)
        return values.alias(VERSION), failed
    if "updated_at" in typed:
        return typed["updated_at"].alias(VERSION), None
    return _constant(None, Kind.TIMESTAMP.polars, frame.height).alias(VERSION), None


def _row_rules(contract: Contract) -> Iterable[tuple[pl.Expr, str]]:
    for column in contract.columns:
        if column.allowed:
            yield (
                ~pl.col(column.name).is_in(column.allowed),
                f"{column.name} is none of {', '.join(column.allowed)}",
            )
    for check in contract.row_checks:
        yield check.fails, check.reason


def _expression(spec: ColumnMapping) -> pl.Expr:
    if spec.column is not None:
        expression = pl.col(spec.column)
    elif spec.sql is not None:
        expression = pl.sql_expr(spec.sql)
    elif spec.number_within is not None:
        counts = (~pl.col(REPEAT)).cum_sum().over(list(spec.number_within))
        expression = pl.when(~pl.col(REPEAT)).then(counts)
    else:
        expression = pl.lit(spec.constant)
    return expression if spec.values is None else expression.cast(pl.String).replace(spec.values)


def _evaluated(frame: pl.DataFrame, expression: pl.Expr, name: str) -> tuple[pl.Series, pl.Series | None]:
    """The expression's value for every row, and the rows for which it cannot be computed (None: for none).

    Some functions of SQL fail for the whole column because of one value (``strptime``). Then the frame is
    halved until the rows at fault stand alone, so that one broken date costs one row, not the file.

    Raises:
        UnreadableFileError: the expression does not suit the file's columns, or fails for too many records.
    """
    try:
        return _values(frame, expression), None
    except pl.exceptions.PolarsError:
        pass
    try:  # without rows: no value of somebody's can be in the message
        dtype = _values(frame.clear(), expression).dtype
    except pl.exceptions.PolarsError as error:
        cause = str(error).partition("\n")[0]
        raise UnreadableFileError(
            f"{name}: the expression does not suit the file's columns: {cause}"
        ) from None
    failures: list[int] = []
    values = pl.concat(_pieces(frame, 0, expression, dtype, failures, name))
    return values, pl.select(pl.int_range(frame.height).is_in(failures)).to_series()


def _values(frame: pl.DataFrame, expression: pl.Expr) -> pl.Series:
    return frame.lazy().with_columns(expression.alias(_VALUE)).select(_VALUE).collect()[:, 0]


def _pieces(
    frame: pl.DataFrame,
    start: int,
    expression: pl.Expr,
    dtype: pl.DataType,
    failures: list[int],
    name: str,
) -> list[pl.Series]:
    """The values of a part of the file that starts at row ``start``; ``failures`` gets the rows without one."""
    middle = frame.height // 2
    if middle == 0:
        if len(failures) == MAXIMUM_FAILURES:
            raise UnreadableFileError(
                f"{name}: the expression fails for more than {MAXIMUM_FAILURES:,} records. Is its format right?"
            )
        failures.append(start)
        return [_constant(None, dtype, 1)]
    pieces: list[pl.Series] = []
    for half, first in ((frame[:middle], start), (frame[middle:], start + middle)):
        try:
            pieces.append(_values(half, expression))
        except pl.exceptions.PolarsError:
            pieces += _pieces(half, first, expression, dtype, failures, name)
    return pieces


def _repeats(frame: pl.DataFrame) -> pl.Series:
    columns = [name for name in frame.columns if name not in (RECORD, LINE)]
    return frame.select(~pl.struct(columns).is_first_distinct())[:, 0]


def _require_columns(frame: pl.DataFrame, mapping: TableMapping) -> None:
    missing = sorted(source_fields(mapping, required_only=True) - set(frame.columns))
    if missing:
        raise UnreadableFileError(
            f"{mapping.table} needs the column {', '.join(map(repr, missing))}, which the file has not. "
            f"{_other_columns(frame, mapping)}"
        )


def _other_columns(frame: pl.DataFrame, mapping: TableMapping) -> str:
    """What else the file has, where that is sure to be a header: a first record can be somebody's data."""
    made_by_us = (RECORD, LINE, EXTRA)
    present = [name for name in frame.columns if name not in made_by_us and not name.startswith("_")]
    if not source_fields(mapping) & set(present):
        return (
            "Nor has it any other column that the mapping reads. "
            "Are delimiter and encoding right, has it a header?"
        )
    if any(_LIKE_A_VALUE.search(name) for name in present):
        return "Is its header damaged, or has it run into the first record?"
    shown = ", ".join(present[:_SHOWN_COLUMNS]) + (", ..." if len(present) > _SHOWN_COLUMNS else "")
    return f"It has: {shown}. Has the export changed, or the mapping a misspelling?"


def _all_columns(mapping: TableMapping) -> Iterable[tuple[str, ColumnMapping]]:
    yield from mapping.columns.items()
    if mapping.version is not None:
        yield "version", mapping.version
