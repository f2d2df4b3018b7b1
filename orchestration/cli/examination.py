"""What ``kizuna doctor`` looks at. Each finding says how to mend it."""

from __future__ import annotations

import grp
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from pipelines.formats.records import UnreadableFileError
from pipelines.home import Home
from pipelines.ingest.connection import check_connection
from pipelines.landing import LandingZone
from pipelines.load import last_load_id
from pipelines.overview import forgotten_sources
from pipelines.publication import PublicationError, current_version
from pipelines.settings import (
    FileSource,
    Settings,
    SettingsError,
    customer_key_secret,
    load_settings,
    secret_value,
    setting_secret,
)
from pipelines.sources.errors import SourceError
from pipelines.sources.files import find_files
from pipelines.sources.mapping import source_fields
from pipelines.warehouse import WarehouseBusyError, open_warehouse

_LOW_DISK_BYTES = 5 * 1024**3  # a night of ten million order lines writes about two


@dataclass(frozen=True)
class Finding:
    state: Literal["ok", "warning", "error"]
    subject: str
    text: str


def examine(home: Home, config: Path, *, connect: bool = False) -> list[Finding]:
    """Everything that has to be right for a night to succeed, without changing anything.

    Args:
        connect: whether to ask each database and service; without, the network is left alone.
    """
    findings: list[Finding] = []
    try:
        settings = load_settings(config)
    except SettingsError as error:
        findings.append(Finding("error", "settings", str(error)))
    else:
        findings.append(Finding("ok", "settings", str(settings.path)))
        findings += _settings_findings(home, settings, connect)
        findings += _forgotten_findings(home, settings)
    findings += _home_findings(home)
    return findings


def _settings_findings(home: Home, settings: Settings, connect: bool) -> Iterator[Finding]:
    yield _attempt("customer key", lambda: customer_key_secret(settings) and "the secret is set")
    postgres = settings.publication.postgres
    if postgres is not None:
        yield _attempt(
            "publication",
            lambda: (
                setting_secret(settings, "publication.postgres.connection", postgres.connection)
                and f"{postgres.connection.env} is set: every version goes to schema {postgres.schema_name}, too"
            ),
        )
    for setting, folder in (
        ("folder", settings.publication.folder),
        ("parquet", settings.publication.parquet),
    ):
        if isinstance(folder, str):
            yield _folder_finding(home, f"publication.{setting}", home.root / folder)
    for name, source in settings.sources.items():
        for mapping in source.mappings:
            source_fields(mapping)
        if isinstance(source, FileSource):
            yield from _files_findings(settings, name, source)
        else:
            found = _attempt(f"source {name}", lambda name=name: _secrets_text(settings, name))
            yield found
            if connect and found.state == "ok":
                yield _attempt(f"source {name}", lambda name=name: check_connection(home, settings, name))


def _folder_finding(home: Home, setting: str, folder: Path) -> Finding:
    """Whether a night can write the folder, and who can read what it writes there."""
    if folder.resolve().is_relative_to(home.root):
        text = f"{folder} lies in the state folder, which no other account can enter: name one outside"
        return Finding("warning", setting, text)
    if not folder.is_dir():
        return Finding(
            "ok", setting, f"{folder} will be made by the next night; its umask says who may read it"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding(
            "error", setting, f"{folder} cannot be written: chown it to the account that runs Kizuna"
        )
    found = folder.stat()
    if found.st_mode & stat.S_IROTH:
        return Finding("ok", setting, f"{folder}, readable by everybody on this machine")
    if found.st_mode & stat.S_IRGRP:
        return Finding("ok", setting, f"{folder}, readable by the group {_group_name(found.st_gid)}")
    mend = "give it a group of readers (chgrp), then: chmod 2750"
    return Finding("warning", setting, f"nobody but its owner may read {folder}; {mend} {folder}")


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:  # a group that this machine has no name for
        return str(number)


def _files_findings(settings: Settings, name: str, source: FileSource) -> Iterator[Finding]:
    found = _attempt(
        f"source {name}",
        lambda: (
            f"{len(find_files(name, source, settings)):,} files match {settings.as_written(source.files)}"
        ),
    )
    if found.state == "ok" and not find_files(name, source, settings):
        found = Finding("warning", found.subject, f"no file matches {settings.as_written(source.files)} yet")
    yield found
    if source.duplicate_records == "keep":
        yield Finding("ok", f"source {name}", "exact duplicates of records without a key are kept")


def _forgotten_findings(home: Home, settings: Settings) -> Iterator[Finding]:
    try:
        names = forgotten_sources(home, settings)
    except (SettingsError, WarehouseBusyError, duckdb.Error):
        return  # each is a finding of its own
    for name in names:
        yield Finding(
            "warning",
            f"source {name}",
            "it is no longer in the settings, and the rows it has brought stay. If it only has another name now, "
            "give it the old one again: under another it is read anew, and deletes nothing of these rows",
        )


def _secrets_text(settings: Settings, name: str) -> str:
    """Without asking the system itself: whether the network is touched is for a person to say."""
    source = settings.sources[name]
    secrets = {key: getattr(source, key, None) for key in ("connection", "user", "token")}
    secrets = {key: secret for key, secret in secrets.items() if secret is not None}
    for key, secret in secrets.items():
        secret_value(settings, name, key, secret)
    return "its secrets are set" if secrets else "it needs no secret"


def _attempt(subject: str, action: Callable[[], object]) -> Finding:
    try:
        return Finding("ok", subject, str(action()))
    except (SettingsError, SourceError, UnreadableFileError, WarehouseBusyError, PublicationError) as error:
        return Finding("error", subject, str(error))


def _home_findings(home: Home) -> Iterator[Finding]:
    if not home.root.exists():
        yield Finding("ok", "state folder", f"{home.root} will be made by the first run")
        return
    mode = stat.S_IMODE(home.root.stat().st_mode)
    if mode & 0o077:
        yield Finding(
            "warning", "state folder", f"others may read {home.root}; mend it with: chmod 700 {home.root}"
        )
    else:
        yield Finding("ok", "state folder", f"{home.root}, readable by its owner only")
    free = shutil.disk_usage(home.root).free
    state: Literal["ok", "warning"] = "ok" if free > _LOW_DISK_BYTES else "warning"
    yield Finding(state, "disk", f"{free / 1024**3:.0f} GiB free")
    if home.warehouse.exists():
        yield _attempt("warehouse", lambda: _warehouse_text(home))
    yield _attempt("publication", lambda: _publication_text(home))


def _warehouse_text(home: Home) -> str:
    try:
        with open_warehouse(home, read_only=True) as connection:
            known = last_load_id(connection)
    except duckdb.Error as error:
        raise WarehouseBusyError(
            f"{home.warehouse} cannot be opened ({type(error).__name__}). Build it again with: kizuna rebuild --yes"
        ) from error
    landed = LandingZone(home.landing).manifests()
    waiting = [load_id for load_id in landed if load_id > known]
    return f"{known:,} loads" + (
        f"; {len(waiting)} interrupted, to be loaded by the next run" if waiting else ""
    )


def _publication_text(home: Home) -> str:
    version = current_version(home)
    if version is None:
        return "nothing is published yet"
    with duckdb.connect(str(home.published_file), read_only=True) as connection:
        connection.execute("select * from meta.publication").fetchall()
    return f"{home.published_file} opens: {version.name}, {version.rows:,} rows"
