"""The commands."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.cli.source import source_app
from pipelines.extensions import ExtensionError
from pipelines.home import Home, StateFolderError
from pipelines.privacy import CustomerKeySecretChangedError
from pipelines.publication import PublicationError
from pipelines.serving import ServingError
from pipelines.settings import (
    CONFIG_NAME,
    SettingsError,
    customer_key_secret,
    load_settings,
    setting_secret,
)
from pipelines.sources.errors import SourceError
from pipelines.warehouse import WarehouseBusyError

app = typer.Typer(
    name="kizuna",
    help="Are our customers loyal, and why? A nightly pipeline from CRM, survey and support exports to DuckDB.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
publication_app = typer.Typer(help="The versions that BI tools open.", no_args_is_help=True)
app.add_typer(publication_app, name="publication")
app.add_typer(source_app, name="source")

out = Console()
err = Console(stderr=True)

Config = Annotated[Path, typer.Option("--config", "-c", help="The settings file.", envvar="KIZUNA_CONFIG")]
AsOf = Annotated[
    dt.datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="Business date of the tables. Default: yesterday."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
_DEFAULT_CONFIG = Path(CONFIG_NAME)


def main() -> None:
    """Run a command; a mistake that people can mend is a message, not a traceback."""
    try:
        app()
    except (
        SettingsError,
        SourceError,
        PublicationError,
        WarehouseBusyError,
        StateFolderError,
        CustomerKeySecretChangedError,
        ServingError,
        ExtensionError,
    ) as error:
        _tell(str(error))
    except OSError as error:  # no place, no right, no such folder
        if error.filename is None:
            raise
        _tell(
            f"{error.filename}: {error.strerror}. All state lies in KIZUNA_HOME, {Home.from_environment().root}"
        )


def _tell(message: str) -> NoReturn:
    err.print(f"[red]kizuna:[/] {escape(message)}", highlight=False, soft_wrap=True)
    sys.exit(1)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write kizuna.yml.")] = Path(),
) -> None:
    """Write a first kizuna.yml to edit.

    Example: kizuna init shop && kizuna run --config shop/kizuna.yml
    """
    from orchestration.cli.template import write_template

    path = write_template(folder)
    out.print(
        f"Wrote {path}. Map your exports in it, then: kizuna run --config {path}",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def demo(
    customers: Annotated[int, typer.Option(min=100, max=10_000_000, help="How many customers.")] = 5_000,
    seed: Annotated[int, typer.Option(help="Another seed is another company.")] = 1,
) -> None:
    """Generate a company: two years of purchases, answers and tickets, as real systems export them.

    Example: kizuna demo --customers 20000
    """
    from orchestration.cli.progress import step_progress
    from pipelines.demo import DEFAULT_END, generate, generated_with

    home = Home.from_environment().create()
    there = generated_with(home.demo)
    if there == (customers, seed):
        out.print(f"The company is there already, in {_short(home.demo)}.", highlight=False)
        _print_next_step(home.demo / CONFIG_NAME, DEFAULT_END)
        return
    if there is not None:
        raise SettingsError(
            f"{home.demo} holds another demo company ({there[0]:,} customers, seed {there[1]}). "
            f"Remove the folder, or set KIZUNA_HOME to another one."
        )
    with step_progress(err) as display:
        summary = generate(
            home.demo,
            customers=customers,
            seed=seed,
            progress=lambda done, total: display.report("generating the demo company", done, total),
        )
    written = ", ".join(f"{rows:,} {export.replace('_', ' ')}" for export, rows in summary.rows.items())
    out.print(f"Wrote {written} to {_short(summary.folder)}.", highlight=False, soft_wrap=True)
    _print_next_step(summary.config, summary.end)


def _print_next_step(config: Path, as_of: dt.date) -> None:
    out.print(f"Next: kizuna run --config {_short(config)} --as-of {as_of}", highlight=False, soft_wrap=True)


@app.command()
def run(config: Config = _DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Run one night now: ingest what is new, check, transform, check, publish.

    The run is the nightly job and shows in the UI. Exit code 0 only when a version was published, and written
    wherever else the settings want it.

    Example: kizuna run --as-of 2026-09-30
    """
    from orchestration.cli.progress import step_progress

    settings = load_settings(config)
    home = Home.from_environment().create()
    date = as_of.date() if as_of else settings.default_as_of(dt.datetime.now(dt.UTC))
    customer_key_secret(settings)  # better missed before the first step than after the last file
    with step_progress(err, enabled=not as_json) as display:
        display.report("starting Dagster", 0, 0)
        from orchestration.night import run_night  # seconds: shown as a step

        result = run_night(settings, home, date, report=display.report, on_event=display.on_event)
    from orchestration.cli.summary import night_summary, print_night

    summary = night_summary(home, result)
    if as_json:
        print(json.dumps(summary, default=str, indent=2))
    else:
        print_night(out, err, summary)
    if result.published is None or not result.succeeded:
        raise typer.Exit(1)


