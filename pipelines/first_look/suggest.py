"""A first mapping of an unknown export, for a person to edit: a guess in every line, each with its reason.

Belongs here: which canonical table a file looks like, and which of its columns is which of the table's. Does not:
how the file is read (``reading_guess``), the words that columns are called by (``vocabulary``), the writing of the
file (``suggest_yaml``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pipelines import contracts
from pipelines.contracts import Column, Contract, Kind
from pipelines.contracts.survey import METRIC_SCALES
from pipelines.first_look.profile import ColumnProfile, profiles
from pipelines.first_look.reading_guess import ReadingGuess, guess_reading
from pipelines.first_look.vocabulary import COLUMNS, LABELS, METRICS, OPEN_TEXT, TABLES, words
from pipelines.formats.records import UnreadableFileError
from pipelines.formats.registry import FORMATS
from pipelines.settings.presets import with_preset

SURE, LIKELY, POSSIBLE = 3.0, 2.0, 1.0  # how much a name or a kind of values says
_MISSING_COSTS = 3.0
_FILE_NAME_SAYS = 2.0
_LEAST_SCORE = 2.0  # below it, a file is told to look like no table at all
_KINDS = {
    Kind.TIMESTAMP: ("date", "time"),
    Kind.DATE: ("date", "time"),
    Kind.DECIMAL: ("integer", "decimal", "decimal comma", "code"),
    Kind.INTEGER: ("integer", "code"),
    Kind.BOOLEAN: ("boolean",),
    Kind.TEXT: ("integer", "decimal", "code", "text", "free text", "e-mail", "telephone", "boolean"),
    Kind.JSON: (),
}
# Beside the table that a shop's export is mainly of, it is often another one's, too.
_COMPANIONS = ("crm.orders", "crm.order_lines", "crm.customers", "crm.products")
_IN_WORDS = ("name", "full_name", "email", "reason")  # never numbers
_SCALES = ((1, 5), (1, 7), (0, 10), (1, 10), (0, 100))
_FILLED_BY_QUESTIONS = ("question_id", "metric", "score", "scale_min", "scale_max", "comment")
_MOST_LABELS = 11
_NUMBERED_LABEL = r"^\s*(\d+)\s*[-–:.=)]\s*\S"
_LONGEST_ID = 40


@dataclass(frozen=True)
class Guess:
    """One line of a mapping: what stands there, why, and how sure it is.

    Attributes:
        origin: as settings write it: a column's name, or keys such as sql and format; None: nothing was found.
    """

    origin: str | Mapping[str, Any] | None
    reason: str
    score: float


@dataclass(frozen=True)
class QuestionGuess:
    """One question of a survey. ``active``: whether it is more than a line to think about."""

    question_id: str
    written: Mapping[str, Any]
    reason: str
    active: bool


@dataclass(frozen=True)
class TableGuess:
    """The mapping of one table.

    Attributes:
        columns: guesses by canonical column; required ones that nothing is like have no origin.
        keys: what else its entry says, such as ``keep``.
    """

    table: str
    score: float
    columns: Mapping[str, Guess]
    questions: tuple[QuestionGuess, ...] = ()
    keys: Mapping[str, Any] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        return [name for name, guess in self.columns.items() if guess.origin is None]


@dataclass(frozen=True)
class Suggestion:
    """All that was guessed of a file."""

    reading: ReadingGuess
    columns: tuple[ColumnProfile, ...]
    tables: tuple[TableGuess, ...]


def suggest(
    path: Path, *, format_: str | None = None, table: str | None = None, sheet: str | None = None
) -> Suggestion:
    """Guess how a file is read and mapped.

    Args:
        sheet: of a workbook with several, the one that is meant.
        table: the canonical table that its records are rows of, where it is known.

    Raises:
        UnreadableFileError: no format reads it, or it looks like no canonical table.
    """
    reading = guess_reading(path, format_, sheet)
    columns = tuple(profiles(reading.records))
    export = _Export(reading, columns, words(path.name.split(".")[0]))
    preset = FORMATS[reading.format].preset
    if preset is not None and table is None:
        return Suggestion(reading, columns, tuple(_vendor_tables(export)))
    return Suggestion(reading, columns, tuple(_best_tables(export, table)))


@dataclass(frozen=True)
class _Export:
    reading: ReadingGuess
    columns: Sequence[ColumnProfile]
    name: list[str]

    @property
    def frame(self) -> pl.DataFrame:
        return self.reading.records.frame


def _best_tables(export: _Export, wanted: str | None) -> Iterator[TableGuess]:
    if wanted is not None:
        yield _table(export, contracts.contract_named(wanted))
        return
    found = sorted((_table(export, contract) for contract in contracts.ALL), key=lambda guess: -guess.score)
    main = found[0]
    if main.score < _LEAST_SCORE:
        nearest = ", ".join(guess.table for guess in found[:3])
        raise UnreadableFileError(
            f"its columns look like no canonical table; the nearest are {nearest}. "
            f"Name one with --table, or leave the file out: not every export is needed"
        )
    yield main
    if main.table in _COMPANIONS:
        for guess in found[1:]:
            companion = _as_companion(guess, main, export)
            if companion is not None:
                yield companion


def _as_companion(guess: TableGuess, main: TableGuess, export: _Export) -> TableGuess | None:
    """The guess, if the file surely also holds this table: its names say so for all that is required."""
    if guess.table not in _COMPANIONS:
        return None
    contract = contracts.contract_named(guess.table)
    columns = {name: found for name, found in guess.columns.items() if found.score >= LIKELY}
    ordered = main.columns.get("ordered_at") or guess.columns.get("registered_at")
    keys: dict[str, Any] = {}
    if guess.table == "crm.customers" and "customer_id" in columns and ordered and ordered.origin:
        columns["registered_at"] = Guess(
            ordered.origin, "the first purchase, for want of a better time", LIKELY
        )
        keys = {"version": ordered.origin, "keep": "oldest"}
    required = {column.name for column in contract.columns if contract.is_required(column)}
    if not required <= set(columns) or len(columns) <= len(contract.key):
        return None
    if guess.table == "crm.products" and not {"name", "category"} & set(columns):
        return None  # what a line was sold for is no price list
    keyed = {_column_of(columns[name]) for name in contract.key}
    gaps = [
        column.name for column in export.columns if column.name in keyed and column.filled < column.records
    ]
    if gaps:
        keys["where"] = " and ".join(f'"{name}" is not null' for name in gaps)
    in_order = {name: columns[name] for name in contract.column_names if name in columns}
    return TableGuess(guess.table, guess.score, in_order, (), keys)


def _table(export: _Export, contract: Contract) -> TableGuess:
    found = _assigned(export.columns, contract)
    taken = {
        _column_of(guess)
        for name, guess in found.items()
        if guess.score >= LIKELY and name not in _FILLED_BY_QUESTIONS
    }
    questions = tuple(_questions(export, taken)) if contract.name == "survey.responses" else ()
    filled = _FILLED_BY_QUESTIONS if any(question.active for question in questions) else ()
    if filled:
        found = {name: guess for name, guess in found.items() if name not in _FILLED_BY_QUESTIONS}
    for column in contract.columns:
        if contract.is_required(column) and column.name not in (*found, *filled):
            found[column.name] = _made_up(column, found)
    columns = {name: found[name] for name in contract.column_names if name in found}
    return TableGuess(contract.name, _score(export, contract, columns, questions), columns, questions)


def _score(
    export: _Export, contract: Contract, columns: Mapping[str, Guess], questions: Sequence[QuestionGuess]
) -> float:
    required = [guess for name, guess in columns.items() if _is_required(contract, name)]
    score = sum(guess.score for guess in required)
    score += 0.5 * sum(guess.score for name, guess in columns.items() if not _is_required(contract, name))
    score -= _MISSING_COSTS * sum(guess.origin is None for guess in required)
    if contract.name == "survey.responses":
        score += SURE if any(question.active for question in questions) else -_MISSING_COSTS
    known = [part for name in TABLES[contract.name].split() for part in ("".join(words(name)),)]
    joined = "".join(export.name)
    return score + _FILE_NAME_SAYS * any(name in joined for name in known)


def _is_required(contract: Contract, name: str) -> bool:
    return any(column.name == name and contract.is_required(column) for column in contract.columns)


def _assigned(columns: Sequence[ColumnProfile], contract: Contract) -> dict[str, Guess]:
    """The best column of the file for each of the contract's; each serves once."""
    pairs = [
        (guess.score, -place, column.name, found.name, guess)
        for column in contract.columns
        for place, found in enumerate(columns)
        if (guess := _likeness(found, contract, column)) is not None
    ]
    result: dict[str, Guess] = {}
    taken: set[str] = set()
    for _, _, canonical, name, guess in sorted(pairs, key=lambda pair: pair[:2], reverse=True):
        if canonical not in result and name not in taken:
            result[canonical] = guess
            taken.add(name)
    for column in contract.columns:
        if column.kind == Kind.TIMESTAMP and contract.is_required(column) and column.name not in result:
            times = [found for found in columns if found.kind in ("date", "time") and found.name not in taken]
            if times:
                reason = (
                    "the only time that is left" if len(times) == 1 else f"the first of {len(times)} times"
                )
                result[column.name] = Guess(_origin(times[0], column), f"a guess: {reason}", 0.5 * POSSIBLE)
                taken.add(times[0].name)
    return result


