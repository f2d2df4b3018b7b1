from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Iterator
from email.utils import format_datetime

import pytest
from fixtures.zendesk_service import ZendeskService, answers, breaks_off, hangs, hangs_up, trickles

from pipelines.sources.http import (
    JsonClient,
    Patience,
    RefusedError,
    RejectedError,
    ServiceError,
    _retry_after,
    is_loopback,
)

SECRET = "Bearer t0k3n-not-to-be-seen"
PATIENT = Patience(requests_per_minute=10_000, attempts=3, first_wait_seconds=0.001)
GROUPS = ("/api/v2/groups", {"page[size]": 100}, "groups, page 1")


@pytest.fixture
def client(zendesk: ZendeskService) -> Iterator[JsonClient]:
    zendesk.groups = [{"id": 1, "name": "Billing"}]
    with JsonClient(zendesk.address, SECRET, PATIENT) as client:
        yield client


def test_the_answer_is_an_object_and_the_header_lets_us_in(
    zendesk: ZendeskService, client: JsonClient
) -> None:
    assert client.get(*GROUPS)["groups"] == [{"id": 1, "name": "Billing"}]
    assert zendesk.requests == [("/api/v2/groups", {"page[size]": "100"}, SECRET)]


@pytest.mark.parametrize(
    "failure",
    [
        answers(500),
        answers(503, retry_after="0"),
        answers(429, retry_after="0"),
        answers(200, b'{"groups": [{"id"'),
        answers(200, b"<html>maintenance</html>"),
        answers(200, b"\xff\xfe"),
        answers(200, b"[1, 2]"),
        answers(200, b"[" * 200_000),
        breaks_off,
        hangs_up,
    ],
)
def test_what_passes_is_asked_again(zendesk: ZendeskService, client: JsonClient, failure) -> None:
    zendesk.failures.extend([failure, failure])
    assert client.get(*GROUPS)["groups"]
    assert len(zendesk.requests) == 3


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (answers(502), "answered with 502"),
        (answers(429, retry_after="0"), "answered with 429"),
        (answers(200, b'{"groups": '), "no JSON, or is cut off"),
        (breaks_off, "broke off"),
        (hangs_up, "broke off"),
    ],
)
def test_what_does_not_pass_ends_with_its_reason(
    zendesk: ZendeskService, client: JsonClient, failure, reason: str
) -> None:
    zendesk.failures.extend([failure] * 3)
    with pytest.raises(ServiceError, match=rf"^groups, page 1: .*{reason}.* 3 times in a row"):
        client.get(*GROUPS)
    assert len(zendesk.requests) == 3


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_final(zendesk: ZendeskService, client: JsonClient, status: int) -> None:
    zendesk.failures.append(answers(status))
    with pytest.raises(RefusedError, match=f"groups, page 1: refused with {status}"):
        client.get(*GROUPS)
    assert len(zendesk.requests) == 1


def test_a_rejection_is_final_and_keeps_what_the_service_says(
    zendesk: ZendeskService, client: JsonClient
) -> None:
    zendesk.failures.append(answers(422, b"Too recent start_time"))
    with pytest.raises(RejectedError) as raised:
        client.get(*GROUPS)
    assert (raised.value.status, raised.value.says) == (422, "Too recent start_time")
    assert "Too recent" not in str(raised.value)  # an answer may quote the request


def test_a_redirect_is_not_followed(zendesk: ZendeskService, client: JsonClient) -> None:
    zendesk.failures.append(answers(301, location="https://elsewhere.example.com/api"))
    with pytest.raises(ServiceError, match=r"redirect to elsewhere\.example\.com"):
        client.get(*GROUPS)
    assert len(zendesk.requests) == 1


def test_it_waits_as_long_as_it_is_asked_to(zendesk: ZendeskService, client: JsonClient, caplog) -> None:
    zendesk.failures.append(answers(429, retry_after="1"))
    begin = time.monotonic()
    with caplog.at_level(logging.WARNING):
        client.get(*GROUPS)
    assert time.monotonic() - begin >= 1
    assert "groups, page 1: answered with 429; asking again after 1 seconds" in caplog.messages


