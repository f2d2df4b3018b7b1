"""Whose data the state folder holds, and how a made-up or public company makes room for another.

People try the demo, then an example, then their own exports, all with the one default folder. A warehouse holds
one company: another one's rows would mix with it. So a company whose customer keys are public (the demo, public
data) is set aside when another one runs, and comes back with its own next run. One with a secret is never moved:
a mistyped secret must not look like a new company.

    KIZUNA_HOME/aside/<fingerprint of the keys>/{landing, warehouse.duckdb}
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import duckdb

from pipelines.home import OWNER_ONLY, Home
from pipelines.privacy import fingerprint, hold_to_secret
from pipelines.settings import Settings, customer_key_secret
from pipelines.warehouse import create_tables, open_warehouse


def make_room(home: Home, settings: Settings) -> str | None:
    """Set aside a public company that is not this one, and bring this one back if it was set aside.

    Killed at any instant and called again, it goes on where it stopped: the landing zone leaves first and comes
    back last, so that it never stands beside another company's warehouse.

    Returns:
        What was done, in words for people; None: nothing had to be.

    Raises:
        SettingsError: the secret is not set.
        CustomerKeySecretChangedError: the company here has a secret, and this is another one.
    """
    secret = customer_key_secret(settings)
    wanted = fingerprint(secret)
    said = None
    other = _other_public_company(home, secret)
    if other is not None:
        _set_aside(home, home.aside / other)
        said = (
            f"{home.root} held another company, whose customer keys are public. It was set aside, and its own "
            f"next run brings it back. For a folder of its own set KIZUNA_HOME."
        )
    _bring_back(home, home.aside / wanted)
    return said


def _other_public_company(home: Home, secret: str) -> str | None:
    if not home.warehouse.exists():
        return None
    with suppress(duckdb.Error), open_warehouse(home) as connection:  # of a damaged file the run itself tells
        create_tables(connection)
        row = connection.execute("select fingerprint, is_public from privacy.hash_key").fetchone()
        if row is not None and row[0] != fingerprint(secret) and row[1]:
            return str(row[0])
        if row is not None:
            hold_to_secret(connection, secret)
    return None


def _set_aside(home: Home, place: Path) -> None:
    place.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    if not (place / home.landing.name).exists():
        home.landing.rename(place / home.landing.name)
    home.warehouse.rename(place / home.warehouse.name)
    home.create()


def _bring_back(home: Home, place: Path) -> None:
    if (place / home.warehouse.name).exists() and not home.warehouse.exists():
        (place / home.warehouse.name).rename(home.warehouse)
    if (place / home.landing.name).exists() and not any(home.landing.iterdir()):
        home.landing.rmdir()
        (place / home.landing.name).rename(home.landing)
        place.rmdir()
