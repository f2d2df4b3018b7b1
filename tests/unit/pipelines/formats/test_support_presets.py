"""Exports of support tools, hand-made in the shape their vendors document, become tickets and what happened to them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.formats.registry import FORMATS
from pipelines.settings import FileSource
from pipelines.settings.presets import with_preset
from pipelines.sources.files import records_for
from pipelines.sources.mapping import apply_mapping

AT = dt.datetime(2024, 1, 1)


@pytest.fixture
def read(tmp_path: Path):
    """``read(format, content)``: canonical rows by table; no row may be refused."""

    def run(format_: str, content: Any, **keys: Any) -> dict[str, pl.DataFrame]:
        source = FileSource.model_validate(with_preset({"files": "x", "format": format_, **keys}))
        path = tmp_path / "export"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        document = FORMATS[format_].open(path, source.options)
        tables: dict[str, list[pl.DataFrame]] = {}
        for mapping, records in records_for(document, source.mappings):
            found = apply_mapping(
                records.frame, mapping, zone=source.timezone or "Asia/Tokyo", drop_repeats=True
            )
            assert found.rejected["reason"].to_list() == []
            tables.setdefault(mapping.table, []).append(found.rows)
        return {table: pl.concat(rows) for table, rows in tables.items()}

    return run


def happened(tables: dict[str, pl.DataFrame], *columns: str) -> list[tuple]:
    """The events, in the order the warehouse gives them."""
    events = tables["support.ticket_events"]
    return events.sort("occurred_at", "sequence_number", "event_id").select(*columns).rows()


def audit(number: int, minute: int, author: int, *events: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": number,
        "ticket_id": 7,
        "author_id": author,
        "created_at": f"2024-01-01T00:{minute:02}:00Z",
        "via": {"channel": "web"},
        "events": list(events),
    }


def field(number: int, type_: str, name: str, value: str | None, **more: Any) -> dict[str, Any]:
    return {"id": number, "type": type_, "field_name": name, "value": value, **more}


AUDITS = [
    audit(
        100,
        0,
        1,
        {"id": 101, "type": "Comment", "author_id": 1, "public": True, "body": "My tea is cold"},
        field(102, "Create", "requester_id", "1"),
        field(103, "Create", "status", "new"),
        field(104, "Create", "group_id", "50"),
        field(105, "Create", "subject", "Tea"),
        {"id": 106, "type": "Notification", "recipients": [1]},
    ),
    audit(
        200,
        5,
        9,
        {"id": 201, "type": "Comment", "author_id": 9, "public": False},
        {"id": 202, "type": "Comment", "author_id": 9, "public": True},
        field(203, "Change", "status", "hold", previous_value="new"),
        field(204, "Change", "assignee_id", "9"),
        field(205, "Change", "group_id", "51", group={"name": "Billing"}),
    ),
    audit(300, 9, 1, {"id": 301, "type": "SatisfactionRating", "score": "good"}),
    audit(400, 10, 9, field(401, "Change", "group_id", None), field(402, "Change", "status", "deleted")),
]


@pytest.mark.parametrize("shape", ["page", "lines"])
def test_zendesk_audits_hold_several_events_each(read, shape):
    lines = "".join(json.dumps(one) + "\n" for one in AUDITS)
    tables = read("zendesk_audits", {"audits": AUDITS, "count": 4} if shape == "page" else lines)
    assert happened(tables, "event_id", "kind", "agent_id", "status", "department", "channel") == [
        ("101", "agent_replied", "1", None, None, "web"),  # the one who asked: the models tell from event 102
        ("102", "created", "1", None, None, "web"),
        ("103", "status_changed", "1", "new", None, "web"),
        ("104", "assigned", "1", None, "50", "web"),
        ("201", "noted", "9", None, None, "web"),
        ("202", "agent_replied", "9", None, None, "web"),
        ("203", "status_changed", "9", "on_hold", None, "web"),
        ("204", "assigned", "9", None, None, "web"),
        ("205", "assigned", "9", None, "Billing", "web"),
        ("301", "rated", "1", None, None, "web"),
        ("401", "assigned", "9", None, None, "web"),
        ("402", "status_changed", "9", None, None, "web"),
    ]
    assert set(tables["support.ticket_events"]["ticket_id"]) == {"7"}
    assert tables["support.ticket_events"]["occurred_at"].min() == AT


def test_zendesk_audits_that_know_the_role_of_an_author(read):
    said = {"id": 1, "type": "Comment", "public": True, "author_id": 3, "author": {"role": "end-user"}}
    several = [field("2-status", "Change", "status", "open"), field("2-group_id", "Change", "group_id", "5")]
    tables = read("zendesk_audits", {"audits": [audit(1, 0, 3, said, *several)]})
    assert happened(tables, "event_id", "sequence_number", "kind") == [
        ("1", 1, "customer_replied"),
        ("2-group_id", 2, "assigned"),
        ("2-status", 2, "status_changed"),
    ]


def test_a_full_zendesk_export_has_people_and_comments_inside(read):
    ticket = {
        "id": 7,
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2024-01-02T00:00:00Z",
        "requester": {"id": 1, "email": "jane@example.org", "phone": "+4420", "external_id": "C1"},
        "group": {"id": 50, "name": "Billing"},
        "group_id": 50,
        "status": "hold",
        "via": {"channel": "email"},
        "type": "problem",
        "satisfaction_rating": {"score": "bad"},
        "metric_set": {"solved_at": None, "reopens": 2},
        "comments": [
            {"id": 11, "author_id": 1, "public": True, "created_at": "2024-01-01T00:00:00Z"},
            {"id": 12, "author_id": 9, "public": True, "created_at": "2024-01-01T01:00:00Z"},
            {"id": 13, "author_id": 9, "public": False, "created_at": "2024-01-01T01:00:00Z"},
        ],
    }
    plain = {
        "id": 8,
        "created_at": "2024-01-01T00:00:00Z",
        "group_id": 51,
        "status": "open",
        "requester_id": 1,
    }
    tables = read("zendesk", json.dumps(ticket) + "\n" + json.dumps(plain) + "\n")
    columns = ("ticket_id", "customer_id", "email", "phone", "status", "department", "satisfaction_score",
               "reopen_count", "category")  # fmt: skip
    assert tables["support.tickets"].select(columns).rows() == [
        ("7", "C1", "jane@example.org", "+4420", "on_hold", "Billing", 0, 2, "problem"),
        ("8", None, None, None, "open", "51", None, None, None),
    ]
    assert happened(tables, "event_id", "kind", "agent_id") == [
        ("11", "customer_replied", "1"),
        ("12", "agent_replied", "9"),
        ("13", "noted", "9"),
    ]


def test_freshdesk_tickets(read):
    ticket = {
        "id": 3,
        "requester": {"email": "jane@example.org", "mobile": "+4420"},
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2024-01-02T00:00:00Z",
        "stats": {"first_responded_at": "2024-01-01T01:00:00Z", "resolved_at": None, "closed_at": None},
        "source": 3,
        "priority": 4,
        "status": 7,
        "group_id": 12,
        "type": "Question",
    }
    rows = read("freshdesk", [ticket])["support.tickets"]
    assert rows.select("phone", "first_replied_at", "channel", "priority", "status", "department").rows() == [
        ("+4420", dt.datetime(2024, 1, 1, 1), "phone", "urgent", "on_hold", "12")
    ]


def activity(minute: int, performer: int | None, **what: Any) -> dict[str, Any]:
    return {
        "performed_at": f"01-01-2024 00:{minute:02}:00 +0000",
        "ticket_id": 3,
        "performer_type": "user" if performer else "system",
        "performer_id": performer,
        "activity": what,
    }


def test_freshdesk_activities(read):
    history = [
        activity(0, 1, requester_id=1, status="Open", source=1, group="Front desk"),
        activity(1, 9, note={"id": 5, "type": 2}),
        activity(2, 9, note={"id": 6, "type": 0}),
        activity(3, 9, status="Waiting on Customer"),
        activity(4, None, group="Billing", agent_id=8),
        activity(5, None, automation={"type": 1, "rule": "escalate"}),
        activity(6, 8, status="Resolved", agent_id=8),
    ]
    tables = read("freshdesk_activities", {"activities_data": history})
    assert happened(tables, "kind", "agent_id", "status", "department") == [
        ("created", "1", "open", "Front desk"),
        ("noted", "9", None, None),
        ("agent_replied", "9", None, None),
        ("status_changed", "9", "pending", None),
        ("assigned", "8", None, "Billing"),
        ("updated", None, None, None),
        ("status_changed", "8", "solved", None),
    ]
    assert tables["support.ticket_events"]["event_id"].n_unique() == 7
    assert tables["support.ticket_events"]["occurred_at"].min() == AT


def part(number: int, kind: str, author: str, minutes: int, **more: Any) -> dict[str, Any]:
    at = int(AT.replace(tzinfo=dt.UTC).timestamp()) + 60 * minutes
    return {"id": str(number), "part_type": kind, "created_at": at, "author": {"type": author, "id": f"{author}1"},
            "body": None, "assigned_to": None, **more}  # fmt: skip


def test_intercom_conversations(read):
    parts = [
        part(1, "assignment", "bot", 1, assigned_to={"type": "team", "id": "50"}),
        part(2, "default_assignment", "bot", 2, assigned_to={"type": "admin", "id": "9"}),
        part(3, "comment", "admin", 3, body="<p>Which tea?</p>"),
        part(4, "comment", "user", 4, body="<p>Green</p>"),
        part(5, "note", "admin", 5, body="<p>Kind person</p>"),
        part(6, "close", "admin", 6, body="<p>Here you are</p>"),
        part(7, "open", "user", 7, body="<p>Cold again</p>"),
        part(8, "snoozed", "admin", 8),
        part(9, "close", "admin", 9),
    ]
    created = int(AT.replace(tzinfo=dt.UTC).timestamp())
    conversation = {
        "id": "77",
        "created_at": created,
        "updated_at": created + 600,
        "state": "closed",
        "source": {"type": "email", "author": {"id": "user1", "type": "user", "email": "jane@example.org"}},
        "team_assignee_id": 50,
        "statistics": {
            "first_admin_reply_at": created + 180,
            "last_close_at": created + 540,
            "count_reopens": 1,
        },
        "conversation_parts": {"type": "conversation_part.list", "conversation_parts": parts},
    }
    tables = read("intercom", {"type": "conversation.list", "conversations": [conversation]})
    assert happened(tables, "event_id", "kind", "agent_id", "status", "department") == [
        ("created", "created", "user1", "open", None),
        ("1", "assigned", "bot1", None, "50"),
        ("2", "assigned", "9", None, None),
        ("3", "agent_replied", "admin1", None, None),
        ("4", "customer_replied", "user1", None, None),
        ("5", "noted", "admin1", None, None),
        ("6", "agent_replied", "admin1", "closed", None),
        ("7", "customer_replied", "user1", "open", None),
        ("8", "status_changed", "admin1", "on_hold", None),
        ("9", "status_changed", "admin1", "closed", None),
    ]
    ticket = tables["support.tickets"].row(0, named=True)
    assert (ticket["opened_at"], ticket["resolved_at"]) == (
        AT,
        dt.datetime(2024, 1, 1, 0, 9),
    )  # UTC, not Tokyo
    assert (ticket["email"], ticket["department"], ticket["reopen_count"]) == ("jane@example.org", "50", 1)


def test_a_servicenow_log_is_tickets_and_events_at_once(read):
    log = """number,incident_state,sys_mod_count,opened_at,sys_updated_at,assignment_group,resolved_at
INC1,New,0,2024-01-01 00:00:00,2024-01-01 00:00:00,?,?
INC1,Awaiting User Info,1,2024-01-01 00:00:00,2024-01-01 01:00:00,Group 1,?
INC1,Resolved,2,2024-01-01 00:00:00,2024-01-01 02:00:00,Group 2,2024-01-01 02:00:00
INC1,-100,3,2024-01-01 00:00:00,2024-01-01 03:00:00,Group 2,2024-01-01 02:00:00
"""
    tables = read("servicenow", log, timezone="UTC")
    assert happened(tables, "event_id", "kind", "status", "department") == [
        ("0", "updated", "new", None),
        ("1", "updated", "pending", "Group 1"),
        ("2", "updated", "solved", "Group 2"),
        ("3", "updated", None, "Group 2"),
    ]
    versions = tables["support.tickets"].select("ticket_id", "updated_at", "resolved_at", "priority").rows()
    assert versions[0] == ("INC1", AT, None, None)
    assert len(versions) == 4