def _likeness(found: ColumnProfile, contract: Contract, column: Column) -> Guess | None:
    """How much a column of the file is like a canonical one; None: not at all."""
    score, reason = _by_name(found, contract, column)
    if column.name == "email" and found.kind == "e-mail" and score < LIKELY:
        score, reason = LIKELY, "its values are e-mail addresses"
    if score == 0 or found.kind not in (*_KINDS[column.kind], "empty"):
        return None
    if column.name in _IN_WORDS and found.kind not in ("text", "free text", "e-mail", "empty"):
        return None
    if found.kind == "empty":
        score, reason = score / 2, f"{reason}, but it is empty here"
    elif found.others and column.kind != Kind.TEXT:
        reason += f"; {found.others:,} values are none of this kind"
    return Guess(_origin(found, column), _with_formats(reason, found), score)


def _by_name(found: ColumnProfile, contract: Contract, column: Column) -> tuple[float, str]:
    names = COLUMNS.get(f"{contract.name}.{column.name}") or COLUMNS.get(column.name, column.name)
    known = ["".join(words(name)) for name in names.split()]
    parts = words(found.name)
    joined = "".join(parts)
    if joined in known:
        return SURE - 0.01 * known.index(joined), "its name says so"
    about = {part for name in TABLES[contract.name].split() for part in words(name)}
    rest = "".join(part for part in parts if part.rstrip("s") not in about and part not in about)
    if rest and rest in known:
        return LIKELY, "its name says so, beside the table's"
    if rest in ("id", "no", "number", "nr", "cd") and contract.key == (column.name,):
        return LIKELY - 0.1, "the identifier of the file's records"
    if any(len(name) > 3 and name in joined for name in known):  # noqa: PLR2004 - "no" is in many names
        return POSSIBLE, "a guess: its name holds the word"
    return 0.0, ""


