"""How an unknown file can be read: its format, encoding, delimiter, quote and header, each a guess with its reason.

For a person to confirm. Ingestion reads what is declared and never comes here.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipelines.first_look.preview import BEGINNING_BYTES, open_file, options_of
from pipelines.first_look.vocabulary import words
from pipelines.formats.delimited import Split, split_records
from pipelines.formats.document import ReadOptions, text_of
from pipelines.formats.records import LINE, RECORD, Records, UnreadableFileError
from pipelines.formats.registry import FORMATS
from pipelines.formats.text import as_utf8, read_beginning, read_prefix
from pipelines.settings.presets import with_preset

_MAGIC = {
    b"PAR1": "parquet",
    b"$FL2": "spss",
    b"$FL3": "spss",
    b"PK\x03\x04": "excel",
    b"\xd0\xcf\x11\xe0": "excel",
}
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# In the order of how seldom a text in another encoding fits them by chance.
_ENCODINGS = ("cp932", "euc_jp", "gb18030", "euc_kr", "cp1252", "latin-1")
# Of Japanese also 々 and 。, and the signs that firms are written with: ㈱, ①, Ⅱ.
_JAPANESE = "\u3000-\u30ff\u4e00-\u9fff\uff00-\uff9f\u3200-\u33ff\u2460-\u2473\u2160-\u217f"
_LETTERS = {
    "cp932": _JAPANESE,
    "euc_jp": _JAPANESE,
    "gb18030": "\u4e00-\u9fff",
    "euc_kr": "\uac00-\ud7af",
    "cp1252": "\u00c0-\u024f",
    "latin-1": "\u00c0-\u024f",
}
_JUDGED_BYTES = 256 * 1024  # of the text: the records of one export are alike
_ZEROS = 0.5  # of every other byte: blanks, digits and signs of CSV are ASCII in any language
_MOST_FIELDS = 0.5  # exports leave out what nobody has filled in
_DELIMITERS = (",", ";", "\t", "|")
_QUOTES = ('"', None, "'")
_SOUND = 0.9  # of the records: a few broken ones are typing errors
_NAMES_OF_SIGNS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_MADE_BY_READER = re.compile(r"^_(response_id|submitted_at)$")
_TIME_COLUMNS = (
    "timestamp",
    "zeitstempel",
    "horodateur",
    "marca temporal",
    "carimbo de data/hora",
    "タイムスタンプ",
)
_TRIED_RECORDS = 200
_PLACE = re.compile(r"^column_\d+$")  # a column of a sheet whose header cell is blank
_ROWS_ABOVE = 20  # of a sheet's header: a title, a date, who made it
_NUMBER = r"^[+-]?\d+([.,]\d+)?$|^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"


@dataclass(frozen=True)
class ReadingGuess:
    """How to read a file.

    Attributes:
        options: those that are not the format's usual ones, as settings name them.
        reasons: why, for ``format`` and each option, and what else is possible.
        records: what was read in this way.
        partial: whether that is only the beginning of the file.
        explodes: of records with lists of objects inside, the lists.
    """

    format: str
    options: Mapping[str, Any]
    reasons: Mapping[str, str]
    records: Records
    partial: bool
    explodes: tuple[str, ...] = field(default=())


def guess_reading(path: Path, format_: str | None = None, sheet: str | None = None) -> ReadingGuess:
    """Guess how a file is read.

    Args:
        format_, sheet: where they are known.

    Raises:
        UnreadableFileError: no format reads the file; the message names the nearest one's complaint.
    """
    head = read_prefix(path, BEGINNING_BYTES + 1)
    if not head.strip():
        raise UnreadableFileError("the file is empty")
    options: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    named = format_ or _by_content(head)
    if named is None or "encoding" in FORMATS[named].options:
        encoding, reason = guess_encoding(head[:BEGINNING_BYTES], whole=len(head) <= BEGINNING_BYTES)
        if encoding != "utf-8":
            options["encoding"] = encoding
        reasons["encoding"] = reason
        text = as_utf8(read_beginning(path, _JUDGED_BYTES, encoding, None), encoding)
        if named is None:
            named, reasons["format"] = _by_text(text)
        if named == "json":
            _find_records(text_of(path, ReadOptions(encoding=encoding)), options, reasons)
        if "delimiter" in FORMATS[named].options:
            _find_signs(text, options, reasons)
    else:
        reasons["format"] = f"the first bytes are those of {named}"
    if format_ is None and named in ("csv", "json", "jsonl"):
        vendor = _of_a_vendor(path, named, options)
        if vendor is not None:
            reasons["format"] = f"its columns are those of {vendor}"
            options.pop("records", None)  # its preset says it
            return _read(path, vendor, _known(options, vendor), reasons)
    if named in ("csv", "whitespace"):
        _find_header(path, named, options, reasons)
    if sheet is not None and named != "excel":
        raise UnreadableFileError("the file is no workbook, so it has no sheets: leave --sheet out")
    if named == "excel":
        options |= {"sheet": sheet} if sheet is not None else {}
        _find_title(path, options, reasons)
    return _read(path, named, _known(options, named), reasons)


def _known(options: Mapping[str, Any], format_: str) -> dict[str, Any]:
    """What of the options the format reads."""
    return {name: value for name, value in options.items() if name in FORMATS[format_].options}


def _read(
    path: Path,
    format_: str,
    options: dict[str, Any],
    reasons: Mapping[str, str],
    size: int = BEGINNING_BYTES,
) -> ReadingGuess:
    partial = FORMATS[format_].has_beginning and len(read_prefix(path, size + 1)) > size
    beginning = size if partial else None
    _, records, explodes = open_file(
        path, format_, ReadOptions(**options_of(format_, options)), beginning=beginning
    )
    return ReadingGuess(format_, options, reasons, records, partial, tuple(explodes))


def _by_content(head: bytes) -> str | None:
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def guess_encoding(data: bytes, *, whole: bool) -> tuple[str, str]:
    """The likeliest encoding, and in words why, with what else is possible.

    Args:
        whole: whether ``data`` is all there is; else its last sign may be cut.
    """
    for mark, name in _MARKS.items():
        if data.startswith(mark):
            return name, f"the file begins with the byte-order mark of {name}"
    for name, offset in (("utf-16-be", 0), ("utf-16-le", 1)):
        half = data[offset:_JUDGED_BYTES:2]
        if half.count(0) > _ZEROS * len(half):
            return name, f"A GUESS TO CONFIRM: every other byte is zero, as in {name}"
    if data.isascii():
        return "utf-8", "ASCII alone so far: read the same in every usual encoding"
    fitting = {
        name: text for name in ("utf-8", *_ENCODINGS) if (text := _decoded(data, name, whole)) is not None
    }
    if "utf-8" in fitting:
        return "utf-8", "every byte fits UTF-8, which text in another encoding does not do by chance"
    ranked = sorted(fitting, key=lambda name: -_plausible(fitting[name], name))
    others = ", ".join(ranked[1:4])
    return (
        ranked[0],
        f"A GUESS TO CONFIRM: the bytes are no UTF-8; they fit {ranked[0]} best, and also {others}. "
        f"Look at names with: kizuna source preview FILE --values",
    )


def _decoded(data: bytes, encoding: str, whole: bool) -> str | None:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data, final=whole)
    except UnicodeError:
        return None


def _plausible(text: str, encoding: str) -> float:
    """Share of the signs beyond ASCII that are letters which people who use the encoding write."""
    beyond = re.findall(r"[^\x00-\x7f]", text)
    if not beyond:
        return 0.0
    # GB18030 has every Chinese sign there ever was, so that any bytes are some; people write those of GB 2312.
    written = text.encode("gb2312", "ignore").decode("gb2312") if encoding == "gb18030" else text
    usual = len(re.findall(f"[{_LETTERS[encoding]}]", written))
    kana = len(re.findall(r"[\u3040-\u30ff]", text)) if encoding in ("cp932", "euc_jp") else 0
    doubtful = len(re.findall(r"[\x80-\x9f\ue000-\uf8ff]", text))
    halfwidth = len(re.findall(r"[\uff61-\uff9f]", text))
    # Inside Latin words stand é and ü, never a Chinese or Korean sign.
    within_words = len(re.findall(r"(?<=[a-z])[\u3040-\uffff]|[\u3040-\uffff](?=[a-z])", text))
    return (usual + kana - 2 * doubtful - halfwidth - 2 * within_words) / len(beyond)


def _by_text(text: bytes) -> tuple[str, str]:
    start = text.lstrip()[:1]
    if start in (b"{", b"["):
        lines = [line for line in text.splitlines()[:_TRIED_RECORDS] if line.strip()]
        whole = lines[:-1] if len(lines) > 1 else lines  # the last may be cut
        holds_list = len(lines) == 1 and _is_object(lines[0]) and any(_lists(json.loads(lines[0]), ""))
        if start == b"{" and all(_is_object(line) for line in whole) and not holds_list:
            return "jsonl", "each line is a JSON object"
        return "json", "the file begins like a JSON document"
    separated = _best_signs(text)
    if separated is not None:
        return (
            "csv",
            f"the first records have {separated[2]} fields each, separated by a {_NAMES_OF_SIGNS[separated[0]]}",
        )
    blanks = split_records(
        re.sub(rb"[ \t]+", b"\x1f", re.sub(rb"(?m)^[ \t]+|[ \t\r]+$", b"", text)), "\x1f", None
    )
    if blanks.fields.size and _steady(blanks)[1] > 1:
        return "whitespace", f"the first lines have {_steady(blanks)[1]} words each, aligned by blanks"
    return "csv", "a single column"


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _steady(split: Split) -> tuple[float, int]:
    """The commonest number of fields, and in which share of the first records it is found."""
    fields = split.fields[:_TRIED_RECORDS]
    counts = np.bincount(fields)
    return float(counts.max() / fields.size), int(counts.argmax())


def _best_signs(text: bytes) -> tuple[str, str | None, int] | None:
    """Delimiter, quote and number of fields with which most records agree; None: no delimiter separates anything.

    Double quotes are usual: another quote, or none, is right only where they make no sense.
    """
    found = [
        (score, delimiter, quote, fields)
        for quote in _QUOTES
        for delimiter in _DELIMITERS
        for score, fields in (_agreement(text, delimiter, quote),)
        if fields > 1
    ]
    usual = [guess for guess in found if guess[2] == _QUOTES[0]]
    sound = [guess for guess in usual if guess[0] >= _SOUND]
    best = max(sound or found, default=None, key=lambda guess: (guess[0], guess[3]))
    return None if best is None else (best[1], best[2], best[3])


def _agreement(text: bytes, delimiter: str, quote: str | None) -> tuple[float, int]:
    """In which share of the first records a number of fields is found, less those with a broken quote."""
    try:
        split = split_records(text, delimiter, quote)
    except UnreadableFileError:
        return 0.0, 0
    if split.fields.size == 0:
        return 0.0, 0
    share, fields = _steady(split)
    return share - float(split.broken[:_TRIED_RECORDS].mean()), fields


def _find_signs(text: bytes, options: dict[str, Any], reasons: dict[str, str]) -> None:
    found = _best_signs(text)
    if found is None:
        return
    delimiter, quote, fields = found
    if delimiter != ",":
        options["delimiter"] = delimiter
        reasons["delimiter"] = f"separates {fields} fields in nearly every record"
    if quote != '"':
        options["quote"] = quote
        reasons["quote"] = (
            "double quotes stand in the middle of values" if quote is None else "encloses values"
        )


def _find_records(text: bytes, options: dict[str, Any], reasons: dict[str, str]) -> None:
    """The longest list of objects in a JSON document."""
    try:
        document = json.loads(text)
    except ValueError:
        return  # cut off, or none: opening it says so
    lists = dict(_lists(document, ""))
    if lists and "" not in lists:
        options["records"] = max(lists, key=lambda path: lists[path])
        reasons["records"] = f"the longest list of objects, with {lists[options['records']]:,}"


def _lists(value: Any, path: str) -> Iterator[tuple[str, int]]:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        yield path, len(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _lists(inner, f"{path}.{name}" if path else name)


def _of_a_vendor(path: Path, plain: str, options: Mapping[str, Any]) -> str | None:
    """The vendor's format whose preset finds its columns in the file; the one that reads the most of them."""
    found: dict[str, int] = {}
    for name, format_ in FORMATS.items():
        reads_json = "records" in format_.options
        if format_.preset is None or reads_json != (plain != "csv"):
            continue
        if options.get("records", "") not in ("", options_of(name, {}).get("records")):
            continue
        wanted = _columns_of_preset(name)
        given = {option: value for option, value in options.items() if option != "records"}
        try:
            reading = _read(path, name, _known(given, name), {}, _JUDGED_BYTES)
        except UnreadableFileError:
            continue
        columns = [column for column in reading.records.frame.columns if column not in (RECORD, LINE)]
        if _is_of(name, wanted, columns) or ("records" in options and not wanted):
            found[name] = len(wanted & set(columns))
    return max(found, key=lambda name: found[name]) if found else None


