"""Recorded pages of Zendesk, read as files by presets alone: tickets at their newest version, audits as events."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from orchestration.night import run_night
from pipelines.home import Home
from pipelines.ingest import ingest_source
from pipelines.settings import load_settings

from .conftest import Example, real_data

pytestmark = pytest.mark.real_data

CONFIG = """
company: {name: Help desk, timezone: UTC}
privacy: {customer_key: {public: zendesk-recordings}}
sources:
  tickets: {files: "PAGES/*Tickets*.json", format: zendesk}
  history: {files: "PAGES/TestTicketAudits*.json", format: zendesk_audits}
"""
# What the mapping of audits keeps of an audit's events.
KEPT_FIELDS = {"status", "group_id", "assignee_id", "requester_id"}


def pages(pattern: str) -> list[dict[str, Any]]:
    """Recorded answers, in the order of their names."""
    return [json.loads(path.read_bytes()) for path in sorted((real_data("zendesk") / "pages").glob(pattern))]


@pytest.fixture(scope="module")
def zendesk(tmp_path_factory: pytest.TempPathFactory) -> Example:
    folder = tmp_path_factory.mktemp("zendesk")
    data = real_data("zendesk") / "pages"
    config = folder / "kizuna.yml"
    config.write_text(CONFIG.replace("PAGES", str(data)))
    home = Home(folder / "home").create()
    result = run_night(load_settings(config, {}), home, dt.date(2023, 12, 31))
    assert result.published, result.failures
    return Example("zendesk", data, home)


def raw(zendesk: Example, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(zendesk.home.warehouse), read_only=True) as connection:
        return connection.sql(sql).fetchall()


def test_every_occurrence_is_accounted_for_and_every_ticket_is_there_once(zendesk: Example) -> None:
    answers = pages("*Tickets*.json")
    occurrences = [ticket for answer in answers for ticket in answer.get("tickets", [])]
    without = sum("tickets" not in answer for answer in answers)  # states of deletion jobs, recorded between
    newest: dict[int, str] = {}
    for ticket in occurrences:
        newest[ticket["id"]] = max(newest.get(ticket["id"], ""), ticket["updated_at"])
    assert (len(occurrences), without, len(newest)) == (2_824, 5, 1_031)

    (accounts,) = zendesk.query(
        "select * from meta.reconciliation where table_name = 'support.tickets'"
    ).to_dicts()
    assert accounts["rows_read"] == len(occurrences) + without
    assert (
        accounts["rows_read"]
        == accounts["rows_loaded"] + accounts["rows_quarantined"] + accounts["rows_duplicate"]
    )
    assert accounts["rows_published"] == len(newest)
    assert zendesk.quarantined().rows() == [
        ("tickets", "support.tickets", "ticket_id is empty; opened_at is empty", without)
    ]
    held = raw(
        zendesk, "select ticket_id, strftime(updated_at, '%Y-%m-%dT%H:%M:%SZ') from raw_support.tickets"
    )
    assert dict(held) == {str(number): updated for number, updated in newest.items()}


def test_audits_become_events_each_once(zendesk: Example) -> None:
    audits = [audit for page in pages("TestTicketAudits*.json") for audit in page["audits"]]
    events = [
        (
            str(audit["ticket_id"]),
            str(event["id"]),
            event["type"],
            event.get("field_name"),
            event.get("value"),
        )
        for audit in audits
        for event in audit["events"]
    ]
    kept = [event for event in events if event[2] == "Comment" or event[3] in KEPT_FIELDS]
    assert (len(audits), len({audit["id"] for audit in audits}), len(events)) == (210, 100, 2_070)

    (accounts,) = zendesk.query(
        "select * from meta.reconciliation where source = 'history' and table_name = 'support.ticket_events'"
    ).to_dicts()
    assert accounts["records_read"] == len(events)
    assert accounts["rows_excluded"] == len(events) - len(kept)
    assert accounts["rows_read"] == len(kept) == accounts["rows_loaded"] + accounts["rows_duplicate"]
    assert accounts["rows_in_warehouse"] == len({event[:2] for event in kept})

    held = raw(
        zendesk,
        "select ticket_id, event_id, kind, status, department from raw_support.ticket_events",
    )
    assert {row[:2] for row in held} == {event[:2] for event in kept}
    said = {event[:2]: event for event in kept}
    for ticket, event, kind, status, department in held:
        _, _, type_, field, value = said[ticket, event]
        expected = {
            "status": ("status_changed", value, None),
            "group_id": ("assigned", None, value),
            "assignee_id": ("assigned", None, None),
            "requester_id": ("created", None, None),
            None: ("agent_replied", None, None),
        }[field]
        assert (kind, status, department) == expected, type_


def test_a_history_that_begins_with_the_question_has_no_answer(zendesk: Example) -> None:
    """These tickets were made by a script: nobody has answered one, the requester's first comment is no answer."""
    published = zendesk.query(
        "select times_from, count(*) as tickets, count(first_reply_hours) as answered, "
        "count(resolution_hours) as resolved from marts.fct_support_tickets group by 1 order by 1"
    )
    with_history = len(
        {audit["ticket_id"] for page in pages("TestTicketAudits*.json") for audit in page["audits"]}
    )
    assert published.filter(pl.col("times_from") == "events")["tickets"].to_list() == [with_history]
    assert published["answered"].sum() == 0
    assert published["resolved"].sum() == 0


def test_the_order_of_the_pages_does_not_matter(zendesk: Example, tmp_path: Path) -> None:
    """The same pages under names that turn their order round."""
    turned = tmp_path / "pages"
    turned.mkdir()
    for number, path in enumerate(sorted(zendesk.data.glob("*.json"), reverse=True)):
        kind = "TestTicketAudits" if "Audits" in path.name else "Tickets" if "Tickets" in path.name else None
        if kind:
            (turned / f"{kind}-{number:04}.json").write_bytes(path.read_bytes())
    config = tmp_path / "kizuna.yml"
    config.write_text(CONFIG.replace("PAGES", str(turned)))
    home = Home(tmp_path / "home").create()
    for source in ("tickets", "history"):
        ingest_source(home, load_settings(config, {}), source)
    again = Example("turned", turned, home)
    for table in ("tickets", "ticket_events"):
        sql = f"select * exclude (_load_id, _file, _line, _extra) from raw_support.{table} order by all"
        assert raw(again, sql) == raw(zendesk, sql), table
