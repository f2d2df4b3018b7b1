"""Nights over a Zendesk on loopback: each brings what is new, exactly once, whatever happened to the one before."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from fixtures.zendesk_service import (
    TOKEN,
    USER,
    ZendeskService,
    answers,
    breaks_off,
    event,
    requester,
    running,
    ticket,
)

from orchestration.definitions import build_definitions
from orchestration.jobs import NIGHTLY
from pipelines.home import Home
from pipelines.ingest import SourceResult, api, ingest_source, rebuild
from pipelines.settings import Settings, SettingsError, load_settings
from pipelines.sources.errors import SourceError

CONFIG = """
company: {name: x, timezone: Europe/London}
privacy: {customer_key: {public: x}}
sources:
  support:
    api: zendesk
    address: ADDRESS
    user: {env: ZENDESK_USER}
    token: {env: ZENDESK_TOKEN}
    start: 2020-01-01
    requests_per_minute: 100000
    tables:
      - table: support.tickets
        columns:
          ticket_id: id
          customer_id: requester.external_id
          email: requester.email
          phone: requester.phone
          opened_at: created_at
          department: group.name
          status: status
          updated_at: updated_at
      - table: support.ticket_events
        explode: events
        where: "\\"events.field_name\\" = 'group_id'"
        columns:
          ticket_id: ticket_id
          event_id: events.id
          occurred_at: created_at
          kind: {constant: assigned}
          department: events.group.name
"""
TABLES = ("raw_support.tickets", "raw_support.ticket_events")
Night = Callable[[], SourceResult]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """The raw tables after one night that nothing disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    home = Home(folder / "home").create()
    with pytest.MonkeyPatch.context() as patch, running(ZendeskService()) as service:
        patch.setenv("ZENDESK_USER", USER)
        patch.setenv("ZENDESK_TOKEN", TOKEN)
        fill(service)
        ingest_source(home, settings_for(service.address, folder), "support")
    return rows(home)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENDESK_USER", USER)
    monkeypatch.setenv("ZENDESK_TOKEN", f"{TOKEN}\n")
    monkeypatch.setattr(api, "LOAD_PAGES", 2)


