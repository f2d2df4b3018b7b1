"""The formats that files can be declared to have, by the name that settings give them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.formats.delimited import read_blank_aligned, read_delimited
from pipelines.formats.document import Document, ReadOptions, Tabular, text_of
from pipelines.formats.excel import open_excel
from pipelines.formats.google_forms import read_google_forms
from pipelines.formats.json_document import json_document, json_export
from pipelines.formats.json_lines import json_lines
from pipelines.formats.limesurvey import read_limesurvey
from pipelines.formats.normalization import Normalized
from pipelines.formats.parquet import read_parquet
from pipelines.formats.qualtrics import read_qualtrics
from pipelines.formats.records import Records
from pipelines.formats.spss import open_spss
from pipelines.formats.surveymonkey import read_surveymonkey


@dataclass(frozen=True)
class Format:
    """One way of reading files.

    Attributes:
        open: gives the document; raises UnreadableFileError where the file as a whole cannot be read.
        options: the keys of ``ReadOptions`` that it reads.
        preset: name of the default mapping in ``presets/``, in the language of kizuna.yml; what a user
            writes wins over it.
        has_lists: whether records can hold lists to explode.
        has_beginning: whether the first records can be read without the others.
        kinds: of the asset, for Dagster's icons.
    """

    name: str
    open: Callable[[Path, ReadOptions], Document]
    options: frozenset[str] = frozenset()
    preset: str | None = None
    has_lists: bool = False
    has_beginning: bool = False
    kinds: frozenset[str] = frozenset()


def _open_csv(path: Path, options: ReadOptions) -> Document:
    return Tabular(
        read_delimited(
            text_of(path, options),
            delimiter=options.delimiter,
            quote=options.quote,
            header_rows=options.header_rows,
            columns=options.columns,
            null_values=options.null_values,
        )
    )


def _open_whitespace(path: Path, options: ReadOptions) -> Document:
    return Tabular(
        read_blank_aligned(
            text_of(path, options),
            header_rows=options.header_rows,
            columns=options.columns,
            null_values=options.null_values,
        )
    )


def _open_json_lines(path: Path, options: ReadOptions) -> Document:
    return json_lines(text_of(path, options))


def _open_json(path: Path, options: ReadOptions) -> Document:
    return json_document(text_of(path, options), options.records)


def _open_json_export(path: Path, options: ReadOptions) -> Document:
    return json_export(text_of(path, options), options.records)


def _open_parquet(path: Path, _options: ReadOptions) -> Document:
    return Tabular(read_parquet(path))


def _opens(read: Callable[[bytes, ReadOptions], Records]) -> Callable[[Path, ReadOptions], Document]:
    return lambda path, options: Tabular(read(text_of(path, options), options))


def _normalizes(open_: Callable[[Path, ReadOptions], Document]) -> Callable[[Path, ReadOptions], Document]:
    def normalized(path: Path, options: ReadOptions) -> Document:
        document = open_(path, options)
        return document if options.normalize is None else Normalized(document, options.normalize)

    return normalized


_TEXT = frozenset({"encoding", "normalize"})
_TABLE = _TEXT | {"header_rows", "columns", "null_values"}
_CSV = _TEXT | {"delimiter", "quote", "null_values"}
_SHEET = frozenset({"normalize", "sheet", "skip_rows", "header_rows", "columns", "null_values"})

FORMATS = {
    found.name: replace(found, open=_normalizes(found.open)) if "normalize" in found.options else found
    for found in (
        Format(
            "csv",
            _open_csv,
            _TABLE | {"delimiter", "quote"},
            has_beginning=True,
            kinds=frozenset({"csv"}),
        ),
        Format("whitespace", _open_whitespace, _TABLE, has_beginning=True, kinds=frozenset({"text"})),
        Format(
            "jsonl",
            _open_json_lines,
            _TEXT,
            has_lists=True,
            has_beginning=True,
            kinds=frozenset({"json"}),
        ),
        Format("json", _open_json, _TEXT | {"records"}, has_lists=True, kinds=frozenset({"json"})),
        *(
            Format(
                name,
                _open_json_export,
                _TEXT | {"records"},
                preset=name,
                has_lists=True,
                kinds=frozenset({"json"}),
            )
            for name in ("freshdesk", "freshdesk_activities", "intercom", "zendesk", "zendesk_audits")
        ),
        Format("parquet", _open_parquet, kinds=frozenset({"parquet"})),
        Format("excel", open_excel, _SHEET, kinds=frozenset({"excel"})),
        Format("spss", open_spss, kinds=frozenset({"file"})),
        *(
            Format(name, open_, _CSV, preset=name, has_beginning=True, kinds=frozenset({"csv"}))
            for name, open_ in (
                ("google_forms", _opens(read_google_forms)),
                ("limesurvey", _opens(read_limesurvey)),
                ("limesurvey_participants", _open_csv),
                ("qualtrics", _opens(read_qualtrics)),
                ("servicenow", _open_csv),
                ("surveymonkey", _opens(read_surveymonkey)),
                ("typeform", _open_csv),
            )
        ),
    )
}
