"""Asking a service for JSON over HTTP: patient with what passes, quick to stop at what does not, never for ever.

Belongs here: waiting, retrying, limits and the messages about them. Does not: what a service's answers mean.

A header can hold a secret, so nothing of a request but its name ("tickets, page 3") is ever said, and nothing
of an answer but its status; what httpx raises stays inside, because its errors hold the request.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import stamina

from pipelines.sources.errors import SourceError

_log = logging.getLogger(__name__)

Parameters = Mapping[str, str | int | Sequence[str]]

_MINUTE = 60.0


class ServiceError(SourceError):
    """The service gives no usable answer. The message says why and how to mend it, and holds no secret."""


class RefusedError(ServiceError):
    """The service does not let us in: 401 or 403. Asking again would only lock the account."""


class RejectedError(ServiceError):
    """The service understood the request and will not have it: 400, 404, 422 and their like.

    Attributes:
        status: of the answer.
        says: the first 2,000 characters of the answer, to be looked into, not to be shown.
    """

    def __init__(self, message: str, status: int, says: str) -> None:
        super().__init__(message)
        self.status = status
        self.says = says


class _PassingError(ServiceError):
    """Something that may be over the next time."""

    def __init__(self, message: str, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


@dataclass(frozen=True)
class Patience:
    """How often to ask, and how long to wait for what.

    Attributes:
        connect_seconds: until the service takes the call.
        read_seconds: of silence within an answer.
        answer_seconds: for one whole answer, so that one that only trickles in ends too.
        answer_bytes: of one answer, decompressed: a page of a thousand tickets has ten megabytes at most.
        attempts: at one answer; with the waits between them a service may be away for half a minute.
        first_wait_seconds: doubled after each failure, with as much again at random, so that clients that
            failed together do not come back together.
        longest_wait_seconds: of what a service may ask for (``Retry-After``).
    """

    requests_per_minute: int = 10
    connect_seconds: float = 10
    read_seconds: float = 60
    answer_seconds: float = 300
    answer_bytes: int = 256 * 1024**2
    attempts: int = 6
    first_wait_seconds: float = 1
    longest_wait_seconds: float = 300


class JsonClient:
    """A connection to one service. A context manager; the connection is closed at its end.

    Args:
        address: beginning of every URL.
        authorization: value of the header that lets us in.

    Raises:
        ValueError: the header would be sent unencrypted.
    """

    def __init__(
        self,
        address: str,
        authorization: str,
        patience: Patience = Patience(),
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not address.startswith("https://") and not is_loopback(address):
            raise ValueError("a secret is sent to no address but https://")
        self._patience = patience
        self._clock = clock
        self._pace = _Pace(patience.requests_per_minute, clock, sleep)
        self._client = httpx.Client(
            base_url=address,
            headers={"Authorization": authorization, "Accept": "application/json"},
            timeout=httpx.Timeout(patience.read_seconds, connect=patience.connect_seconds),
            follow_redirects=False,  # to another host the secret would go along
            trust_env=not is_loopback(address),  # a proxy would read what is not encrypted
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, parameters: Parameters, name: str) -> dict[str, Any]:
        """The JSON object that the service answers.

        Args:
            name: of what is asked for, for messages.

        Raises:
            RefusedError: 401 or 403.
            RejectedError: another answer that asking again would not change.
            ServiceError: no whole answer after all attempts.
        """
        patience = self._patience
        try:
            for attempt in stamina.retry_context(
                on=_wait,
                attempts=patience.attempts,
                timeout=None,  # each attempt and each wait has its own end
                wait_initial=patience.first_wait_seconds,
                wait_max=patience.longest_wait_seconds,
                wait_jitter=patience.first_wait_seconds,
            ):
                with attempt:
                    return self._ask(path, parameters, name)
        except _PassingError as error:
            message = f"{error}, {patience.attempts} times in a row. Run again later: what was read is kept"
            raise ServiceError(message) from None
        raise AssertionError("the loop returns or raises")

    def _ask(self, path: str, parameters: Parameters, name: str) -> dict[str, Any]:
        self._pace.wait()
        try:
            with self._client.stream("GET", path, params=dict(parameters)) as response:
                self._judge(response, name)
                return _parsed(self._body(response, name), name)
        except httpx.TimeoutException as error:
            reason = (
                "no connection in time" if isinstance(error, httpx.ConnectTimeout) else "no answer in time"
            )
            raise _PassingError(f"{name}: {reason}") from None
        except (
            httpx.ConnectError
        ) as error:  # its text is the system's: no such host, refused, bad certificate
            raise _PassingError(f"{name}: no connection ({error})") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _PassingError(f"{name}: the answer broke off ({type(error).__name__})") from None

    def _judge(self, response: httpx.Response, name: str) -> None:
        status = response.status_code
        if status == httpx.codes.OK:
            return
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise RefusedError(f"{name}: refused with {status}")
        message = f"{name}: answered with {status}"
        if status == httpx.codes.TOO_MANY_REQUESTS:
            asked = _retry_after(response.headers.get("Retry-After"))
            wait = _MINUTE if asked is None else asked  # limits are counted by the minute
            raise _PassingError(message, min(wait, self._patience.longest_wait_seconds))
        if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.REQUEST_TIMEOUT:
            asked = _retry_after(response.headers.get("Retry-After"))
            wait = None if asked is None else min(asked, self._patience.longest_wait_seconds)
            raise _PassingError(message, wait)
        if response.has_redirect_location:
            host = urlsplit(response.headers["Location"]).hostname
            raise ServiceError(f"{message}, a redirect to {host}. Write that address in the settings")
        says = self._body(response, name)[:2000].decode("utf-8", "replace")
        raise RejectedError(message, status, says)

    def _body(self, response: httpx.Response, name: str) -> bytes:
        patience = self._patience
        end = self._clock() + patience.answer_seconds
        blocks, size = [], 0
        for block in response.iter_bytes():
            blocks.append(block)
            size += len(block)
            if size > patience.answer_bytes:
                raise ServiceError(f"{name}: the answer has more than {patience.answer_bytes:,} bytes")
            if self._clock() > end:
                raise _PassingError(f"{name}: no whole answer in {patience.answer_seconds:g} seconds")
        return b"".join(blocks)


def is_loopback(address: str) -> bool:
    """Whether the address is this machine itself."""
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Pace:
    """No more requests in any minute than allowed; the first ones of a minute need not wait."""

    def __init__(self, per_minute: int, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._times: deque[float] = deque(maxlen=per_minute)
        self._clock = clock
        self._sleep = sleep

    def wait(self) -> None:
        if len(self._times) == self._times.maxlen:
            due = self._times[0] + _MINUTE - self._clock()
            if due > 0:
                _log.info("waiting %.0f seconds: the limit of requests per minute is reached", due)
                self._sleep(due)
        self._times.append(self._clock())


def _wait(error: Exception) -> bool | float:
    """Whether stamina is to try again, and after how many seconds if not after its own."""
    if not isinstance(error, _PassingError):
        return False
    if error.wait_seconds is None:
        _log.warning("%s; asking again", error)
        return True
    _log.warning("%s; asking again after %.0f seconds", error, error.wait_seconds)
    return error.wait_seconds


def _retry_after(value: str | None) -> float | None:
    """Seconds that a service asks to wait: a number, or the date to wait for. None: it does not say."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        due = parsedate_to_datetime(value)
    except ValueError:
        return None
    due = due if due.tzinfo else due.replace(tzinfo=dt.UTC)
    return max(0.0, (due - dt.datetime.now(dt.UTC)).total_seconds())


def _parsed(body: bytes, name: str) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):  # also bytes that are no UTF-8
        raise _PassingError(f"{name}: the answer is no JSON, or is cut off") from None
    if not isinstance(content, dict):
        raise _PassingError(f"{name}: the answer is no JSON object")
    return content
