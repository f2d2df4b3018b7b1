"""What people are told of a mistake in ``kizuna.yml``: the file, the key, and how to mend it.

Belongs here: pydantic's findings in the words of the settings. Does not: the rules, which are the models'.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pipelines.settings.base import Model
from pipelines.settings.company import Settings
from pipelines.settings.mapping import ColumnMapping
from pipelines.settings.questions import Question
from pipelines.settings.sources import ApiSource, DatabaseSource, FileSource, Secret, Watermark

_KINDS: dict[str, type[Model]] = {"files": FileSource, "database": DatabaseSource, "api": ApiSource}
_INSTEAD_OF_A_VALUE: dict[type[Model], str] = {
    ColumnMapping: "write a column's name, or keys such as sql and constant, in quotes where YAML reads a number",
    Secret: "write {env: NAME}, the environment variable that holds it: a secret is never written in this file",
    Watermark: "write {column: NAME, overlap: 1h}",
    Question: "write what it measures, such as {metric: nps}",
}
_INSTEAD_OF = {
    "missing": "this key is missing: add it",
    "tuple_type": "write a list: [..., ...]",
    "dict_type": "write keys, each with its value",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "float_type": "write a number, without quotes",
    "date_from_datetime_parsing": "write a date such as 2024-01-31",
}


def explained(path: Path, error: ValidationError) -> str:
    """All mistakes, one a line."""
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"] if not _is_tag(part)) or "(the file)"
        lines.append(f"{path}: {key}: {_mend(problem)}")
    return "\n".join(lines)


def _mend(problem: ErrorDetails) -> str:
    location, kind = problem["loc"], problem["type"]
    if kind == "extra_forbidden":
        return _unknown_key(location)
    if kind in ("model_type", "model_attributes_type"):
        expected = _models_at(location)
        return next(
            (_INSTEAD_OF_A_VALUE[model] for model in expected if model in _INSTEAD_OF_A_VALUE),
            f"write keys below it, such as {' and '.join(_first_keys(expected))}",
        )
    if kind == "missing" and isinstance(location[-1], int):
        return "this value of the list is missing: add it"
    if kind == "literal_error":
        return f"write {problem['ctx']['expected']}"
    if kind == "too_short":
        return "write at least one, or leave the key out"
    return _INSTEAD_OF.get(kind, problem["msg"].removeprefix("Value error, "))


def _unknown_key(location: Sequence[int | str]) -> str:
    key, beside = str(location[-1]), _models_at(location[:-1])
    here = next((name for name, model in _KINDS.items() if model in beside), None)
    others = [name for name, model in _KINDS.items() if key in model.model_fields]
    if here and others:
        return f"a source with {here} does not have this key, one with {' or '.join(others)} has. Remove it"
    close = difflib.get_close_matches(key, _keys(beside), n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return f"unknown key. Remove it or correct its spelling{hint}"


def _keys(models: Sequence[type[Model]]) -> list[str]:
    """The keys of models, as people write them."""
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def _first_keys(models: Sequence[type[Model]]) -> list[str]:
    """Two keys to begin with, those that are needed first."""
    fields = [(field.alias or name, field) for model in models for name, field in model.model_fields.items()]
    return [name for name, _ in sorted(fields, key=lambda field: not field[1].is_required())][:2]


def _models_at(location: Sequence[int | str]) -> list[type[Model]]:
    """The models of which one stands at a location. A name or a number that people chose leads nowhere else."""
    found: list[type[Model]] = [Settings]
    for part in location:
        if _is_tag(part):
            found = [_KINDS[str(part).strip("()")]]
            continue
        fields = {key: field for model in found for key, field in model.model_fields.items()}
        below = list(_models_in(fields[str(part)].annotation)) if str(part) in fields else []
        found = below or found
    return found


def _models_in(annotation: Any) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _is_tag(part: int | str) -> bool:
    """Pydantic tells kinds of sources apart by names in parentheses, which are no keys of the file."""
    return str(part).startswith("(")
