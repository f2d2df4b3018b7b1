"""The published tables in a real PostgreSQL: what a reader there sees, before, during and after an export."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from database_servers import Postgres

from pipelines.extensions import load_extension
from pipelines.home import Home
from pipelines.publication import TableDoc, Tuning, publish
from pipelines.publication.postgres import Exported, PostgresExportError, export_to_postgres

ROOT = Path(__file__).parents[3]
VARIABLE = "KIZUNA_TEST_EXPORT"
ROWS = 3000
DOCS = {
    "marts.fct": TableDoc(
        "One row per 'event'.",
        {
            "id": "Number.",
            "day": "Day.",
            "night": r"The night; a \ stays.",
            "amount": "Sum.",
            "tags": "List.",
        },
        date_column="day",
    ),
    "kpi.total": TableDoc("One row.", {"night": "Night.", "share": "Share.", "at": "When."}),
}
TUNING = Tuning(rows_to_split=1, bloat_to_rebuild=1000.0)


def fill(home: Home, number: int, *, months: int = 4) -> None:
    """Every table says which night it is; only the last month and the total change from night to night."""
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create schema if not exists marts; create schema if not exists kpi")
        con.execute(
            f"""
            create or replace table marts.fct as
            select i as id, date '2023-01-01' + (i % {months * 30})::integer as day,
                case when i % {months * 30} >= 90 then {number} else 0 end as night,
                (i * 1.0001)::decimal(38, 8) as amount, ['a', null, 'ö"' || i] as tags
            from range({ROWS}) as numbers(i)
            """
        )
        con.execute(
            f"""
            create or replace table kpi.total as
            select {number} as night, 1 / 3::double as share, timestamp '2023-04-30 01:02:03.000004' as at
            """
        )


def night(home: Home, docs: dict[str, TableDoc] | None = None):
    return publish(
        home, as_of=dt.date(2023, 4, 30), run_id="run", docs=docs or DOCS, checks=[], keep_versions=3,
        tuning=TUNING,
    ).version  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "state").create()
    fill(home, 1)
    return home


def export(home: Home, version, postgres: Postgres, address: str | None = None) -> Exported:
    return export_to_postgres(
        version, address or postgres.address(), "kizuna", variable=VARIABLE, extensions=home.extensions
    )


def rows(postgres: Postgres, query: str) -> list[list[str]]:
    return [line.split("|") for line in postgres.run(query).splitlines()]


def test_a_reader_finds_every_table_with_its_values_types_and_comments(home, postgres):
    exported = export(home, night(home), postgres)
    assert exported.rows_written["marts.fct"] == ROWS
    with duckdb.connect() as con:
        load_extension(con, "postgres_scanner")
        con.execute(f"attach '{postgres.address()}' as there (type postgres, read_only)")
        con.execute(f"attach '{home.published_file}' as here (read_only)")
        for name in ("marts.fct", "kpi.total", "meta.publication", "meta.tables", "meta.columns"):
            here = con.execute(f"from here.{name} order by all").fetchall()
            assert con.execute(f"from there.kizuna.{name.split('.')[1]} order by all").fetchall() == here
    assert rows(
        postgres, "select pg_typeof(amount), pg_typeof(tags), pg_typeof(day) from kizuna.fct limit 1"
    ) == [["numeric", "text[]", "date"]]
    assert rows(postgres, "select amount from kizuna.fct where id = 3") == [[str(Decimal("3.00030000"))]]
    comments = "select obj_description('kizuna.fct'::regclass), col_description('kizuna.fct'::regclass, 3)"
    assert rows(postgres, comments) == [["One row per 'event'.", r"The night; a \ stays."]]


def test_a_night_writes_the_months_that_changed(home, postgres):
    export(home, night(home), postgres)
    fill(home, 2)
    exported = export(home, night(home), postgres)
    assert exported.rows_written["marts.fct"] == ROWS // 4
    assert rows(postgres, "select max(night), count(*) from kizuna.fct") == [["2", str(ROWS)]]
    fill(home, 2)
    again = export(home, night(home), postgres)
    assert set(again.rows_written) == {"meta.publication", "meta.tables", "meta.columns"}


def test_what_somebody_deleted_there_comes_back(home, postgres):
    version = night(home)
    export(home, version, postgres)
    postgres.run("delete from kizuna.fct where id = 7")
    assert export(home, version, postgres).rows_written["marts.fct"] == ROWS
    assert rows(postgres, "select count(*) from kizuna.fct") == [[str(ROWS)]]


def test_rights_stay_also_where_a_table_is_made_anew(home, postgres):
    export(home, night(home), postgres)
    postgres.run("create role analyst; grant usage on schema kizuna to analyst")
    postgres.run("grant select on kizuna.fct, kizuna.total to analyst with grant option")
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute(
            "create or replace table kpi.total as select 2 as night, 'text' as share, null::date as at"
        )
    try:
        export(home, night(home), postgres)
        allowed = "select has_table_privilege('analyst', 'kizuna.{}', 'select with grant option')"
        assert rows(postgres, allowed.format("total")) == rows(postgres, allowed.format("fct")) == [["t"]]
        assert rows(postgres, "select share from kizuna.total") == [["text"]]
    finally:
        postgres.run("drop owned by analyst; drop role analyst")


def test_a_table_that_is_no_longer_published_goes(home, postgres):
    export(home, night(home), postgres)
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("drop table kpi.total")
    exported = export(home, night(home, {"marts.fct": DOCS["marts.fct"]}), postgres)
    assert list(exported.dropped) == ["total"]
    assert rows(postgres, "select count(*) from pg_tables where tablename = 'total'") == [["0"]]


def test_a_view_of_somebody_stops_the_drop_and_everything_stays(home, postgres):
    export(home, night(home), postgres)
    postgres.run("create view public.mine as select * from kizuna.total")
    fill(home, 2)
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("drop table kpi.total")
    with pytest.raises(PostgresExportError, match="Drop that view"):
        export(home, night(home, {"marts.fct": DOCS["marts.fct"]}), postgres)
    assert rows(postgres, "select night from public.mine") == [["1"]]
    assert rows(postgres, "select max(night) from kizuna.fct") == [["1"]]


def test_a_table_of_somebody_else_is_not_touched(home, postgres):
    postgres.run("create schema kizuna; create table kizuna.total as select 'mine' as what")
    with pytest.raises(PostgresExportError, match=r"of its own .* total"):
        export(home, night(home), postgres)
    assert rows(postgres, "select what from kizuna.total") == [["mine"]]
    assert rows(postgres, "select count(*) from pg_tables where schemaname = 'kizuna'") == [["1"]]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("postgresql://writer:wrong-s3cret@/{name}?host={host}", "refused the login"),
        ("postgresql://postgres@127.0.0.1:1/{name}?password=s3cret", "no server answers"),
        ("postgresql://postgres:s3cret@/nothing_here?host={host}", "no such database"),
    ],
)
def test_a_refusal_says_what_to_mend_and_no_secret(home, postgres, address, told):
    version = night(home)
    with pytest.raises(PostgresExportError, match=told) as caught:
        export(home, version, postgres, address.format(name=postgres.name, host=postgres.socket_folder))
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


# Reads all tables in one statement, and twice in one transaction, until it is told to end.
READER = """
import subprocess, sys
from pathlib import Path
import duckdb
from pipelines.extensions import load_extension

