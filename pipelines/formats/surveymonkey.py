"""SurveyMonkey: a respondent per record, under two rows of header.

The first row holds the questions, each over the first of its columns, the second what each column of a
question is: a choice, a row of a matrix, or just "Response". What SurveyMonkey adds itself (Respondent ID,
dates) has nothing in the second row.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from pipelines.formats.delimited import read_delimited, read_header
from pipelines.formats.document import ReadOptions
from pipelines.formats.records import Records, UnreadableFileError

# What tools write into blank header cells when they save an export again: R "...3", pandas "Unnamed: 2".
_FILLER = re.compile(r"^(\.\.\.\d+|Unnamed: \d+)?$")
_NO_CHOICE = frozenset({"", "response", "open-ended response"})


def read_surveymonkey(text: bytes, options: ReadOptions) -> Records:
    """Read an export of all answers as CSV, in UTF-8.

    A column is called ``question`` or ``question / choice``; ``labels`` are the questions.

    Raises:
        UnreadableFileError: there are no two rows of header, or the file as a whole cannot be read.
    """
    questions, choices = read_header(text, 2, delimiter=options.delimiter, quote=options.quote)
    if choices[0]:  # below Respondent ID
        raise UnreadableFileError(
            "the second row is no header of SurveyMonkey: its first cell is not blank. "
            "With one row of header the file is format: csv"
        )
    questions = _over_all_columns(questions)
    names = _told_apart(
        [
            (question if choice.lower() in _NO_CHOICE else f"{question} / {choice}") or f"column_{n}"
            for n, (question, choice) in enumerate(zip(questions, choices, strict=True), 1)
        ]
    )
    records = read_delimited(
        text,
        delimiter=options.delimiter,
        quote=options.quote,
        header_rows=2,
        columns=tuple(names),
        null_values=options.null_values,
    )
    labels = {name: question for name, question in zip(names, questions, strict=True) if name != question}
    return dataclasses.replace(records, labels=labels)


def _over_all_columns(cells: Sequence[str]) -> list[str]:
    """The question of each column: a blank cell belongs to the question on its left."""
    questions, current = [], ""
    for cell in cells:
        current = current if _FILLER.match(cell) else cell
        questions.append(current)
    return questions


def _told_apart(names: Sequence[str]) -> list[str]:
    """A survey can ask "Why?" twice: the second is called "Why? (2)"."""
    taken: set[str] = set()
    unique = []
    for name in names:
        candidate, number = name, 1
        while candidate in taken:
            number += 1
            candidate = f"{name} ({number})"
        taken.add(candidate)
        unique.append(candidate)
    return unique
