"""``kizuna publication``: the versions that BI tools open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from orchestration.cli.completion import versions as known_versions
from orchestration.cli.progress import step_progress
from orchestration.cli.terminal import DEFAULT_CONFIG, AsJson, Config, err, out, print_json, say
from pipelines.home import Home

if TYPE_CHECKING:
    from pipelines.publication import Version

publication_app = typer.Typer(
    help="Versions that BI tools open: list, go back, write elsewhere.",
    no_args_is_help=True,
)


@publication_app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show the versions on disk, the newest first.

    Example: kizuna publication list
    """
    from pipelines.publication import list_versions

    versions = list_versions(Home.from_environment())
    if as_json:
        print_json([_fields(version) for version in versions])
        return
    if not versions:
        say("Nothing has been published yet: kizuna run")
        return
    table = Table("version", "as of", box=box.SIMPLE_HEAD)
    table.add_column("tables", justify="right")
    table.add_column("rows", justify="right")
    table.add_column("")
    for version in versions:
        table.add_row(
            version.name,
            version.as_of.isoformat(),
            str(version.tables),
            f"{version.rows:,}",
            "current" if version.is_current else "",
        )
    out.print(table)


@publication_app.command()
def rollback(
    version: Annotated[
        str, typer.Argument(help="One of: kizuna publication list", autocompletion=known_versions)
    ],
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Let BI tools open another version, in one step; nothing is deleted.

    Folders and schemas that the settings name beside the state folder follow with: kizuna publication export

    Example: kizuna publication rollback 2026-09-29-20260930T020214101Z
    """
    from pipelines.publication import rollback as roll_back

    home = Home.from_environment()
    chosen = roll_back(home, version)
    if as_json:
        print_json(_fields(chosen))
        return
    say(f"Readers now open {chosen.name}, as of {chosen.as_of}.")
    if _has_other_places(home, config):
        say(
            f"Its other places still have what they had. They follow with: kizuna publication export -c {config}"
        )


@publication_app.command()
def export(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Write the current version once more to where the settings want it: folders, a PostgreSQL schema.

    A night does that itself. This is for after a failure, a rollback, or a change of the settings.

    Example: kizuna publication export --config shop/kizuna.yml
    """
    from pipelines.publication import PublicationError, current_version
    from pipelines.publication.ways_out import take_ways_out, ways_out
    from pipelines.settings import SettingsError, load_settings
    from pipelines.turn import turn

    settings, home = load_settings(config), Home.from_environment()
    ways = ways_out(home, settings)
    if not ways:
        raise SettingsError(
            f"{settings.path}: publication names no other place: add folder, parquet or postgres to it"
        )
    version = current_version(home)
    if version is None:
        raise PublicationError("nothing has been published yet: kizuna run")
    with turn(home), step_progress(err) as display:
        display.report(f"writing to {', '.join(way.name for way in ways)}", 0, 0)
        done = take_ways_out(ways, version)
    if as_json:
        print_json({"version": version.name, "done": done})
        return
    for name, text in done.items():
        say(f"{name}: {version.name}, {text}")


def _has_other_places(home: Home, config: Path) -> bool:
    """Also False where the settings cannot be read: going back is for emergencies, and needs none."""
    from pipelines.publication.ways_out import ways_out
    from pipelines.settings import SettingsError, load_settings

    try:
        return bool(ways_out(home, load_settings(config)))
    except SettingsError:
        return False


def _fields(version: Version) -> dict[str, object]:
    names = ("name", "as_of", "built_at", "run_id", "tables", "rows", "content_hash", "is_current")
    return {name: getattr(version, name) for name in names}
