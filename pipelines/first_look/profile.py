"""What the columns of a file look like: how full, how many values, of which kind. For people, before it is loaded.

Belongs here: looking at columns. Does not: what they mean (``suggest``), and whether a contract lets their values
in (``preview``). Kinds are detected for a person to confirm; ingestion never uses them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl

from pipelines.contracts import Kind
from pipelines.formats.document import Document
from pipelines.formats.json_records import JsonRecords
from pipelines.formats.records import LINE, RECORD, Records, UnreadableFileError
from pipelines.sources.values import parsed

# Dates as exports write them, beside ISO 8601 (None). Where two fit, the first is taken and the others are told.
DATE_FORMATS: tuple[str | None, ...] = (
    None,
    *(
        f"{date}{time}"
        for date in (
            "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%m.%d.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d",
            "%Y年%m月%d日", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d %b %Y", "%b %d, %Y", "%d-%b-%Y",
        )
        for time in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
    ),
)  # fmt: skip
_KINDS = {
    "list": r"^\s*\[\s*[\{\]]",
    "integer": r"^[+-]?(0|[1-9]\d*)(\.0+)?$",  # spreadsheets write whole numbers as 17850.0
    "code": r"^0\d+$",
    "decimal": r"^[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?$",
    "decimal comma": r"^[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+$",
    "boolean": r"(?i)^(true|false|yes|no|y|n|t|f)$",
    "e-mail": r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "telephone": r"^[+(]?(\d[\s().-]{0,3}){8,14}\d$",
}
_MOSTLY = 0.9  # of the values: with a tenth of others it is another kind of column
_JUDGED_VALUES = 5_000  # distinct ones; more would tell the same
FEW_VALUES = 20  # no scale and hardly a list of categories has more
TIMES_SHOWN = 3  # a value that fewer records share may be one person's
_SHOWN = 3
_SHAPE_LENGTH = 24
_FREE_TEXT_LENGTH = 40
_FIRST_YEAR, _LAST_YEAR = 1900, 2100  # of eight digits that are a date rather than a number


@dataclass(frozen=True)
class ColumnProfile:
    """One column of a file.

    Attributes:
        label: what it is called beside its name, such as a survey's question.
        records: how many were looked at; ``filled`` of them have a value.
        distinct: how many different values there are.
        kind: empty, integer, decimal, decimal comma, date, time, boolean, e-mail, telephone, code (digits with
            a leading zero), list (of a JSON record), text or free text.
        formats: of dates and times, those in which all of them can be read; None is ISO 8601.
        others: filled values of another kind.
        values: the commonest values; may be personal data.
        categories: those of ``values`` that many records share, in a column that has few: no person's own.
        shapes: what the values look like, with a for letters and 9 for digits.
    """

    name: str
    label: str | None
    records: int
    filled: int
    distinct: int
    kind: str
    formats: tuple[str | None, ...]
    others: int
    values: tuple[str, ...]
    categories: tuple[str, ...]
    shapes: tuple[str, ...]

    def examples(self, *, show_values: bool) -> tuple[str, ...]:
        """A few values; without ``show_values`` only shared ones, else their shapes."""
        if show_values:
            return self.values[:_SHOWN]
        if self.categories:
            return self.categories
        return self.shapes


# Each takes some milliseconds; the widest survey exports have a few thousand.
_MAXIMUM_COLUMNS = 5000

# DuckDB's look at a structure calls itself for every level, and ends the process where there are a hundred thousand.
_NESTED_TOO_DEEPLY = r"(?:[\[{][^\]}]*){500}"


def profiles(records: Records) -> list[ColumnProfile]:
    """All columns of a file, in its order.

    Raises:
        UnreadableFileError: there are more than anybody would look at.
    """
    names = [name for name in records.frame.columns if name not in (RECORD, LINE)]
    if len(names) > _MAXIMUM_COLUMNS:
        raise UnreadableFileError(
            f"the file has {len(names):,} columns; more than {_MAXIMUM_COLUMNS:,} are not looked at one by one. "
            f"Is the delimiter right, and is it the records that stand in lines?"
        )
    return [_profile(records.frame[name], records.labels.get(name)) for name in names]


def fields_of(document: Document) -> tuple[list[str], list[str]]:
    """For records of JSON: the fields, nested ones by dots, and the lists of objects among them.

    A format whose files name their columns gives neither: it always gives all of them.
    """
    if not isinstance(document, JsonRecords):
        return [], []
    with duckdb.connect() as connection:
        connection.register("texts", document.texts.to_arrow())
        row = connection.execute(
            """select json_group_structure(record) from (
                select case
                    when json_valid(text) and json_type(text) = 'OBJECT' and not regexp_matches(text, $nested)
                    then text::json end as record
                from texts
            )""",
            {"nested": _NESTED_TOO_DEEPLY},
        ).fetchone()
    structure = json.loads(row[0]) if row and row[0] else {}
    paths = list(_paths(structure, "")) if isinstance(structure, dict) else []  # no record was readable
    return [path for path, _ in paths], [path for path, explodes in paths if explodes]


def _paths(structure: Any, prefix: str) -> Iterator[tuple[str, bool]]:
    for name, inner in structure.items():
        if "." in name or not name:
            continue  # no dotted path leads there
        path = f"{prefix}{name}"
        if isinstance(inner, dict) and inner:
            yield from _paths(inner, f"{path}.")
        else:
            yield path, isinstance(inner, list) and bool(inner) and isinstance(inner[0], dict)


def _profile(column: pl.Series, label: str | None) -> ColumnProfile:
    text = column.cast(pl.String) if column.dtype != pl.String else column
    counts = (
        text.alias("value").drop_nulls().value_counts(name="n").sort(["n", "value"], descending=[True, False])
    )
    values = counts["value"]
    kind, formats, others = _kind(column, counts)
    common = counts.filter((pl.col("n") >= TIMES_SHOWN) & (counts.height <= FEW_VALUES))["value"]
    shows_categories = kind not in ("e-mail", "telephone", "free text")
    return ColumnProfile(
        name=column.name,
        label=label,
        records=column.len(),
        filled=column.len() - column.null_count(),
        distinct=counts.height,
        kind=kind,
        formats=formats,
        others=others,
        values=tuple(values.head(FEW_VALUES)),
        categories=tuple(common) if shows_categories else (),
        shapes=_shapes(values.head(_JUDGED_VALUES)),
    )


def _kind(column: pl.Series, counts: pl.DataFrame) -> tuple[str, tuple[str | None, ...], int]:
    """The kind, the formats of a date, and how many values are of another kind."""
    if column.dtype.is_temporal():
        return ("date" if column.dtype == pl.Date else "time"), (None,), 0
    judged = counts.head(_JUDGED_VALUES)
    values, weights = judged["value"], judged["n"]
    total = int(weights.sum())
    if total == 0:
        return "empty", (), 0
    formats, kind, fitting = _dates(values, weights)
    if fitting >= _MOSTLY * total:
        return kind, formats, total - fitting
    for name, pattern in _KINDS.items():
        fitting = int(weights.filter(values.str.contains(pattern)).sum())
        if fitting >= _MOSTLY * total:
            return name, (), total - fitting
    is_free = counts.height > FEW_VALUES and (values.str.len_chars().mean() or 0) > _FREE_TEXT_LENGTH
    return ("free text" if is_free else "text"), (), 0


def _dates(values: pl.Series, weights: pl.Series) -> tuple[tuple[str | None, ...], str, int]:
    """The formats that fit most values, and how many; whether they are dates or times."""
    plausible = values.str.contains(r"^\d{8}$|\d\D+\d|\d年")
    if not plausible.any():
        return (), "", 0
    best: list[str | None] = []
    most = 0
    for format_ in DATE_FORMATS:
        times, _ = parsed(values, Kind.TIMESTAMP, format_, "UTC")
        fits = plausible & times.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR).fill_null(False)
        fitting = int(weights.filter(fits).sum())
        if fitting > most:
            best, most = [format_], fitting
        elif fitting == most and most:
            best.append(format_)
    has_times = bool(values.str.contains(r"\d:\d").any())
    return tuple(best), ("time" if has_times else "date"), most


def shape(value: str | None) -> str | None:
    """What one value looks like."""
    return None if value is None else _shape(pl.Series([value]))[0]


def _shapes(values: pl.Series) -> tuple[str, ...]:
    counts = _shape(values).value_counts(name="n")
    return tuple(counts.sort(["n", "shape"], descending=[True, False])["shape"].head(_SHOWN))


def _shape(values: pl.Series) -> pl.Series:
    shapes = (
        values.rename("shape")
        .str.slice(0, _SHAPE_LENGTH + 1)
        .str.replace_all(r"\p{M}", "")
        .str.replace_all(r"\p{L}", "a")
        .str.replace_all(r"\p{N}", "9")
        .str.replace_all(r"\s+", " ")
    )
    cut = shapes.str.slice(0, _SHAPE_LENGTH) + "…"
    return shapes.zip_with(shapes.str.len_chars() <= _SHAPE_LENGTH, cut)
