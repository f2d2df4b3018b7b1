"""What a night came to, and how things stand, for people and for scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.night import NightResult
from pipelines.home import Home
from pipelines.night import ingestion_totals
from pipelines.publication import current_version, list_versions
from pipelines.warehouse import WarehouseBusyError

_SHOWN_MESSAGES = 20
_OPENED = {"file": "Open  ", "scorecard": "Look  ", "data_docs": "Checks"}


def night_summary(home: Home, result: NightResult) -> dict[str, Any]:
    """The night as a mapping of plain values."""
    version = current_version(home)
    return {
        "published": result.published,
        "as_of": result.as_of,
        "seconds": round(result.seconds, 1),
        "run_id": result.run_id,
        "ingestion": _ingestion_if_nobody_writes(home),
        "tables": version.tables if version else 0,
        "rows": version.rows if version else 0,
        "file": str(home.published_file),
        "scorecard": str(home.published_scorecard),
        "data_docs": str(home.quality / "published" / "index.html"),
        "failures": result.failures,
        "warnings": result.warnings,
    }


def print_night(out: Console, err: Console, summary: dict[str, Any]) -> None:
    """A short summary: rows in, what was refused, what was published, the file to open."""
    if summary["ingestion"] is not None:
        out.print(_sources_table(summary["ingestion"]))
    for warning in summary["warnings"][:_SHOWN_MESSAGES]:
        err.print(f"[yellow]warning:[/] {escape(warning)}", highlight=False, soft_wrap=True)
    for failure in summary["failures"][:_SHOWN_MESSAGES]:
        err.print(f"[red]error:[/] {escape(failure)}", highlight=False, soft_wrap=True)
    if summary["published"] is None:
        err.print(
            f"[red]Nothing was published.[/] Readers keep what they had. The run is {summary['run_id']}; "
            f"see it with: kizuna ui",
            highlight=False,
            soft_wrap=True,
        )
        return
    out.print(
        f"Published {summary['tables']} tables with {summary['rows']:,} rows as of {summary['as_of']} "
        f"in {summary['seconds']:.0f} s: {summary['published']}",
        highlight=False,
        soft_wrap=True,
    )
    for what, label in _OPENED.items():
        out.print(f"{label} {summary[what]}", highlight=False, soft_wrap=True, markup=False)


_COUNTS = (
    "files",
    "files_rejected",
    "records",
    "rows_read",
    "rows_quarantined",
    "rows_duplicate",
    "rows_deleted",
)
_HEADINGS = {
    "files_rejected": "rejected",
    "rows_read": "rows",
    "rows_quarantined": "quarantined",
    "rows_duplicate": "duplicate",
    "rows_deleted": "deleted",
}
_SELDOM = ("files_rejected", "rows_deleted")


def home_status(home: Home, config: Path) -> dict[str, Any]:
    """How things stand in the state folder."""
    version = current_version(home)
    return {
        "home": str(home.root),
        "published": version.name if version else None,
        "as_of": version.as_of if version else None,
        "built_at": version.built_at if version else None,
        "versions": len(list_versions(home)),
        "nights": _last_runs(home, config),
        "ingestion": _ingestion_if_nobody_writes(home),
    }


def _ingestion_if_nobody_writes(home: Home) -> list[dict[str, Any]] | None:
    """None: a run is writing. That is when people most often ask how things stand."""
    try:
        return ingestion_totals(home)
    except WarehouseBusyError:
        return None


def print_status(out: Console, found: dict[str, Any]) -> None:
    """The status as tables."""
    if found["published"] is None:
        out.print("Nothing has been published yet. Start with: kizuna run", highlight=False)
    else:
        out.print(
            f"Published: {found['published']}, as of {found['as_of']} ({found['versions']} versions on disk)",
            highlight=False,
        )
    nights = Table(title="Last nights", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("started (UTC)", "as of", "status", "seconds", "run"):
        nights.add_column(heading, overflow="fold")
    for night in found["nights"]:
        nights.add_row(*(str(night[name]) for name in ("started_at", "as_of", "status", "seconds", "run_id")))
    out.print(nights)
    if found["ingestion"] is None:
        out.print(
            "A run is writing: the counts of the sources can be read when it has ended.", highlight=False
        )
    else:
        out.print(_sources_table(found["ingestion"]))


def _sources_table(totals: list[dict[str, Any]]) -> Table:
    """What happens seldom gets a column only where it happened: there are eighty signs in a line."""
    shown = [count for count in _COUNTS if count not in _SELDOM or any(row[count] for row in totals)]
    table = Table(title="Sources, all nights", title_justify="left", box=None)
    table.add_column("source", overflow="fold")
    for count in shown:
        table.add_column(_HEADINGS.get(count, count), justify="right", no_wrap=True)
    for row in totals:
        table.add_row(row["source"], *(f"{row[name]:,}" for name in shown))
    return table


def _last_runs(home: Home, config: Path, limit: int = 5) -> list[dict[str, Any]]:
    import datetime as dt

    import dagster as dg

    from orchestration.instance import open_instance
    from orchestration.jobs import NIGHTLY

    if not (home.dagster / "dagster.yaml").exists():
        return []
    with open_instance(home, config) as instance:
        records = instance.get_run_records(filters=dg.RunsFilter(job_name=NIGHTLY), limit=limit)
    return [
        {
            "run_id": record.dagster_run.run_id,
            "as_of": record.dagster_run.tags.get("kizuna/as_of", ""),
            "status": record.dagster_run.status.value.lower(),
            "started_at": f"{dt.datetime.fromtimestamp(record.start_time, dt.UTC):%Y-%m-%d %H:%M:%S}"
            if record.start_time
            else "",
            "seconds": round(record.end_time - record.start_time)
            if record.end_time and record.start_time
            else "",
        }
        for record in records
    ]
