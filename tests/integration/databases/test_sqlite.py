"""A CRM in an SQLite file: types belong to its values, and its times are texts or numbers."""

from __future__ import annotations

import datetime as dt
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal

import pytest
from database_company import ORDERS, Company, incremental

from pipelines.settings import SettingsError
from pipelines.sources.database import DatabaseError

TABLE = {**ORDERS, "from": "orders"}
Run = Callable[..., None]


@pytest.fixture
def company(tmp_path) -> Company:
    return Company(tmp_path, database="sqlite", timezone="Asia/Tokyo")


@pytest.fixture
def run(company) -> Run:
    """Runs statements on the file, each with its rows; two orders are in it."""

    def run(sql: str, *rows: tuple) -> None:
        with sqlite3.connect(company.folder / "crm.sqlite") as connection:
            connection.executemany(sql, rows or [()])
        connection.close()

    run("create table orders (id integer primary key, customer, placed, state, changed)")
    run(
        "insert into orders values (?, ?, ?, ?, ?)",
        (1, "a", "2024-01-01 10:00:00", "placed", "2024-01-01 10:00:00"),
        (2, "b", "2024-01-01T12:00:00", "placed", "2024-01-01T12:00:00"),
    )
    return run


def test_only_what_changed_is_read(company, run):
    table = incremental(TABLE)
    assert company.night(table).streams[0].records == 2
    run("update orders set state = 'paid', changed = '2024-01-03 09:00:00.250' where id = 1")
    run("insert into orders values (3, 'c', '2024-01-03', 'placed', null)")
    assert company.night(table).streams[0].records == 3  # with the newest of the first night
    assert company.query("select order_id, status, updated_at from raw_crm.orders order by 1") == [
        ("1", "paid", dt.datetime(2024, 1, 3, 0, 0, 0, 250_000)),  # nine o'clock in Tokyo
        ("2", "placed", dt.datetime(2024, 1, 1, 3, 0)),
        ("3", "placed", None),
    ]
    assert company.night(table).streams[0].records == 2


def test_a_whole_number_is_a_watermark_with_an_overlap_of_its_kind(company, run):
    run("update orders set changed = 1704067200 + id")
    columns = {name: column for name, column in TABLE["columns"].items() if name != "updated_at"}
    table = incremental({**TABLE, "columns": columns}, overlap=0)
    assert company.night(table).streams[0].records == 2
    run("insert into orders values (3, 'c', '2024-01-03', 'placed', 1704067300)")
    assert company.night(table).streams[0].records == 2


def test_a_watermark_that_is_no_time_is_an_error(company, run):
    run("insert into orders values (3, 'c', '2024-01-03', 'placed', 'yesterday')")
    with pytest.raises(
        DatabaseError, match="source crm, orders: the watermark 'changed' holds values that are no times"
    ):
        company.night(incremental(TABLE))


def test_values_of_any_type_in_one_column(company, run):
    run("create table lines (id, price, quantity)")
    run(
        "insert into lines values (?, ?, ?)",
        ("a", 0.1, 2),
        (7, "19.99", 1.5),
        ("broken", "cheap", 1),
        (b"\x01\xff", 5, True),
    )
    company.night(
        {
            "table": "crm.order_lines",
            "from": "lines",
            "columns": {
                "order_id": "id", "line_number": {"constant": 1}, "product_id": {"constant": "p"},
                "unit_price": "price", "quantity": "quantity",
            },
        }
    )  # fmt: skip
    assert company.query("select order_id, unit_price, quantity from raw_crm.order_lines order by 1") == [
        ("01FF", Decimal(5), Decimal(1)),
        ("7", Decimal("19.99"), Decimal("1.5")),
        ("a", Decimal("0.1"), Decimal(2)),
    ]
    assert company.reasons() == {"unit_price is no decimal": 1}


def test_deletions_and_snapshots(company, run):
    table = incremental(TABLE)
    company.night(table)
    run("delete from orders where id = 1")
    assert company.deletions(table)[0].rows_gone == 1
    company.deletions(table, apply=True)
    assert company.query("select order_id from raw_crm.orders") == [("2",)]


def test_the_file_is_only_read(company, run):
    table = {key: value for key, value in TABLE.items() if key != "from"}
    with pytest.raises(DatabaseError):
        company.night({**table, "query": "delete from orders returning *"})
    before = (company.folder / "crm.sqlite").read_bytes()
    company.night(TABLE)
    assert (company.folder / "crm.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"from": "nope"}, "no such table or view as nope"),
        ({"columns": {**TABLE["columns"], "status": "State"}}, "'State', which is not there"),
    ],
)
def test_settings_that_do_not_suit_are_one_clear_message(company, run, change, says):
    with pytest.raises(DatabaseError, match=says):
        company.night({**TABLE, **change})


def test_a_file_that_is_missing_or_no_database(company):
    with pytest.raises(SettingsError, match=r"sources\.crm\.path: there is no file crm\.sqlite"):
        company.night(TABLE)
    (company.folder / "crm.sqlite").write_text("id,customer\n" * 100)
    with pytest.raises(DatabaseError, match="the file is no SQLite database"):
        company.night(TABLE)


def test_another_program_holds_the_file(company, run):
    lock = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('begin exclusive'); print(); input()"
    # A process of its own: two libraries in one process do not see each other's locks.
    writer = subprocess.Popen(
        [sys.executable, "-c", lock, company.folder / "crm.sqlite"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert writer.stdout
    writer.stdout.readline()
    with pytest.raises(DatabaseError, match="another program is writing to the file"):
        company.night(TABLE)
    writer.communicate(b"\n", timeout=30)
    assert company.night(TABLE).streams[0].records == 2


def test_a_new_column_travels_into_extra_and_a_dropped_one_is_named(company, run):
    company.night(incremental(TABLE))
    run("alter table orders add column tier")
    run("alter table orders add column coupon")
    run("insert into orders values (3, 'c', '2024-01-03', 'placed', '2024-01-03', 'gold', 7)")
    changes = company.night(incremental(TABLE)).columns
    assert changes.kept == ("'coupon' of orders", "'tier' of orders")
    assert company.query("select _extra from raw_crm.orders where order_id = 3") == [
        ('{"coupon":"7","tier":"gold"}',)
    ]
    run("alter table orders drop column coupon")
    assert company.night(incremental(TABLE)).columns.gone == ("'coupon' of orders",)
