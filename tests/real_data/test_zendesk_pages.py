"""Pages that a real Zendesk gave, replayed over HTTP: 2,824 tickets on 143 pages are 1,031 tickets.

Only the bodies were recorded, by three ways of paging; the stand-in gives their tickets in the frame of the cursor
export, one recorded page to a page: what is on a page is real, the cursors between pages are not. What was
recorded without users and groups comes without them.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fixtures.zendesk_service import TOKEN, USER, ZendeskService, answers, running

from pipelines.home import Home
from pipelines.ingest import SourceResult, ingest_source
from pipelines.settings import Settings, load_settings
from pipelines.sources.errors import SourceError

from .conftest import real_data

pytestmark = pytest.mark.real_data

CONFIG = """
company: {name: x, timezone: UTC}
privacy: {customer_key: {public: x}}
sources:
  support:
    api: zendesk
    address: ADDRESS
    user: {env: ZENDESK_USER}
    token: {env: ZENDESK_TOKEN}
    requests_per_minute: 100000
    ignored_columns: [fields, generated_timestamp]  # not every way of paging has them
  export:
    files: PAGES/TestTicketAudits*.json
    format: zendesk_audits
"""


@pytest.fixture(scope="module")
def recorded() -> list[list[dict[str, Any]]]:
    """The tickets of each recorded page that has some."""
    folder = real_data("zendesk") / "pages"
    bodies = [json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    return [body["tickets"] for body in bodies if body.get("tickets")]


@pytest.fixture(scope="module")
def recorded_audits() -> list[dict[str, Any]]:
    """The recorded audits, oldest first."""
    folder = real_data("zendesk") / "pages"
    bodies = [json.loads(path.read_bytes()) for path in sorted(folder.glob("TestTicketAudits*.json"))]
    audits = {audit["id"]: audit for body in bodies for audit in body["audits"]}
    return sorted(audits.values(), key=lambda audit: (audit["created_at"], audit["id"]))


@pytest.fixture
def service(
    recorded: list[list[dict[str, Any]]], zendesk: ZendeskService, monkeypatch: pytest.MonkeyPatch
) -> ZendeskService:
    monkeypatch.setenv("ZENDESK_USER", USER)
    monkeypatch.setenv("ZENDESK_TOKEN", TOKEN)
    zendesk.ticket_pages = recorded
    return zendesk


@pytest.fixture
def settings(service: ZendeskService, tmp_path: Path) -> Settings:
    return settings_for(service, tmp_path)


@pytest.fixture(scope="module")
def undisturbed(
    recorded: list[list[dict[str, Any]]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Home, SourceResult]:
    """One night that nothing disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    home = Home(folder / "home").create()
    with pytest.MonkeyPatch.context() as patch, running(ZendeskService(ticket_pages=recorded)) as service:
        patch.setenv("ZENDESK_USER", USER)
        patch.setenv("ZENDESK_TOKEN", TOKEN)
        return home, ingest_source(home, settings_for(service, folder), "support")


def settings_for(service: ZendeskService, folder: Path) -> Settings:
    path = folder / "kizuna.yml"
    text = CONFIG.replace("ADDRESS", service.address).replace("PAGES", str(real_data("zendesk") / "pages"))
    path.write_text(text, encoding="utf-8")
    return load_settings(path, {})


def tickets(home: Home, columns: str) -> list[tuple[Any, ...]]:
    return raw(home, "tickets", columns)


