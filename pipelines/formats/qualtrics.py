"""Qualtrics: a response per record, under two or three rows of header.

The first row names the columns, the second holds the question texts, and the third, which older exports do
not have, an ImportId for each column in JSON, in which dates also declare their time zone. Which responses
count (previews, tests, unfinished ones) is the mapping's business.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from zoneinfo import available_timezones

from pipelines.formats.delimited import column_names, read_delimited, read_header
from pipelines.formats.document import ReadOptions
from pipelines.formats.records import Records, UnreadableFileError

# Some exports write the JSON with single quotes.
_IMPORT_ID = re.compile(r"""["']ImportId["']\s*:""")
_ZONE = re.compile(r"""["']timeZone["']\s*:\s*["']([^"']+)["']""")
# Older exports number what Qualtrics adds itself (V1, V2, ...) and name it in the second row, as below.
_NUMBERED = re.compile(r"^V\d+$")
_NAMES_TODAY = {
    "ResponseID": "ResponseId",
    "ExternalDataReference": "ExternalReference",
    "EmailAddress": "RecipientEmail",
}


def read_qualtrics(text: bytes, options: ReadOptions) -> Records:
    """Read an export as CSV or, with ``delimiter`` a tab, TSV, in UTF-8.

    ``labels`` are the question texts; ``zone`` is the one that the ImportIds declare.

    The columns of older exports are called as those of today: ``ResponseId`` instead of ``V1``.

    Raises:
        UnreadableFileError: the header is none of Qualtrics, or the file as a whole cannot be read.
    """
    names, texts = read_header(text, 2, delimiter=options.delimiter, quote=options.quote)
    import_ids = _import_ids(text, options)
    if import_ids is None:
        if "responseid" not in (cell.lower() for cell in texts):
            raise UnreadableFileError(
                "the file has no header of Qualtrics: neither is its third row made of ImportIds nor is there a "
                "ResponseID in its second. Was it edited? With one row of header it is format: csv"
            )
        names = [_name_today(name, text) for name, text in zip(names, texts, strict=True)]
    names = column_names(names)
    records = read_delimited(
        text,
        delimiter=options.delimiter,
        quote=options.quote,
        header_rows=2 if import_ids is None else 3,
        columns=tuple(names),
        null_values=options.null_values,
    )
    labels = {name: text for name, text in zip(names, texts, strict=True) if text and text != name}
    return dataclasses.replace(records, zone=_declared_zone(import_ids or []), labels=labels)


def _import_ids(text: bytes, options: ReadOptions) -> Sequence[str] | None:
    """The cells of the third row, where it holds ImportIds."""
    try:
        cells = read_header(text, 3, delimiter=options.delimiter, quote=options.quote)[2]
    except UnreadableFileError:  # of an older export, a single record or a broken one; of today's, no header
        return None
    filled = [cell for cell in cells if cell]
    return cells if filled and all(_IMPORT_ID.search(cell) for cell in filled) else None


def _name_today(name: str, text: str) -> str:
    return _NAMES_TODAY.get(text, text) if _NUMBERED.match(name) and text else name


def _declared_zone(import_ids: Sequence[str]) -> str | None:
    zones = sorted({zone for cell in import_ids for zone in _ZONE.findall(cell)})
    unknown = [zone for zone in zones if zone not in available_timezones()]
    if unknown:
        raise UnreadableFileError(f"the header declares {unknown[0]!r}, which is no known time zone")
    if len(zones) > 1:
        raise UnreadableFileError(
            f"the header declares several time zones: {', '.join(zones)}. Export the responses again in one"
        )
    return zones[0] if zones else None