def _with_formats(reason: str, found: ColumnProfile) -> str:
    if found.kind not in ("date", "time"):
        return reason
    if found.formats[0] is None:
        return f"{reason}; ISO 8601"
    if len(found.formats) == 1:
        return f"{reason}; no other format fits"
    return f"{reason}; CHECK THE FORMAT: {found.formats[1]} fits as well"


def _origin(found: ColumnProfile, column: Column) -> str | Mapping[str, Any]:
    if column.kind in (Kind.TIMESTAMP, Kind.DATE) and found.formats and found.formats[0]:
        return {"column": found.name, "format": found.formats[0]}
    quoted = '"' + found.name.replace('"', '""') + '"'
    if column.kind == Kind.DECIMAL and found.kind == "decimal comma":
        return {"sql": f"replace(replace({quoted}, '.', ''), ',', '.')"}
    spreadsheet = found.kind == "integer" and any(shape.endswith(".9") for shape in found.shapes)
    if column.kind == Kind.TEXT and spreadsheet:  # 17850.0
        return {"sql": f"regexp_replace({quoted}, '\\.0+$', '')"}
    return found.name


def _column_of(guess: Guess) -> str | None:
    if isinstance(guess.origin, Mapping):
        if "column" in guess.origin:
            return str(guess.origin["column"])
        return next(iter(pl.sql_expr(guess.origin["sql"]).meta.root_names()), None)
    return guess.origin


