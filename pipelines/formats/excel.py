"""Excel workbooks (.xlsx, .xlsb, .xls, also .ods): one sheet, every value as text.

A number reads as it was typed (``5``, ``4.5``), whatever its cell shows; a date is ISO 8601; an error of a
formula is its name (``#N/A``), so that it is refused where a number is wanted and lost nowhere.
"""

from __future__ import annotations

import io
import lzma
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from pipelines.formats.delimited import column_names
from pipelines.formats.document import Document, ReadOptions, Tabular
from pipelines.formats.records import LINE, Records, UnreadableFileError, from_table
from pipelines.formats.text import read_bytes

if TYPE_CHECKING:
    import fastexcel

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"  # how workbooks begin, those of today and those before 2007
# What zipfile raises for archives with flipped bits, found by flipping them.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
# A sheet is held in memory several times over while it is read; a full one of ordinary width is a third of this.
MAXIMUM_WORKBOOK_BYTES = 1024**3
_ERROR = re.compile(r"Error\((\w+)\)")
_ERRORS = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
}


def open_excel(path: Path, options: ReadOptions) -> Document:
    """The rows of one sheet.

    Raises:
        UnreadableFileError: the file is no workbook, it is damaged, or which sheet is meant is not clear.
    """
    return Tabular(read_excel(read_bytes(path, MAXIMUM_WORKBOOK_BYTES), options))


def read_excel(data: bytes, options: ReadOptions) -> Records:
    """Read a workbook's bytes; a record's line is its row as Excel counts. Blank rows are no records.

    Raises:
        UnreadableFileError: see ``open_excel``.
    """
    import fastexcel

    _refuse_other_files(data)
    try:
        workbook = fastexcel.read_excel(data)
        cells = _cells(workbook, _sheet_name(workbook, options.sheet))
    except fastexcel.FastExcelError as error:
        raise UnreadableFileError(
            f"the workbook cannot be read ({type(error).__name__}). Is it damaged, or protected by a password?"
        ) from None
    filled = cells.with_row_index(LINE, offset=1).filter(~pl.all_horizontal(pl.exclude(LINE).is_null()))
    rows = filled.filter(pl.col(LINE) > options.skip_rows).cast({LINE: pl.Int64})
    if rows.height < options.header_rows:
        raise UnreadableFileError(
            "the sheet has no header: below skip_rows it has fewer rows than header_rows"
        )
    body = rows.slice(options.header_rows)
    table = _named(rows.drop(LINE), body.drop(LINE), options)
    known = pl.all().is_in(options.null_values)
    return from_table(table.with_columns(pl.when(~known).then(pl.all())), lines=body[LINE])


def _refuse_other_files(data: bytes) -> None:
    """Say what a file is that is no workbook, and refuse one that memory would not hold, or that is damaged."""
    if data.startswith(_ZIP):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                unpacked = sum(part.file_size for part in archive.infolist())
                # The reader itself takes a flipped bit for another digit: checksums are for us to compare.
                damaged = unpacked <= MAXIMUM_WORKBOOK_BYTES and archive.testzip() is not None
        except _DAMAGE:
            damaged, unpacked = True, 0
        if damaged:
            raise UnreadableFileError("the workbook is damaged or cut off")
        if unpacked > MAXIMUM_WORKBOOK_BYTES:
            raise UnreadableFileError(
                f"the workbook unpacks to more than {MAXIMUM_WORKBOOK_BYTES // 1024**2:,} MiB; export it as CSV"
            )
    elif not data.startswith(_OLE):
        raise UnreadableFileError(
            "the file is no workbook, whatever its name says. If it opens as text, declare format: csv"
        )


def _sheet_name(workbook: fastexcel.ExcelReader, wanted: str | None) -> str:
    names = workbook.sheet_names
    shown = ", ".join(map(repr, names))
    if wanted is not None:
        if wanted not in names:
            raise UnreadableFileError(f"the workbook has no sheet {wanted!r}; it has {shown}")
        return wanted
    filled = names if len(names) == 1 else [name for name in names if _cells(workbook, name).height]
    if len(filled) > 1:
        raise UnreadableFileError(
            f"the workbook has several sheets: {shown}. Name the one to read: sheet: NAME"
        )
    return filled[0] if filled else names[0]


def _cells(workbook: fastexcel.ExcelReader, sheet: str) -> pl.DataFrame:
    """All cells from the first row on, as text."""
    loaded = workbook.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string")
    batch, errors = loaded.to_arrow_with_errors()
    cells = pl.DataFrame(pl.from_arrow(batch))
    if errors is None:
        return cells
    found = pl.DataFrame(
        [(*error.offset_position, _error_name(error.detail)) for error in errors.errors],
        schema={"row": pl.Int64, "column": pl.Int64, "error": pl.String},
        orient="row",
    )
    return cells.with_columns(
        cells.to_series(int(column)).scatter(places["row"], places["error"])
        for (column,), places in found.group_by("column")
    )


def _error_name(detail: str) -> str:
    found = _ERROR.search(detail)
    return _ERRORS.get(found.group(1), "#ERROR!") if found else "#ERROR!"


def _named(rows: pl.DataFrame, body: pl.DataFrame, options: ReadOptions) -> pl.DataFrame:
    """The body with its columns' names, without columns that hold neither a name nor a value.

    A blank or merged cell of the header leaves a column without a name: it is named after its place.
    """
    if options.columns is not None:
        if len(options.columns) != body.width:
            raise UnreadableFileError(
                f"columns names {len(options.columns)} columns, but the sheet has {body.width}"
            )
        return body.rename(dict(zip(body.columns, options.columns, strict=True)))
    header = [str(cell or "").strip() for cell in rows.row(0)]
    used = [n for n, name in enumerate(header) if name or body.to_series(n).null_count() < body.height]
    names = column_names(header)
    return body.select(body.to_series(n).alias(names[n]) for n in used)
