"""A suggestion as a kizuna.yml to edit: each line with its reason, what is missing as a line to fill in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from pipelines.first_look.suggest import QuestionGuess, Suggestion, TableGuess
from pipelines.first_look.vocabulary import words
from pipelines.formats.registry import FORMATS

_PLAIN = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_NOT_PLAIN = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
_HEAD = """\
# A first mapping of {name}, written by: kizuna source suggest. Every line is a guess with its reason: read
# each, correct it, and look at what would come of it:
#   kizuna source preview {path} --config THIS_FILE
# In a kizuna.yml that you have already, take over what stands under sources.
company:
  name: My company
  timezone: UTC # of business dates, and of times in files that say no other
  currency: EUR
privacy:
  customer_key:
    env: KIZUNA_CUSTOMER_KEY # the secret behind customer_key; keep it, or every key changes
sources:
"""


def as_yaml(found: Suggestion, *, name: str, path: str) -> str:
    """The settings as text.

    Args:
        name: of the file.
        path: of the file, as the settings name it.
    """
    return _HEAD.format(name=_line(name), path=_line(path)) + "\n".join(_source(found, name, path)) + "\n"


def _source(found: Suggestion, name: str, path: str) -> Iterator[str]:
    reading = found.reading
    yield f"  {_source_name(name)}:"
    yield f"    files: {_scalar(_escaped(path))} # a pattern with * takes every file of this shape"
    yield f"    format: {_scalar(reading.format)}{_because(reading.reasons.get('format'))}"
    for option, value in reading.options.items():
        yield f"    {option}: {_value(value)}{_because(reading.reasons.get(option))}"
    if "encoding" in reading.reasons and "encoding" not in reading.options:
        yield f"    encoding: utf-8{_because(reading.reasons['encoding'])}"
    if reading.partial:
        yield f"    # The first {reading.records.count:,} records alone were looked at."
    if any(column.kind == "time" for column in found.columns) and not reading.records.zone:
        yield "    # timezone: Europe/London # of times without an offset; default: the company's"
    if reading.explodes:
        yield f"    # Lists inside the records, which explode: NAME makes rows of: {', '.join(reading.explodes)}"
    tables = [table for table in found.tables if table.columns or table.questions or table.keys]
    if tables:
        yield "    tables:"
    for table in tables:
        yield from _table(table)
    yield from _unused(found)


def _table(found: TableGuess) -> Iterator[str]:
    yield f"      - table: {found.table}"
    for key, value in found.keys.items():
        reason = "the usual condition reads columns that this export lacks" if value is None else None
        yield f"        {key}: {_value(value)}{_because(reason)}"
    if found.columns:
        yield "        columns:"
    for name, guess in found.columns.items():
        if guess.origin is None:
            yield f"          # {name}: ... # {_line(guess.reason)}; until a column is named here, every row is refused"
            yield f'          {name}: {{sql: "null"}}'
        else:
            yield f"          {name}: {_value(guess.origin)}{_because(guess.reason)}"
    yield from _questions(found.questions)


def _questions(questions: Sequence[QuestionGuess]) -> Iterator[str]:
    if not questions:
        return
    has_active = any(question.active for question in questions)
    yield "        questions:" if has_active else "        # questions:"
    for question in questions:
        mark = "" if question.active else "# "
        yield (
            f"          {mark}{_scalar(question.question_id)}: {_value(question.written)}{_because(question.reason)}"
        )


def _unused(found: Suggestion) -> Iterator[str]:
    written = "\n".join(line for table in found.tables for line in _table(table))
    preset = FORMATS[found.reading.format].preset is not None
    unused = [column.name for column in found.columns if _scalar(column.name) not in written]
    if unused and not preset:
        yield f"    # Mapped to nothing: {', '.join(_line(name) for name in unused)}"


def _source_name(name: str) -> str:
    joined = re.sub(r"[^a-z0-9_]", "", "_".join(words(name.split(".", maxsplit=1)[0])))
    return joined if re.match(r"^[a-z]", joined) else f"source_{joined}".rstrip("_")


def _because(reason: str | None) -> str:
    return f" # {_line(reason)}" if reason else ""


def _value(value: object) -> str:
    """In YAML's flow style, on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if not isinstance(value, str):
        return str(value)
    if _PLAIN.match(value) and value.casefold() not in _NOT_PLAIN:
        return value
    return yaml.dump(value, default_style='"', allow_unicode=True, width=float("inf")).strip()


def _escaped(path: str) -> str:
    """A path in which the signs of patterns stand for themselves."""
    return re.sub(r"([*?\[])", r"[\1]", path)


def _line(text: str) -> str:
    return " ".join(text.split())
