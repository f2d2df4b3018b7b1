"""SPSS: .sav and .zsav files. Every value as text, numbers without a needless ``.0``.

An answer is given as its code, never as its value label: codes stay when a label's wording is corrected. A
value that its author declared missing is none. Dates are ISO 8601; SPSS knows no time zones.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pyarrow as pa

from pipelines.formats.document import Document, ReadOptions, Tabular
from pipelines.formats.memory import available_memory
from pipelines.formats.records import Records, UnreadableFileError, from_table
from pipelines.formats.text import read_bytes

# Of a laptop, a gigabyte takes a minute or two; what takes longer hangs.
TIMEOUT_SECONDS = 600
# By the name of the format in which SPSS shows a number, without its width: the number is seconds since 1582.
_DATES = ("ADATE", "DATE", "EDATE", "JDATE", "MOYR", "QYR", "SDATE", "WKYR")
_TIMES = ("DATETIME", "YMDHMS")
_FIRST_DAY = -12_219_379_200  # of the calendar, 1582-10-14, in seconds since 1970
_LAST_SECOND = 253_402_300_799  # of the year 9999
_BEGINNINGS = (b"$FL2", b"$FL3", b"\x5b\xc6\xd3\xf2")  # .sav, .zsav, and .sav of a mainframe
_LAST_WHOLE_NUMBER = 2.0**53  # a double counts no further without gaps


def open_spss(path: Path, _options: ReadOptions) -> Document:
    """The cases of a file.

    Raises:
        UnreadableFileError: the file is none of SPSS, damaged or cut off.
    """
    return Tabular(read_spss(read_bytes(path)))


def read_spss(data: bytes) -> Records:
    """Read a file's bytes; a record's line is the number of its case, from 1.

    ``labels`` hold each variable's label and what its codes mean.

    Raises:
        UnreadableFileError: see ``open_spss``.
    """
    found = _read_apart(data)
    described = {key.decode(): json.loads(value) for key, value in (found.schema.metadata or {}).items()}
    columns = pl.DataFrame(pl.from_arrow(found))
    formats = described["formats"]
    return from_table(
        pl.DataFrame([_as_text(column, formats[column.name]) for column in columns]),
        labels=_labels(described["labels"], described["codes"]),
    )


def _read_apart(data: bytes) -> pa.Table:
    """What ``spss_process`` reads: see there why it is a process of its own."""
    if not data.startswith(_BEGINNINGS):
        raise UnreadableFileError(
            "the file is no SPSS file, whatever its name says. If it opens as text, declare format: csv"
        )
    program = Path(__file__).with_name("spss_process.py")
    try:
        # -P: the modules beside the program, such as text, are none of its own
        done = subprocess.run(  # noqa: S603 - our own program, without a shell
            [sys.executable, "-P", str(program), str(available_memory())],
            input=data,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnreadableFileError(
            f"reading the SPSS file took longer than {TIMEOUT_SECONDS} seconds. Is it damaged? "
            f"If not, export it as CSV"
        ) from None
    if done.returncode != 0:  # 2: refused; anything else: the library fell over it
        raise UnreadableFileError(
            "the SPSS file cannot be read: it is damaged, cut off, or holds more than memory does. Export it "
            "again, or as CSV"
        )
    with pa.ipc.open_stream(done.stdout) as stream:
        return stream.read_all()


def _as_text(column: pl.Series, shown_as: str) -> pl.Series:
    if column.dtype == pl.String:
        return column
    plain = _numbers_as_text(column)
    kind = shown_as.rstrip("0123456789.")
    if kind not in (*_DATES, *_TIMES):
        return plain
    seconds = column + _FIRST_DAY
    possible = seconds.set(~seconds.is_between(_FIRST_DAY, _LAST_SECOND), None)
    times = (possible * 1_000_000).cast(pl.Int64).cast(pl.Datetime("us"))
    shown = times.dt.strftime("%Y-%m-%d" if kind in _DATES else "%Y-%m-%d %H:%M:%S%.f")
    return shown.zip_with(shown.is_not_null(), plain)  # a number that is no time is refused by the mapping


def _numbers_as_text(numbers: pl.Series) -> pl.Series:
    whole = (numbers == numbers.round()) & (numbers.abs() < _LAST_WHOLE_NUMBER)
    return numbers.cast(pl.Int64, strict=False).cast(pl.String).zip_with(whole, numbers.cast(pl.String))


def _labels(
    variables: dict[str, str | None], codes: dict[str, list[tuple[float | str, str]]]
) -> dict[str, str]:
    texts = {name: label or "" for name, label in variables.items()}
    for name, meanings in codes.items():
        listed = ", ".join(f"{_code(code)} = {meaning}" for code, meaning in meanings)
        texts[name] = f"{texts[name]} ({listed})".strip()
    return {name: text for name, text in texts.items() if text}


def _code(code: float | str) -> str:
    return f"{code:g}" if isinstance(code, float) else str(code)
