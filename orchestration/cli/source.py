"""``kizuna source``: what the sources are, and how a file would be read before it is one."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from orchestration.cli.completion import canonical_tables, sources
from orchestration.cli.progress import step_progress
from orchestration.cli.terminal import CONFIG, DEFAULT_CONFIG, AsJson, Config, err, out, print_json
from pipelines.home import Home

if TYPE_CHECKING:
    from pipelines.settings import Settings

source_app = typer.Typer(
    help="See how exports are read; a first mapping; what came in.",
    no_args_is_help=True,
)

ExportFile = Annotated[Path, typer.Argument(metavar="FILE", help="An exported file; it is only read.")]
Format = Annotated[str | None, typer.Option("--format", "-f", help="Its format, such as csv or qualtrics.")]
_OPTIONS = ("encoding", "delimiter", "quote", "header_rows", "skip_rows", "sheet", "records", "normalize")
_SIGNS = {"tab": "\t", "\\t": "\t", "none": None}  # a shell makes it hard to write a tab


@source_app.command()
def preview(
    file: ExportFile,
    format_: Format = None,
    config: Annotated[Path | None, CONFIG] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--source", "-s", help="The source in the settings file that maps it.", autocompletion=sources
        ),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Such as cp932 or latin-1. Default: utf-8.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="One sign, or tab.")] = None,
    quote: Annotated[str | None, typer.Option(help="One sign, or none.")] = None,
    header_rows: Annotated[int | None, typer.Option(min=0, help="How many rows are header.")] = None,
    skip_rows: Annotated[int | None, typer.Option(min=0, help="Excel: rows above the header.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Excel: name of the sheet.")] = None,
    records: Annotated[str | None, typer.Option(help="JSON: path of the list of records.")] = None,
    null_value: Annotated[list[str] | None, typer.Option(help="A text that means nothing.")] = None,
    normalize: Annotated[str | None, typer.Option(help="NFKC makes full-width digits plain.")] = None,
    values: Annotated[
        bool, typer.Option("--values", metavar="", help="Show values; they can be personal data.")
    ] = False,
    whole: Annotated[bool, typer.Option("--all", metavar="", help="Look at all of a long file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how a file would be read and mapped, before anything is loaded. Nothing is written.

    Without --format, the source whose pattern matches the file says how to read it. Values are shown only where many
    records share them, else their shape: 9999-99-99 is a date.

    Example: kizuna source preview responses.csv --format qualtrics

    Example: kizuna source preview exports/orders.csv --config shop/kizuna.yml
    """
    from orchestration.cli.preview_tables import print_preview
    from pipelines.first_look.preview import preview as look
    from pipelines.first_look.preview import source_of_format
    from pipelines.formats.records import UnreadableFileError
    from pipelines.settings import FileSource, SettingsError

    _existing(file)
    given = (encoding, delimiter, quote, header_rows, skip_rows, sheet, records, normalize)
    options = _read_options(dict(zip(_OPTIONS, given, strict=True)), null_value)
    if format_ is None:
        settings, name = _source_in_settings(file, config, source, options)
        reading = settings.sources[name]
        assert isinstance(reading, FileSource)
        arguments = {"source": name, "timezone": settings.company.timezone}
        format_ = reading.format
    elif source is not None:
        raise SettingsError("--source says how the file is read; leave --format out")
    else:
        reading, arguments = source_of_format(format_, options), {}
    try:
        with step_progress(err) as display:
            display.report(f"looking at {file.name}", 0, 0)
            found = look(file, format_, reading, whole=whole, **arguments)
    except UnreadableFileError as error:
        raise SettingsError(f"{file}: {error}") from None
    if as_json:
        print_json(_as_plain(found, show_values=values))
    else:
        print_preview(out, found, show_values=values)


def _read_options(given: dict[str, Any], null_values: list[str] | None) -> dict[str, Any]:
    """The options that were given, with signs as settings write them."""
    options = {name: value for name, value in given.items() if value is not None}
    for sign in {"delimiter", "quote"} & set(options):
        options[sign] = _SIGNS.get(options[sign], options[sign])
    if null_values:
        options["null_values"] = tuple(null_values)
    return options


