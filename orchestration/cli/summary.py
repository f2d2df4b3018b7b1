"""What a night came to, and how things stand, for people and for scripts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.cli.progress import words_of_step
from orchestration.cli.terminal import short
from orchestration.history import last_nights
from pipelines.home import Home
from pipelines.totals import ingestion_totals
from pipelines.turn import who_is_at_work
from pipelines.warehouse import WarehouseBusyError

if TYPE_CHECKING:
    from orchestration.night import NightResult

_SHOWN_MESSAGES = 20
_PAGES = {
    "file": "Open",
    "scorecard": "Scorecard",
    "data_docs": "Checks",
    "lifetime_value": "Lifetime values",
    "documentation": "Tables explained",
}
_STATES = {
    "success": "[green]published[/]",
    "failure": "[red]failed[/]",
    "killed": "[red]killed[/]",
    "canceled": "[yellow]cancelled[/]",
    "started": "[cyan]running[/]",
}


def pages(home: Home) -> dict[str, Path | None]:
    """What people open: the published file, and the pages about it. None: there is none (yet)."""
    found = {
        "file": home.published_file,
        "scorecard": home.published_scorecard,
        "data_docs": home.quality / "published" / "index.html",
        "lifetime_value": home.quality / "lifetime_value.html",
        "documentation": home.docs / "index.html",
    }
    return {name: path if path.exists() else None for name, path in found.items()}


def night_summary(home: Home, result: NightResult) -> dict[str, Any]:
    """The night as a mapping of plain values."""
    from pipelines.publication import current_version

    version = current_version(home)
    return {
        "published": result.published,
        "as_of": result.as_of,
        "seconds": round(result.seconds, 1),
        "run_id": result.run_id,
        "ingestion": _ingestion_if_nobody_writes(home),
        "tables": version.tables if version else 0,
        "rows": version.rows if version else 0,
        **pages(home),
        "failures": result.failures,
        "warnings": result.warnings,
    }


def print_night(out: Console, err: Console, summary: dict[str, Any]) -> None:
    """A short summary: rows in, what was refused, what was published, what to open."""
    if summary["ingestion"]:
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
    _print_pages(out, summary)


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


def home_status(home: Home) -> dict[str, Any]:
    """How things stand in the state folder."""
    from pipelines.publication import current_version, list_versions

    version = current_version(home)
    return {
        "home": home.root,
        "published": version.name if version else None,
        "as_of": version.as_of if version else None,
        "built_at": version.built_at if version else None,
        "tables": version.tables if version else 0,
        "rows": version.rows if version else 0,
        "versions": len(list_versions(home)),
        "at_work": who_is_at_work(home),
        "nights": [asdict(night) for night in last_nights(home)],
        "ingestion": _ingestion_if_nobody_writes(home),
        "pages": pages(home),
    }


def _ingestion_if_nobody_writes(home: Home) -> list[dict[str, Any]] | None:
    """None: a run is writing. That is when people most often ask how things stand."""
    try:
        return ingestion_totals(home)
    except WarehouseBusyError:
        return None


def print_status(out: Console, found: dict[str, Any]) -> None:
    """The status as tables and sentences."""

    def say(text: str) -> None:
        out.print(text, highlight=False, soft_wrap=True)

    if found["published"] is None:
        begin = (
            "" if found["nights"] else " A company to look at: kizuna demo. Your own data: kizuna init shop"
        )
        say(f"Nothing has been published yet.{begin}")
    else:
        say(f"Published as of {found['as_of']}: {found['published']}")
        say(
            f"{found['tables']} tables, {found['rows']:,} rows, built {found['built_at']:%Y-%m-%d %H:%M} UTC; "
            f"{_versions(found['versions'])} on disk"
        )
    if found["nights"]:
        out.print(_nights_table(found["nights"]))
    sentences = _about_now(found)
    if sentences:
        say("\n".join([*sentences, ""]))
    if found["ingestion"]:
        out.print(_sources_table(found["ingestion"]))
        out.print()
    elif found["ingestion"] is None:
        say("The counts of the sources can be read when the run has ended.")
    _print_pages(out, found["pages"])


def _nights_table(nights: list[dict[str, Any]]) -> Table:
    table = Table(title="Last nights", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("started (UTC)", "as of", "came to"):
        table.add_column(heading, no_wrap=True)
    table.add_column("took", justify="right", no_wrap=True)
    table.add_column("run", no_wrap=True)
    for night in nights:
        started = night["started_at"]
        table.add_row(
            f"{started:%Y-%m-%d %H:%M:%S}" if started else "",
            night["as_of"],
            _STATES.get(night["status"], night["status"]),
            "" if night["seconds"] is None else f"{night['seconds']:,.0f} s",
            night["run_id"][:8],  # as Dagster's UI shows it
        )
    return table


def _about_now(found: dict[str, Any]) -> list[str]:
    """What is under way, and why the last night failed."""
    last = found["nights"][0] if found["nights"] else None
    if found["at_work"]:
        step = (
            f": {words_of_step(last['step'])}"
            if last and last["status"] == "started" and last["step"]
            else ""
        )
        return [f"[cyan]A run is at work[/]{escape(step)} ({found['at_work']})"]
    if last is None:
        return []
    if last["status"] == "killed":
        where = f" while {words_of_step(last['step'])}" if last["step"] else ""
        return [f"[red]The last night was killed[/]{escape(where)}. Begin it again with: kizuna run"]
    sentences = [f"[red]error:[/] {escape(failure)}" for failure in last["failures"][:_SHOWN_MESSAGES]]
    if sentences:
        sentences.append("Readers keep what they had. What to do: docs/runbook.md; the whole run: kizuna ui")
    return sentences


def _print_pages(out: Console, found: dict[str, Path | None]) -> None:
    shown = {label: found[name] for name, label in _PAGES.items() if found[name] is not None}
    width = max(map(len, shown), default=0)
    for label, path in shown.items():
        out.print(f"{label:{width}}  {short(path)}", highlight=False, soft_wrap=True, markup=False)


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


def _versions(count: int) -> str:
    return "1 version" if count == 1 else f"{count} versions"
