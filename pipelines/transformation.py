"""dbt on the warehouse, in this process.

Belongs here: how dbt is started, listened to and stopped. Does not: what it builds (``dbt_project/``), and what
Dagster makes of it (``orchestration.assets.dbt``).

A process of its own would import dbt a second time and parse the project again, which takes longer than building
a small company. The price is that dbt has to let go of the warehouse file by itself: see ``_invoke``.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import queue
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.factory import FACTORY
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.constants import PARTIAL_PARSE_FILE_NAME
from dbt.contracts.graph.manifest import Manifest
from dbt.parser.manifest import extended_mashumuro_decoder
from dbt_common.events.base_types import EventMsg
from dbt_common.events.functions import msg_to_dict

from pipelines.errors import KizunaError
from pipelines.home import Home
from pipelines.publication import SCHEMAS
from pipelines.semantic_layer import SEMANTIC_MANIFEST
from pipelines.warehouse import open_warehouse

PROJECT_SUFFIXES = (".sql", ".yml", ".csv")
_BUILT = ("LogSeedResult", "LogModelResult")  # dbt's events that tell what became of a node
_RESULTS = (*_BUILT, "LogTestResult")
_VIEW = "view"  # a table is counted in no time, a view is computed for it: only those that readers see
_SHOWN_FAILURES = 10
_THREAD = "dbt build"
_CANCEL_SECONDS = 0.2  # between two attempts to end what runs

# What dbt leaves of a parsed project in its target folder: for Dagster, for MetricFlow and for itself.
_FILES = ("manifest.json", SEMANTIC_MANIFEST, PARTIAL_PARSE_FILE_NAME)
_PARSED_FROM = "parsed_from"  # holds the fingerprint of the project; the files are whole when it is written


@dataclass(frozen=True)
class _Parsed:
    """A project as this process knows it, and the target folder that holds the files of it."""

    manifest: Manifest
    folder: Path


# By fingerprint: a night after the first parses nothing, and the first reads in what another process has parsed.
_parsed: dict[str, _Parsed] = {}


class TransformationError(KizunaError):
    """dbt could not parse or build the project; the message names the nodes and quotes no value."""


def ensure_manifest(home: Home, project: Path) -> Path:
    """dbt's manifest of the project; parsed again only where the project has changed since.

    Raises:
        TransformationError: the project cannot be parsed.
    """
    fingerprint, target = project_fingerprint(project), _target(home)
    if not _holds(target, fingerprint):
        target.mkdir(parents=True, exist_ok=True)
        known = _parsed.get(fingerprint)
        if known and _holds(known.folder, fingerprint):
            for file in _FILES:
                shutil.copy(known.folder / file, target / file)
        else:
            _parsed.pop(fingerprint, None)
            outcome = _invoke(home, project, ["parse", "--quiet"])
            if not outcome.success or not isinstance(outcome.result, Manifest):
                raise TransformationError(f"dbt cannot parse {project}: {outcome.exception}")
            _parsed[fingerprint] = _Parsed(outcome.result, target)
        (target / _PARSED_FROM).write_text(fingerprint, encoding="utf-8")
    return target / "manifest.json"


def parsed_project(home: Home, project: Path) -> Manifest:
    """The project as dbt works with it: parsed or read in by this process before, kept by another, or parsed now.

    Raises:
        TransformationError: the project cannot be parsed.
    """
    ensure_manifest(home, project)
    manifest = _known_manifest(home, project)
    assert manifest is not None
    return manifest


def semantic_manifest(home: Home) -> Path:
    """The metrics as dbt has parsed them, for MetricFlow; ``ensure_manifest`` writes it."""
    return _target(home) / SEMANTIC_MANIFEST


def build(home: Home, project: Path, arguments: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Run ``dbt build`` and yield its events about finished nodes while it runs.

    Args:
        arguments: what follows ``build``: selection, ``--full-refresh``.

    Yields:
        dbt's structured log events, as its JSON log format has them. That of a model or seed which was built has a
        further key ``built``: ``columns``, name to type, and ``row_count``, which is None for a view that readers do
        not see.

    Raises:
        TransformationError: a node failed; raised after the last event.
    """
    events: queue.SimpleQueue[dict[str, Any] | dbtRunnerResult] = queue.SimpleQueue()

    def on_event(event: EventMsg) -> None:
        if event.info.name in _RESULTS:
            told = msg_to_dict(event)
            events.put({**told, "built": _built(told)} if event.info.name in _BUILT else told)

    def work() -> None:
        # Nothing is read of what dbt would write down: the manifest stands since it was parsed, results are told.
        events.put(_invoke(home, project, ["build", "--no-write-json", *arguments], on_event))

    thread = threading.Thread(target=work, name=_THREAD, daemon=True)
    thread.start()
    try:
        while isinstance(event := events.get(), dict):
            yield event
    except BaseException:
        cancel()
        raise
    _raise_on_failure(event)


@dataclass(frozen=True)
class Described:
    """What dbt's documentation shows: its page, the project, and what stands in the warehouse."""

    page: str
    manifest: dict[str, Any]
    catalog: dict[str, Any]


def describe(home: Home, project: Path) -> Described:
    """The parts of dbt's documentation. The statements are those that ran: see ``compiled_sql``.

    Raises:
        TransformationError: dbt cannot read the project or the warehouse.
    """
    manifest = ensure_manifest(home, project)
    outcome = _invoke(home, project, ["docs", "generate", "--no-compile", "--quiet"])
    if not outcome.success:
        raise TransformationError(
            f"dbt cannot describe the warehouse: {_without_values(str(outcome.exception))}"
        )
    page, catalog = _target(home) / "index.html", _target(home) / "catalog.json"
    return Described(
        page.read_text(encoding="utf-8"),
        json.loads(manifest.read_text(encoding="utf-8")),
        json.loads(catalog.read_text(encoding="utf-8")),
    )


