"""A CRM in a real MariaDB. Skipped where none is installed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from database_company import ORDERS, VARIABLE, Company, assert_says_nothing_secret, incremental
from database_servers import PASSWORD, MariaDb

from pipelines.sources.database import DatabaseError, open_database

TABLE = {**ORDERS, "from": "orders"}
ROWS = """
insert into orders
select seq, concat('c', seq % 7), '2024-01-01' + interval seq minute, 'placed', '2024-01-01' + interval seq minute
from seq_{first}_to_{last};
"""


@pytest.fixture
def company(tmp_path) -> Company:
    return Company(tmp_path, database="mysql", timezone="Asia/Tokyo")


@pytest.fixture
def orders(mariadb: MariaDb) -> MariaDb:
    """A table of 3,000 orders: ``placed`` is local, ``changed`` an instant."""
    mariadb.run(
        """
        create table orders (
            id int primary key, customer varchar(200), placed datetime(6), state varchar(20),
            changed timestamp(6) null, key changed_index (changed)
        );
        set time_zone = '+00:00';
    """
        + ROWS.format(first=1, last=3000)
    )
    return mariadb


def test_only_what_changed_is_read_and_both_kinds_of_time_are_right(orders, company):
    table = incremental(TABLE, overlap="10min")
    assert company.night(table).streams[0].records == 3000
    assert company.query("select ordered_at, updated_at from raw_crm.orders where order_id = '1'") == [
        (dt.datetime(2023, 12, 31, 15, 1), dt.datetime(2024, 1, 1, 0, 1))
    ]
    orders.run(
        "update orders set state = 'paid', changed = utc_timestamp(6) where id <= 20;"
        "insert into orders values (9001, 'x', '2024-01-01', 'new', null)"
    )
    night = company.night(table).streams[0]
    assert night.records == 20 + 11 + 1
    assert night.notes[0].startswith("1 rows have no changed")
    assert company.query("select count(*) from raw_crm.orders where status = 'paid'") == [(20,)]


def test_the_server_finds_what_is_new_by_its_index(orders, company):
    orders.run(ROWS.format(first=3001, last=30_000) + "analyze table orders")
    table = incremental(TABLE, overlap="1min")
    company.night(table)
    (cursor,) = company.query("select value from ingest.cursors")[0]
    settings = company.settings(table)
    with open_database("crm", settings, company.home.extensions) as database:
        read = database.read(settings.sources["crm"].tables[0], cursor)
    assert "changed_index" in orders.run(f"explain {read.sql}").split("\t")


def test_values_are_exact_or_in_quarantine(mariadb, company):
    mariadb.run("""
        set sql_mode = '';
        create table things (
            id bigint unsigned, price decimal(65, 30), traits json, paid bit(1), day date, kind enum('a', 'b'),
            at datetime
        );
        insert into things values
            (18446744073709551615, 1234567890123.4567, '{"x": [1]}', b'1', '2024-02-29', 'b', '2024-01-01 09:00'),
            (2, 99999999999999999999.5, null, b'0', null, null, '2024-01-01 09:00'),
            (3, 1, null, null, null, 'a', '0000-00-00');
    """)
    company.night(
        {
            "table": "crm.order_lines",
            "from": "things",
            "columns": {
                "order_id": "id", "line_number": {"constant": 1}, "product_id": {"sql": "coalesce(kind, '-')"},
                "unit_price": "price", "quantity": {"constant": 1}, "updated_at": "at",
            },
        },
        {
            "table": "support.tickets",
            "from": "things",
            "columns": {"ticket_id": "id", "opened_at": {"constant": "2024-01-01"}, "is_complaint": "paid"},
        },
    )  # fmt: skip
    assert company.query("select order_id, unit_price, product_id from raw_crm.order_lines") == [
        ("18446744073709551615", Decimal("1234567890123.4567"), "b")
    ]
    assert company.query("select is_complaint from raw_support.tickets order by ticket_id") == [
        (True,),
        (False,),
        (None,),
    ]
    assert company.reasons() == {
        "unit_price is no decimal": 1,
        "updated_at is no timestamp": 1,
    }


def test_deletions_and_queries(orders, company):
    table = {key: value for key, value in TABLE.items() if key != "from"} | {"query": "select * from orders;"}
    company.night(incremental(table))
    orders.run("delete from orders where id % 100 = 0")
    assert company.deletions(incremental(table))[0].rows_gone == 30
    company.deletions(incremental(table), apply=True)
    assert company.query("select count(*) from raw_crm.orders") == [(2970,)]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (lambda db: db.address(password="wr0ng-pass"), "the password is wrong or has expired"),
        (lambda db: db.address(port=1), "no server answers"),
        (lambda db: db.address().replace("127.0.0.1", "no-such-host.invalid"), "nobody knows the host"),
        (lambda db: db.address().replace(db.name, "nope"), "no such database|does not let this user"),
        (lambda db: f"mysql://reader:{PASSWORD}@127.0.0.1:1/{db.name}", "no server answers"),
    ],
)
def test_an_address_that_leads_nowhere_is_not_repeated(orders, company, monkeypatch, address, says):
    monkeypatch.setenv(VARIABLE, address(orders))
    with pytest.raises(DatabaseError, match=says) as caught:
        company.night(TABLE)
    assert_says_nothing_secret(caught.value, PASSWORD, "wr0ng-pass", "reader", "127.0.0.1", "no-such-host")


def test_an_expired_password_is_one_clear_message(orders, company):
    orders.run("alter user reader@localhost password expire")
    try:
        with pytest.raises(DatabaseError, match="the password is wrong or has expired"):
            company.night(TABLE)
    finally:
        orders.run("alter user reader@localhost password expire never")
        orders.run(f"set password for reader@localhost = password('{PASSWORD}')")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"from": "nope"}, "no such table or view"),
        ({"from": "mysql.user"}, "the user may not read it"),
        ({"query": "select nope from orders"}, "names a column that is not there as nope"),
        ({"query": "delete from orders"}, "no select statement"),
    ],
)
def test_settings_that_do_not_suit_the_database_are_one_clear_message(orders, company, change, says):
    table = {key: value for key, value in TABLE.items() if key != "from" or "query" not in change}
    with pytest.raises(DatabaseError, match=says) as caught:
        company.night({**table, **change})
    assert_says_nothing_secret(caught.value, PASSWORD, "reader")
    assert orders.run("select count(*) from orders") == "3000"


def test_a_connection_that_dies_in_mid_read_leaves_nothing_and_the_next_night_all(orders, company):
    # More than fits into the buffers on the way, compressed as it is: else all has come before the kill.
    digest = ", ".join(f"md5(id + {n}00000)" for n in range(6))
    orders.run(ROWS.format(first=3001, last=150_000) + f"update orders set customer = concat({digest})")

    def kill(done: int, _total: int, _what: str) -> None:
        if done:
            for process in orders.run(
                "select id from information_schema.processlist where user = 'reader'"
            ).split():
                orders.run(f"kill {process}")

    with pytest.raises(DatabaseError, match=r"was lost while reading|cancelled the read"):
        company.night(incremental(TABLE), progress=kill)
    assert company.query(
        "select (select count(*) from raw_crm.orders) + (select count(*) from ingest.cursors)"
    ) == [(0,)]
    assert company.night(incremental(TABLE)).streams[0].records == 150_000
