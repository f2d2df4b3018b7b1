"""The commands."""

from __future__ import annotations

import datetime as dt
import io
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.markup import escape
from rich.table import Table

from orchestration.cli.completion import columns
from orchestration.cli.progress import step_progress
from orchestration.cli.publication import publication_app
from orchestration.cli.source import source_app
from orchestration.cli.terminal import (
    DEFAULT_CONFIG,
    AsJson,
    Config,
    Exit,
    err,
    out,
    print_json,
    say,
    short,
)
from pipelines.errors import BusyError, KizunaError
from pipelines.home import Home

_START = """\
**Start here.** A generated company to look at: `kizuna demo`, then the command that it prints.

**Your own data.** `kizuna init shop`, map your exports in `shop/kizuna.yml`, `kizuna doctor -c shop/kizuna.yml`
and `kizuna run -c shop/kizuna.yml`.

**Scripts and Tab.** Exit codes and JSON are described in docs/cli.md; Tab completes after
`kizuna --install-completion`. KIZUNA_HOME names the folder of all state (.kizuna), KIZUNA_CONFIG the settings file."""

app = typer.Typer(
    name="kizuna",
    help="Are our customers loyal, and why? A nightly pipeline from CRM, survey and support exports to DuckDB.",
    epilog=_START,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

FIRST, NIGHT, READ, MEND = "To begin with", "The night", "What is published", "When something is wrong"

AsOf = Annotated[
    dt.datetime | None,
    typer.Option(
        "--as-of",
        formats=["%Y-%m-%d"],
        metavar="DATE",
        help="Business date of the tables. Default: yesterday.",
    ),
]


def main() -> None:
    """Run a command; a mistake that people can mend is a message, not a traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            errors="replace"
        )  # a terminal without the bars of a trend shows question marks
    try:
        app()
    except BusyError as error:
        _tell(str(error), Exit.BUSY)
    except KizunaError as error:
        _tell(str(error), Exit.FAILED)
    except OSError as error:  # no place, no right, no such folder
        if error.filename is None:
            raise
        home = Home.from_environment().root
        _tell(f"{error.filename}: {error.strerror}. All state lies in KIZUNA_HOME, {home}", Exit.FAILED)


def _tell(message: str, code: Exit) -> NoReturn:
    err.print(f"[red]kizuna:[/] {escape(message)}", highlight=False, soft_wrap=True)
    sys.exit(code)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"kizuna {version('kizuna')}, DuckDB {version('duckdb')}, Python {sys.version.split()[0]}")
        raise typer.Exit


@app.callback()
def common(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", metavar="", is_eager=True, callback=_print_version, help="Print the version."
        ),
    ] = False,
) -> None:
    """What every command has; its text is the application's."""


@app.command(rich_help_panel=FIRST)
def demo(
    customers: Annotated[int, typer.Option(min=100, max=10_000_000, help="How many customers.")] = 5_000,
    seed: Annotated[int, typer.Option(help="Another seed is another company.")] = 1,
) -> None:
    """Generate a company to try: two years of exports of its systems.

    Purchases, answers and tickets, as real systems export them, with a kizuna.yml beside them. The last line says
    what to run next.

    Example: kizuna demo --customers 20000
    """
    from pipelines.demo import DEFAULT_END, generate, generated_with
    from pipelines.settings import CONFIG_NAME, SettingsError

    home = Home.from_environment().create()
    there = generated_with(home.demo)
    if there == (customers, seed):
        say(f"The company is there already, in {short(home.demo)}.")
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
    say(f"Wrote {written} to {short(summary.folder)}.")
    _print_next_step(summary.config, summary.end)


def _print_next_step(config: Path, as_of: dt.date) -> None:
    say(f"Next: kizuna run --config {short(config)} --as-of {as_of}")


@app.command(rich_help_panel=FIRST)
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write kizuna.yml.")] = Path(),
) -> None:
    """Write a first kizuna.yml to edit.

    Example: kizuna init shop
    """
    from orchestration.cli.template import write_template

    path = write_template(folder)
    say(f"Wrote {path}. Map your exports in it, then: kizuna doctor --config {path}")


