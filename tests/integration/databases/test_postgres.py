"""A CRM in a real PostgreSQL: every night, only what changed, exactly, and once."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from database_company import ORDERS, VARIABLE, Company, assert_says_nothing_secret, incremental
from database_servers import PASSWORD, Postgres, started

from pipelines.sources.database import DatabaseError, open_database
from pipelines.sources.database.session import BLOCK_ROWS

SCHEMA = """
create table orders (
    id integer primary key, customer text, placed timestamptz not null, state text, changed timestamptz
);
create index on orders (changed);
"""
ROWS = """
insert into orders
select n, 'c' || n % 7, '2024-01-01Z'::timestamptz + n * interval '1 min', 'placed',
    '2024-01-01Z'::timestamptz + n * interval '1 min'
from generate_series({first}, {last}) as n;
"""


@pytest.fixture
def orders(postgres: Postgres) -> Postgres:
    """A table of 3,000 orders, changed once a minute."""
    postgres.run(SCHEMA + ROWS.format(first=1, last=3000))
    return postgres


def records(result) -> list[int]:
    return [stream.records for stream in result.streams]


# ---- only what changed


def test_a_night_moves_what_changed_since_the_last_one(orders, company):
    table = incremental(overlap="10min")
    assert records(company.night(table)) == [3000]
    orders.run(
        "update orders set state = 'paid', changed = now() where id <= 20;"
        + ROWS.format(first=3001, last=3005)
    )
    night = company.night(table)
    assert records(night) == [20 + 5 + 11]  # 11: within the overlap, the newest itself among them
    assert (night.total("rows_loaded"), night.total("rows_duplicate")) == (25, 11)
    assert company.query("select status, count(*) from raw_crm.orders group by 1 order by 1") == [
        ("paid", 20),
        ("placed", 2985),
    ]


def test_a_quiet_night_of_a_table_without_rows_loads_nothing(postgres, company):
    postgres.run(SCHEMA)
    for _ in range(2):
        assert records(company.night(incremental())) == [0]
    assert company.query("select * from ingest.cursors") == []


def test_the_server_finds_what_is_new_by_its_index(orders, company):
    orders.run(ROWS.format(first=3001, last=60_000) + "analyze orders;")
    table = incremental(overlap="1min")
    company.night(table)
    (cursor,) = company.query("select value from ingest.cursors")[0]
    settings = company.settings(table)
    with open_database("crm", settings, company.home.extensions) as database:
        read = database.read(settings.sources["crm"].tables[0], cursor)
    plan = orders.run(f"explain {read.sql}")
    assert "orders_changed_idx" in plan
    assert "Seq Scan" not in plan


def test_a_commit_that_comes_late_arrives_within_the_overlap(orders, company):
    table = incremental(overlap="1h")
    company.night(table)
    with transaction(orders, "insert into orders values (9001, 'late', now(), 'placed', now());") as commit:
        orders.run("insert into orders values (9002, 'soon', now(), 'placed', clock_timestamp());")
        company.night(table)
        assert company.query("select customer_id from raw_crm.orders where order_id in ('9001', '9002')") == [
            ("soon",)
        ]
        commit()
    company.night(table)
    assert company.query("select count(*) from raw_crm.orders where customer_id = 'late'") == [(1,)]


def test_a_row_dated_2099_does_not_hide_what_comes_before_2099(orders, company):
    orders.run(
        "insert into orders values (9001, 'x', now(), 'future', '2099-01-01Z'), (9002, 'x', now(), 'x', 'infinity')"
    )
    table = incremental(overlap="1min")
    first = company.night(table).streams[0]
    assert first.cursor is not None
    assert abs(
        dt.datetime.fromisoformat(first.cursor) - dt.datetime.now(dt.UTC).replace(tzinfo=None)
    ) < dt.timedelta(minutes=5)
    assert "later than the server's clock" in first.notes[0]
    orders.run("update orders set state = 'paid', changed = now() where id = 7")
    company.night(table)
    assert company.query("select status from raw_crm.orders where order_id = '7'") == [("paid",)]


def test_rows_without_a_watermark_are_read_every_night_and_reported(orders, company):
    table = incremental(overlap="1min")
    company.night(table)
    orders.run("insert into orders values (9001, 'x', now(), 'a', null), (9002, 'x', now(), 'b', null)")
    for _ in range(2):
        stream = company.night(table).streams[0]
        assert stream.records == 2 + 2  # the two of the overlap, and these
        assert stream.notes[0].startswith("2 rows have no changed")
    assert company.query("select count(*) from raw_crm.orders") == [(3002,)]


@pytest.mark.parametrize(
    ("type_", "value", "overlap"),
    [
        ("timestamp", "timestamp '2024-01-01' + n * interval '1 day'", "1d"),
        ("timestamptz", "timestamptz '2024-01-01Z' + n * interval '1 day'", "1d"),
        ("date", "date '2024-01-01' + n", "1d"),
        ("integer", "n", 1),
        ("bigint", "n + 5000000000", 1),
    ],
)
def test_watermarks_of_every_type(postgres, company, type_, value, overlap):
    postgres.run(
        f"create table marked (id integer, at timestamptz, mark {type_});"
        f"insert into marked select n, now(), {value} from generate_series(1, 50) n"
    )
    company.timezone = "Asia/Tokyo"
    table = {
        "table": "crm.orders",
        "from": "public.marked",
        "columns": {"order_id": "id", "ordered_at": "at"},
        "watermark": {"column": "mark", "overlap": overlap},
    }
    assert records(company.night(table)) == [50]
    postgres.run(f"insert into marked select n, now(), {value} from generate_series(51, 60) n")
    assert records(company.night(table)) == [12]
    assert company.query("select count(*) from raw_crm.orders") == [(60,)]


def test_a_changed_mapping_reads_the_table_anew(orders, company):
    table = incremental(overlap="1min")
    company.night(table)
    other = {**table, "columns": {**table["columns"], "sales_channel": {"constant": "web"}}}
    assert records(company.night(other)) == [3000]
    assert company.query("select distinct sales_channel from raw_crm.orders") == [("web",)]
    assert records(company.night({**other, "watermark": {"column": "changed", "overlap": "2min"}})) == [3]


@pytest.mark.parametrize(
    ("watermark", "says"),
    [
        ({"column": "id"}, "write its overlap as a whole number"),
        ({"column": "changed", "overlap": 5}, "write its overlap as a duration, such as 1h"),
        ({"column": "state"}, "It must be a time, a date or a whole number"),
        ({"column": "nope"}, "the watermark 'nope' is not there"),
    ],
)
def test_a_watermark_that_cannot_be_one_is_an_error(orders, company, watermark, says):
    with pytest.raises(DatabaseError, match=says):
        company.night({**ORDERS, "watermark": watermark})


# ---- values


def test_values_arrive_as_they_are(postgres, company):
    postgres.run("""
        create type mood as enum ('happy', 'sad');
        create table people (
            id uuid, born timestamptz, local timestamp, day date, tags text[], traits jsonb, mood mood, code char(5)
        );
        insert into people values (
            'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2024-07-01 10:00:00.123456+02', '2024-07-01 10:00', '2024-02-29',
            '{a,"b c"}', '{"x": [1, null]}', 'happy', 'ab'
        );
    """)
    company.timezone = "Asia/Tokyo"
    columns = {"customer_id": "id", "registered_at": "born", "updated_at": "local", "traits": "traits"}
    table = {"table": "crm.customers", "from": "public.people"}
    names = {"acquisition_channel": "mood", "country": "code", "locale": "tags"}
    company.night({**table, "columns": columns | names})
    assert company.query(
        """select customer_id, registered_at, updated_at, traits, acquisition_channel, country, locale
        from raw_crm.customers"""
    ) == [
        (
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            dt.datetime(2024, 7, 1, 8, 0, 0, 123456),
            dt.datetime(2024, 7, 1, 1, 0),  # no zone in the database: the source's, Tokyo
            '{"x": [1, null]}',
            "happy",
            "ab",
            '["a", "b c"]',
        )
    ]


def test_numbers_are_exact_or_in_quarantine(postgres, company):
    postgres.run("""
        create table lines (id integer, price numeric, declared numeric(12, 2));
        insert into lines values
            (1, 0.1, 19999999.99), (2, 1234567890123.4567, 1), (3, 1.00005, -0.01),
            (4, 'NaN', 1), (5, 'Infinity', 1), (6, 1e45, 1), (7, 1, 'NaN');
    """)
    company.night(
        {
            "table": "crm.order_lines",
            "from": "public.lines",
            "columns": {
                "order_id": "id", "line_number": {"constant": 1}, "product_id": {"constant": "p"},
                "unit_price": "price", "quantity": "declared",
            },
        }
    )  # fmt: skip
    assert company.query("select order_id, unit_price, quantity from raw_crm.order_lines order by 1") == [
        ("1", Decimal("0.1000"), Decimal("19999999.9900")),
        ("2", Decimal("1234567890123.4567"), Decimal("1.0000")),
        ("3", Decimal("1.0000"), Decimal("-0.0100")),
    ]
    assert company.reasons() == {"unit_price is no decimal": 3, "quantity is no decimal": 1}
    assert company.query("select original_text from quarantine.rows where original_text like '%45%'") == []


def test_times_beyond_the_calendar_are_in_quarantine(postgres, company):
    postgres.run(SCHEMA)
    postgres.run("""
        insert into orders values (1, 'x', 'infinity', 'a', null), (2, 'x', '-infinity', 'b', null),
            (3, 'x', '0044-03-15 BC', 'c', null), (4, 'x', '200000-01-01', 'd', null),
            (5, 'x', '2024-01-01Z', 'e', null)
    """)
    company.night(ORDERS)
    assert company.query("select order_id from raw_crm.orders") == [("5",)]
    assert company.reasons() == {"ordered_at is no timestamp": 4}


def test_a_query_speaks_utc_whatever_the_role_prefers(postgres, company):
    postgres.run(
        SCHEMA + "insert into orders values (1, 'x', '2024-01-01 23:30Z', 'a', null);"
        f"alter database {postgres.name} set timezone = 'Asia/Tokyo';"
        f"alter database {postgres.name} set datestyle = 'German';"
    )
    query = "select id, placed::text as placed, placed::date::text as state from orders -- and a comment;"
    table = {key: value for key, value in ORDERS.items() if key != "from"}
    company.night(
        {**table, "query": query, "columns": {"order_id": "id", "ordered_at": "placed", "status": "state"}}
    )
    assert company.query("select ordered_at, status from raw_crm.orders") == [
        (dt.datetime(2024, 1, 1, 23, 30), "2024-01-01")
    ]


def test_only_mapped_columns_travel(orders, company):
    settings = company.settings({**ORDERS, "columns": {"order_id": "id", "ordered_at": "placed"}})
    with open_database("crm", settings, company.home.extensions) as database:
        blocks = list(database.read(settings.sources["crm"].tables[0], None).blocks())
    assert [name for name in blocks[0].frame.columns if ":" not in name] == ["id", "placed"]


def test_columns_over_time_a_new_one_is_kept_and_a_retyped_one_refused(orders, company):
    company.night(incremental())
    orders.run("alter table orders add column tier text, alter column state type varchar(40)")
    orders.run(ROWS.format(first=3001, last=3001) + "update orders set tier = 'gold' where id = 3001;")
    assert company.night(incremental()).columns.kept == ("'tier' of public.orders",)
    assert company.query("select order_id, _extra from raw_crm.orders where _extra is not null") == [
        ("3001", '{"tier":"gold"}')
    ]
    orders.run("alter table orders alter column id type bigint")  # still a whole number
    company.night(incremental())
    orders.run("alter table orders alter column placed type timestamp")
    with pytest.raises(DatabaseError) as raised:
        company.night(incremental())
    assert "'placed' holds timestamp where it held timestamp with time zone before" in str(raised.value)


def test_a_new_column_is_kept_and_reported_and_an_unmapped_one_is_not_gone(orders, company):
    table = incremental({**ORDERS, "columns": {"order_id": "id", "ordered_at": "placed"}}, overlap="1min")
    company.night(table)
    orders.run(
        "alter table orders add gift boolean; update orders set gift = true, changed = now() where id = 7"
    )
    night = company.night(table)
    assert night.columns.kept == ("'gift' of public.orders",)
    assert night.columns.gone == ()
    assert company.query("select order_id, _extra from raw_crm.orders where _extra is not null") == [
        ("7", '{"gift":true}')
    ]


def test_tables_of_one_night_are_of_one_moment(orders, company):
    lines = {
        "table": "crm.order_lines",
        "from": "public.lines",
        "columns": {
            "order_id": "id", "line_number": {"constant": 1}, "product_id": {"constant": "p"},
            "unit_price": {"constant": 1}, "quantity": {"constant": 1},
        },
    }  # fmt: skip
    orders.run("create table lines as select id from orders")

    def meanwhile(_done: int, _total: int, what: str) -> None:
        if what == "public.orders" and orders.run("select max(id) from lines") == "3000":
            orders.run(ROWS.format(first=9001, last=9001) + "insert into lines values (9001)")

    company.night(ORDERS, lines, progress=meanwhile)
    assert company.query(
        "select count(*) from raw_crm.order_lines anti join raw_crm.orders using (order_id)"
    ) == [(0,)]


# ---- deletions


def test_deletions_are_shown_and_on_demand_applied_and_a_rebuild_repeats_them(orders, company):
    table = incremental()
    company.night(table)
    orders.run("delete from orders where id % 100 = 0")
    (found,) = company.deletions(table)
    assert (found.table, found.rows_held, found.rows_gone) == ("crm.orders", 3000, 30)
    assert company.query("select count(*) from raw_crm.orders") == [(3000,)]
    company.deletions(table, apply=True)
    expected = company.raw()
    assert len(expected) == 2970
    assert company.deletions(table)[0].rows_gone == 0
    company.rebuild()
    assert company.raw() == expected


def test_a_comparison_of_keys_knows_rows_that_quarantine_holds(orders, company):
    table = incremental(overlap="1min")
    company.night(table)
    orders.run(
        "alter table orders alter placed drop not null; update orders set placed = null, changed = now() where id = 5"
    )
    company.night(table)
    assert company.reasons() == {"ordered_at is empty": 1}
    assert company.deletions(table)[0].rows_gone == 0


def test_nothing_is_deleted_while_a_row_has_no_readable_key(orders, company):
    columns = {**ORDERS["columns"], "order_id": {"sql": "case when state = 'broken' then null else id end"}}
    table = {**ORDERS, "columns": columns}
    company.night(table)
    orders.run("delete from orders where id = 1; update orders set state = 'broken' where id = 2")
    assert company.night(table).total("rows_deleted") == 0
    (found,) = company.deletions(table, apply=True)
    assert (found.rows_gone, found.rows_without_key) == (2, 1)
    assert company.query("select count(*) from raw_crm.orders") == [(3000,)]


def test_a_table_that_has_shrunk_beyond_belief_is_refused(orders, company):
    company.night(ORDERS)
    orders.run("truncate orders")
    with pytest.raises(DatabaseError, match=r"source crm, public.orders: .*stop_shrunk_share"):
        company.night(ORDERS)
    assert company.query("select count(*) from raw_crm.orders") == [(3000,)]


def test_a_table_that_is_read_whole_is_a_snapshot(orders, company):
    company.night(ORDERS)
    orders.run("delete from orders where id = 1")
    night = company.night(ORDERS)
    assert (night.total("rows_duplicate"), night.total("rows_deleted")) == (2999, 1)
    assert company.query("select count(*) from raw_crm.orders") == [(2999,)]


# ---- what can go wrong


@pytest.fixture
def reader(orders: Postgres) -> Iterator[Postgres]:
    """A role that may read the orders."""
    name = f"reader_{orders.name}"
    orders.run(f"create role {name} login password '{PASSWORD}'; grant select on orders to {name}")
    yield orders
    orders.run(f"drop owned by {name}; drop role {name}")


def test_a_reader_with_a_password_reads(reader, company, monkeypatch):
    monkeypatch.setenv(VARIABLE, reader.address(f"reader_{reader.name}", PASSWORD))
    assert records(company.night(incremental())) == [3000]


@pytest.mark.parametrize(
    ("change", "password", "says"),
    [
        ("alter role {role} valid until '2020-01-01'", PASSWORD, "the password is wrong or has expired"),
        ("", "another-Passw0rd", "the password is wrong or has expired"),
        ("alter role {role} nologin", PASSWORD, "refused the login"),
        ("revoke select on orders from {role}", PASSWORD, "public.orders: the user may not read it"),
        (
            "revoke connect on database {name} from public",
            PASSWORD,
            "does not let this user into this database",
        ),
    ],
)
def test_a_refused_login_or_read_is_one_clear_message(reader, company, monkeypatch, change, password, says):
    role = f"reader_{reader.name}"
    reader.run(change.format(role=role, name=reader.name))
    monkeypatch.setenv(VARIABLE, reader.address(role, password))
    with pytest.raises(DatabaseError, match=says) as caught:
        company.night(incremental())
    assert str(caught.value).startswith("source crm")
    assert_says_nothing_secret(
        caught.value, password, role, reader.address(role, password), reader.socket_folder
    )
    assert company.query("select * from ingest.loads") == []


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("postgresql://someone:hidden@no-such-host.invalid/crm", "nobody knows the host"),
        ("postgresql://someone:hidden@127.0.0.1:1/crm", "no server answers"),
        ("host=127.0.0.1 port=1 user=someone password=hidden dbname=crm", "no server answers"),
        ("someone:hidden@127.0.0.1/crm", "is no connection string"),
        ("host=127.0.0.1 pasword=hidden user=someone", "is no connection string"),
    ],
)
def test_an_address_that_leads_nowhere_is_not_repeated(company, monkeypatch, address, says):
    monkeypatch.setenv(VARIABLE, address)
    with pytest.raises(DatabaseError, match=says) as caught:
        company.night(ORDERS)
    assert VARIABLE in str(caught.value)
    assert_says_nothing_secret(caught.value, "hidden", "someone", "127.0.0.1", "no-such-host")
    said = "".join(traceback.format_exception(caught.value))
    assert "hidden" not in said


def test_an_unknown_database_is_named_as_such(orders, company, monkeypatch):
    monkeypatch.setenv(VARIABLE, orders.address(name="nope"))
    with pytest.raises(DatabaseError, match="the server has no such database"):
        company.night(ORDERS)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"from": "public.nope"}, "public.nope: the database has no such table or view as public.nope"),
        ({"from": "public.Orders"}, "no such table or view"),
        (
            {"columns": {"order_id": "nope", "ordered_at": "placed"}},
            "'nope', which is not there. There are: id,",
        ),
        ({"query": "select nope from orders"}, "names a column that is not there as nope"),
        ({"query": "selec * from orders"}, "no select statement"),
        ({"query": "delete from orders returning *"}, "no select statement|wants to write"),
        ({"query": "select id, id, placed from orders"}, "two columns of one name"),
        ({"query": "select setval('counter', 5) as id, now() as placed"}, "wants to write"),
        (
            {"query": "select customer::int as id, placed from orders"},
            "an expression of the query fails for a row",
        ),
    ],
)
def test_settings_that_do_not_suit_the_database_are_one_clear_message(orders, company, change, says):
    orders.run("create sequence counter; update orders set customer = 'private@example.com'")
    table = {key: value for key, value in ORDERS.items() if key != "from" or "query" not in change}
    columns = {"order_id": "id", "ordered_at": "placed"}
    with pytest.raises(DatabaseError, match=says) as caught:
        company.night({**table, "columns": columns, **change})
    assert_says_nothing_secret(caught.value, "private@example.com", orders.address())
    assert company.query("select * from ingest.loads") == []
    assert orders.run("select count(*) from orders; select last_value from counter") == "3000\n1"


def test_the_variable_is_not_set(company, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(
        Exception, match=rf"sources\.crm\.connection\.env: the environment variable {VARIABLE} is not set"
    ):
        company.night(ORDERS)


def test_numbering_records_is_refused(orders, company):
    columns = {
        "order_id": "id", "line_number": {"number_within": ["id"]}, "product_id": "customer",
        "quantity": {"constant": 1}, "unit_price": {"constant": 1},
    }  # fmt: skip
    with pytest.raises(Exception, match=r"row_number\(\) over"):
        company.night({"table": "crm.order_lines", "from": "public.orders", "columns": columns})


def test_a_connection_that_dies_in_mid_read_leaves_nothing_and_the_next_night_all(orders, tmp_path, company):
    orders.run(ROWS.format(first=3001, last=150_000))
    table = incremental()
    undisturbed = Company(tmp_path / "undisturbed")
    undisturbed.folder.mkdir()
    undisturbed.night(table)

    def kill(done: int, _total: int, _what: str) -> None:
        if done:
            orders.run(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'kizuna'"
            )

    with pytest.raises(DatabaseError, match="the connection was lost while reading") as caught:
        company.night(table, progress=kill)
    assert_says_nothing_secret(caught.value, orders.address(), orders.socket_folder)
    assert company.query(
        "select (select count(*) from raw_crm.orders) + (select count(*) from ingest.cursors)"
    ) == [(0,)]
    assert records(company.night(table)) == [150_000]
    assert company.raw() == undisturbed.raw()


def test_a_server_that_dies_in_mid_read_is_one_clear_message(company, monkeypatch):
    folder = Path(tempfile.mkdtemp(prefix="kz"))
    server = Postgres(started(folder), "postgres")
    try:
        server.run(SCHEMA + ROWS.format(first=1, last=150_000))
        monkeypatch.setenv(VARIABLE, server.address())

        def kill(done: int, _total: int, _what: str) -> None:
            if done == BLOCK_ROWS:
                stop(server, folder)

        with pytest.raises(DatabaseError, match="the connection was lost while reading"):
            company.night(incremental(), progress=kill)
        with pytest.raises(DatabaseError, match="no server answers"):
            company.night(incremental())
        assert company.query("select count(*) from raw_crm.orders") == [(0,)]
        server.server.ensure_postgres_running()
        assert records(company.night(incremental())) == [150_000]
    finally:
        server.server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def stop(server: Postgres, folder: Path) -> None:
    """At once, as a power failure would."""
    control = [str(server.server.bin_path / "pg_ctl"), "stop", "-D", str(folder), "-m", "immediate", "-w"]
    owner = server.server.system_user
    if owner and os.geteuid() == 0:
        control = ["su", owner, "-s", "/bin/sh", "-c", " ".join(control)]
    subprocess.run(control, check=True, capture_output=True)


@contextmanager
def transaction(database: Postgres, sql: str) -> Iterator:
    """A transaction that has run a statement and not committed it; what it yields commits."""
    shell = subprocess.Popen(database.shell(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert shell.stdin
    assert shell.stdout
    shell.stdin.write(f"begin; {sql}\n\\echo waiting\n")
    shell.stdin.flush()
    assert shell.stdout.readline() == "waiting\n"

    def commit() -> None:
        shell.communicate("commit;\n", timeout=30)

    try:
        yield commit
    finally:
        shell.kill()
        shell.wait()