def _columns_of_preset(name: str) -> set[str]:
    """The columns that a vendor's files must have for its preset."""
    found: set[str] = set()
    for table in with_preset({"format": name})["tables"]:
        if "explode" in table:
            continue
        for origin in table.get("columns", {}).values():
            if isinstance(origin, str):
                found.add(origin)
            elif not origin.get("optional"):
                found |= {origin["column"]} if "column" in origin else set()
                found |= set(pl.sql_expr(origin["sql"]).meta.root_names()) if "sql" in origin else set()
    return {column for column in found if not _MADE_BY_READER.match(column)}


def _is_of(name: str, wanted: set[str], columns: Sequence[str]) -> bool:
    if name == "google_forms":  # it has no column of its own but the time
        return columns[0].casefold() in _TIME_COLUMNS
    if name == "surveymonkey":  # people remove columns before they hand an export on
        return words(columns[0])[:2] in (["respondent", "id"], ["respondentid"])
    if FORMATS[name].has_lists:  # the list's name has been found; a field that no record has is no column
        return bool(wanted) and len(wanted & set(columns)) >= _MOST_FIELDS * len(wanted)
    return bool(wanted) and wanted <= set(columns)


def _find_header(path: Path, format_: str, options: dict[str, Any], reasons: dict[str, str]) -> None:
    """Whether the first record names the columns: names are no numbers and no dates."""
    known = _known(options, format_)
    try:
        guess = _read(path, format_, known, {}, _JUDGED_BYTES)
    except UnreadableFileError:
        names: list[str] = []  # doubled ones, such as numbers: no header
    else:
        names = [name for name in guess.records.frame.columns if name not in (RECORD, LINE)]
        if not any(re.match(_NUMBER, name) for name in names):
            return
    headless = _width(path, format_, known)
    if headless is None:
        return
    options |= {"header_rows": 0, "columns": tuple(f"column_{n}" for n in range(1, headless + 1))}
    reasons["header_rows"] = "the first record holds numbers or dates, so it is no header; name the columns"


