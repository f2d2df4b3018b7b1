"""How a file would be read and mapped: a look before anything is loaded, which writes nothing and keeps nothing.

Belongs here: the counts and examples that a person wants to see. Does not: reading, mapping and judging, which
are ingestion's own functions, so that a night does what the preview says.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import TypeAdapter, ValidationError

from pipelines.first_look.profile import FEW_VALUES, TIMES_SHOWN, ColumnProfile, fields_of, profiles
from pipelines.formats.document import Document, ReadOptions
from pipelines.formats.records import LINE, RECORD, Records, UnreadableFileError
from pipelines.formats.registry import FORMATS
from pipelines.formats.text import read_prefix
from pipelines.settings import ColumnMapping, FileSource, Settings, SettingsError, TableMapping
from pipelines.settings.presets import with_preset
from pipelines.sources.files import matching_files, records_for
from pipelines.sources.mapping import Mapped, apply_mapping, source_fields

# A hundred thousand records of a usual export, read in about a second.
BEGINNING_BYTES = 8 * 1024**2
SHOWN_ROWS = 3
_SHOWN_LINES = 3  # of each reason, to look them up
_OPTIONS = tuple(
    field.name for field in dataclasses.fields(ReadOptions) if field.name not in ("beginning", "columns")
)


@dataclass(frozen=True)
class Refused:
    """Records or rows that would go to quarantine for one reason; ``lines``: the first of them."""

    reason: str
    count: int
    lines: tuple[int, ...]


@dataclass(frozen=True)
class Origin:
    """Where a canonical column comes from, in words, and how many rows get a value.

    ``shared``: whether its first values are those of many rows, so that they are nobody's own.
    """

    column: str
    origin: str
    filled: int
    shared: bool


@dataclass(frozen=True)
class Part:
    """What becomes of the records for one mapping of a table; ``name``: the question it is for, where it has one.

    The records that ``where`` leaves out are ``excluded``; read = loaded + quarantined + repeated.
    """

    name: str | None
    read: int
    loaded: int
    quarantined: int
    repeated: int
    excluded: int


@dataclass(frozen=True)
class TablePreview:
    """What a canonical table would get from the file.

    Attributes:
        error: why a mapping does not suit the file; then a night would reject the file as a whole.
        origins: of the columns that are mapped; of several mappings, those of the first.
        same_key: rows that share their key with an earlier row of the file; ``keep``: which of them wins.
        rows: the first rows as they would be loaded, as text, with the columns of ``origins``.
    """

    table: str
    error: str | None
    parts: tuple[Part, ...]
    origins: tuple[Origin, ...]
    refused: tuple[Refused, ...]
    same_key: int
    keep: str
    rows: tuple[tuple[str | None, ...], ...]

    def total(self, count: str) -> int:
        """Sum of ``read``, ``loaded``, ... over its parts."""
        return sum(getattr(part, count) for part in self.parts)


@dataclass(frozen=True)
class Preview:
    """What was found in a file.

    Attributes:
        options: how it was read: the options of its format that are not the usual ones.
        partial: whether only its beginning was looked at.
        records: how many were found there; ``unreadable`` ones are among them.
        duplicates: records that repeat an earlier one to the letter.
        unmapped: columns that no mapping reads; without mappings, none.
    """

    file: str
    format: str
    source: str | None
    options: dict[str, object]
    zone: str | None
    partial: bool
    records: int
    unreadable: tuple[Refused, ...]
    duplicates: int
    columns: tuple[ColumnProfile, ...]
    tables: tuple[TablePreview, ...]
    unmapped: tuple[str, ...]


def source_of_file(settings: Settings, path: Path) -> str | None:
    """Name of the first source whose pattern matches the file."""
    wanted = path.resolve()
    for name, source in settings.sources.items():
        if isinstance(source, FileSource):
            found = {file.path.resolve() for file in matching_files(source, settings)}
            if wanted in found:
                return name
    return None


def source_of_format(name: str, options: dict[str, object]) -> FileSource | ReadOptions:
    """How to read a file whose format alone is known: with the mapping of its preset, where that is enough.

    Raises:
        SettingsError: there is no such format, or it does not know one of the options.
    """
    if name not in FORMATS:
        raise SettingsError(f"--format: {name!r} is no format; it is one of {', '.join(sorted(FORMATS))}")
    useless = sorted(set(options) - FORMATS[name].options)
    if useless:
        raise SettingsError(f"--{useless[0].replace('_', '-')}: format {name} does not read it; leave it out")
    try:
        return TypeAdapter(FileSource).validate_python(with_preset({"files": "*", "format": name, **options}))
    except ValidationError as error:
        mistaken = [problem for problem in error.errors() if problem["loc"][0] in options]
        if mistaken:
            text = str(mistaken[0]["msg"]).removeprefix("Value error, ")
            raise SettingsError(f"--{str(mistaken[0]['loc'][0]).replace('_', '-')}: {text}") from None
        return ReadOptions(**options_of(name, options))


def options_of(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """How a format's files are read: by its preset, where that says so, and by what is given."""
    preset = with_preset({"format": name})
    return {
        option: value for option, value in {**preset, **options}.items() if option in FORMATS[name].options
    }


