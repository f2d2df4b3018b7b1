"""Zendesk over HTTP: tickets, and the history of tickets, as pages with a cursor after each.

Belongs here: which endpoints are asked, how their pages continue, and what their records look like when they are
handed on. Does not: what becomes of the records (the preset's mapping and ``pipelines.ingest.api``), nor how a
request is made (``pipelines.sources.http``).

Both streams are incremental exports, the endpoints made for asking again every night:

- ``tickets``: a cursor that Zendesk gives, and no times: it neither loses nor repeats a ticket.
- ``ticket_events``: goes by time, so a run starts a little before the end of the last one and leaves out what
  was read then. Events are handed on in the shape of audits, which is the one that full exports have.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from http import HTTPStatus
from itertools import count
from typing import Any, Literal

from pipelines.sources.http import JsonClient, Parameters, RefusedError, RejectedError, ServiceError

_log = logging.getLogger(__name__)

Stream = Literal["tickets", "ticket_events"]
Record = dict[str, Any]

_TICKETS = "/api/v2/incremental/tickets/cursor"
_EVENTS = "/api/v2/incremental/ticket_events"
# Zendesk leaves out the last minute, and refuses to be asked for it.
_TOO_RECENT_SECONDS = 61
# What Zendesk shows later than it happened is found by looking back this far at the beginning of a run.
_OVERLAP_SECONDS = 300
_LIST_SIZE = 100  # the most that Zendesk's plain lists give at once

# What a child event says about itself; all else in it are fields of the ticket, with their new values.
_OF_THE_EVENT = frozenset(
    (
        *(
            "id",
            "via",
            "via_reference_id",
            "event_type",
            "previous_value",
            "created_at",
            "audit_id",
            "metadata",
        ),
        *("added_tags", "removed_tags", "comment_present", "comment_public"),
    )
)
# Every part of an audit has every key: one that came with a later page only would look like a new column.
_PART: Record = dict.fromkeys(
    ("id", "type", "field_name", "value", "previous_value", "author_id", "public", "score")
) | {
    "author": {"role": None},
    "group": {"name": None},
}


@dataclass(frozen=True)
class Page:
    """One answer of Zendesk.

    Attributes:
        name: the request that gave it, the same whenever it is made: ``tickets?cursor=...``.
        records: tickets, or the history of tickets in the shape of audits.
        cursor: where the next page begins, to be saved together with the records.
        is_last: there is no more for now.
    """

    name: str
    records: list[Record]
    cursor: str
    is_last: bool

    @property
    def json_lines(self) -> bytes:
        """The records, one a line, in UTF-8."""
        return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in self.records)


def token_authorization(user: str, token: str) -> str:
    """Value of the header for an API token: the user's address and the token, joined as Zendesk wants them."""
    return "Basic " + base64.b64encode(f"{user}/token:{token}".encode()).decode("ascii")


def bearer_authorization(token: str) -> str:
    """Value of the header for an OAuth access token.

    Raises:
        ValueError: a character that no header can hold. (httpx would say so too, and quote the token.)
    """
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(
            "the token holds a blank, a line break or another sign that no token has: copy it again"
        )
    return f"Bearer {token}"


def stream_of(explode: str | None) -> Stream:
    """The stream that a mapping reads: the history of tickets, if it takes the events of that apart."""
    return "ticket_events" if explode and explode.split(".")[0] == "events" else "tickets"


