"""``kizuna serve`` as its clients meet it: processes of their own, with and without the token."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.extensions import load_extension
from pipelines.home import Home
from pipelines.publication import TableDoc, list_versions, publish, rollback
from pipelines.serving import ServingError, serving

ROOT = Path(__file__).parents[3]
TOKEN = "t0ken-of-at-least-sixteen-signs"
DOCS = {
    "marts.fct": TableDoc("Events.", {"id": "Number.", "night": "Night."}),
    "kpi.total": TableDoc("One row.", {"night": "Night."}),
}
SETTINGS = """
company: {name: Shop}
privacy: {customer_key: {public: demo}}
serve: {token: {env: SHOP_TOKEN}}
sources: {}
"""


def night(home: Home, number: int) -> str:
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create schema if not exists marts; create schema if not exists kpi")
        con.execute(
            f"create or replace table marts.fct as select i as id, {number} as night from range(1000000) t(i)"
        )
        con.execute(f"create or replace table kpi.total as select {number} as night")
    return publish(
        home, as_of=dt.date(2023, 4, 30), run_id="run", docs=DOCS, checks=[], keep_versions=2, parquet=False
    ).version.name  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("serving") / "state").create()
    (home.root / "kizuna.yml").write_text(SETTINGS)
    night(home, 1)
    return home


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Command:
    """``kizuna serve`` in a process of its own."""

    def __init__(self, home: Home, **environment: str) -> None:
        self.port = free_port()
        kizuna = Path(sys.executable).with_name("kizuna")
        self.process = subprocess.Popen(
            [kizuna, "serve", "--config", home.root / "kizuna.yml", "--port", str(self.port)],
            env=os.environ | {"KIZUNA_HOME": str(home.root)} | environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def client(self, token: str = TOKEN) -> duckdb.DuckDBPyConnection:
        con = duckdb.connect()
        for extension in ("httpfs", "quack"):
            load_extension(con, extension)
        con.execute(f"attach 'quack:127.0.0.1:{self.port}' as kizuna (token '{token}')")
        return con


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[Command]:
    command = Command(home, SHOP_TOKEN=TOKEN)
    assert "Serving 2023-04-30-" in command.process.stdout.readline()
    yield command
    command.process.send_signal(signal.SIGTERM)
    said = "".join(command.process.communicate(timeout=30))
    assert command.process.returncode == 0
    assert said.endswith("Ended.\n")
    assert TOKEN not in said


def asked(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    return con.execute("from kizuna.query($1)", [query]).fetchall()


def test_a_client_with_the_token_reads_tables_and_asks_queries(server):
    con = server.client()
    assert con.execute("select count(*), min(id) from kizuna.marts.fct").fetchall() == [(1_000_000, 0)]
    assert asked(
        con, "select f.night, count(*) from marts.fct f join kpi.total using (night) group by 1"
    ) == [(1, 1_000_000)]
    assert asked(con, "select column_name, description from meta.columns where table_name = 'total'") == [
        ("night", "Night.")
    ]


def test_a_wrong_token_is_refused(server):
    with pytest.raises(duckdb.Error, match="Authentication failed"):
        server.client("t0ken-of-at-least-sixteen-signz")


@pytest.mark.parametrize(
    "statement",
    [
        "create table marts.mine as select 1",
        "create or replace view kpi.total as select 7 as night",
        "drop view kpi.total",
        "select 1; drop view kpi.total",
        "with mine as (select 1) insert into marts.mine from mine",
        "delete from marts.fct",
        "set global quack_authorization_function = 'quack_nop_authorization'",
        "reset global enable_external_access",
        "attach ':memory:' as mine",
        "copy (select 1) to '/tmp/kizuna_must_not_write'",
        "install httpfs",
        "call quack_stop('quack:127.0.0.1:9494')",
        "from quack_server_list()",
        "from quack_active_connections()",
        "select * from query('drop view kpi.total')",
        "select * from (select * from read_text('/etc/passwd'))",
        "select * from read_text('/etc/passwd') tablesample 100%",
        "select (select content from read_text('/etc/passwd'))",
        "with t as materialized (from read_csv('/etc/passwd')) from t",
        "from range(1), lateral (from read_text('/etc/passwd'))",
        "select * from duckdb_secrets()",
    ],
)
def test_nothing_but_a_query_on_what_is_published_is_run(server, statement):
    con = server.client()
    with pytest.raises(duckdb.Error, match="Authorization failed"):
        asked(con, statement)
    assert asked(con, "select count(*) from kpi.total") == [(1,)]


def test_a_file_of_the_machine_cannot_be_read_as_a_table(server, tmp_path):
    file = tmp_path / "private.csv"
    file.write_text("secret\n1\n")
    with pytest.raises(duckdb.Error, match=r"[Pp]ermission|disabled|does not exist"):
        asked(server.client(), f"select * from '{file}'")


def test_a_client_cannot_write_to_an_attached_table(server):
    con = server.client()
    for statement in (
        "insert into kizuna.kpi.total values (7)",
        "create table kizuna.marts.mine (a integer)",
    ):
        with pytest.raises(duckdb.Error):
            con.execute(statement)


def test_a_new_publication_is_seen_by_clients_that_are_connected(server, home):
    con = server.client()
    running = server.client().execute("from kizuna.query('select night from marts.fct')")
    first = running.fetchmany(10)
    newest = [night(home, number) for number in (2, 3)][-1]
    until = time.monotonic() + 30
    while asked(con, "select version from meta.publication") != [(newest,)] and time.monotonic() < until:
        time.sleep(0.1)
    assert asked(con, "select max(night), (select night from kpi.total) from marts.fct") == [(3, 3)]
    rest = [row for rows in iter(lambda: running.fetchmany(100_000), []) for row in rows]
    assert {row[0] for row in first + rest} == {1}  # a query that had begun
    assert len(first) + len(rest) == 1_000_000
    rollback(home, list_versions(home)[1].name)
    until = time.monotonic() + 30
    while asked(con, "select night from kpi.total") != [(2,)] and time.monotonic() < until:
        time.sleep(0.1)
    assert asked(con, "select max(night), (select night from kpi.total) from marts.fct") == [(2, 2)]


def test_without_a_token_it_refuses_to_start(home):
    command = Command(home)
    said = "".join(command.process.communicate(timeout=60))
    assert command.process.returncode == 1
    assert "the environment variable SHOP_TOKEN is not set" in said


def test_a_guessable_token_and_a_taken_port_are_refused(home, server):
    with pytest.raises(ServingError, match="fewer than 16") as caught, serving(home, "guess"):
        pass
    assert "guess" not in str(caught.value)
    with pytest.raises(ServingError, match="cannot be listened on"), serving(home, TOKEN, port=server.port):
        pass
