"""A small good file of every format, and what a mapping makes of it: what the fuzzing damages.

Not a test. A format that is registered and has no sample here fails ``test_fuzzed_files``.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyreadstat
import xlsxwriter

RECORDS = 40
PERSON = "Zwicky"  # in every record, and never to be in a message
_ORDERS = {
    "table": "crm.orders",
    "columns": {"order_id": "id", "customer_id": "who", "ordered_at": "at", "updated_at": "changed"},
}
_NAMES = ("id", "who", "at", "changed")
_ANSWERS = {"table": "survey.responses", "questions": {"Q1": {"metric": "nps"}}}


@dataclass(frozen=True)
class Sample:
    """Files of one format.

    Attributes:
        source: in the language of kizuna.yml, but for its files and format.
        record: the record of a name that no other record has, and a number; a text where it is a line.
        whole: makes the file of its records.
        identifier: raw table and column that hold the name.
        suffix: of the file.
        is_slow: whether a file takes a process of its own to read, so that fewer are tried.
    """

    source: dict[str, Any]
    record: Callable[[str, int], Any]
    whole: Callable[[list[Any]], bytes]
    identifier: tuple[str, str] = ("raw_crm.orders", "order_id")
    suffix: str = ""
    is_slow: bool = False

    def file(self, tag: str) -> bytes:
        return self.whole([self.record(name, n) for n, name in enumerate(self.names(tag))])

    def names(self, tag: str) -> list[str]:
        return [f"{tag}-{n}-x" for n in range(RECORDS)]

    def untouched(self, tag: str, data: bytes) -> list[str]:
        """Names of the records that lie in ``data`` as they were written; none, where a record is no line."""
        found = {line.rstrip(b",\r") for line in data.split(b"\n")}
        written = {name: self.record(name, n) for n, name in enumerate(self.names(tag))}
        return [name for name, text in written.items() if isinstance(text, str) and text.encode() in found]


def _order(name: str, n: int) -> tuple[str, str, str, str]:
    return name, f"{PERSON} {n}", f"2024-01-{1 + n % 28:02d}", f"2024-02-{1 + n % 28:02d}T10:00:00"


def _a_second_of_its_own(name: str) -> str:
    """Google Forms has no other identifier."""
    moment = dt.datetime(2000, 1, 1) + dt.timedelta(seconds=zlib.crc32(name.encode()) // 8)
    return f"{moment:%Y/%m/%d %I:%M:%S %p}"


def _lines(*header: str) -> Callable[[list[str]], bytes]:
    return lambda records: "".join(f"{line}\n" for line in (*header, *records)).encode()


def _list(name: str | None = None) -> Callable[[list[str]], bytes]:
    before, after = (f'{{"{name}": [', "]}") if name else ("[", "]")
    return lambda records: (before + "\n" + ",\n".join(records) + "\n" + after + "\n").encode()


def _as_json(make: Callable[[str, int], dict[str, Any]]) -> Callable[[str, int], str]:
    return lambda name, n: json.dumps(make(name, n))


def _parquet(records: list[tuple[str, ...]]) -> bytes:
    file = io.BytesIO()
    pl.DataFrame(records, schema=list(_NAMES), orient="row").write_parquet(file)
    return file.getvalue()


def _workbook(records: list[tuple[str, ...]]) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        for row, values in enumerate([_NAMES, *records]):
            sheet.write_row(row, 0, values)
    return file.getvalue()


def _sav(records: list[tuple[str, ...]]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.sav"
        pyreadstat.write_sav(pd.DataFrame(records, columns=list(_NAMES)), str(path))
        return path.read_bytes()


def _ticket(name: str, n: int) -> dict[str, Any]:
    return {
        "id": name,
        "created_at": f"2024-01-{1 + n % 28:02d}T08:00:00Z",
        "updated_at": f"2024-02-{1 + n % 28:02d}T08:00:00Z",
        "status": "open",
        "requester": {"external_id": f"{PERSON} {n}", "email": f"{PERSON}@example.org"},
        "comments": [{"id": n, "public": True, "created_at": f"2024-01-{1 + n % 28:02d}T09:00:00Z"}],
    }


def _audit(name: str, n: int) -> dict[str, Any]:
    return {
        "id": n,
        "ticket_id": name,
        "created_at": f"2024-01-{1 + n % 28:02d}T08:00:00Z",
        "author_id": PERSON,
        "events": [{"id": str(n), "type": "Create", "field_name": "requester_id", "value": PERSON}],
    }


def _freshdesk_ticket(name: str, n: int) -> dict[str, Any]:
    return _ticket(name, n) | {"status": 2, "source": 1, "priority": 1, "unique_external_id": PERSON}


def _activity(name: str, n: int) -> dict[str, Any]:
    return {
        "ticket_id": name,
        "performed_at": f"{1 + n % 28:02d}-01-2024 08:00:00 +0000",
        "performer_id": PERSON,
        "activity": {"status": "Open", "group": "Desk"},
    }


def _conversation(name: str, n: int) -> dict[str, Any]:
    return {
        "id": name,
        "created_at": 1704100000 + n,
        "updated_at": 1704200000 + n,
        "state": "open",
        "source": {"type": "email", "author": {"id": f"{PERSON} {n}", "email": f"{PERSON}@example.org"}},
        "conversation_parts": {
            "conversation_parts": [{"id": f"{name}-p", "created_at": 1704100001 + n, "part_type": "note"}]
        },
    }


_TABLE = {"record": _order}
_TICKETS = ("raw_support.tickets", "ticket_id")
_EVENTS = ("raw_support.ticket_events", "ticket_id")
_RESPONSES = ("raw_survey.responses", "response_id")

SAMPLES: dict[str, Sample] = {
    "csv": Sample(
        {"tables": [_ORDERS]},
        lambda name, n: '{},"{}",{},{}'.format(*_order(name, n)),
        _lines(",".join(_NAMES)),
        suffix=".csv",
    ),
    "whitespace": Sample(
        {"tables": [_ORDERS]},
        lambda name, n: "  ".join(_order(name, n)).replace(f"{PERSON} ", PERSON),
        _lines("  ".join(_NAMES)),
        suffix=".txt",
    ),
    "jsonl": Sample(
        {"tables": [_ORDERS]},
        _as_json(lambda name, n: dict(zip(_NAMES, _order(name, n), strict=True))),
        _lines(),
        suffix=".jsonl",
    ),
    "json": Sample(
        {"tables": [_ORDERS]},
        _as_json(lambda name, n: dict(zip(_NAMES, _order(name, n), strict=True))),
        _list(),
        suffix=".json",
    ),
    "parquet": Sample({"tables": [_ORDERS]}, whole=_parquet, suffix=".parquet", **_TABLE),
    "excel": Sample({"tables": [_ORDERS]}, whole=_workbook, suffix=".xlsx", **_TABLE),
    "spss": Sample({"tables": [_ORDERS]}, whole=_sav, suffix=".sav", is_slow=True, **_TABLE),
    "qualtrics": Sample(
        {"tables": [_ANSWERS]},
        lambda name, n: f'2024-01-01 10:00:00,IP Address,{name},{PERSON}{n}@example.org,"{n % 11}"',
        _lines(
            "EndDate,Status,ResponseId,RecipientEmail,Q1",
            'End Date,Response Type,Response ID,Recipient Email,"Would you, honestly?"',
            '"{""ImportId"":""endDate"",""timeZone"":""UTC""}","{""ImportId"":""status""}",'
            '"{""ImportId"":""_recordId""}","{""ImportId"":""recipientEmail""}","{""ImportId"":""QID1""}"',
        ),
        identifier=_RESPONSES,
        suffix=".csv",
    ),
    "surveymonkey": Sample(
        {"tables": [_ANSWERS | {"questions": {"nps": {"metric": "nps", "column": "How likely?"}}}]},
        lambda name, n: f'{name},02/01/2024 12:04:15 AM,{PERSON}{n}@example.org,"{n % 11}"',
        _lines("Respondent ID,End Date,Email Address,How likely?", ",,,Response"),
        identifier=_RESPONSES,
        suffix=".csv",
    ),
    "typeform": Sample(
        {"tables": [_ANSWERS | {"questions": {"nps": {"metric": "nps", "column": "How likely?"}}}]},
        lambda name, n: f'{name},"{n % 11}",{PERSON}{n},2024-01-01 10:00:00',
        _lines("#,How likely?,who,Submit Date (UTC)"),
        identifier=_RESPONSES,
        suffix=".csv",
    ),
    "google_forms": Sample(
        {"tables": [_ANSWERS | {"questions": {"nps": {"metric": "nps", "column": "How likely?"}}}]},
        lambda name, n: f'{_a_second_of_its_own(name)} GMT+9,{name},{PERSON}{n},"{n % 11}"',
        _lines("Timestamp,Username,Your name,How likely?"),
        identifier=("raw_survey.responses", "email"),
        suffix=".csv",
    ),
    "limesurvey": Sample(
        {"tables": [_ANSWERS]},
        lambda name, n: f'"{name}","2024-01-01 10:00:00","{PERSON}{n}","{n % 11}"',
        _lines('"id","submitdate","who","Q1"'),
        identifier=_RESPONSES,
        suffix=".csv",
    ),
    "limesurvey_participants": Sample(
        {"tables": []},
        lambda name, n: f'{n},"{PERSON}","{PERSON}{n}@example.org","{name}","2024-01-01 10:00","en"',
        _lines("tid,firstname,email,token,invited,language"),
        identifier=("raw_survey.invitations", "invitation_id"),
        suffix=".csv",
    ),
    "zendesk": Sample({"tables": []}, _as_json(_ticket), _lines(), identifier=_TICKETS, suffix=".json"),
    "zendesk_audits": Sample(
        {"tables": []}, _as_json(_audit), _list("audits"), identifier=_EVENTS, suffix=".json"
    ),
    "freshdesk": Sample(
        {"tables": []}, _as_json(_freshdesk_ticket), _list(), identifier=_TICKETS, suffix=".json"
    ),
    "freshdesk_activities": Sample(
        {"tables": []},
        _as_json(_activity),
        _list("activities_data"),
        identifier=_EVENTS,
        suffix=".json",
    ),
    "intercom": Sample(
        {"tables": []},
        _as_json(_conversation),
        _list("conversations"),
        identifier=_TICKETS,
        suffix=".json",
    ),
    "servicenow": Sample(
        {"tables": []},
        lambda name, n: (
            f'{name},"{PERSON} {n}",2024-01-01 10:00:00,2024-02-{1 + n % 28:02d} 10:00:00,{n},Active'
        ),
        _lines("number,caller_id,opened_at,sys_updated_at,sys_mod_count,incident_state"),
        identifier=_TICKETS,
        suffix=".csv",
    ),
}
