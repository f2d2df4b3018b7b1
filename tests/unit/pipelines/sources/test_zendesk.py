from __future__ import annotations

import datetime as dt
import json
import logging
from base64 import b64decode
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from fixtures.zendesk_service import TOKEN, USER, ZendeskService, answers, event, requester, ticket

from pipelines.sources.http import JsonClient, Patience, RefusedError, RejectedError, ServiceError
from pipelines.sources.zendesk import Page, Zendesk, bearer_authorization, token_authorization

START = dt.datetime(2023, 1, 1, tzinfo=dt.UTC)
BASE = 1_700_000_000  # of the times of made-up events
PATIENT = Patience(requests_per_minute=10_000, attempts=3, first_wait_seconds=0.001)
BILLING = {"id": 7, "name": "Billing"}


@pytest.fixture
def reader(zendesk: ZendeskService) -> Iterator[Zendesk]:
    zendesk.groups = [BILLING]
    with JsonClient(zendesk.address, token_authorization(USER, TOKEN), PATIENT) as client:
        yield Zendesk(client, "support", "ZENDESK_USER and ZENDESK_TOKEN")


def ids(pages: list[Page]) -> list[list[int]]:
    return [[record["id"] for record in page.records] for page in pages]


def events_of(page: Page) -> list[dict[str, Any]]:
    return [said(part) for audit in page.records for part in audit["events"]]


def said(part: dict[str, Any]) -> dict[str, Any]:
    """A part of an audit without what it leaves empty."""
    empty = (None, {"role": None}, {"name": None})
    return {key: value for key, value in part.items() if value not in empty}


def test_tickets_page_by_page(zendesk: ZendeskService, reader: Zendesk) -> None:
    zendesk.ticket_pages = [[ticket(1), ticket(2)], [ticket(3)], [ticket(2, updated=50)]]
    pages = list(reader.pages("tickets", None, START))
    assert ids(pages) == [[1, 2], [3], [2]]
    assert [page.is_last for page in pages] == [False, False, True]
    assert [page.name for page in pages] == [
        f"tickets?start_time={int(START.timestamp())}",
        "tickets?cursor=after-1",
        "tickets?cursor=after-2",
    ]
    first, *later = zendesk.asked("tickets/cursor")
    assert first == {"start_time": str(int(START.timestamp())), "include": "users,groups"}
    assert [asked["cursor"] for asked in later] == ["after-1", "after-2"]
    assert not any("start_time" in asked for asked in later)


def test_each_page_can_be_the_last_of_a_run(zendesk: ZendeskService, reader: Zendesk) -> None:
    zendesk.ticket_pages = [[ticket(number)] for number in range(1, 6)]
    for read in range(1, 5):
        before = list(islice(reader.pages("tickets", None, START), read))
        after = list(reader.pages("tickets", before[-1].cursor, START))
        assert ids(before + after) == [[1], [2], [3], [4], [5]]


def test_the_next_night_brings_what_is_new(zendesk: ZendeskService, reader: Zendesk) -> None:
    zendesk.ticket_pages = [[ticket(1)]]
    (first,) = reader.pages("tickets", None, START)
    (quiet,) = reader.pages("tickets", first.cursor, START)
    assert (quiet.records, quiet.cursor) == ([], first.cursor)
    zendesk.ticket_pages.append([ticket(1, updated=99)])
    (second,) = reader.pages("tickets", quiet.cursor, START)
    assert second.records[0]["updated_at"] == ticket(1, updated=99)["updated_at"]


def test_a_ticket_has_its_requester_and_group_as_in_a_full_export(
    zendesk: ZendeskService, reader: Zendesk
) -> None:
    zendesk.users = [requester(1)]
    zendesk.ticket_pages = [[ticket(1), ticket(2, group_id=None)]]
    (page,) = reader.pages("tickets", None, START)
    known, unknown = [json.loads(line) for line in page.json_lines.splitlines()]
    assert known["requester"] == {
        "email": "person1@example.com",
        "phone": "+44 20 7946 0001",
        "external_id": "C1",
    }
    assert known["group"] == {"name": "Billing"}
    assert unknown["requester"] == {"email": None, "phone": None, "external_id": None}
    assert unknown["group"] == {"name": None}
    assert known["created_at"] == ticket(1)["created_at"]