def read_until(cursor: str) -> str:
    """How far a saved cursor goes, for people."""
    return dt.datetime.fromtimestamp(json.loads(cursor)["until"], dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


class Zendesk:
    """The support system of one company.

    Args:
        source: name of the source in the settings, for messages.
        secrets: what the settings say of user and token, for messages.
        now: seconds since 1970.
    """

    def __init__(
        self, client: JsonClient, source: str, secrets: str, now: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._source = source
        self._secrets = secrets
        self._now = now

    def pages(self, stream: Stream, saved: str | None, start: dt.datetime) -> Iterator[Page]:
        """What is new since the saved cursor, page by page; without one, since ``start`` (an aware time).

        A page may repeat records of earlier ones. What was yielded before an error is good and may be kept.

        Raises:
            ServiceError: Zendesk cannot be read, or its answers make no sense.
        """
        begin = int(start.timestamp())
        if stream == "tickets":
            return self._ticket_pages(_TicketCursor.parse(saved) if saved else _TicketCursor(None, begin))
        return self._event_pages(
            _EventCursor.parse(saved) if saved else _EventCursor(begin, begin, {}), begin
        )

    def _ticket_pages(self, cursor: _TicketCursor) -> Iterator[Page]:
        asked = cursor.request
        seen = {cursor.after}
        for number in count(1):
            name = f"{self._source}: Zendesk's tickets, page {number}"
            try:
                answer = self._export(_TICKETS, {**asked, "include": "users,groups"}, name)
            except RejectedError as error:
                if number > 1 or cursor.after is None:
                    raise
                # No night may depend on how long Zendesk honours a cursor. What is read twice is a duplicate.
                _log.warning("%s: the saved cursor was rejected (%d); reading on by time", name, error.status)
                asked = {"start_time": cursor.until - _OVERLAP_SECONDS}
                answer = self._export(_TICKETS, {**asked, "include": "users,groups"}, name)
            if answer is None:
                return
            tickets, is_last = _objects(answer, "tickets", name), _is_last(answer, name)
            after = answer.get("after_cursor") or cursor.after
            if not is_last and after in seen:
                raise ServiceError(f"{name}: there is more, but the cursor does not move. Run again later")
            seen.add(after)
            cursor = _TicketCursor(after, max([cursor.until, *map(_changed_at, tickets)]))
            yield Page(_request_name("tickets", asked), _with_people(answer, name), cursor.text, is_last)
            if is_last:
                return
            asked = cursor.request

    def _event_pages(self, cursor: _EventCursor, begin: int) -> Iterator[Page]:
        for number in count(1):
            name = f"{self._source}: Zendesk's ticket events, page {number}"
            asked: Parameters = {"start_time": cursor.next}
            answer = self._export(_EVENTS, {**asked, "include": "comment_events"}, name)
            if answer is None:
                return
            events, is_last = _objects(answer, "ticket_events", name), _is_last(answer, name)
            end = answer.get("end_time") or cursor.next
            if not is_last and end <= cursor.next:
                raise ServiceError(
                    f"{name}: there is more, but its time does not move: more events share one second than a page "
                    "holds. Load a full export of that day and set start to the day after it"
                )
            new = [event for event in events if str(event["id"]) not in cursor.known]
            cursor = cursor.moved(end, events, begin if is_last else None)
            audits = [_as_audit(event, self._directory) for event in new]
            yield Page(_request_name("ticket_events", asked), audits, cursor.text, is_last)
            if is_last:
                return

    def _export(self, path: str, parameters: Parameters, name: str) -> dict[str, Any] | None:
        """One page of an incremental export; None: Zendesk does not give this time away yet."""
        begin = parameters.get("start_time")
        if isinstance(begin, int) and begin > self._now() - _TOO_RECENT_SECONDS:
            return None
        try:
            return self._get(path, parameters, name)
        except RejectedError as error:
            if (
                begin is not None
                and error.status == HTTPStatus.UNPROCESSABLE_ENTITY
                and "recent" in error.says.lower()
            ):
                return None  # our clock goes before Zendesk's
            raise

    def _get(self, path: str, parameters: Parameters, name: str) -> dict[str, Any]:
        try:
            return self._client.get(path, parameters, name)
        except RefusedError as error:
            raise RefusedError(
                f"{error}. Check {self._secrets}: is the token active, and the user an administrator? "
                "(Incremental exports are for administrators only.)"
            ) from None
        except RejectedError as error:
            hint = (
                "Is the address that of your Zendesk?"
                if error.status == HTTPStatus.NOT_FOUND
                else "Is start a time in the past?"
            )
            raise RejectedError(f"{error}. {hint}", error.status, error.says) from None

    @cached_property
    def _directory(self) -> _Directory:
        """Read once a run, and only where there are events: they name groups and people by number alone."""
        groups = self._list("groups", {"exclude_deleted": "false"})
        agents = self._list("users", {"role[]": ("agent", "admin")})
        return _Directory(
            {str(group["id"]): group.get("name") for group in groups}, frozenset(str(a["id"]) for a in agents)
        )

    def _list(self, what: str, parameters: Parameters) -> Iterator[Record]:
        after: str | None = None
        seen: set[str | None] = set()
        for number in count(1):
            name = f"{self._source}: Zendesk's {what}, page {number}"
            position = {"page[after]": after} if after else {}
            answer = self._get(f"/api/v2/{what}", {**parameters, "page[size]": _LIST_SIZE, **position}, name)
            yield from _objects(answer, what, name)
            meta = answer.get("meta")
            if not isinstance(meta, dict) or not meta.get("has_more"):
                return
            after = meta.get("after_cursor")
            if not after or after in seen:
                raise ServiceError(f"{name}: there is more, but the cursor does not move. Run again later")
            seen.add(after)


@dataclass(frozen=True)
class _TicketCursor:
    """Zendesk's cursor and, should it ever be rejected, the newest change that was read (seconds since 1970)."""

    after: str | None
    until: int

    @classmethod
    def parse(cls, text: str) -> _TicketCursor:
        content = json.loads(text)
        return cls(content["cursor"], content["until"])

    @property
    def text(self) -> str:
        return json.dumps({"cursor": self.after, "until": self.until})

    @property
    def request(self) -> Parameters:
        return {"start_time": self.until} if self.after is None else {"cursor": self.after}


@dataclass(frozen=True)
class _EventCursor:
    """How far events were read.

    Attributes:
        next: the time that the next request begins with; all of this in seconds since 1970.
        until: the latest time read.
        known: the events of the last minutes, which will be seen again, with their times.
    """

    next: int
    until: int
    known: dict[str, int]

    @classmethod
    def parse(cls, text: str) -> _EventCursor:
        return cls(**json.loads(text))

    @property
    def text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    def moved(self, end: int, events: Iterable[Record], begin: int | None) -> _EventCursor:
        """The cursor after a page that ended at ``end``; ``begin``: of all reading, if it was the last page."""
        until = max(end, self.until)
        overlap = until - _OVERLAP_SECONDS
        known = self.known | {str(event["id"]): _happened_at(event) for event in events}
        recent = {key: at for key, at in known.items() if at >= min(end, overlap)}
        return _EventCursor(end if begin is None else max(begin, overlap), until, recent)


@dataclass(frozen=True)
class _Directory:
    """Names of groups, those that are gone too, and who works here now, by Zendesk's numbers."""

    groups: dict[str, str | None]
    agents: frozenset[str]

    def role(self, user: object) -> str:
        return "agent" if str(user) in self.agents else "end-user"


def _with_people(answer: dict[str, Any], name: str) -> list[Record]:
    """The tickets of a page, each with its requester and the name of its group.

    They lie beside the tickets in the answer; a full export has them inside. A page holds a thousand tickets
    at most and six seconds lie between two pages, so that plain dictionaries are fast enough.
    """
    users = {user["id"]: user for user in _objects(answer, "users", name)}
    groups = {group["id"]: group for group in _objects(answer, "groups", name)}

    def completed(ticket: Record) -> Record:
        requester = users.get(ticket.get("requester_id"), {})
        group = groups.get(ticket.get("group_id"), {})
        return {
            **ticket,
            "requester": {key: requester.get(key) for key in ("email", "phone", "external_id")},
            "group": {"name": group.get("name")},
        }

    return [completed(ticket) for ticket in _objects(answer, "tickets", name)]


def _as_audit(event: Record, directory: _Directory) -> Record:
    """An event of the incremental export as the audit that it is in a full export, without what people wrote."""
    happened = dt.datetime.fromtimestamp(_happened_at(event), dt.UTC)
    children = [(f"{event['id']}-{n}", child) for n, child in enumerate(event.get("child_events") or [])]
    return {
        "id": event["id"],
        "ticket_id": event.get("ticket_id"),
        "created_at": event.get("created_at") or happened.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "author_id": event.get("updater_id"),
        "via": {"channel": event.get("via")},
        "events": [part for number, child in children for part in _parts(child, event, number, directory)],
    }


def _parts(child: Record, event: Record, number: str, directory: _Directory) -> Iterator[Record]:
    """What one child event says: a comment, a rating, or the fields that were set. Others change nothing.

    Args:
        number: of the child, should it have none.
    """
    kind = child.get("event_type", "Change")  # the reference's own example has none, and is a change
    part = _PART | {"id": child.get("id", number), "type": kind}
    if kind in ("Comment", "VoiceComment"):
        author = child.get("author_id", event.get("updater_id"))
        public = child.get("public", child.get("comment_public"))
        yield part | {"author_id": author, "author": {"role": directory.role(author)}, "public": public}
    elif kind == "SatisfactionRating":
        yield part | {"score": child.get("score")}
    elif kind in ("Create", "Change"):
        fields = [field for field in child if field not in _OF_THE_EVENT]
        for field in fields:
            # The number is the child's; where it sets several fields, each needs one of its own.
            own = {} if len(fields) == 1 else {"id": f"{part['id']}-{field}"}
            value, previous = child[field], child.get("previous_value")
            named = {"group": {"name": directory.groups.get(str(value))}} if field == "group_id" else {}
            yield part | own | {"field_name": field, "value": value, "previous_value": previous} | named


def _changed_at(ticket: Record) -> int:
    """When anything about the ticket changed, even what does not count as an update; 0: it does not say."""
    changed = ticket.get("generated_timestamp")
    return changed if isinstance(changed, int) else 0


def _happened_at(event: Record) -> int:
    happened = event.get("timestamp")
    if isinstance(happened, int):
        return happened
    return int(dt.datetime.fromisoformat(event["created_at"]).timestamp())


def _objects(answer: dict[str, Any], key: str, name: str) -> list[Record]:
    """The list under a key of an answer; none where the key is absent."""
    found = answer.get(key, [])
    if not isinstance(found, list) or not all(isinstance(item, dict) and "id" in item for item in found):
        raise ServiceError(
            f"{name}: {key} is no list of objects with an id. Is the address that of your Zendesk?"
        )
    return found


def _is_last(answer: dict[str, Any], name: str) -> bool:
    is_last = answer.get("end_of_stream")
    if not isinstance(is_last, bool):
        raise ServiceError(f"{name}: the answer does not say whether it is the last. Is the address right?")
    return is_last


def _request_name(stream: Stream, asked: Parameters) -> str:
    return stream + "?" + "&".join(f"{key}={value}" for key, value in asked.items())