def _made_up(column: Column, found: Mapping[str, Guess]) -> Guess:
    """For a required column that nothing in the file is like: what can stand in for it, else nothing."""
    plain = {name: guess.origin for name, guess in found.items() if isinstance(guess.origin, str)}
    if column.name == "line_number" and "order_id" in plain:
        return Guess(
            {"number_within": [plain["order_id"]]}, "no column numbers the lines: they are counted", LIKELY
        )
    if column.name == "quantity" and "unit_price" in found:
        return Guess({"constant": 1}, "a guess: no column counts units, so each record is one", POSSIBLE)
    if column.name == "order_id" and {"customer_id", "ordered_at"} <= set(found):
        parts = [_column_of(found[name]) for name in ("customer_id", "ordered_at")]
        sql = " || '-' || ".join(f'"{part}"' for part in parts)
        return Guess(
            {"sql": sql}, "A GUESS: no column numbers the orders; one for each customer and time", POSSIBLE
        )
    if column.name == "sequence_number" and "ticket_id" in plain:
        return Guess({"number_within": [plain["ticket_id"]]}, "counted in the order of the file", POSSIBLE)
    return Guess(None, f"MISSING: no column looks like it ({column.description[:-1].lower()})", 0.0)


def _vendor_tables(export: _Export) -> Iterator[TableGuess]:
    """What a vendor's preset leaves to say: columns of one's own, questions, and what this export lacks.

    Nothing of records in JSON, where a field that is not there is simply empty.
    """
    if FORMATS[export.reading.format].has_lists:
        return
    present = set(export.frame.columns)
    for table in with_preset({"format": export.reading.format})["tables"]:
        contract = contracts.contract_named(table["table"])
        fixed = {name: _fields(origin) for name, origin in table.get("columns", {}).items()}
        taken = set().union(*fixed.values()) if fixed else set()
        free = [column for column in export.columns if column.name not in taken]
        guessed = {
            name: guess
            for name, guess in _assigned(free, contract).items()
            if (name not in fixed or not fixed[name] <= present) and guess.score >= LIKELY
        }
        for column in contract.columns:
            lacks = column.name in fixed and not fixed[column.name] <= present
            if lacks and contract.is_required(column) and column.name not in guessed:
                guessed[column.name] = _made_up(column, guessed)
        is_survey = contract.name == "survey.responses"
        used = taken | {_column_of(guess) or "" for guess in guessed.values()}
        questions = tuple(_questions(export, used)) if is_survey else ()
        if is_survey and not any(question.active for question in questions):
            for name in ("question_id", "metric"):
                guessed[name] = Guess(None, "MISSING: no question was recognised", 0.0)
        where = table.get("where")
        lacks_condition = where is not None and not set(pl.sql_expr(where).meta.root_names()) <= present
        columns = {
            name: guessed[name]
            for name in contract.column_names
            if name in guessed and not (is_survey and name in ("score", "comment", "scale_min", "scale_max"))
        }
        yield TableGuess(contract.name, SURE, columns, questions, {"where": None} if lacks_condition else {})


def _fields(origin: Any) -> set[str]:
    if isinstance(origin, str):
        return {origin}
    if "sql" in origin:
        return set(pl.sql_expr(origin["sql"]).meta.root_names())
    return {origin["column"]} if "column" in origin else set()