app.add_typer(source_app, name="source", rich_help_panel=FIRST)


@app.command(rich_help_panel=FIRST)
def doctor(
    config: Config = DEFAULT_CONFIG,
    connect: Annotated[
        bool,
        typer.Option(
            "--connect", metavar="", help="Ask each database and service once whether it lets us in."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check settings, sources and state; say what to mend, and how.

    Exit code 1 when something is wrong; a warning alone is none.

    Example: kizuna doctor --config shop/kizuna.yml --connect
    """
    from dataclasses import asdict

    from orchestration.cli.examination import examine

    with step_progress(err) as display:
        display.report("looking at settings, files and state", 0, 0)
        findings = examine(Home.from_environment(), config, connect=connect)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        table = Table(show_header=False, box=None)
        marks = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "error": "[red]error[/]"}
        for finding in findings:
            table.add_row(marks[finding.state], finding.subject, escape(finding.text))
        out.print(table, highlight=False)
    if any(finding.state == "error" for finding in findings):
        raise typer.Exit(Exit.FAILED)


@app.command(rich_help_panel=NIGHT)
def run(config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Run one night now: ingest, check, transform, check, publish.

    The run is the nightly job and shows in the UI. Exit code 0 only when a version was published, and written
    wherever else the settings want it; 1 when nothing was; 3 when it was not written everywhere; 4 when another run
    is at work.

    Example: kizuna run --config shop/kizuna.yml --as-of 2026-09-30
    """
    from pipelines.settings import customer_key_secret, load_settings

    settings = load_settings(config)
    home = Home.from_environment().create()
    date = as_of.date() if as_of else settings.default_as_of(dt.datetime.now(dt.UTC))
    customer_key_secret(settings)  # better missed before the first step than after the last file
    with step_progress(err) as display:
        display.report("starting Dagster", 0, 0)
        from orchestration.night import run_night  # seconds: shown as a step

        result = run_night(settings, home, date, report=display.report, on_event=display.on_event)
    from orchestration.cli.summary import night_summary, print_night

    summary = night_summary(home, result)
    if as_json:
        print_json(summary)
    else:
        print_night(out, err, summary)
    if result.published is None:
        raise typer.Exit(Exit.FAILED)
    if not result.succeeded:
        raise typer.Exit(Exit.INCOMPLETE)


@app.command(rich_help_panel=NIGHT)
def status(as_json: AsJson = False) -> None:
    """Show the last nights, what is published, where the pages are.

    After a night that failed it says why; during one, which step it is at. It asks nothing of a run that is at
    work, and keeps it from nothing.

    Example: kizuna status --json | jq -e '.nights[0].status == "success"'
    """
    from orchestration.cli.summary import home_status, print_status

    found = home_status(Home.from_environment())
    if as_json:
        print_json(found)
    else:
        print_status(out, found)


@app.command(rich_help_panel=NIGHT)
def ui(
    config: Config = DEFAULT_CONFIG,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 3000,
) -> None:
    """Open the Dagster UI, with the schedule running, until Ctrl-C.

    While it runs, every night begins at the hour that the settings name, and files are read when they arrive.

    Example: kizuna ui --config shop/kizuna.yml --port 3001
    """
    from orchestration.instance import prepare_environment
    from pipelines.settings import load_settings

    load_settings(config)  # a mistake is better told here than in a web page
    environment = os.environ | prepare_environment(Home.from_environment(), config)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(
            number, signal.SIG_DFL
        )  # a shell's "&" hands down ignored signals, and nothing could end it
    command = [sys.executable, "-m", "orchestration.ui", "-m", "orchestration.definitions"]
    command += ["-h", host, "-p", str(port)]
    out.print(f"The UI will be at http://{host}:{port} in about half a minute.", highlight=False)
    os.execvpe(command[0], command, environment)


@app.command(rich_help_panel=READ)
def kpi(as_json: AsJson = False) -> None:
    """Show the headline KPIs of what is published, with intervals.

    Example: kizuna kpi --json | jq '.headlines[] | select(.name == "nps")'
    """
    from orchestration.cli.kpi import as_plain, print_headlines, published_headlines

    said = published_headlines(Home.from_environment())
    if as_json:
        print_json(as_plain(said))
    else:
        print_headlines(out, said)


app.add_typer(publication_app, name="publication", rich_help_panel=READ)


@app.command(rich_help_panel=READ)
def serve(
    config: Config = DEFAULT_CONFIG,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 9494,
) -> None:
    """Serve the published file, read-only, to DuckDB clients elsewhere.

    It ends with Ctrl-C. The token is in the environment variable that serve.token names in the settings
    (KIZUNA_SERVE_TOKEN). A new publication is seen by the next query. A client needs DuckDB 1.5 with its
    extension quack:

    ```sql
    ATTACH 'quack:127.0.0.1:9494' AS kizuna (TOKEN '...');
    FROM kizuna.query('select * from kpi.kpi_loyalty_monthly');
    ```

    Example: KIZUNA_SERVE_TOKEN=... kizuna serve --config shop/kizuna.yml --port 9494
    """
    from orchestration.cli.serving import serve_until_ended
    from pipelines.settings import load_settings, setting_secret

    settings = load_settings(config)
    token = setting_secret(settings, "serve.token", settings.serve.token)
    serve_until_ended(Home.from_environment(), token, host, port, out, err)


@app.command(rich_help_panel=READ)
def lineage(
    column: Annotated[str, typer.Argument(help="A column, as schema.table.column.", autocompletion=columns)],
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show what a column is computed of, back to your exports.

    It tells of the tables as the last night built them. What rows there are (joins, filters) is in the models' SQL.

    Example: kizuna lineage kpi.kpi_loyalty_monthly.nps
    """
    from orchestration.cli.lineage import print_way, way_back
    from pipelines.settings import load_settings

    steps = way_back(Home.from_environment(), load_settings(config), column)
    if as_json:
        print_json(steps)
    else:
        print_way(out, steps)


@app.command(rich_help_panel=READ)
def docs(config: Config = DEFAULT_CONFIG) -> None:
    """Write the data dictionary and dbt's pages anew.

    A night does so itself when something has changed.

    Example: kizuna docs --config shop/kizuna.yml
    """
    from pipelines.settings import SettingsError, load_settings

    settings, home = load_settings(config), Home.from_environment()
    if not home.warehouse.exists():
        raise SettingsError("there is nothing to describe yet: kizuna run")
    with step_progress(err) as display:
        display.report("describing the tables", 0, 0)
        from orchestration.assets.dbt import PROJECT
        from pipelines.documentation import write_documentation
        from pipelines.turn import turn

        with turn(home):
            page = write_documentation(home, PROJECT, settings)
    say(f"Look   {page}")


@app.command(rich_help_panel=MEND)
def rebuild(
    yes: Annotated[
        bool, typer.Option("--yes", metavar="", help="Do it; without, only say what would be done.")
    ] = False,
) -> None:
    """Build a lost or damaged warehouse again from what was landed.

    What is published stays until the next run. Without --yes nothing is changed.

    Example: kizuna rebuild --yes
    """
    from pipelines.ingest import rebuild as rebuild_warehouse
    from pipelines.landing import LandingZone
    from pipelines.turn import turn

    home = Home.from_environment()
    loads = LandingZone(home.landing).manifests()
    if not yes:
        size = f", {home.warehouse.stat().st_size:,} bytes," if home.warehouse.exists() else ""
        say(
            f"Would remove {home.warehouse}{size} and load {len(loads):,} landed batches again. Do it with --yes."
        )
        return
    with turn(home), step_progress(err) as display:
        count = rebuild_warehouse(home, lambda done, total, _: display.report("loading again", done, total))
    say(f"Loaded {count:,} batches again. Build the tables with: kizuna run")