def compiled_sql(home: Home, node: Mapping[str, Any]) -> str | None:
    """A model's statement as dbt last ran it, from the manifest's node; None where it has run none."""
    path = _target(home) / "compiled" / node["package_name"] / node["original_file_path"]
    return path.read_text(encoding="utf-8") if node["resource_type"] == "model" and path.is_file() else None


def _built(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a node's relation holds, asked on dbt's own connection: nobody else can open the file now."""
    node = told["data"]["node_info"]
    if node["node_status"] != "success":
        return None
    name = node["node_relation"]["relation_name"]
    with DuckDBConnectionManager.env().conn.cursor() as connection:
        described = connection.execute(f"describe {name}").fetchall()
        counted = node["materialized"] != _VIEW or node["node_relation"]["schema"] in SCHEMAS
        rows = connection.execute(f"select count(*) from {name}").fetchall() if counted else [(None,)]
    return {"columns": {column: type_ for column, type_, *_ in described}, "row_count": rows[0][0]}


def drop_orphans(home: Home, manifest: Mapping[str, Any]) -> list[str]:
    """Drop what a model that is gone, or has another name now, left in the warehouse; returns the names.

    Readers would take it for tonight's, and the publication refuses what nobody describes.
    """
    built = {
        (node["schema"], node["alias"])
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
    }
    with open_warehouse(home) as connection:
        there = connection.execute(
            """select table_schema, table_name, table_type from information_schema.tables
            where table_catalog = current_database() and table_schema in (select unnest($schemas))
            order by all""",
            {"schemas": sorted({schema for schema, _ in built})},
        ).fetchall()
        orphans = [found for found in there if found[:2] not in built]
        for schema, name, type_ in orphans:
            kind = "view" if type_ == "VIEW" else "table"
            connection.execute(f'drop {kind} "{schema}"."{name}"')
    return [f"{schema}.{name}" for schema, name, _ in orphans]


def cancel() -> None:
    """End a build that is still at work: its run was cancelled, and nobody may go on writing.

    A run can be cancelled while its asset waits for Dagster to take an event; then ``build`` never hears of it.
    """
    for thread in threading.enumerate():
        while thread.name == _THREAD and thread.is_alive():
            for adapter in FACTORY.adapters.values():
                with suppress(duckdb.Error):  # closed in the same moment
                    adapter.cancel_open_connections()
            thread.join(_CANCEL_SECONDS)


def _invoke(
    home: Home, project: Path, arguments: Sequence[str], on_event: Callable[[EventMsg], None] | None = None
) -> dbtRunnerResult:
    """Run dbt. Whatever happens, the warehouse is closed afterwards and its lock is free."""
    os.environ["KIZUNA_WAREHOUSE"] = str(home.warehouse)  # the profile reads it
    folders = ["--project-dir", str(project), "--profiles-dir", str(project)]
    # Every statement is in target/run; dbt's debug log would hold them again, for a quarter of dbt's own time.
    written = [
        "--target-path",
        str(_target(home)),
        "--log-path",
        str(home.dbt / "logs"),
        "--log-level-file",
        "info",
    ]
    runner = dbtRunner(_known_manifest(home, project), [on_event] if on_event else [])
    try:
        return runner.invoke([*arguments, *folders, *written])
    finally:
        DuckDBConnectionManager.close_all_connections()


def _raise_on_failure(outcome: dbtRunnerResult) -> None:
    if outcome.success:
        return
    if outcome.exception is not None:
        raise TransformationError(f"dbt: {_without_values(str(outcome.exception))}") from outcome.exception
    failed = [
        result
        for result in outcome.result.results
        if str(result.status) in ("error", "fail", "runtime error")
    ]
    shown = [
        f"{result.node.name}: {_without_values(result.message or '')}" for result in failed[:_SHOWN_FAILURES]
    ]
    more = [f"and {len(failed) - len(shown)} more"] if len(failed) > len(shown) else []
    raise TransformationError("dbt could not build " + "; ".join((*shown, *more)))


def _without_values(message: str) -> str:
    """On one line, and without the values that DuckDB quotes."""
    return re.sub(r"'[^']*'", "'...'", " ".join(message.split()))


def _known_manifest(home: Home, project: Path) -> Manifest | None:
    """What dbt need not parse. Left to itself it does so in every call, and wholly where the warehouse has moved."""
    fingerprint, target = project_fingerprint(project), _target(home)
    if fingerprint not in _parsed and _holds(target, fingerprint):
        kept = (target / PARTIAL_PARSE_FILE_NAME).read_bytes()
        manifest = Manifest.from_msgpack(kept, decoder=extended_mashumuro_decoder)
        _parsed[fingerprint] = _Parsed(manifest, target)
    known = _parsed.get(fingerprint)
    return known.manifest if known else None


def _holds(target: Path, fingerprint: str) -> bool:
    """Whether the folder has all files of the project with this fingerprint."""
    parsed_from = target / _PARSED_FROM
    return (
        all((target / file).is_file() for file in _FILES)
        and parsed_from.is_file()
        and parsed_from.read_text(encoding="utf-8") == fingerprint
    )


def _target(home: Home) -> Path:
    return home.dbt / "target"


def project_fingerprint(project: Path) -> str:
    """Changes with every file of the project, with dbt's version and with where the project lies."""
    digest = hashlib.sha256(f"{importlib.metadata.version('dbt-core')} {project}".encode())
    for path in sorted(path for path in project.rglob("*") if path.suffix in PROJECT_SUFFIXES):
        digest.update(path.relative_to(project).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