con = duckdb.connect()
load_extension(con, "postgres_scanner")
con.execute(f"attach '{sys.argv[1]}' as there (type postgres, read_only)")
question = (
    "select (select max(night) from kizuna.fct), (select count(*) from kizuna.fct), (select night from kizuna.total),"
    " (select version from kizuna.publication)"
)
seen = []
print("ready", flush=True)
while not Path(sys.argv[2]).exists():
    con.execute("begin")
    [first] = con.execute("from postgres_query('there', $1)", [question]).fetchall()
    [again] = con.execute("from postgres_query('there', $1)", [question]).fetchall()
    con.execute("commit")
    assert first == again, (first, again)
    assert first[0] == first[2] and first[1] == 3000, first
    seen.append(first[0])
assert seen == sorted(seen), seen
print(len(seen), len(set(seen)), flush=True)
"""

EXPORTER = """
import sys
from pathlib import Path
from pipelines.home import Home
from pipelines.publication import current_version
from pipelines.publication.postgres import export_to_postgres

home = Home(Path(sys.argv[1]))
print("ready", flush=True)
export_to_postgres(current_version(home), sys.argv[2], "kizuna", variable="X", extensions=home.extensions)
"""


def child(script: str, *arguments: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_reader_without_pause_meets_whole_versions(home, postgres, tmp_path):
    export(home, night(home), postgres)
    end = tmp_path / "end"
    reader = child(READER, postgres.address(), end)
    assert reader.stdout.readline() == "ready\n"
    for number in range(2, 8):
        fill(home, number)
        export(home, night(home), postgres)
    end.touch()
    said, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0
    reads, versions = map(int, said.split())
    assert reads > versions > 2


def test_a_kill_at_any_moment_leaves_the_old_or_the_new_tables(home, postgres):
    export(home, night(home), postgres)
    before = 1
    for number, seconds in enumerate((0.05, 0.15, 0.25, 0.35, 0.5), 2):
        fill(home, number)
        night(home)
        process = child(EXPORTER, home.root, postgres.address())
        process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        [[newest, count, total]] = rows(
            postgres, "select max(f.night), count(*), (select night from kizuna.total) from kizuna.fct as f"
        )
        assert (newest, count) == (total, str(ROWS))
        assert int(newest) in (before, number)
        before = int(newest)
    fill(home, 99)
    # The server may need a moment to notice that its client is gone and to let go of the lock.
    version, tries = night(home), 20
    while tries:
        try:
            export(home, version, postgres)
            break
        except PostgresExportError:
            time.sleep(0.5)
            tries -= 1
    assert rows(postgres, "select max(night) from kizuna.fct") == [["99"]]
