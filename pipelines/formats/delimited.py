"""Delimited text (CSV, TSV, columns aligned by blanks), split into records before it is parsed.

polars parses the fields; this module decides what a record is. It has to, because no CSV reader we know
says which record of a file is broken, on which line it starts and how it reads, while it delivers all
the others: polars fills short records with nulls without a word and gives up a file for one stray
quote, DuckDB reports neither the line of an accepted row nor, reliably, the text of a rejected one.

The splitting is a few passes of NumPy over the bytes. A newline ends a record where the number of
quotes before it is even (RFC 4180: a quote inside a quoted field is doubled, which keeps the parity).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.formats.memory import require_memory
from pipelines.formats.records import LINE, RECORD, Records, UnreadableFileError, rejected_frame, trimmed

Positions = npt.NDArray[np.int64]

_NEWLINE, _RETURN = ord("\n"), ord("\r")
_BLANKS_AS_DELIMITER = "\x1f"  # the "unit separator": no text file has it in a value
# A handful of broken quotes are typing errors; a thousand mean that the quote is declared wrongly.
MAXIMUM_BROKEN_QUOTES = 1000
# Bytes of memory that splitting takes for each newline and each delimiter, measured: text that is made of
# them, such as an unpacked bomb, takes ten times the memory of ordinary text.
_NEWLINE_MEMORY, _DELIMITER_MEMORY = 50, 16
_SHOWN = 20  # columns in a message
# A sheet has 16,384 at most and an SPSS file 32,767; more are no columns, and a million of them take a minute.
MAXIMUM_COLUMNS = 40_000
_HEADER_BYTES = (
    1024**2
)  # enough for the question texts of a long survey; where not, the whole file is looked at


@dataclass(frozen=True)
class Split:
    """Where the records of a text lie. All arrays have one entry per record, in file order.

    Attributes:
        starts, ends: byte offsets; the line end is outside.
        lines: first line of the record, from 1.
        fields: number of fields.
        broken: whether a quote opens or closes in the wrong place.
    """

    starts: Positions
    ends: Positions
    lines: Positions
    fields: Positions
    broken: npt.NDArray[np.bool_]


def read_delimited(
    text: bytes,
    *,
    delimiter: str,
    quote: str | None,
    header_rows: int,
    columns: tuple[str, ...] | None,
    null_values: tuple[str, ...],
) -> Records:
    """Read UTF-8 text.

    Args:
        header_rows: how many records are no data; the first of them names the columns.
        columns: names them instead: without a header, or where its names take more than its first row.

    Raises:
        UnreadableFileError: no header, doubled column names, or hardly a record with sound quotes.
    """
    text = _with_newlines(text)
    split = split_records(text, delimiter, quote)
    return _parse(text, text, split, delimiter, quote, header_rows, columns, null_values)


def read_blank_aligned(
    text: bytes, *, header_rows: int, columns: tuple[str, ...] | None, null_values: tuple[str, ...]
) -> Records:
    """Read UTF-8 text whose columns are aligned by runs of blanks, so that no value has one inside."""
    lines = re.sub(rb"^[ \t]+|[ \t\r]+$", b"", _with_newlines(text), flags=re.MULTILINE)
    fields = re.sub(rb"[ \t]+", _BLANKS_AS_DELIMITER.encode(), lines)
    split = split_records(fields, _BLANKS_AS_DELIMITER, None)
    return _parse(fields, lines, split, _BLANKS_AS_DELIMITER, None, header_rows, columns, null_values)


def read_header(text: bytes, rows: int, *, delimiter: str, quote: str | None) -> list[list[str]]:
    """The cells of the first records, trimmed: for formats whose header is more than one row of names.

    Raises:
        UnreadableFileError: there are fewer records, they differ in their number of fields, or have a quote
            in the wrong place.
    """
    text = _with_newlines(text)
    split = split_records(text[:_HEADER_BYTES], delimiter, quote)
    if split.starts.size <= rows or split.broken[:rows].any():  # cut off in mid-header
        split = split_records(text, delimiter, quote)
    if split.starts.size < rows:
        raise UnreadableFileError(f"the file has fewer than the {rows} rows that its header takes")
    if split.broken[:rows].any():
        raise UnreadableFileError(
            "the header has a quote in the wrong place. Are delimiter and quote declared rightly?"
        )
    if len(set(split.fields[:rows].tolist())) > 1:
        raise UnreadableFileError(
            f"the first {rows} rows differ in their number of fields, so they are no header. "
            f"Is the delimiter right?"
        )
    _require_sensible_width(int(split.fields[0]))
    names = [f"column_{n}" for n in range(split.fields[0])]
    cells = _read_fields(_joined(text, split, np.arange(rows)), names, delimiter, quote, ())
    return [[str(cell or "").strip() for cell in row] for row in cells.rows()]


def _with_newlines(text: bytes) -> bytes:
    """Spreadsheets on old Macs end a line by a carriage return alone."""
    return text if b"\n" in text else text.replace(b"\r", b"\n")


def split_records(text: bytes, delimiter: str, quote: str | None) -> Split:
    """Find the records of UTF-8 text; blank lines are none."""
    if not text:
        none = np.empty(0, np.int64)
        return Split(none, none, none, none, np.empty(0, np.bool_))
    buffer = np.frombuffer(text, np.uint8)
    _require_memory(text, delimiter)
    newlines = np.flatnonzero(buffer == _NEWLINE)
    quotes = np.flatnonzero(buffer == ord(quote)) if quote else np.empty(0, np.int64)
    sound, broken_spans = _sound_quotes(buffer, newlines, quotes, ord(delimiter))

    inside = _inside_quotes(len(text), sound)  # by byte
    ends = newlines[~inside[newlines]] if sound.size else newlines
    for start, end in broken_spans:
        ends = ends[(ends < start) | (ends >= end)]
    if not text.endswith(b"\n"):
        ends = np.append(ends, len(text))
    starts = np.concatenate(([0], ends[:-1] + 1)) if ends.size else ends

    delimiters = np.flatnonzero(buffer == ord(delimiter))
    if sound.size:
        delimiters = delimiters[~inside[delimiters]]
    fields = np.diff(np.searchsorted(delimiters, np.append(starts, len(text)))) + 1
    lines = np.searchsorted(newlines, starts) + 1

    returns = (
        (ends > starts) & (buffer[np.maximum(ends - 1, 0)] == _RETURN) if ends.size else np.empty(0, bool)
    )
    text_ends = ends - returns
    broken = np.isin(starts, [start for start, _ in broken_spans])
    filled = text_ends > starts
    return Split(starts[filled], text_ends[filled], lines[filled], fields[filled], broken[filled])


def _require_memory(text: bytes, delimiter: str) -> None:
    newlines, delimiters = text.count(b"\n"), text.count(delimiter.encode())
    require_memory(newlines * _NEWLINE_MEMORY + delimiters * _DELIMITER_MEMORY)


def _inside_quotes(length: int, quotes: Positions) -> npt.NDArray[np.bool_]:
    """For each byte that is no quote: whether it lies between an opening and a closing one."""
    if quotes.size == 0:
        return np.zeros(0, np.bool_)
    is_quote = np.zeros(length, np.bool_)
    is_quote[quotes] = True
    return np.logical_xor.accumulate(is_quote)


def _sound_quotes(
    buffer: npt.NDArray[np.uint8], newlines: Positions, quotes: Positions, delimiter: int
) -> tuple[Positions, list[tuple[int, int]]]:
    """Leave out the quotes of records in which one opens or closes in the wrong place.

    A stray quote flips the parity of the whole rest of the file, so the first broken record is cut out
    (from its start to the end of the line on which the trouble began) and the rest is looked at again.

    Returns:
        The remaining quotes, and the byte spans of the broken records.
    """
    sound: list[Positions] = []
    spans: list[tuple[int, int]] = []
    while quotes.size:
        wrong = _first_wrong(buffer, quotes, delimiter)
        if wrong is None:
            sound.append(quotes)
            break
        if len(spans) == MAXIMUM_BROKEN_QUOTES:
            raise UnreadableFileError(
                f"more than {MAXIMUM_BROKEN_QUOTES:,} records have quotes in the wrong place. "
                f"Is quote declared rightly (quote: null where the file has none)?"
            )
        opening = quotes[wrong]
        before = newlines[: np.searchsorted(newlines, opening)]
        record_ends = before[np.searchsorted(quotes, before) % 2 == 0]
        start = int(record_ends[-1]) + 1 if record_ends.size else 0
        after = np.searchsorted(newlines, opening)
        end = int(newlines[after]) if after < newlines.size else len(buffer)
        spans.append((start, end))
        sound.append(quotes[: np.searchsorted(quotes, start)])
        quotes = quotes[np.searchsorted(quotes, end) :]
    return (np.concatenate(sound) if sound else quotes), spans


def _first_wrong(buffer: npt.NDArray[np.uint8], quotes: Positions, delimiter: int) -> int | None:
    """Index of the first opening quote whose field does not open or close as it should."""
    opening, closing = quotes[0::2], quotes[1::2]
    before = buffer[np.maximum(opening - 1, 0)]
    reopens = np.concatenate(([False], opening[1:] == closing[: opening.size - 1] + 1))
    opens_rightly = (opening == 0) | (before == delimiter) | (before == _NEWLINE) | reopens
    last = len(buffer) - 1
    after = buffer[np.minimum(closing + 1, last)]
    next_after = np.where(closing + 2 > last, _NEWLINE, buffer[np.minimum(closing + 2, last)])
    ends_line = (after == _NEWLINE) | ((after == _RETURN) & (next_after == _NEWLINE))
    closes_rightly = (closing == last) | (after == delimiter) | ends_line
    closes_rightly[: opening.size - 1] |= reopens[1 : closing.size + 1]
    if closing.size < opening.size:  # the last one never closes
        closes_rightly = np.append(closes_rightly, False)
    wrong = np.flatnonzero(~(opens_rightly & closes_rightly))
    return int(wrong[0]) * 2 if wrong.size else None


def _parse(
    text: bytes,
    original: bytes,
    split: Split,
    delimiter: str,
    quote: str | None,
    header_rows: int,
    columns: tuple[str, ...] | None,
    null_values: tuple[str, ...],
) -> Records:
    offsets = split if original is text else split_records(original, _BLANKS_AS_DELIMITER, None)

    def texts(records: npt.NDArray[np.integer]) -> list[str]:
        return [original[offsets.starts[r] : offsets.ends[r]].decode() for r in records]

    if header_rows and split.starts.size == 0:
        raise UnreadableFileError("the file is empty: not even a header")
    names = list(columns) if columns else _names(text, split, delimiter, quote)
    _require_sensible_width(len(names))  # also of names that were declared, or guessed
    body = np.arange(split.starts.size) >= header_rows
    miscounted = split.fields != len(names)
    damaged = _holds_nul(text, split)
    bad = np.flatnonzero(body & (split.broken | miscounted | damaged))
    good = np.flatnonzero(body & ~split.broken & ~miscounted & ~damaged)

    frame = _read_fields(_joined(text, split, good), names, delimiter, quote, null_values)
    if frame.height != good.size:
        raise UnreadableFileError(
            f"{good.size:,} records were found but {frame.height:,} could be parsed. Are delimiter and quote right?"
        )
    return Records(
        frame=trimmed(frame).with_columns(
            pl.Series(RECORD, good, pl.Int64), pl.Series(LINE, split.lines[good], pl.Int64)
        ),
        rejected=rejected_frame(
            split.lines[bad].tolist(),
            [
                _reason(bool(split.broken[r]), int(split.fields[r]), len(names), is_damaged=bool(damaged[r]))
                for r in bad
            ],
            texts(bad),
        ),
        original_text=lambda records: texts(records.to_numpy()),
    )


def _holds_nul(text: bytes, split: Split) -> npt.NDArray[np.bool_]:
    """Which records hold a NUL byte. No text has one: a disk or a transfer has lost what stood there."""
    found = np.zeros(split.starts.size, np.bool_)
    if found.size and b"\0" in text:
        nuls = np.flatnonzero(np.frombuffer(text, np.uint8) == 0)
        records = np.searchsorted(split.starts, nuls, side="right") - 1
        inside = (records >= 0) & (nuls < split.ends[np.maximum(records, 0)])
        found[records[inside]] = True
    return found


def _reason(broken: bool, fields: int, expected: int, *, is_damaged: bool) -> str:
    if is_damaged:
        return "the record holds a NUL byte, so that something of it is lost"
    if broken:
        return "a quote opens or closes in the wrong place"
    return f"{fields} fields where the header has {expected}"


def _names(text: bytes, split: Split, delimiter: str, quote: str | None) -> list[str]:
    header = text[split.starts[0] : split.ends[0]] + b"\n"
    fields = int(split.fields[0])
    _require_sensible_width(fields)
    schema = {f"column_{n}": pl.String for n in range(fields)}
    if split.broken[0]:
        raise UnreadableFileError("the header has a quote in the wrong place. Is quote declared rightly?")
    return column_names(
        [str(name or "").strip() for name in _csv(header, schema, delimiter, quote, ()).row(0)]
    )


def _require_sensible_width(columns: int) -> None:
    if columns > MAXIMUM_COLUMNS:
        raise UnreadableFileError(
            f"the header has {columns:,} columns, more than any table ({MAXIMUM_COLUMNS:,}). "
            f"Is the delimiter right?"
        )


def column_names(cells: list[str]) -> list[str]:
    """The names that a header gives; a blank cell, which is common, is named after its place.

    Raises:
        UnreadableFileError: a name comes twice.
    """
    named = [name or f"column_{n}" for n, name in enumerate(cells, 1)]
    times = Counter(named)
    doubled = [str(n) for n, name in enumerate(named, 1) if times[name] > 1]
    if doubled:  # the names themselves are not shown: where a file has no header, they are somebody's data
        shown = ", ".join(doubled[:_SHOWN]) + (", ..." if len(doubled) > _SHOWN else "")
        raise UnreadableFileError(
            f"the columns {shown} of the header do not have names of their own. "
            f"Has the file a header (header_rows: 0 and columns where it has none)?"
        )
    return named


def _joined(text: bytes, split: Split, good: npt.NDArray[np.integer]) -> memoryview | bytes:
    """The good records as one text; a copy only of a file that has others in between."""
    if good.size == 0:
        return b""
    distance = split.starts[good[1:]] - split.ends[good[:-1]]
    returns = np.frombuffer(text, np.uint8)[split.ends[good[:-1]]] == _RETURN
    gaps = np.flatnonzero(distance > 1 + returns)  # more than one line end: something lies between
    firsts = good[np.concatenate(([0], gaps + 1))]
    lasts = good[np.concatenate((gaps, [good.size - 1]))]
    pieces = [text[split.starts[a] : split.ends[b]] for a, b in zip(firsts, lasts, strict=True)]
    return pieces[0] if len(pieces) == 1 else b"\n".join(pieces)


def _read_fields(
    text: memoryview | bytes,
    names: list[str],
    delimiter: str,
    quote: str | None,
    null_values: tuple[str, ...],
) -> pl.DataFrame:
    schema = dict.fromkeys(names, pl.String)
    if len(text) == 0:
        return pl.DataFrame(schema=schema)
    return _csv(bytes(text) + b"\n", schema, delimiter, quote, null_values)


def _csv(
    text: bytes,
    schema: dict[str, type[pl.String]],
    delimiter: str,
    quote: str | None,
    null_values: tuple[str, ...],
) -> pl.DataFrame:
    try:
        return pl.read_csv(
            text,
            has_header=False,
            schema=schema,
            separator=delimiter,
            quote_char=quote,
            null_values=list(null_values),
            infer_schema=False,
        )
    except pl.exceptions.PolarsError as error:  # its text can quote a value
        raise UnreadableFileError(
            f"the records cannot be parsed ({type(error).__name__}). Are delimiter and quote right?"
        ) from None
