"""LimeSurvey: a response per record, under one row of header in any of its three styles.

Columns are called by their codes (``Q1[SQ001]``), by codes and texts (``Q1[SQ001]. Friendly?``), or by texts
alone. Here they are called by their codes wherever the export has them, so that a mapping outlives a
corrected question text; of texts alone, only what LimeSurvey adds itself is known by its code.
"""

from __future__ import annotations

import dataclasses
import re

from pipelines.formats.delimited import column_names, read_delimited, read_header
from pipelines.formats.document import ReadOptions
from pipelines.formats.records import Records

_CODE_AND_TEXT = re.compile(r"^([A-Za-z][A-Za-z0-9_]*(?:\[[^\]]*\])*)\. ?(.*)$", re.DOTALL)
_CODES = {
    "Response ID": "id",
    "Date submitted": "submitdate",
    "Last page": "lastpage",
    "Start language": "startlanguage",
    "Seed": "seed",
    "Token": "token",
    "Access code": "token",
    "Date started": "startdate",
    "Date last action": "datestamp",
    "IP address": "ipaddr",
    "Referrer URL": "refurl",
}


def read_limesurvey(text: bytes, options: ReadOptions) -> Records:
    """Read an export as CSV, in UTF-8; ``labels`` are the question texts, where the header has both.

    Raises:
        UnreadableFileError: the file as a whole cannot be read.
    """
    (cells,) = read_header(text, 1, delimiter=options.delimiter, quote=options.quote)
    found = [_code_and_text(cell) for cell in cells] if _has_codes_and_texts(cells) else None
    codes = [code for code, _ in found] if found else [_CODES.get(cell, cell) for cell in cells]
    names = column_names(codes)
    records = read_delimited(
        text,
        delimiter=options.delimiter,
        quote=options.quote,
        header_rows=1,
        columns=tuple(names),
        null_values=options.null_values,
    )
    texts = [text for _, text in found] if found else [""] * len(names)
    return dataclasses.replace(
        records, labels={name: text for name, text in zip(names, texts, strict=True) if text}
    )


def _has_codes_and_texts(cells: list[str]) -> bool:
    """By the first column, which is the response's id in every style."""
    return cells[0].startswith("id. ")


def _code_and_text(cell: str) -> tuple[str, str]:
    match = _CODE_AND_TEXT.match(cell)
    return (match.group(1), match.group(2).strip()) if match else (cell, "")