@app.command()
def status(config: Config = _DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Show the last nights, what is published, and what waits in quarantine."""
    from orchestration.cli.summary import home_status, print_status

    found = home_status(Home.from_environment(), config)
    if as_json:
        print(json.dumps(found, default=str, indent=2))
    else:
        print_status(out, found)


@app.command()
def kpi(as_json: AsJson = False) -> None:
    """Show the headline KPIs of what is published, with their intervals.

    Example: kizuna kpi --json | jq '.headlines[] | select(.name == "nps")'
    """
    from orchestration.cli.kpi import as_plain, print_headlines, published_headlines

    said = published_headlines(Home.from_environment())
    if as_json:
        print(json.dumps(as_plain(said), default=str, indent=2))
    else:
        print_headlines(out, said)


@app.command()
def lineage(
    column: Annotated[str, typer.Argument(help="A column, as schema.table.column.")],
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show what a column is computed of, back to the columns of your exports.

    It tells of the tables as the last night built them. What rows there are (joins, filters) is in the models' SQL.

    Example: kizuna lineage kpi.kpi_loyalty_monthly.nps
    """
    from orchestration.cli.lineage import print_way, way_back

    steps = way_back(Home.from_environment(), load_settings(config), column)
    if as_json:
        print(json.dumps(steps, indent=2))
    else:
        print_way(out, steps)


@app.command()
def docs(config: Config = _DEFAULT_CONFIG) -> None:
    """Write the data dictionary and dbt's pages anew; a night does so itself when something has changed.

    Example: kizuna docs --config shop/kizuna.yml
    """
    settings, home = load_settings(config), Home.from_environment()
    if not home.warehouse.exists():
        raise SettingsError("there is nothing to describe yet: kizuna run")
    from orchestration.assets.dbt import PROJECT
    from pipelines.documentation import write_documentation
    from pipelines.turn import turn

    with turn(home):
        page = write_documentation(home, PROJECT, settings)
    out.print(f"Look   {page}", highlight=False, soft_wrap=True)


@app.command()
def doctor(
    config: Config = _DEFAULT_CONFIG,
    connect: Annotated[
        bool, typer.Option("--connect", help="Ask each database and service once whether it lets us in.")
    ] = False,
) -> None:
    """Check settings, environment, state folder and publication, and say how to mend what is wrong.

    Example: kizuna doctor --config shop/kizuna.yml --connect
    """
    from orchestration.cli.examination import examine

    findings = examine(Home.from_environment(), config, connect=connect)
    table = Table(show_header=False, box=None)
    marks = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "error": "[red]error[/]"}
    for finding in findings:
        table.add_row(marks[finding.state], finding.subject, escape(finding.text))
    out.print(table, highlight=False)
    if any(finding.state == "error" for finding in findings):
        raise typer.Exit(1)


@app.command()
def ui(
    config: Config = _DEFAULT_CONFIG,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 3000,
) -> None:
    """Open the Dagster UI with the nightly schedule running, and files read when they arrive. End it with Ctrl-C.

    Example: kizuna ui --config shop/kizuna.yml --port 3001
    """
    load_settings(config)  # a mistake is better told here than in a web page
    from orchestration.instance import prepare_environment

    environment = os.environ | prepare_environment(Home.from_environment(), config)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(
            number, signal.SIG_DFL
        )  # a shell's "&" hands down ignored signals, and nothing could end it
    command = [sys.executable, "-m", "orchestration.ui", "-m", "orchestration.definitions"]
    command += ["-h", host, "-p", str(port)]
    out.print(f"The UI will be at http://{host}:{port} in about half a minute.", highlight=False)
    os.execvpe(command[0], command, environment)


