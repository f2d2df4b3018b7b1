"""A disk that is full and a state folder that cannot be written: one clear message, and the next night goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from night_process import NightProcess, Order

CONFIG = """
company: {name: x}
privacy: {customer_key: {public: x}}
sources:
  orders:
    files: orders/*.csv
    format: csv
    tables:
      - table: crm.orders
        columns: {order_id: id, customer_id: who, ordered_at: at}
"""
KIBIBYTE = 1024
ORDERS = 20_000


@pytest.fixture(scope="module")
def nights() -> Iterator[NightProcess]:
    process = NightProcess()
    yield process
    process.end()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "orders").mkdir()
    for n in range(2):
        rows = [f"{n}-{i},{os.urandom(8).hex()},2024-01-01" for i in range(ORDERS)]
        (tmp_path / "orders" / f"{n}.csv").write_text("\n".join(["id,who,at", *rows]), encoding="utf-8")
    path = tmp_path / "kizuna.yml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def orders(home: Path) -> tuple[int, int]:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        [row] = connection.execute(
            "select (select count(*) from raw_crm.orders), (select sum(rows_loaded) from ingest.loads)"
        ).fetchall()
    return row


# The landed rows take some 400 KiB, the warehouse two MiB: full while it lands, while it commits, and at once.
@pytest.mark.parametrize("file_size", [8, 100, 900, 1500, 2500])
def test_a_full_disk_is_one_message_and_the_next_night_goes_on(config, tmp_path, nights, file_size):
    home = tmp_path / "home"
    night = nights.run(Order(config, home, file_size=file_size * KIBIBYTE))
    assert (night.exit, night.traceback) == (0, "")
    name, message = night.errors["orders"]
    assert name == "StateFolderError"
    assert "File too large" in message or "os error 27" in message or "write" in message
    assert "the next run goes on" in message
    night = nights.run(Order(config, home))
    assert (night.errors, night.traceback) == ({}, "")
    assert orders(home) == (2 * ORDERS, 2 * ORDERS)