@pytest.fixture
def settings(zendesk: ZendeskService, tmp_path: Path) -> Settings:
    fill(zendesk)
    return settings_for(zendesk.address, tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


def settings_for(address: str, folder: Path) -> Settings:
    path = folder / "kizuna.yml"
    path.write_text(CONFIG.replace("ADDRESS", address), encoding="utf-8")
    return load_settings(path, {})


def fill(service: ZendeskService) -> None:
    """Seven pages of tickets, the third of them a second time, and five of events."""
    service.groups = [{"id": 7, "name": "Billing"}, {"id": 8, "name": "Returns"}]
    service.users = [requester(number) for number in range(1, 6)]
    pages = [[ticket(1), ticket(2)], [ticket(3)], [ticket(2, updated=9, status="open"), ticket(4)]]
    service.ticket_pages = [*pages, pages[2], [ticket(1, updated=5)], [ticket(5), ticket(5)], [ticket(6)]]
    service.events = [
        event(n, 1 + n % 6, n * 40, {"event_type": "Change", "group_id": 7 + n % 2, "previous_value": 7})
        for n in range(13)
    ]
    service.events_per_page = 3


def rows(home: Home, columns: str = "* exclude (_load_id)") -> dict[str, list[Any]]:
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        return {
            table: connection.execute(f"select {columns} from {table} order by all").fetchall()
            for table in TABLES
        }


def loads(home: Home) -> list[Any]:
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        return connection.execute("from ingest.loads order by all").fetchall()


def test_a_night_brings_tickets_and_their_history(settings: Settings, home: Home) -> None:
    result = ingest_source(home, settings, "support")
    found = rows(home, "* exclude (_load_id, _version, _line, _source)")
    assert len(found["raw_support.tickets"]) == 6
    assert len(found["raw_support.ticket_events"]) == 13
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        second = connection.execute(
            "select customer_id, email, phone, department, status, _file from raw_support.tickets where ticket_id = '2'"
        ).fetchone()
        desks = connection.execute(
            "select department, count(*) from raw_support.ticket_events group by all order by all"
        ).fetchall()
    assert second == (
        "C2",
        "person2@example.com",
        "+44 20 7946 0002",
        "Billing",
        "open",
        "tickets?cursor=after-2",
    )
    assert desks == [("Billing", 7), ("Returns", 6)]
    assert [(stream.stream, stream.records) for stream in result.streams] == [
        ("tickets", 11),
        ("ticket_events", 13),
    ]
    assert result.streams[0].cursor == "2023-11-14 22:13:31 UTC"


def test_every_row_read_is_accounted_for(settings: Settings, home: Home) -> None:
    result = ingest_source(home, settings, "support")
    assert result.total("rows_read") == 11 + 13
    assert result.total("rows_loaded") == 6 + 2 + 13  # two tickets came in two versions
    assert result.total("rows_duplicate") == 3
    assert result.total("rows_quarantined") == 0
    assert result.total("rows_superseded") == 2


def test_a_quiet_night_writes_nothing(settings: Settings, home: Home, zendesk: ZendeskService) -> None:
    ingest_source(home, settings, "support")
    before, asked = loads(home), len(zendesk.requests)
    zendesk.events_per_page = 1000
    result = ingest_source(home, settings, "support")
    assert loads(home) == before
    assert result.tables == []
    assert len(zendesk.requests) == asked + 2  # one for tickets, one for the last minutes of events
    assert result.streams[0].cursor == "2023-11-14 22:13:31 UTC"


def test_the_next_night_brings_what_changed(settings: Settings, home: Home, zendesk: ZendeskService) -> None:
    ingest_source(home, settings, "support")
    zendesk.ticket_pages.append([ticket(3, updated=99, status="deleted")])
    zendesk.events.append(event(50, 3, 900, {"event_type": "Change", "group_id": 8, "previous_value": 7}))
    result = ingest_source(home, settings, "support")
    assert result.total("rows_loaded") == result.total("rows_read") == 2
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        status = connection.execute("select status from raw_support.tickets where ticket_id = '3'").fetchone()
    assert status == ("deleted",)


# Of 15 requests: one within a load, the last of the tickets, the list of groups, one within a load of events.
# (All pages: test_zendesk_pages.py.)
@pytest.mark.parametrize("request_number", [2, 7, 9, 12])
def test_interrupted_at_a_request_and_run_again(
    settings: Settings,
    home: Home,
    zendesk: ZendeskService,
    undisturbed: dict[str, list[Any]],
    request_number: int,
) -> None:
    fails_at(zendesk, request_number)
    with pytest.raises(SourceError, match="refused with 403"):
        ingest_source(home, settings, "support")
    ingest_source(home, settings, "support")
    assert rows(home) == undisturbed
    asked = Counter(str(parameters) for parameters in zendesk.asked("tickets/cursor"))
    assert sum(times - 1 for times in asked.values()) <= 1  # the page at fault; those before it were kept


def fails_at(service: ZendeskService, request_number: int) -> None:
    """The service answers, except once."""
    for _ in range(request_number - 1):
        service.failures.append(lambda handler: answer_instead(service, handler))
    service.failures.append(answers(403))


def answer_instead(service: ZendeskService, handler: Any) -> None:
    waiting = service.failures.copy()
    service.failures.clear()
    service.requests.pop()
    service.handle(handler)
    service.failures.extend(waiting)


@pytest.mark.parametrize("page", [2, 4, 10])
def test_killed_at_a_page_and_run_again(
    settings: Settings, home: Home, undisturbed: dict[str, list[Any]], page: int
) -> None:
    pages = 0

    def kill(*_: object) -> None:
        nonlocal pages
        pages += 1
        if pages == page:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest_source(home, settings, "support", kill)
    ingest_source(home, settings, "support")
    assert rows(home) == undisturbed


def test_the_default_mapping_tells_who_answered_and_who_held_it(
    zendesk: ZendeskService, home: Home, tmp_path: Path
) -> None:
    fill(zendesk)
    zendesk.users.append({"id": 900, "role": "agent"})
    zendesk.events = [
        event(
            1,
            1,
            0,
            {"event_type": "Create", "requester_id": 101},
            {"event_type": "Create", "group_id": 7},
            by=101,
        ),
        event(2, 1, 60, {"event_type": "Comment", "author_id": 900, "public": True, "body": "Which order?"}),
        event(3, 1, 120, {"event_type": "Comment", "author_id": 101, "public": True, "body": "12"}, by=101),
        event(4, 1, 180, {"event_type": "Change", "group_id": 8, "previous_value": 7}),
        event(5, 1, 240, {"event_type": "Change", "status": "hold", "previous_value": "open"}),
    ]
    path = tmp_path / "kizuna.yml"
    path.write_text(CONFIG.partition("    tables:")[0].replace("ADDRESS", zendesk.address), encoding="utf-8")
    result = ingest_source(home, load_settings(path, {}), "support")
    assert result.total("rows_quarantined") == 0
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        history = connection.execute(
            "select kind, agent_id, department, status from raw_support.ticket_events order by sequence_number"
        ).fetchall()
        tickets = connection.execute(
            "select customer_id, channel, department, status from raw_support.tickets where ticket_id = '2'"
        ).fetchall()
    assert history == [
        ("created", "101", None, None),
        ("assigned", "101", "Billing", None),
        ("agent_replied", "900", None, None),
        ("customer_replied", "101", None, None),
        ("assigned", "900", "Returns", None),
        ("status_changed", "900", None, "on_hold"),
    ]
    assert tickets == [("C2", "email", "Billing", "open")]


def test_a_rebuilt_warehouse_goes_on_where_the_old_one_was(
    settings: Settings, home: Home, zendesk: ZendeskService
) -> None:
    ingest_source(home, settings, "support")
    before, asked = rows(home, "*"), len(zendesk.requests)
    assert rebuild(home) == len({load[0] for load in loads(home)})
    assert rows(home, "*") == before
    assert len(zendesk.requests) == asked
    assert ingest_source(home, settings, "support").tables == []


def test_what_passes_costs_nothing_but_time(
    settings: Settings, home: Home, zendesk: ZendeskService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "Patience", lambda **given: PATIENCE(first_wait_seconds=0.001, **given))
    zendesk.failures.extend([answers(500), answers(429, retry_after="0"), breaks_off])
    ingest_source(home, settings, "support")
    assert len(rows(home)["raw_support.tickets"]) == 6


PATIENCE = api.Patience


def test_a_mapping_that_does_not_suit_is_an_error_of_the_source(
    zendesk: ZendeskService, home: Home, tmp_path: Path
) -> None:
    fill(zendesk)
    path = tmp_path / "kizuna.yml"
    wrong = CONFIG.replace("status: status", "status: {sql: 'abs(status)'}")
    path.write_text(wrong.replace("ADDRESS", zendesk.address), encoding="utf-8")
    with pytest.raises(SourceError, match=r"^support: tickets\?start_time=\d+: support\.tickets: status"):
        ingest_source(home, load_settings(path, {}), "support")
    assert loads(home) == []


@pytest.mark.parametrize(("key", "variable"), [("user", "ZENDESK_USER"), ("token", "ZENDESK_TOKEN")])
def test_a_missing_secret_names_the_setting(
    settings: Settings,
    home: Home,
    zendesk: ZendeskService,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    variable: str,
) -> None:
    monkeypatch.setenv(variable, " ")
    with pytest.raises(SettingsError, match=rf"sources\.support\.{key}\.env: .* {variable} is not set"):
        ingest_source(home, settings, "support")
    assert zendesk.requests == []


def test_without_a_user_the_token_is_a_bearers(
    zendesk: ZendeskService, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kizuna.yml"
    bearer = CONFIG.replace("    user: {env: ZENDESK_USER}\n", "").replace("ADDRESS", zendesk.address)
    path.write_text(bearer, encoding="utf-8")
    settings = load_settings(path, {})
    ingest_source(home, settings, "support")
    assert {asked[2] for asked in zendesk.requests} == {f"Bearer {TOKEN}"}
    monkeypatch.setenv("ZENDESK_TOKEN", "t0k3n not-to-be-seen")
    with pytest.raises(
        SettingsError, match=r"sources\.support\.token\.env: ZENDESK_TOKEN: .*copy it again"
    ) as raised:
        ingest_source(home, settings, "support")
    assert "k3n" not in repr(raised.value)


def test_the_token_stays_in_memory(
    settings: Settings, home: Home, zendesk: ZendeskService, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        result = ingest_source(home, settings, "support")
        zendesk.failures.append(answers(401))
        with pytest.raises(SourceError, match="Check ZENDESK_USER and ZENDESK_TOKEN, which ") as raised:
            ingest_source(home, settings, "support")
    header = b64encode(f"{USER}/token:{TOKEN}".encode()).decode()
    assert {asked[2] for asked in zendesk.requests} == {f"Basic {header}"}
    said = caplog.text + str([vars(record) for record in caplog.records]) + repr(result) + repr(raised.value)
    files = [path for path in home.root.rglob("*") if path.is_file()]
    assert {".parquet", ".json", ".duckdb"} <= {path.suffix for path in files}
    for secret in (TOKEN, header):
        assert secret not in said
        assert not [path for path in files if secret.encode() in path.read_bytes()]


def test_dagster_never_hears_the_token(settings: Settings, home: Home, zendesk: ZendeskService) -> None:
    job = build_definitions(settings, home).resolve_job_def(NIGHTLY)
    source = [dg.AssetKey(["sources", "support"])]
    told = []
    with dg.DagsterInstance.ephemeral() as instance:
        for night, failures in (("good", []), ("refused", [answers(401)])):
            zendesk.failures.extend(failures)
            run = job.execute_in_process(asset_selection=source, instance=instance, raise_on_error=False)
            assert run.success == (night == "good")
            told.append(str(instance.all_logs(run.run_id)))
    assert "tickets" in told[0]
    assert "2023-11-14 22:13:31 UTC" in told[0]
    assert "Check ZENDESK_USER and ZENDESK_TOKEN" in told[1]
    header = b64encode(f"{USER}/token:{TOKEN}".encode()).decode()
    assert not [text for text in told for secret in (TOKEN, USER, header) if secret in text]
