"""Dagster's own event log in SQLite, with connections that stay open.

Belongs here: how the log is written. What is in it, and where it lies, is as Dagster has it: the same files, which
Dagster's own class reads too.

Dagster opens a connection for every event, and the last one to close makes SQLite copy its write-ahead log and
sync the disk. A night of 500 events spent more time on that than on the data of a small company.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData

_OPEN_FILES = 4  # the index and the run that writes; the UI's server shows a few more


class EventLog(SqliteEventLogStorage):
    """Named in ``dagster.yaml``; every process of Dagster writes and reads through it."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, sa.Engine] = OrderedDict()  # by shard, the last used at the end
        self._tables: set[str] = set()  # known to be in the index
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> EventLog:
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock:
            if shard not in self._initialized_dbs:  # first use, or the file was wiped
                self._close(shard)
                self._initdb(self._engine(shard))
                self._initialized_dbs.add(shard)
            with self._engine(shard).connect() as connection, connection.begin():
                yield connection

    def has_table(self, table_name: str) -> bool:
        """Asked before every event of a check. A table stays, so that only what is missing is asked for again."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        super().dispose()
        with self._db_lock:
            for shard in list(self._engines):
                self._close(shard)

    def _engine(self, shard: str) -> sa.Engine:
        """The shard's one connection: the lock lets one thread at a time use it."""
        if shard not in self._engines:
            engine = sa.create_engine(
                self.conn_string_for_shard(shard),
                poolclass=sa.pool.StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            sa.event.listen(engine, "connect", _sync_at_checkpoints)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        if len(self._engines) > _OPEN_FILES:
            self._close(next(iter(self._engines)))
        return self._engines[shard]

    def _close(self, shard: str) -> None:
        engine = self._engines.pop(shard, None)
        if engine is not None:
            engine.dispose()


def _sync_at_checkpoints(connection: Any, _record: object) -> None:
    """With a write-ahead log this cannot damage the file; a power cut may cost the last events of a run."""
    connection.execute("pragma synchronous = normal")
