"""A demo company whose nights are published while somebody looks: what the programs of this folder share."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

FIRST_NIGHT = dt.date(2026, 9, 30)


def kizuna(
    home: Path, *command: str, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    program = Path(sys.executable).with_name("kizuna")
    variables = os.environ | {"KIZUNA_HOME": str(home)} | (environment or {})
    return subprocess.Popen([program, *command], env=variables, stdout=subprocess.DEVNULL)


def night(
    home: Path, as_of: dt.date, config: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """`kizuna run`, started; by the settings of the demo company where no others are named."""
    settings = str(config or home / "demo" / "kizuna.yml")
    return kizuna(
        home, "run", "--config", settings, "--as-of", as_of.isoformat(), "--json", environment=environment
    )


def finished(process: subprocess.Popen[bytes]) -> None:
    """Waits for it. Raises RuntimeError where it failed."""
    if process.wait():
        raise RuntimeError("kizuna failed: its messages are above")