def preview(
    path: Path,
    format_: str,
    reading: FileSource | ReadOptions,
    *,
    source: str | None = None,
    timezone: str = "UTC",
    whole: bool = False,
) -> Preview:
    """Look at a file.

    Args:
        reading: how to read it; a source also says how its records are mapped.
        source: the source's name, to be told.
        timezone: the company's, for times without an offset.
        whole: whether to look at all of a long file.

    Raises:
        UnreadableFileError: the file as a whole cannot be read.
    """
    options = reading.options if isinstance(reading, FileSource) else reading
    partial = not whole and FORMATS[format_].has_beginning and _is_longer(path)
    document, records, _ = open_file(path, format_, options, beginning=BEGINNING_BYTES if partial else None)
    tables: tuple[TablePreview, ...] = ()
    unmapped: tuple[str, ...] = ()
    if isinstance(reading, FileSource):
        tables = tuple(_tables(document, reading, timezone))
        known = {field for mapping in reading.mappings for field in source_fields(mapping)}
        known.update(reading.ignored_columns)
        unmapped = tuple(name for name in records.frame.columns if name not in (*known, RECORD, LINE))
    return Preview(
        file=path.name,
        format=format_,
        source=source,
        options=_declared(options),
        zone=records.zone,
        partial=partial,
        records=records.count,
        unreadable=_refused(records.rejected, "line"),
        duplicates=records.frame.height - records.frame.drop(RECORD, LINE).unique().height
        if records.frame.width > len((RECORD, LINE))
        else 0,
        columns=tuple(profiles(records)),
        tables=tables,
        unmapped=unmapped,
    )


def open_file(
    path: Path, format_: str, options: ReadOptions, *, beginning: int | None
) -> tuple[Document, Records, list[str]]:
    """A file's document, its records with all their columns, or those at its beginning, and the lists in them.

    Raises:
        UnreadableFileError: the file as a whole cannot be read.
    """
    found = FORMATS[format_]
    quote = options.quote if "quote" in found.options else None
    if beginning is not None:
        options = dataclasses.replace(options, beginning=beginning, quote=quote)
    document = found.open(path, options)
    fields, lists = fields_of(document)
    return document, document.records(fields, None), lists


def _is_longer(path: Path) -> bool:
    return len(read_prefix(path, BEGINNING_BYTES + 1)) > BEGINNING_BYTES


def _declared(options: ReadOptions) -> dict[str, object]:
    usual = ReadOptions()
    return {
        name: getattr(options, name) for name in _OPTIONS if getattr(options, name) != getattr(usual, name)
    }


def _tables(document: Document, source: FileSource, timezone: str) -> Iterator[TablePreview]:
    found = list(records_for(document, source.mappings))
    for table in dict.fromkeys(mapping.table for mapping in source.mappings):
        yield _table([pair for pair in found if pair[0].table == table], source, timezone)


