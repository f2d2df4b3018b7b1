"""The steps of a publication, in their order. What each does is in the modules beside this one."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path

import duckdb

from pipelines.home import Home
from pipelines.publication import build, versions
from pipelines.publication.about import Stamp
from pipelines.publication.files import (
    FOLDER_MODE,
    protect_tree,
    remove_tree,
    sync_folder,
    sync_tree,
)
from pipelines.publication.fingerprint import hash_of_tables, together
from pipelines.publication.model import (
    DATABASE_NAME,
    MANIFEST_NAME,
    SCORECARD_NAME,
    STORAGE_VERSION,
    Manifest,
    PublicationError,
    Published,
    Table,
    TableDoc,
    Tuning,
    Version,
)
from pipelines.publication.plan import Base, Plan, Source, make_plan, whole

log = logging.getLogger(__name__)

_NUMBERS_OF_BUSINESS = ("marts", "kpi")  # meta tells about the run, so it may differ where the numbers do not


def publish(
    home: Home,
    *,
    as_of: dt.date,
    run_id: str,
    docs: Mapping[str, TableDoc],
    checks: Sequence[Mapping[str, object]],
    keep_versions: int,
    parquet: bool = True,
    contract_version: str | None = None,
    scorecard: Callable[[Path], str] | None = None,
    progress: Callable[[str], None] | None = None,
    tuning: Tuning | None = None,
) -> Published:
    """Publish ``marts``, ``kpi`` and ``meta`` of the warehouse as a new version and let readers open it.

    Until the last step readers see the version before; after it, the new one. Whenever the process dies,
    they see one or the other, and the next publication removes what is left.

    Args:
        as_of: the business date of the tables.
        run_id: who built it; goes into ``meta.publication``.
        docs: descriptions by table name (``marts.fct_orders``), of every published table and column.
        checks: results of the gate; each has ``success`` and ``severity`` (``error`` or ``warning``), the
            rest goes into the manifest as it is.
        keep_versions: how many versions stay, this one included; at least 1.
        parquet: whether Parquet files are written beside the DuckDB file.
        contract_version: of the published contract (``contract``); goes into ``meta.publication``.
        scorecard: makes the page that lies beside the file, from the file.
        progress: told each step in words.

    Raises:
        PublicationError: nothing was switched; the message says why and what to mend.
    """
    if keep_versions < 1:
        raise ValueError(f"keep_versions is {keep_versions}; at least the new version must stay")
    request = _Request(
        as_of,
        run_id,
        docs,
        checks,
        *_count(checks),
        parquet,
        contract_version,
        scorecard,
        tuning or Tuning(),
        progress or log.info,
    )
    home.create()
    sync_folder(home.root)
    with versions.only_writer(home):
        versions.clear_leftovers(home)
        built_at = _time_after(versions.list_versions(home))
        name = versions.version_name(as_of, built_at)
        folder = home.publications / f"{versions.BUILDING}{name}"
        folder.mkdir(mode=FOLDER_MODE)
        try:
            manifest, rows_written = _build(home, folder, built_at, request)
            if request.scorecard is not None:
                request.tell("drawing the scorecard")
                page = request.scorecard(folder / DATABASE_NAME)
                (folder / SCORECARD_NAME).write_text(page, encoding="utf-8")
            request.tell("syncing to disk")
            protect_tree(folder)
            sync_tree(folder)
            folder.rename(home.publications / name)
            sync_folder(home.publications)
        finally:
            remove_tree(folder)
        versions.switch(home, name)
        request.tell(f"published {name}")
        removed = versions.keep_newest(home, keep_versions)
        published = versions.current_version(home)
    return Published(
        version=published,
        rows={table: entry.rows for table, entry in manifest.tables.items()},
        content_hashes={table: entry.content_hash for table, entry in manifest.tables.items()},
        build=manifest.build,
        reason=manifest.reason,
        rows_written=rows_written,
        bytes=manifest.database_bytes,
        checks_passed=request.passed,
        checks_warned=request.warned,
        removed=removed,
    )


@dataclass(frozen=True)
class _Request:
    as_of: dt.date
    run_id: str
    docs: Mapping[str, TableDoc]
    checks: Sequence[Mapping[str, object]]
    passed: int
    warned: int
    parquet: bool
    contract_version: str | None
    scorecard: Callable[[Path], str] | None
    tuning: Tuning
    tell: Callable[[str], None]


def _count(checks: Sequence[Mapping[str, object]]) -> tuple[int, int]:
    """How many checks passed and how many warned.

    Raises:
        PublicationError: one failed with severity ``error``: the gate should have stopped the run before.
    """
    failed = [check for check in checks if not check["success"]]
    stopping = [check for check in failed if check["severity"] != "warning"]
    if stopping:
        names = sorted({f"{check.get('table')}: {check.get('expectation')}" for check in stopping})
        raise PublicationError(f"{len(stopping)} checks failed, so nothing is published: {'; '.join(names)}")
    return len(checks) - len(failed), len(failed)


def _time_after(known: Sequence[Version]) -> dt.datetime:
    """Now, naive UTC to the millisecond, but later than every version even if the clock was set back."""
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return max([now, *(version.built_at + dt.timedelta(milliseconds=1) for version in known)])


def _build(home: Home, folder: Path, built_at: dt.datetime, request: _Request) -> tuple[Manifest, int]:
    """Write a whole version into the folder. Returns its manifest and the number of rows written."""
    software = (installed_version("kizuna"), duckdb.__version__)
    request.tell("reading what changed")
    with build.open_workbench(home, folder, request.tuning, parquet=request.parquet) as bench:
        sources = build.read_sources(bench, request.docs)
    stamp = _stamp(sources, built_at, request, software)
    base = _base(home)
    plan = make_plan(sources, base, software, request.tuning)
    job = _Job(home, folder, sources, stamp, base.manifest if base else None, request)
    plan, tables = _follow(plan, job)
    size = (folder / DATABASE_NAME).stat().st_size
    compact = plan.base.manifest.compact_bytes_per_row if plan.base else size / max(stamp.rows, 1)
    manifest = Manifest(
        version=stamp.version,
        as_of_date=stamp.as_of_date,
        run_id=stamp.run_id,
        built_at=stamp.built_at,
        kizuna_version=stamp.kizuna_version,
        duckdb_version=stamp.duckdb_version,
        storage_version=STORAGE_VERSION,
        content_hash=stamp.content_hash,
        rows=stamp.rows,
        build="delta" if plan.base else "whole",
        reason=plan.reason,
        database_bytes=size,
        compact_bytes_per_row=compact,
        tables=tables,
        checks=[json.loads(json.dumps(dict(check), default=str)) for check in request.checks],
    )
    (folder / MANIFEST_NAME).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
    return manifest, sum(
        tables[table].slices[part].rows for table, parts in plan.write.items() for part in parts
    )


@dataclass(frozen=True)
class _Job:
    """What one version is made of, whatever the plan."""

    home: Home
    folder: Path
    sources: Sequence[Source]
    stamp: Stamp
    before: Manifest | None
    request: _Request


def _follow(plan: Plan, job: _Job) -> tuple[Plan, dict[str, Table]]:
    """Follow the plan; where its base proves unsound, write whole. Returns the plan that was followed."""
    job.folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    job.request.tell(f"writing {'a part' if plan.base else 'everything'}: {plan.reason}")
    try:
        with build.open_workbench(
            job.home, job.folder, job.request.tuning, parquet=job.request.parquet
        ) as bench:
            return plan, build.build_version(bench, job.sources, plan, job.stamp, job.before)
    except (PublicationError, duckdb.Error) as error:
        if plan.base is None:
            raise
        log.warning("version %s is no sound base (%s)", plan.base.version.name, type(error).__name__)
    remove_tree(job.folder)
    return _follow(whole(job.sources, "the version before is damaged"), job)


def _base(home: Home) -> Base | None:
    """The current version when it is sound. A damaged one must not stop the night."""
    try:
        version = versions.current_version(home)
    except PublicationError as error:
        log.warning("%s", error)
        return None
    return Base(version, versions.read_manifest(version.folder)) if version else None


def _stamp(
    sources: Sequence[Source], built_at: dt.datetime, request: _Request, software: tuple[str, str]
) -> Stamp:
    business = [source for source in sources if source.relation.schema in _NUMBERS_OF_BUSINESS]
    return Stamp(
        as_of_date=request.as_of,
        version=versions.version_name(request.as_of, built_at),
        run_id=request.run_id,
        built_at=built_at,
        kizuna_version=software[0],
        duckdb_version=software[1],
        contract_version=request.contract_version,
        tables=len(sources),
        rows=sum(together(source.slices.values()).rows for source in sources),
        content_hash=hash_of_tables(
            {source.relation.name: together(source.slices.values()).content_hash for source in business},
            {source.relation.name: source.relation.schema_hash for source in business},
        ),
        checks_passed=request.passed,
        checks_warned=request.warned,
    )