def _questions(export: _Export, taken: set[str | None]) -> list[QuestionGuess]:
    """The questions of a survey; where no word says what one measures, one of them is guessed."""
    found = [
        question
        for column in export.columns
        if column.name not in taken and (question := _question(column, export.frame[column.name])) is not None
    ]
    if found and not any(question.active for question in found):
        first = found[0]
        written = {**first.written, "metric": "csat"}
        reason = f"A GUESS TO CONFIRM: {first.reason}"
        found[0] = QuestionGuess(first.question_id, written, reason, active=True)
    return found


def _question(column: ColumnProfile, values: pl.Series) -> QuestionGuess | None:
    if column.distinct == 1:  # Progress: 100
        return None
    text = f"{column.name} {column.label or ''}".casefold()
    metric = next((name for name, pattern in METRICS if re.search(pattern, text)), None)
    if column.kind in ("text", "free text") and (
        column.kind == "free text" or re.search(OPEN_TEXT, text) is not None
    ):
        labels = _labels(values)
        if labels is None:
            return _asked(column, "open_text", {}, "free text", active=True)
    scale = _scale(column, values, metric)
    if scale is None:
        return None
    written, seen = scale
    if metric is None:
        return _asked(column, "csat", written, f"{seen}; no word says what it measures", active=False)
    return _asked(column, metric, written, f"its words say {metric}; {seen}", active=True)


def _asked(
    column: ColumnProfile, metric: str, written: Mapping[str, Any], reason: str, *, active: bool
) -> QuestionGuess:
    short = len(column.name) <= _LONGEST_ID
    name = column.name if short else "_".join(words(column.name))[:_LONGEST_ID].rstrip("_")
    extra = {} if short else {"column": column.name}
    return QuestionGuess(name, {**extra, "metric": metric, **written}, reason, active)


def _scale(column: ColumnProfile, values: pl.Series, metric: str | None) -> tuple[dict[str, Any], str] | None:
    """The scale of a question as settings write it, and what was seen; None: its answers are no scale's."""
    labels = _labels(values)
    if labels is not None:
        lowest, highest = min(labels.values()), max(labels.values())
        scale = next((s for s in _SCALES if s[0] <= lowest and highest <= s[1]), (lowest, highest))
        return {**_declared(metric, scale), "labels": labels}, f"{len(labels)} labels"
    if column.kind not in ("integer", "decimal"):
        return None
    numbers = values.cast(pl.Float64, strict=False).drop_nulls()
    lowest, highest = float(numbers.min() or 0), float(numbers.max() or 0)  # type: ignore[arg-type]
    usual = METRIC_SCALES.get(metric or "csat") or (1.0, 5.0)
    fitting = [s for s in (usual, *_SCALES) if s[0] <= lowest and highest <= s[1]]
    if not fitting or highest <= 1:
        return None
    seen = f"answers from {lowest:g} to {highest:g}"
    return _declared(metric, fitting[0]), seen


def _declared(metric: str | None, scale: tuple[float, float]) -> dict[str, Any]:
    if METRIC_SCALES.get(metric or "csat") == scale:
        return {}
    return {"scale": [int(bound) for bound in scale]}


def _labels(values: pl.Series) -> dict[str, int] | None:
    """Answers in words and their numbers; None: they are no known scale's."""
    if values.dtype != pl.String:
        return None
    found = values.drop_nulls().unique().sort().to_list()
    if not 1 < len(found) <= _MOST_LABELS:
        return None
    numbered = [re.match(_NUMBERED_LABEL, label) for label in found]
    if all(numbered):
        labels = {label: int(match.group(1)) for label, match in zip(found, numbered, strict=True) if match}
        return labels if len(set(labels.values())) == len(labels) else None
    written = {label.strip().casefold(): label for label in found}
    for scale in LABELS:
        if set(written) <= set(scale):
            return {written.get(label, label.capitalize()): n for n, label in enumerate(scale, 1)}
    return None
