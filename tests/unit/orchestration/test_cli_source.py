"""``kizuna source`` and ``kizuna doctor --connect`` as people meet them, but in this process: a start takes seconds."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from fixtures.command_line import Kizuna

CONFIG = """
company: {name: x}
privacy: {customer_key: {public: p}}
sources:
  customers:
    files: "customers*.csv"
    format: csv
    required: false
    tables: [{table: crm.customers, columns: {customer_id: id, email: mail, registered_at: at}}]
  shop:
    database: sqlite
    path: shop.db
    tables: [{table: crm.products, from: products, columns: {product_id: id, name: name}}]
"""
ROWS = "id,mail,at\n1,anna@example.com,2026-01-01\n2,bert@example.com,soon\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "kizuna.yml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "customers.csv").write_text(ROWS, encoding="utf-8")
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("create table products (id integer primary key, name text)")
        connection.executemany("insert into products values (?, ?)", [(1, "a"), (2, "b"), (3, "c")])
    connection.close()
    return tmp_path


def _ingest(shop: Path, source: str) -> None:
    from pipelines.home import Home
    from pipelines.ingest import ingest_source
    from pipelines.settings import load_settings

    ingest_source(Home(shop / ".kizuna").create(), load_settings(shop / "kizuna.yml"), source)


def test_preview_shows_what_would_come_of_a_file_and_writes_nothing(kizuna: Kizuna, shop: Path) -> None:
    found = kizuna("source", "preview", "customers.csv")
    assert found.returncode == 0, found.stderr
    assert "source customers" in found.stdout
    assert "1: registered_at is no timestamp (line 3)" in found.stdout
    assert "anna" not in found.stdout
    assert not (shop / ".kizuna").exists()
    assert "anna@example.com" in kizuna("source", "preview", "customers.csv", "--values").stdout


def test_preview_as_json_holds_no_values_unasked(kizuna: Kizuna, shop: Path) -> None:
    found = kizuna("source", "preview", "customers.csv", "--json")
    plain = json.loads(found.stdout)
    assert plain["tables"][0]["refused"] == [
        {"reason": "registered_at is no timestamp", "count": 1, "lines": [3]}
    ]
    assert "anna" not in found.stdout


def test_a_preview_fits_eighty_columns(kizuna: Kizuna, shop: Path) -> None:
    found = kizuna("source", "preview", "customers.csv")
    narrow = kizuna("source", "preview", "customers.csv", columns=80)
    assert found.returncode == narrow.returncode == 0
    assert max(len(line) for line in narrow.stdout.splitlines()) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.csv",), "there is no such file"),
        (("shop.db", "--format", "csv"), "kizuna: shop.db: "),
        (("shop.db",), "no source in"),
        (("customers.csv", "--format", "cvs"), "'cvs' is no format"),
        (("customers.csv", "--source", "shop"), "sources.shop reads no files"),
        (("customers.csv", "--source", "none"), "there is no source 'none'"),
        (("customers.csv", "--delimiter", ";"), "--delimiter goes with --format"),
    ],
)
def test_a_preview_that_cannot_be_is_one_message(
    kizuna: Kizuna, shop: Path, arguments: tuple[str, ...], message: str
) -> None:
    found = kizuna("source", "preview", *arguments)
    assert found.returncode == 1
    assert message in found.stderr
    assert "Traceback" not in found.stderr


def test_suggest_writes_a_file_that_preview_takes_and_never_overwrites_one(
    kizuna: Kizuna, shop: Path
) -> None:
    export = shop / "exports" / "orders.csv"
    export.parent.mkdir()
    export.write_text("order_id,order_date,customer_id\n1,2026-01-01,7\n", encoding="utf-8")
    first = kizuna("source", "suggest", "exports/orders.csv", "--output", "new/kizuna.yml")
    assert first.returncode == 0, first.stderr
    assert "files: ../exports/orders.csv" in (shop / "new" / "kizuna.yml").read_text().replace('"', "")
    look = kizuna("source", "preview", "exports/orders.csv", "--config", "new/kizuna.yml")
    assert "1 rows: 1 would be loaded" in look.stdout
    again = kizuna("source", "suggest", "exports/orders.csv", "--output", "new/kizuna.yml")
    assert again.returncode == 1
    assert "--force" in again.stderr
    assert kizuna("source", "suggest", "exports/orders.csv").stdout.startswith("# A first mapping")


def test_list_shows_what_each_source_has_brought_in(kizuna: Kizuna, shop: Path) -> None:
    before = json.loads(kizuna("source", "list", "--json").stdout)
    assert [(source["name"], source["kind"], source["last_new_at"]) for source in before] == [
        ("customers", "csv", None),
        ("shop", "sqlite", None),
    ]
    _ingest(shop, "customers")
    after = json.loads(kizuna("source", "list", "--json").stdout)
    assert (after[0]["rows_loaded"], after[0]["rows_quarantined"]) == (1, 1)
    assert "crm.customers" in kizuna("source", "list").stdout


def test_deletions_are_only_told_until_they_are_applied(kizuna: Kizuna, shop: Path) -> None:
    _ingest(shop, "shop")
    with sqlite3.connect(shop / "shop.db") as connection:
        connection.execute("delete from products where id = 2")
    connection.close()
    dry = kizuna("source", "deletions", "shop")
    assert dry.returncode == 0, dry.stderr
    assert "--apply" in dry.stdout
    applied = json.loads(kizuna("source", "deletions", "shop", "--apply", "--json").stdout)
    assert applied[0]["rows_gone"] == 1
    assert json.loads(kizuna("source", "deletions", "shop", "--json").stdout)[0]["rows_gone"] == 0
    files = kizuna("source", "deletions", "customers")
    assert files.returncode == 1
    assert "is no database" in files.stderr


def test_doctor_asks_a_database_only_when_told(kizuna: Kizuna, shop: Path) -> None:
    quiet = kizuna("doctor")
    assert "it needs no secret" in quiet.stdout
    assert "answers" not in quiet.stdout
    assert "sqlite answers" in kizuna("doctor", "--connect").stdout
    (shop / "shop.db").unlink()
    gone = kizuna("doctor", "--connect")
    assert gone.returncode == 1
    assert "Traceback" not in gone.stderr


def test_doctor_names_a_source_whose_rows_outlived_its_settings(kizuna: Kizuna, shop: Path) -> None:
    _ingest(shop, "shop")
    (shop / "kizuna.yml").write_text(CONFIG.replace("  shop:", "  store:"))
    found = kizuna("doctor").stdout
    assert "source shop" in found
    assert "give it the old one again" in found
    (shop / "kizuna.yml").write_text(CONFIG.replace("  shop:", "  store:").replace("public: p", "public: q"))
    assert "give it the old one again" not in kizuna("doctor").stdout  # the warehouse is another company's