@source_app.command()
def suggest(
    file: ExportFile,
    format_: Format = None,
    table: Annotated[
        str | None,
        typer.Option(
            "--table",
            "-t",
            help="The canonical table it holds, such as crm.orders.",
            autocompletion=canonical_tables,
        ),
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(help="Excel: name of the sheet, where there are several.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it. Default: the terminal.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Write over a file that is there.")
    ] = False,
) -> None:
    """Write a first mapping to edit: how the file is read, and which column is which, each with the reason.

    Every line is a guess. What is missing stands there as a line to fill in.

    Example: kizuna source suggest orders.csv --output shop/kizuna.yml

    Example: kizuna source suggest tickets.json --table support.tickets
    """
    from pipelines import contracts
    from pipelines.first_look.suggest import suggest as guess
    from pipelines.first_look.suggest_yaml import as_yaml
    from pipelines.formats.records import UnreadableFileError
    from pipelines.formats.registry import FORMATS
    from pipelines.settings import SettingsError

    if output is not None and output.exists() and not force:
        raise SettingsError(f"{output} exists already and stays as it is. Name another file, or add --force")
    if format_ is not None and format_ not in FORMATS:
        raise SettingsError(f"--format: {format_!r} is no format; it is one of {', '.join(sorted(FORMATS))}")
    if table is not None and table not in contracts.BY_NAME:
        raise SettingsError(f"--table: there is no {table!r}; it is one of {', '.join(contracts.BY_NAME)}")
    try:
        with step_progress(err) as display:
            display.report(f"looking at {file.name}", 0, 0)
            found = guess(_existing(file), format_=format_, table=table, sheet=sheet)
    except UnreadableFileError as error:
        raise SettingsError(f"{file}: {error}") from None
    folder = output.parent if output else Path()
    text = as_yaml(found, name=file.name, path=_as_seen_from(file, folder))
    if output is None:
        print(text, end="")
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    missing = sum(len(mapped.missing) for mapped in found.tables)
    out.print(
        f"Wrote {output}: format {found.reading.format}"
        + "".join(f", {mapped.table}" for mapped in found.tables)
        + (f"; {missing} required columns are missing" if missing else "")
        + f". Read it, then: kizuna source preview {file} --config {output}",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


@source_app.command("list")
def list_sources(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Show the sources in the settings, and what each has brought in.

    Example: kizuna source list --config shop/kizuna.yml
    """
    from pipelines.overview import sources_overview
    from pipelines.settings import load_settings

    found = sources_overview(Home.from_environment(), load_settings(config))
    if as_json:
        print_json([asdict(source) for source in found])
        return
    table = Table("source and what it feeds", "kind", "last new (UTC)", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("refused", justify="right", no_wrap=True)
    for source in found:
        table.add_row(
            f"{source.name}\n[dim]{' '.join(source.tables)}[/]",
            source.kind,
            f"{source.last_new_at:%Y-%m-%d %H:%M}" if source.last_new_at else "never",
            f"{source.rows_loaded:,}",
            f"{source.rows_quarantined:,}",
        )
    out.print(table)


@source_app.command()
def deletions(
    name: Annotated[str, typer.Argument(help="A source that is a database.", autocompletion=sources)],
    config: Config = DEFAULT_CONFIG,
    apply: Annotated[
        bool, typer.Option("--apply", metavar="", help="Delete them; without, only say how many there are.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find rows that a database no longer has, by comparing all keys; with --apply delete them here, too.

    Only keys travel. The next run builds the tables without them.

    Example: kizuna source deletions crm && kizuna source deletions crm --apply
    """
    from pipelines.companies import make_room
    from pipelines.ingest import compare_deletions
    from pipelines.settings import load_settings
    from pipelines.turn import turn

    settings = load_settings(config)
    _known(settings, name)
    home = Home.from_environment().create()
    with turn(home), step_progress(err) as display:
        make_room(home, settings)
        found = compare_deletions(
            home,
            settings,
            name,
            apply=apply,
            progress=lambda done, total, what: display.report(f"keys of {what}", done, total),
        )
    if as_json:
        print_json([asdict(table) for table in found])
        return
    table = Table("table", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("rows here", justify="right")
    table.add_column("deleted" if apply else "gone from the database", justify="right")
    for compared in found:
        table.add_row(compared.table, f"{compared.rows_held:,}", f"{compared.rows_gone:,}")
    out.print(table)
    for compared in found:
        if compared.rows_without_key:
            out.print(
                f"{compared.table}: the mapping cannot read the keys of {compared.rows_without_key:,} rows of the "
                f"database; they may be any, so nothing of this table is deleted.",
                highlight=False,
            )
    if not apply and any(compared.rows_gone for compared in found):
        out.print(
            f"Nothing was changed. Delete them with: kizuna source deletions {name} --apply", highlight=False
        )


def _known(settings: Settings, name: str) -> None:
    from pipelines.settings import SettingsError

    if name not in settings.sources:
        raise SettingsError(
            f"{settings.path}: there is no source {name!r}; there are {', '.join(settings.sources)}"
        )


def _as_seen_from(file: Path, folder: Path) -> str:
    """The file's path as settings in the folder name it."""
    return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()


def _source_in_settings(
    file: Path, config: Path | None, source: str | None, options: dict[str, Any]
) -> tuple[Settings, str]:
    from pipelines.first_look.preview import source_of_file
    from pipelines.settings import FileSource, SettingsError, load_settings

    path = config or DEFAULT_CONFIG
    if config is None and source is None and not path.is_file():
        raise SettingsError(
            f"{file}: say how to read it: --format csv, qualtrics, excel, ... "
            f"(kizuna source suggest {file} makes a guess), or --config with the settings that map it."
        )
    if options:
        raise SettingsError(f"--{next(iter(options))} goes with --format; in {path} the source says it")
    settings = load_settings(path)
    name = source or source_of_file(settings, file)
    if name is None:
        raise SettingsError(
            f"{file}: no source in {settings.path} has a pattern that matches it. Name one: "
            f"--source {' or '.join(settings.sources)}; or say --format"
        )
    _known(settings, name)
    if not isinstance(settings.sources[name], FileSource):
        raise SettingsError(f"{settings.path}: sources.{name} reads no files, so there is none to preview")
    return settings, name


def _existing(file: Path) -> Path:
    from pipelines.settings import SettingsError

    if not file.is_file():
        raise SettingsError(f"{file}: there is no such file")
    return file


def _as_plain(found: Any, *, show_values: bool) -> dict[str, Any]:
    """The preview without values that are not to be shown."""
    plain = asdict(found)
    for column, profile in zip(plain["columns"], found.columns, strict=True):
        for key in ("values", "categories", "shapes"):
            del column[key]
        column["examples"] = list(profile.examples(show_values=show_values))
    if not show_values:
        from pipelines.first_look.profile import shape

        for table, read in zip(plain["tables"], found.tables, strict=True):
            table["rows"] = [
                [
                    value if origin.shared else shape(value)
                    for origin, value in zip(read.origins, row, strict=True)
                ]
                for row in read.rows
            ]
    return plain