def test_deleted_tickets_are_seen(zendesk: ZendeskService, reader: Zendesk) -> None:
    zendesk.ticket_pages = [[ticket(1, updated=5, status="deleted")]]
    (page,) = reader.pages("tickets", None, START)
    assert page.records[0]["status"] == "deleted"


@pytest.mark.parametrize("cursors", [{2: "after-1"}, {3: "after-1"}])
def test_a_cursor_that_goes_nowhere_is_an_error_and_no_loop(
    zendesk: ZendeskService, reader: Zendesk, cursors: dict[int, str]
) -> None:
    zendesk.ticket_pages = [[ticket(number)] for number in range(1, 8)]
    zendesk.cursors = cursors
    with pytest.raises(ServiceError, match=r"page \d: there is more, but the cursor does not move"):
        list(reader.pages("tickets", None, START))
    assert len(zendesk.requests) < 5


def test_a_rejected_cursor_is_replaced_by_the_time_of_the_newest_ticket(
    zendesk: ZendeskService, reader: Zendesk, caplog
) -> None:
    zendesk.ticket_pages = [[ticket(1)], [ticket(2)]]
    (first,) = islice(reader.pages("tickets", None, START), 1)
    zendesk.rejected_cursors = {"after-1"}
    zendesk.cursors = {1: "new-1"}
    pages = list(reader.pages("tickets", first.cursor, START))
    assert ids(pages) == [[1], [2]]  # some come again; none is lost
    newest = ticket(1)["generated_timestamp"]
    assert zendesk.asked("tickets/cursor")[2]["start_time"] == str(newest - 300)
    assert "the saved cursor was rejected (422)" in caplog.text


def test_a_rejection_in_mid_run_is_an_error(zendesk: ZendeskService, reader: Zendesk) -> None:
    zendesk.ticket_pages = [[ticket(1)], [ticket(2)]]
    zendesk.rejected_cursors = {"after-1"}
    with pytest.raises(RejectedError, match="tickets, page 2: answered with 422"):
        list(reader.pages("tickets", None, START))


def test_the_address_of_something_else(zendesk: ZendeskService, reader: Zendesk) -> None:
    zendesk.failures.append(answers(404))
    with pytest.raises(RejectedError, match="Is the address that of your Zendesk"):
        list(reader.pages("tickets", None, START))


@pytest.mark.parametrize(
    "body", [b"{}", b'{"tickets": {}, "end_of_stream": true}', b'{"tickets": [1], "end_of_stream": true}']
)
def test_json_of_something_else(zendesk: ZendeskService, reader: Zendesk, body: bytes) -> None:
    zendesk.failures.append(answers(200, body))
    with pytest.raises(ServiceError, match=r"tickets, page 1: .* address"):
        list(reader.pages("tickets", None, START))


@pytest.mark.parametrize("stream", ["tickets", "ticket_events"])
def test_a_start_that_is_too_recent_brings_nothing_yet(
    zendesk: ZendeskService, reader: Zendesk, stream: Any
) -> None:
    assert list(reader.pages(stream, None, dt.datetime.now(dt.UTC))) == []
    assert zendesk.requests == []


@pytest.mark.parametrize("stream", ["tickets", "ticket_events"])
def test_a_clock_that_is_fast_brings_nothing_yet(
    zendesk: ZendeskService, reader: Zendesk, stream: Any
) -> None:
    zendesk.failures.append(answers(422, b'{"description": "Too recent start_time."}'))
    assert list(reader.pages(stream, None, START)) == []


@pytest.mark.parametrize("stream", ["tickets", "ticket_events"])
def test_a_refusal_names_the_setting_and_the_mend(
    zendesk: ZendeskService, reader: Zendesk, stream: Any
) -> None:
    zendesk.failures.append(answers(401))
    with pytest.raises(
        RefusedError, match=r"^support: .* refused with 401\. Check ZENDESK_USER and ZENDESK_TOKEN"
    ):
        list(reader.pages(stream, None, START))
    assert len(zendesk.requests) == 1


