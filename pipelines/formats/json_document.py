"""One JSON document whose records lie in a list: exports of support tools, pages of an API.

Belongs here: finding the list and where its elements begin and end. Does not: what is in them
(``json_records``).

DuckDB says whether the document is JSON, but takes three times as long to take a list apart and writes its
elements anew. So they are cut out of the text, by a few passes of NumPy over the bytes, as ``delimited`` does;
a record's original text is then what stands in the file, to the letter.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from pipelines.formats.json_lines import json_lines
from pipelines.formats.json_records import JsonRecords, engine, numbered
from pipelines.formats.records import UnreadableFileError

_BLANK = b" \t\r\n"
_NO_OBJECT = "the record is no JSON object"
# Names of fields are shown in messages, but where keys are somebody's data they are none.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")
_MOST_NAMES = 10
_BETWEEN_RECORDS = 0x1E  # "record separator": in a JSON text only as an escape


def json_document(text: bytes, records: str | None) -> JsonRecords:
    """The elements of a list in a JSON document; a record's line is its place in the list, from 1.

    Args:
        text: UTF-8.
        records: dotted path of the list; None: the document itself is the list. A null in its place is an
            empty list.

    Raises:
        UnreadableFileError: the text is no JSON, or the list is not there; says where and what is.
    """
    if not text.strip(_BLANK):
        raise UnreadableFileError("the file is empty: it holds no JSON document")
    if not _is_json(text):
        raise UnreadableFileError(_complaint(text))
    structure = _Structure.of(text)
    opening = _opening_of_list(structure, records)
    texts = pl.Series([], dtype=pl.String) if opening is None else structure.elements(opening)
    return JsonRecords(numbered(texts), _NO_OBJECT)


def json_export(text: bytes, records: str | None) -> JsonRecords:
    """The records of an export that some versions of a tool write as one document and others line by line.

    Raises:
        UnreadableFileError: it is neither.
    """
    try:
        return json_document(text, records)
    except UnreadableFileError:
        if not _is_json(text.lstrip(_BLANK).partition(b"\n")[0]):
            raise
    return json_lines(text)


@dataclass(frozen=True)
class _Structure:
    """The signs of a JSON text that lie outside of its strings: ``{ } [ ] , :``.

    Attributes:
        text: a sound JSON text.
        places: where each sign stands, in bytes.
        signs: the signs themselves.
        depths: how many brackets are open after each.
    """

    text: bytes
    places: npt.NDArray[np.int64]
    signs: npt.NDArray[np.uint8]
    depths: npt.NDArray[np.int32]

    @classmethod
    def of(cls, text: bytes) -> _Structure:
        buffer = np.frombuffer(text, np.uint8)
        places = np.flatnonzero(_STRUCTURAL[buffer])
        inside = np.searchsorted(_quotes(buffer), places) % 2 == 1
        places = places[~inside]
        signs = buffer[places]
        return cls(text, places, signs, np.cumsum(_STEPS[signs], dtype=np.int32))

    def closing(self, opening: int) -> int:
        """The sign that closes a bracket."""
        return opening + int(np.argmax(self.depths[opening:] < self.depths[opening]))

    def members(self, opening: int) -> dict[str, int]:
        """The names in an object, and the colon after each; of a name written twice, the first."""
        inside = slice(opening, self.closing(opening))
        colons = (self.signs[inside] == ord(":")) & (self.depths[inside] == self.depths[opening])
        found: dict[str, int] = {}
        for colon in (np.flatnonzero(colons) + opening).tolist():
            name = self.text[self.places[colon - 1] + 1 : self.places[colon]]
            found.setdefault(json.loads(name), colon)
        return found

    def value(self, colon: int) -> str:
        """What follows a colon: ``[``, ``{``, or the text of a plain value."""
        between = self.text[self.places[colon] + 1 : self.places[colon + 1]].strip(_BLANK)
        return between.decode() or chr(self.signs[colon + 1])

    def elements(self, opening: int) -> pl.Series:
        """The texts of a list's elements."""
        closing = self.closing(opening)
        inside = slice(opening, closing)
        commas = (self.signs[inside] == ord(",")) & (self.depths[inside] == self.depths[opening])
        buffer = np.frombuffer(self.text, np.uint8)[self.places[opening] + 1 : self.places[closing]].copy()
        buffer[self.places[inside][commas] - self.places[opening] - 1] = _BETWEEN_RECORDS
        whole = pl.Series([buffer.tobytes()], dtype=pl.Binary).cast(pl.String)
        texts = whole.str.split(chr(_BETWEEN_RECORDS)).explode().str.strip_chars()
        return texts[:-1] if texts[-1] == "" else texts  # an empty list, or a comma after the last element


_STEPS = np.zeros(256, np.int8)
_STEPS[[ord("{"), ord("[")]] = 1
_STEPS[[ord("}"), ord("]")]] = -1
_STRUCTURAL = _STEPS != 0
_STRUCTURAL[[ord(","), ord(":")]] = True


def _quotes(buffer: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Where strings begin and end: the quotes with an even number of backslashes before them."""
    quotes = np.flatnonzero(buffer == ord('"'))
    slashes = np.flatnonzero(buffer == ord("\\"))
    if slashes.size == 0:
        return quotes
    begins = np.concatenate(([True], np.diff(slashes) > 1))
    runs = slashes[begins]
    last = np.searchsorted(slashes, quotes) - 1  # the backslash before each quote
    run = runs[np.maximum(np.searchsorted(runs, quotes) - 1, 0)]
    escaped = (last >= 0) & (slashes[np.maximum(last, 0)] == quotes - 1) & ((quotes - run) % 2 == 1)
    return quotes[~escaped]


def _opening_of_list(structure: _Structure, records: str | None) -> int | None:
    """The bracket that opens the list of records; None where there is a null in its place."""
    at, seen = 0, "the document"
    value = chr(structure.signs[0]) if structure.signs.size else "a plain value"
    for name in records.split(".") if records else ():
        members = structure.members(at) if value == "{" else {}
        if name not in members:
            raise UnreadableFileError(f"{seen} has no {name}{_shown(structure, members)}")
        seen, value = name, structure.value(members[name])
        at = members[name] + 1
    if value == "null" and records:
        return None
    if value != "[":
        members = structure.members(at) if value == "{" else {}
        raise UnreadableFileError(
            f"{seen} is no list of records{_shown(structure, members)}. Name the list with records"
        )
    return at


def _shown(structure: _Structure, members: dict[str, int]) -> str:
    lists = [n for n, colon in members.items() if _NAME.fullmatch(n) and structure.value(colon) == "["]
    return f"; it has the lists {', '.join(lists[:_MOST_NAMES])}" if lists else ""


def _is_json(text: bytes) -> bool:
    table = pa.table({"text": pa.array([text.decode()], pa.large_string())})
    with engine().cursor() as connection:
        connection.register("document", table)
        return bool(connection.execute("select json_valid(text) from document").fetchall()[0][0])


def _complaint(text: bytes) -> str:
    """Why a text is no JSON, without what stands in it."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and _is_json(text.partition(b"\n")[0]):
            return "the file holds one JSON value per line: declare format: jsonl"
        where = f"line {error.lineno}, column {error.colno}"
        ends = error.pos >= len(text.decode().rstrip()) or error.msg.startswith("Unterminated")
        cut_off = " The file ends in the middle of it." if ends else ""
        return f"the file is no JSON document: {where} ({error.msg.partition(':')[0]}).{cut_off}"
    except RecursionError:
        return "the file is no JSON document: its brackets are nested too deeply"
    return "the file is no JSON document"