def _find_title(path: Path, options: dict[str, Any], reasons: dict[str, str]) -> None:
    """Whether rows of a sheet stand above its header, such as a title: they are narrower than the table."""
    records = _read(path, "excel", options, {}).records
    cells = records.frame.drop(RECORD, LINE)
    named = sum(not _PLACE.match(name) for name in cells.columns)
    if named > cells.width / 2:
        return
    whole = pl.all_horizontal(pl.exclude(RECORD, LINE).is_not_null())
    first = records.frame.head(_ROWS_ABOVE).filter(whole).head(1)
    names = first.drop(RECORD, LINE)
    if first.is_empty() or any(re.match(_NUMBER, str(name)) for name in names.row(0)):
        return
    options["skip_rows"] = first[LINE][0] - 1
    reasons["skip_rows"] = "what stands above is narrower than the table, like a title"


def _width(path: Path, format_: str, options: Mapping[str, Any]) -> int | None:
    encoding = options.get("encoding", "utf-8")
    text = as_utf8(read_beginning(path, _JUDGED_BYTES, encoding, None), encoding)
    if format_ == "whitespace":
        return len(text.split(b"\n", 1)[0].split())
    split = split_records(text, options.get("delimiter", ","), options.get("quote", '"'))
    return _steady(split)[1] if split.fields.size else None