def test_history_has_the_shape_of_audits(zendesk: ZendeskService, reader: Zendesk) -> None:
    zendesk.users = [{"id": 900, "role": "agent"}, requester(1)]
    zendesk.groups = [BILLING, {"id": 8, "name": "Returns"}]
    zendesk.events = [
        event(
            1,
            1,
            0,
            {"event_type": "Create", "status": "new", "group_id": 7, "type": "question"},
            {
                "event_type": "Comment",
                "type": "Comment",
                "author_id": 101,
                "public": True,
                "body": "Where is it?",
            },
            by=101,
        ),
        event(
            2,
            1,
            60,
            {"event_type": "Change", "group_id": 8, "previous_value": 7},
            {"event_type": "Change", "status": "open", "previous_value": "new"},
            {"event_type": "Comment", "comment_present": True, "comment_public": False},
            {"event_type": "Notification", "recipients": [101], "body": "We received your request"},
        ),
    ]
    (page,) = reader.pages("ticket_events", None, START)
    created, changed = page.records
    assert {k: v for k, v in created.items() if k != "events"} == {
        "id": 1,
        "ticket_id": 1,
        "created_at": "2023-11-14T22:13:20Z",
        "author_id": 101,
        "via": {"channel": "Email"},
    }
    assert [said(part) for part in created["events"]] == [
        {
            "id": "100-status",
            "type": "Create",
            "field_name": "status",
            "value": "new",
        },
        {
            "id": "100-group_id",
            "type": "Create",
            "field_name": "group_id",
            "value": 7,
            "group": {"name": "Billing"},
        },
        {
            "id": "100-type",
            "type": "Create",
            "field_name": "type",
            "value": "question",
        },
        {"id": 101, "type": "Comment", "author_id": 101, "author": {"role": "end-user"}, "public": True},
    ]
    assert [said(part) for part in changed["events"]] == [
        {
            "id": 200,
            "type": "Change",
            "field_name": "group_id",
            "value": 8,
            "previous_value": 7,
            "group": {"name": "Returns"},
        },
        {"id": 201, "type": "Change", "field_name": "status", "value": "open", "previous_value": "new"},
        {"id": 202, "type": "Comment", "author_id": 900, "author": {"role": "agent"}, "public": False},
    ]
    assert (
        len({tuple(part) for part in [*created["events"], *changed["events"]]}) == 1
    )  # all have the same keys
    assert b"Where is it" not in page.json_lines  # what people wrote is not needed


def test_ratings_and_events_in_the_short_form_of_the_reference(
    zendesk: ZendeskService, reader: Zendesk
) -> None:
    zendesk.events = [
        event(3, 1, 0, {"event_type": "SatisfactionRating", "score": "good", "body": "Thanks"}),
        {
            "id": 1717,
            "ticket_id": 27,
            "timestamp": BASE,
            "updater_id": -1,
            "via": "Email",
            "child_events": [{"via": "Email", "via_reference_id": 2, "status": "solved"}],
        },
    ]
    (page,) = reader.pages("ticket_events", None, START)
    assert events_of(page) == [
        {"id": 300, "type": "SatisfactionRating", "score": "good"},
        {
            "id": "1717-0",
            "type": "Change",
            "field_name": "status",
            "value": "solved",
        },
    ]


def test_an_event_without_created_at_has_its_timestamp(zendesk: ZendeskService, reader: Zendesk) -> None:
    bare = {"id": 5, "ticket_id": 27, "timestamp": BASE, "child_events": None}
    zendesk.events = [bare]
    (page,) = reader.pages("ticket_events", None, START)
    assert page.records[0]["created_at"] == "2023-11-14T22:13:20Z"
    assert page.records[0]["events"] == []


def test_groups_and_agents_are_read_once_and_only_for_events(
    zendesk: ZendeskService, reader: Zendesk
) -> None:
    assert [page.records for page in reader.pages("ticket_events", None, START)] == [[]]
    assert zendesk.asked("groups") == zendesk.asked("users") == []
    zendesk.users = [{"id": number, "role": "agent"} for number in range(1000, 1250)]
    zendesk.events = [event(n, 1, n, {"event_type": "Comment", "author_id": 1249}) for n in range(1, 6)]
    zendesk.events_per_page = 2
    pages = list(reader.pages("ticket_events", None, START))
    assert {part["author"]["role"] for page in pages for part in events_of(page)} == {"agent"}
    assert len(zendesk.asked("users")) == 3  # 250 agents, 100 to a page
    assert len(zendesk.asked("groups")) == 1