def test_no_service_makes_it_wait_for_hours(zendesk: ZendeskService, caplog) -> None:
    zendesk.failures.append(answers(429, retry_after="36000"))
    patience = Patience(requests_per_minute=10_000, longest_wait_seconds=0.01)
    with JsonClient(zendesk.address, SECRET, patience) as client:
        assert client.get(*GROUPS)


def test_silence_ends(zendesk: ZendeskService) -> None:
    zendesk.failures.extend([hangs(1)] * 2)
    patience = Patience(requests_per_minute=10_000, attempts=2, first_wait_seconds=0.001, read_seconds=0.05)
    with (
        JsonClient(zendesk.address, SECRET, patience) as client,
        pytest.raises(ServiceError, match="no answer in time, 2 times in a row"),
    ):
        client.get(*GROUPS)


def test_an_answer_that_trickles_in_ends(zendesk: ZendeskService) -> None:
    zendesk.failures.extend([trickles(1)] * 2)
    patience = Patience(requests_per_minute=10_000, attempts=2, first_wait_seconds=0.001, answer_seconds=0.1)
    with (
        JsonClient(zendesk.address, SECRET, patience) as client,
        pytest.raises(ServiceError, match=r"no whole answer in 0\.1 seconds"),
    ):
        client.get(*GROUPS)


def test_an_endless_answer_ends(zendesk: ZendeskService) -> None:
    zendesk.failures.append(answers(200, b" " * 10_000))
    with (
        JsonClient(zendesk.address, SECRET, Patience(answer_bytes=1000)) as client,
        pytest.raises(ServiceError, match="more than 1,000 bytes"),
    ):
        client.get(*GROUPS)


def test_a_service_that_is_not_there_is_named() -> None:
    patience = Patience(attempts=2, first_wait_seconds=0.001)
    with (
        JsonClient("http://127.0.0.1:9", SECRET, patience) as client,
        pytest.raises(ServiceError, match="groups, page 1: no connection"),
    ):
        client.get(*GROUPS)


def test_requests_keep_to_the_limit(zendesk: ZendeskService) -> None:
    now = [1000.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    patience = Patience(requests_per_minute=3)
    with JsonClient(zendesk.address, SECRET, patience, clock=lambda: now[0], sleep=sleep) as client:
        for _ in range(7):
            client.get(*GROUPS)
            now[0] += 5
    assert slept == [45, 45]  # 3 in 15 seconds, then the rest of the minute


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), (" 30 ", 30), ("soon", None), ("", None), ("-5", None), (None, None)],
)
def test_retry_after_in_seconds(value: str | None, seconds: float | None) -> None:
    assert _retry_after(value) == seconds


def test_retry_after_as_a_date() -> None:
    due = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)
    assert _retry_after(format_datetime(due, usegmt=True)) == pytest.approx(90, abs=2)
    assert _retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


def test_no_secret_leaves_unencrypted() -> None:
    with pytest.raises(ValueError, match="https"):
        JsonClient("http://company.example.com", SECRET)
    assert not is_loopback("http://127.0.0.1.example.com")
    assert not is_loopback("http://localhost.example.com")
    assert is_loopback("http://[::1]:80")


def test_a_proxy_gets_no_unencrypted_secret(zendesk: ZendeskService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with JsonClient(zendesk.address, SECRET, PATIENT) as client:
        assert client.get(*GROUPS)


def test_the_secret_is_in_no_log_and_no_error(zendesk: ZendeskService, client: JsonClient, caplog) -> None:
    zendesk.failures.extend([answers(500, SECRET.encode()), hangs_up, answers(422, SECRET.encode())])
    with caplog.at_level(logging.DEBUG), pytest.raises(RejectedError) as raised:
        client.get(*GROUPS)
    said = (
        caplog.text
        + str([vars(record) for record in caplog.records])
        + str(raised.value)
        + repr(raised.value)
    )
    assert "httpcore" in said  # the noisiest of them was heard
    assert "t0k3n" not in said
