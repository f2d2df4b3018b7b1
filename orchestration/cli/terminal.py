"""What all commands share: where they write, the options that several have, JSON for scripts, exit codes."""

from __future__ import annotations

import datetime as dt
import json
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

out = Console()
err = Console(stderr=True)

DEFAULT_CONFIG = Path("kizuna.yml")
CONFIG = typer.Option("--config", "-c", help="The settings file.", envvar="KIZUNA_CONFIG")
Config = Annotated[Path, CONFIG]
AsJson = Annotated[bool, typer.Option("--json", metavar="", help="Print JSON, and nothing else, to stdout.")]


class Exit(IntEnum):
    """What a script can tell from how a command ended. 2 is the command line's own: it was not understood."""

    DONE = 0
    FAILED = 1
    INCOMPLETE = 3  # published, but not everywhere that the settings want it
    BUSY = 4  # another run is at work: later will do


def print_json(found: object) -> None:
    """One document, in ASCII: it survives every pipe and locale."""
    print(json.dumps(found, default=_plain, indent=2))


def say(text: str) -> None:
    """A line as it is, however wide the terminal."""
    out.print(text, highlight=False, soft_wrap=True, markup=False)


def short(path: Path) -> str:
    """As somebody in this folder would type it."""
    working = Path.cwd()
    return str(path.relative_to(working)) if path.is_relative_to(working) else str(path)


def _plain(value: Any) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
