"""A service over HTTP: page after page, several to a load, each load with the cursor after its last page.

So a run that ends anywhere, by an error or a kill, is continued where the last load ended.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from pipelines.formats.json_lines import json_lines
from pipelines.formats.records import UnreadableFileError
from pipelines.ingest.batch import LoadBuilder
from pipelines.ingest.result import StreamResult
from pipelines.ingest.source_turn import SourceTurn
from pipelines.settings import ApiSource, Settings, SettingsError, TableMapping
from pipelines.sources.errors import SourceError
from pipelines.sources.files import records_for
from pipelines.sources.http import JsonClient, Patience
from pipelines.sources.zendesk import (
    Page,
    Stream,
    Zendesk,
    bearer_authorization,
    read_until,
    stream_of,
    token_authorization,
)

# A load is one transaction. Ten pages are a minute of asking, which is what a kill then costs.
LOAD_PAGES = 10
LOAD_BYTES = 256 * 1024**2
_STREAMS: tuple[Stream, ...] = ("tickets", "ticket_events")


def ingest_api(turn: SourceTurn) -> None:
    """Read what is new in every stream that a mapping wants.

    Raises:
        SettingsError: a secret is missing or cannot be one.
        SourceError: the service cannot be read. What was read before is committed.
    """
    with open_service(turn.settings, turn.name) as service:
        for stream in _STREAMS:
            mappings = [mapping for mapping in turn.source.mappings if stream_of(mapping.explode) == stream]
            if mappings:
                _ingest_stream(turn, service, stream, mappings)


@contextmanager
def open_service(settings: Settings, name: str, attempts: int = Patience.attempts) -> Iterator[Zendesk]:
    """The service of a source, ready to be asked.

    Args:
        attempts: at each answer.

    Raises:
        SettingsError: a secret is missing or cannot be one.
    """
    source = settings.sources[name]
    assert isinstance(source, ApiSource)
    authorization = _authorization(settings, name, source, os.environ)
    patience = Patience(requests_per_minute=source.requests_per_minute, attempts=attempts)
    with JsonClient(source.address, authorization, patience) as client:
        yield Zendesk(client, name, _secrets(name, source))


def _ingest_stream(
    turn: SourceTurn, service: Zendesk, stream: Stream, mappings: Sequence[TableMapping]
) -> None:
    source = turn.source
    assert isinstance(source, ApiSource)
    cursor = turn.cursor(stream)
    start = dt.datetime.combine(source.start, dt.time(), turn.settings.zone)
    load = _StreamLoad(turn, stream, mappings)
    try:
        for number, page in enumerate(service.pages(stream, cursor, start), start=1):
            turn.report(number, 0, f"{stream}, page {number}")
            load.add(page)
    except SourceError:
        load.commit()  # the pages before it are good, and asking for each again costs six seconds
        raise
    load.commit()
    cursor = turn.cursor(stream)
    turn.result.streams.append(StreamResult(stream, load.records, read_until(cursor) if cursor else None))


class _StreamLoad:
    """The pages of a stream on their way into the warehouse; a load is begun where there is something to load."""

    def __init__(self, turn: SourceTurn, stream: Stream, mappings: Sequence[TableMapping]) -> None:
        self._turn = turn
        self._stream = stream
        self._mappings = mappings
        self._builder: LoadBuilder | None = None
        self._pages = 0
        self._bytes = 0
        self.records = 0

    def add(self, page: Page) -> None:
        """Land a page, and commit the load if it is full."""
        if self._builder is None and not page.records:
            return
        text = page.json_lines
        builder = self._builder or self._turn.new_load()
        try:
            mapped = builder.map(records_for(json_lines(text), self._mappings))
        except UnreadableFileError as error:
            raise SourceError(f"{self._turn.name}: {page.name}: {error}") from None
        builder.land(page.name, mapped)
        builder.set_cursor(self._stream, page.cursor)
        self._builder = builder
        self._pages += 1
        self._bytes += len(text)
        self.records += len(page.records)
        if self._pages == LOAD_PAGES or self._bytes >= LOAD_BYTES:
            self.commit()

    def commit(self) -> None:
        """Make what was landed last."""
        builder, self._builder, self._pages, self._bytes = self._builder, None, 0, 0
        if builder is not None:
            self._turn.commit(builder.finish())


def _authorization(settings: Settings, name: str, source: ApiSource, environment: Mapping[str, str]) -> str:
    """Value of the header that lets us in; no message shows any of it."""

    def secret(key: str, variable: str) -> str:
        value = environment.get(variable, "").strip()  # a line break at its end is nobody's secret
        if not value:
            raise SettingsError(
                f"{settings.path}: sources.{name}.{key}.env: the environment variable {variable} is not set"
            )
        return value

    token = secret("token", source.token.env)
    if source.user is not None:
        return token_authorization(secret("user", source.user.env), token)
    try:
        return bearer_authorization(token)
    except ValueError as error:
        raise SettingsError(
            f"{settings.path}: sources.{name}.token.env: {source.token.env}: {error}"
        ) from None


def _secrets(name: str, source: ApiSource) -> str:
    variables = [secret.env for secret in (source.user, source.token) if secret is not None]
    return f"{' and '.join(variables)}, which sources.{name} names"