def raw(home: Home, table: str, columns: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        return connection.execute(f"select {columns} from raw_support.{table} order by all").fetchall()


def test_every_occurrence_is_counted_and_every_ticket_is_there_once(
    recorded: list[list[dict[str, Any]]], undisturbed: tuple[Home, SourceResult]
) -> None:
    occurrences = [ticket for page in recorded for ticket in page]
    newest: dict[int, dict[str, Any]] = {}
    for ticket in occurrences:
        if ticket["id"] not in newest or ticket["updated_at"] >= newest[ticket["id"]]["updated_at"]:
            newest[ticket["id"]] = ticket
    assert (len(recorded), len(occurrences), len(newest)) == (143, 2824, 1031)

    home, result = undisturbed
    assert result.total("rows_read") == 2824
    assert result.total("rows_loaded") + result.total("rows_duplicate") == 2824
    assert result.total("rows_quarantined") == 0
    updated = "strftime(updated_at, '%Y-%m-%dT%H:%M:%SZ')"
    assert tickets(home, f"ticket_id, status, channel, {updated}") == sorted(
        (str(t["id"]), t["status"], t["via"]["channel"], t["updated_at"]) for t in newest.values()
    )


def test_the_order_of_the_pages_does_not_matter(
    service: ZendeskService, settings: Settings, undisturbed: tuple[Home, SourceResult], tmp_path: Path
) -> None:
    backwards = Home(tmp_path / "backwards").create()
    service.ticket_pages = service.ticket_pages[::-1]
    ingest_source(backwards, settings, "support")
    columns = "* exclude (_load_id, _file, _line)"
    assert tickets(backwards, columns) == tickets(undisturbed[0], columns)


def test_broken_off_after_every_page_and_continued(
    recorded: list[list[dict[str, Any]]],
    service: ZendeskService,
    settings: Settings,
    undisturbed: tuple[Home, SourceResult],
    tmp_path: Path,
) -> None:
    broken = Home(tmp_path / "broken").create()
    breaks = 0
    for _ in recorded:
        gives_one_page(service)
        try:
            ingest_source(broken, settings, "support")
        except SourceError:
            breaks += 1
    assert breaks == 142  # the last page is the end of the stream
    # A page and the refusal each time: no page was read twice.
    assert len(service.asked("tickets/cursor")) == 142 * 2 + 1
    columns = "* exclude (_load_id)"
    assert tickets(broken, columns) == tickets(undisturbed[0], columns)


def gives_one_page(service: ZendeskService) -> None:
    """The service answers once, then refuses tickets."""

    def serve(handler: Any) -> None:
        service.requests.pop()  # it was noted when it came, and will be when it is answered
        service.handle(handler)

    def answer(handler: Any) -> None:
        serve(handler)
        service.failures.append(refuse)

    def refuse(handler: Any) -> None:
        (answers(403) if "tickets" in handler.path else serve)(handler)

    service.failures.clear()
    service.failures.append(answer)


@pytest.mark.parametrize("page", [11, 75])
def test_killed_at_a_page_and_run_again(
    settings: Settings, undisturbed: tuple[Home, SourceResult], tmp_path: Path, page: int
) -> None:
    """Ten pages are a load: what a kill loses is read again."""
    killed = Home(tmp_path / "killed").create()
    pages = iter(range(1, 144))

    def kill(*_: object) -> None:
        if next(pages) == page:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest_source(killed, settings, "support", kill)
    ingest_source(killed, settings, "support")
    assert tickets(killed, "* exclude (_load_id)") == tickets(undisturbed[0], "* exclude (_load_id)")


def as_event(audit: dict[str, Any]) -> dict[str, Any]:
    """An audit as the incremental export has it: fields by their names, and the channel as a plain text."""
    children = []
    for part in audit["events"]:
        child = {"id": part["id"], "event_type": part["type"]}
        if "field_name" in part:
            child |= {part["field_name"]: part["value"], "previous_value": part.get("previous_value")}
        else:
            child |= {key: part[key] for key in ("author_id", "public", "body") if key in part}
        children.append(child)
    return {
        "id": audit["id"],
        "ticket_id": audit["ticket_id"],
        "timestamp": int(dt.datetime.fromisoformat(audit["created_at"]).timestamp()),
        "created_at": audit["created_at"],
        "updater_id": audit["author_id"],
        "via": audit["via"]["channel"],
        "child_events": children,
    }


def test_history_over_http_is_the_history_of_an_export(
    service: ZendeskService, settings: Settings, recorded_audits: list[dict[str, Any]], tmp_path: Path
) -> None:
    service.ticket_pages = []
    service.events = [as_event(audit) for audit in recorded_audits]
    service.events_per_page = 40
    # An export does not say who works here, so that its replies count as colleagues' at first.
    service.users = [
        {"id": part.get("author_id"), "role": "agent"} for a in recorded_audits for part in a["events"]
    ]
    asked, exported = Home(tmp_path / "asked").create(), Home(tmp_path / "exported").create()
    result = ingest_source(asked, settings, "support")
    ingest_source(exported, settings, "export")
    assert result.streams[1].records == len(recorded_audits) == 100
    columns = "* exclude (_load_id, _source, _file, _line)"
    assert raw(asked, "ticket_events", columns) == raw(exported, "ticket_events", columns)
    assert len(raw(asked, "ticket_events", columns)) == 300