@app.command()
def serve(
    config: Config = _DEFAULT_CONFIG,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 9494,
) -> None:
    """Serve the published file to DuckDB clients on other machines, read-only. End it with Ctrl-C.

    The token is in the environment variable that serve.token names in the settings (KIZUNA_SERVE_TOKEN). A new
    publication is seen by the next query. A client needs DuckDB 1.5 with its extension quack:

    \b
      ATTACH 'quack:127.0.0.1:9494' AS kizuna (TOKEN '...');
      FROM kizuna.query('select * from kpi.kpi_loyalty_monthly');

    Example: KIZUNA_SERVE_TOKEN=... kizuna serve --config shop/kizuna.yml --port 9494
    """
    from orchestration.cli.serving import serve_until_ended

    settings = load_settings(config)
    token = setting_secret(settings, "serve.token", settings.serve.token)
    serve_until_ended(Home.from_environment(), token, host, port, out, err)


@app.command()
def rebuild(
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would be done.")] = False,
) -> None:
    """Build the warehouse again from the landing zone, after its file was lost or damaged.

    What is published stays until the next run. Without --yes nothing is changed.
    """
    from pipelines.ingest import rebuild as rebuild_warehouse
    from pipelines.landing import LandingZone
    from pipelines.turn import turn

    home = Home.from_environment()
    loads = LandingZone(home.landing).manifests()
    if not yes:
        size = f", {home.warehouse.stat().st_size:,} bytes," if home.warehouse.exists() else ""
        out.print(
            f"Would remove {home.warehouse}{size} and load {len(loads):,} landed batches again. Do it with --yes.",
            highlight=False,
        )
        return
    from orchestration.cli.progress import step_progress

    with turn(home), step_progress(err) as display:
        count = rebuild_warehouse(home, lambda done, total, _: display.report("loading again", done, total))
    out.print(f"Loaded {count:,} batches again. Build the tables with: kizuna run", highlight=False)


@publication_app.command("list")
def publication_list(as_json: AsJson = False) -> None:
    """Show the versions on disk, the newest first."""
    from pipelines.publication import list_versions

    versions = list_versions(Home.from_environment())
    if as_json:
        print(json.dumps([_version_fields(version) for version in versions], default=str, indent=2))
        return
    table = Table("version", "as of", "tables", "rows", "", box=box.SIMPLE_HEAD)
    for version in versions:
        table.add_row(
            version.name,
            version.as_of.isoformat(),
            str(version.tables),
            f"{version.rows:,}",
            "current" if version.is_current else "",
        )
    out.print(table)


@publication_app.command("rollback")
def publication_rollback(
    version: Annotated[str, typer.Argument(help="A version from: kizuna publication list")],
) -> None:
    """Let BI tools open another version, in one step; nothing is deleted.

    A PostgreSQL schema or a Parquet folder of your own follows with: kizuna publication export
    """
    from pipelines.publication import rollback

    chosen = rollback(Home.from_environment(), version)
    out.print(f"Readers now open {chosen.name}, as of {chosen.as_of}.", highlight=False)


@publication_app.command("export")
def publication_export(config: Config = _DEFAULT_CONFIG) -> None:
    """Write the current version once more to where the settings want it: a PostgreSQL schema, a Parquet folder.

    A night does that itself. This is for after a failure, a rollback, or a change of the settings.

    Example: kizuna publication export --config shop/kizuna.yml
    """
    from pipelines.publication import current_version
    from pipelines.publication.ways_out import take_ways_out, ways_out
    from pipelines.turn import turn

    settings, home = load_settings(config), Home.from_environment()
    ways = ways_out(home, settings)
    if not ways:
        raise SettingsError(
            f"{settings.path}: publication names no other place: add postgres or a parquet folder"
        )
    version = current_version(home)
    if version is None:
        raise PublicationError("nothing has been published yet: kizuna run")
    with turn(home):
        for name, text in take_ways_out(ways, version).items():
            out.print(f"{name}: {version.name}, {text}", highlight=False, soft_wrap=True)


def _version_fields(version: Any) -> dict[str, object]:
    names = ("name", "as_of", "built_at", "run_id", "tables", "rows", "content_hash", "is_current")
    return {name: getattr(version, name) for name in names}


def _short(path: Path) -> str:
    working = Path.cwd()
    return str(path.relative_to(working)) if path.is_relative_to(working) else str(path)