def test_a_list_that_goes_nowhere_is_an_error(zendesk: ZendeskService, reader: Zendesk) -> None:
    zendesk.events = [event(1, 1, 0)]
    (first,) = islice(reader.pages("ticket_events", None, START), 1)  # groups and agents are read
    assert first.records
    endless = answers(200, b'{"groups": [], "meta": {"has_more": true, "after_cursor": "x"}}')
    with JsonClient(zendesk.address, "Bearer x", PATIENT) as client:
        zendesk.failures.extend([lambda h: zendesk_answers(zendesk, h), endless, endless])
        with pytest.raises(ServiceError, match="groups, page 2: there is more"):
            list(Zendesk(client, "support", "").pages("ticket_events", None, START))


def zendesk_answers(zendesk: ZendeskService, handler: Any) -> None:
    zendesk.failures, kept = type(zendesk.failures)(), zendesk.failures
    zendesk.handle(handler)
    zendesk.failures = kept


def test_events_are_neither_lost_nor_repeated_over_pages_and_nights(
    zendesk: ZendeskService, reader: Zendesk
) -> None:
    zendesk.events_per_page = 3
    zendesk.events = [event(n, 1, at) for n, at in enumerate([0, 1, 1, 2, 400, 401, 402, 402, 500])]
    read = list(reader.pages("ticket_events", None, START))
    assert [number for page in ids(read) for number in page] == list(range(9))
    cursor = read[-1].cursor
    zendesk.events.insert(8, event(99, 1, 450))  # shown only now, though it happened before the last one
    zendesk.events.append(event(100, 1, 500))  # in the second that was the last
    later = list(reader.pages("ticket_events", cursor, START))
    assert sorted(number for page in ids(later) for number in page) == [99, 100]
    assert ids(list(reader.pages("ticket_events", later[-1].cursor, START)))[-1] == []


def test_events_resume_after_any_page(zendesk: ZendeskService, reader: Zendesk) -> None:
    zendesk.events_per_page = 3
    zendesk.events = [event(n, 1, n // 2) for n in range(20)]
    count = len(list(reader.pages("ticket_events", None, START)))
    for read in range(1, count):
        before = list(islice(reader.pages("ticket_events", None, START), read))
        after = list(reader.pages("ticket_events", before[-1].cursor, START))
        assert [number for page in ids(before + after) for number in page] == list(range(20))


def test_a_time_that_does_not_move_is_an_error_and_no_loop(zendesk: ZendeskService, reader: Zendesk) -> None:
    zendesk.events_per_page = 3
    zendesk.events = [event(n, 1, 7) for n in range(10)]
    with pytest.raises(ServiceError, match=r"ticket events, page 2: .* more events share one second"):
        list(reader.pages("ticket_events", None, START))


def test_the_cursor_remembers_no_more_than_the_last_minutes(zendesk: ZendeskService, reader: Zendesk) -> None:
    zendesk.events = [event(n, 1, n * 100) for n in range(50)]
    (page,) = reader.pages("ticket_events", None, START)
    cursor = json.loads(page.cursor)
    assert cursor["until"] == BASE + 4900
    assert cursor["known"] == {str(n): BASE + n * 100 for n in (46, 47, 48, 49)}


def test_the_header_of_an_api_token() -> None:
    scheme, _, encoded = token_authorization("agent@example.com", "tökén").partition(" ")
    assert scheme == "Basic"
    assert b64decode(encoded).decode() == "agent@example.com/token:tökén"


@pytest.mark.parametrize("token", ["t0k3n\n", "t0 k3n", "tökén", "t0k3n\x00"])
def test_a_token_that_no_header_can_hold_is_refused_without_being_shown(token: str) -> None:
    assert bearer_authorization("t0k3n") == "Bearer t0k3n"
    with pytest.raises(ValueError, match="copy it again") as raised:
        bearer_authorization(token)
    assert "k3" not in repr(raised.value)


def test_the_token_is_in_no_log_and_in_no_page(zendesk: ZendeskService, reader: Zendesk, caplog) -> None:
    zendesk.ticket_pages = [[ticket(1)]]
    zendesk.events = [event(1, 1, 1)]
    with caplog.at_level(logging.DEBUG):
        pages = [*reader.pages("tickets", None, START), *reader.pages("ticket_events", None, START)]
    header = token_authorization(USER, TOKEN)
    said = caplog.text + str([vars(record) for record in caplog.records]) + str(pages)
    assert {asked[2] for asked in zendesk.requests} == {header}
    assert "httpcore" in said
    assert TOKEN not in said
    assert header.partition(" ")[2] not in said