def _table(pairs: Sequence[tuple[TableMapping, Records]], source: FileSource, timezone: str) -> TablePreview:
    contract = pairs[0][0].contract
    mapped: list[tuple[TableMapping, Mapped]] = []
    error = None
    for mapping, records in pairs:
        zone = source.timezone or records.zone or timezone
        try:
            rows = apply_mapping(
                records.frame, mapping, zone=zone, drop_repeats=source.duplicate_records == "drop"
            )
        except UnreadableFileError as problem:
            error = error or str(problem)
        else:
            mapped.append((mapping, rows))
    good = pl.concat([rows.rows for _, rows in mapped]) if mapped else pl.DataFrame()
    rejected = [rows.rejected.select(LINE, "reason") for _, rows in mapped]
    first = pairs[0][0]
    return TablePreview(
        table=contract.name,
        error=error,
        parts=tuple(_part(mapping, rows) for mapping, rows in mapped),
        origins=tuple(_origins(first, [rows.everything for _, rows in mapped])),
        refused=_refused(pl.concat(rejected), LINE) if rejected else (),
        same_key=good.height - good.select(contract.key).unique().height if good.height else 0,
        keep=first.keep,
        rows=_first_rows(good, [name for name in contract.column_names if name in first.columns]),
    )


def _part(mapping: TableMapping, rows: Mapped) -> Part:
    return Part(
        name=mapping.question,
        read=rows.everything.height,
        loaded=rows.rows.height,
        quarantined=rows.rejected.height,
        repeated=rows.repeated.height,
        excluded=rows.excluded,
    )


def _origins(mapping: TableMapping, everything: Sequence[pl.DataFrame]) -> Iterator[Origin]:
    for column in mapping.contract.columns:
        spec = mapping.columns.get(column.name)
        if spec is not None:
            values = pl.concat([rows[column.name] for rows in everything]) if everything else pl.Series()
            yield Origin(
                column.name,
                _in_words(spec),
                values.len() - values.null_count(),
                shared=not column.personal and (spec.constant is not None or _are_shared(values)),
            )


def _are_shared(values: pl.Series) -> bool:
    counts = values.drop_nulls().value_counts(name="n")
    return 0 < counts.height <= FEW_VALUES and bool((counts["n"] >= TIMES_SHOWN).all())


def _in_words(spec: ColumnMapping) -> str:
    if spec.column is not None:
        origin = spec.column
    elif spec.sql is not None:
        origin = f"sql: {spec.sql}"
    elif spec.number_within is not None:
        origin = f"numbered within {', '.join(spec.number_within)}"
    else:
        origin = f"constant: {spec.constant}"
    extras = [spec.format] if spec.format else []
    extras += ["labels"] if spec.labels else []
    extras += ["values"] if spec.values else []
    return f"{origin} ({', '.join(extras)})" if extras else origin


def _refused(rejected: pl.DataFrame, line: str) -> tuple[Refused, ...]:
    if rejected.height == 0:
        return ()
    grouped = (
        rejected.group_by("reason")
        .agg(pl.len().alias("count"), pl.col(line).unique().sort().head(_SHOWN_LINES).alias("lines"))
        .sort(["count", "reason"], descending=[True, False])
    )
    return tuple(Refused(reason, count, tuple(lines)) for reason, count, lines in grouped.rows())


def _first_rows(rows: pl.DataFrame, columns: Sequence[str]) -> tuple[tuple[str | None, ...], ...]:
    if rows.height == 0:
        return ()
    first = rows.sort(RECORD, maintain_order=True).head(SHOWN_ROWS).select(columns)
    written = pl.col(pl.Decimal, pl.Datetime).cast(pl.String).str.replace(r"(\.\d*?)0+$", "$1")
    return tuple(first.with_columns(written.str.strip_suffix(".")).select(pl.all().cast(pl.String)).rows())
